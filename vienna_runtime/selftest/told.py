"""What a writer says of itself, a line at a time, and what a reader may therefore expect of the disk.

    {"to": {log: size, …}}                                            it begins a commit that leads there
    {"at": {log: [size, root], …}, "snapshots": {log: digest, …}}     a commit was acknowledged
    {"failed": why}                                                   its outcome is not known

A line that its writer did not live to end is not heard.  Between two acknowledgements there is one commit, so the disk is
at the last one or where the next one leads, whole, and nowhere between.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

import attrs

from ledger import Ledger


@attrs.frozen
class Told:
    """Where the logs must be: acknowledged sizes and roots, and the sizes that the commit under way leads to."""

    at: Mapping[str, tuple[int, str]] = attrs.Factory(dict)
    to: Mapping[str, int] | None = None
    snapshots: Mapping[str, str] = attrs.Factory(dict)
    acknowledged: int = 0  # commits
    failed: int = 0  # commits

    @property
    def sizes(self) -> dict[str, int]:
        """The acknowledged size of each log."""
        return {log: size for log, (size, _) in self.at.items()}

    @property
    def entries(self) -> int:
        """How many entries were acknowledged."""
        return sum(self.sizes.values())

    def hear(self, line: bytes) -> Told:
        """What is expected after one more line."""
        said = json.loads(line)
        if "to" in said:
            return attrs.evolve(self, to=said["to"])
        if "failed" in said:
            return attrs.evolve(self, failed=self.failed + 1)
        at = {log: (size, root) for log, (size, root) in said["at"].items()}
        return Told(at, None, said["snapshots"], self.acknowledged + 1, self.failed)


NOTHING = Told()


def heard(text: bytes, before: Told = NOTHING) -> Told:
    """What is expected after all that was said."""
    for line in text.splitlines(keepends=True):
        if line.endswith(b"\n"):
            before = before.hear(line)
    return before


class Telling:
    """Says each line with one system call, so that it is heard even when the next thing that happens is the end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.snapshots: dict[str, str] = {}

    def begins(self, to: Mapping[str, int]) -> None:
        """Before a commit."""
        self._say({"to": dict(to)})

    def acknowledged(self, ledger: Ledger) -> None:
        """After it has returned."""
        at = {log: [head.size, head.root.hex()] for log, head in ledger.logs().items()}
        self._say({"at": at, "snapshots": self.snapshots})

    def failed(self, why: Exception) -> None:
        """When it has not."""
        self._say({"failed": str(why)})

    def _say(self, line: object) -> None:
        data = json.dumps(line).encode() + b"\n"
        if os.write(self._descriptor, data) != len(data):
            raise OSError("whoever listens takes no more")
