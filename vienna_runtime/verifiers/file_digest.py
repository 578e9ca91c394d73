"""The SHA-256 of a file below a root, or that there is none."""

from __future__ import annotations

import attrs
import trio

from vienna_runtime.executors import params, walk
from vienna_runtime.executors.file import read
from vienna_runtime.executors.settings import Table
from vienna_runtime.executors.subject import Subject
from vienna_runtime.executors.template import Template
from vienna_runtime.verifiers import expect
from vienna_runtime.verifiers.observe import Absent, Expectation, FromReceipt, Source, Value


@attrs.frozen(kw_only=True)
class FileDigest:
    subject: Subject
    source: Source
    root: str
    path: Template
    most: int  # bytes

    def expected(self, expectation: Expectation) -> Value:
        return expect.digest(expect.resolve(self.source, expectation))

    async def look(self, expectation: Expectation) -> Value:
        parts = walk.components(self.path.render(expectation.values(self.subject)), "the path")
        return await trio.to_thread.run_sync(self._digest, parts)

    def _digest(self, parts: list[bytes]) -> Value:
        # a directory on the way that is missing, a link, an unreadable file: it was not seen, so nothing is concluded
        with walk.root(self.root) as root, walk.directory(root, parts[:-1]) as directory, walk.place(directory, parts[-1]) as found:
            if found is None:
                return Absent()
            return read(found[0], most=self.most, keep=0)[2]


def file_digest(table: Table, subject: Subject) -> FileDigest:
    return FileDigest(
        subject=subject,
        source=expect.source(table, subject.declared, FromReceipt("result_digest")),
        root=table.directory("root"),
        path=params.template(table, "path", table.text("path"), subject.declared),
        most=table.size("max_size", "1GiB"),
    )
