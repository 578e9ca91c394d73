"""The kinds of looks there are: how each is read from a check's table, and how it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vienna_runtime.executors.settings import Table
from vienna_runtime.executors.subject import Subject
from vienna_runtime.verifiers.exit_code import ExitCode, exit_code
from vienna_runtime.verifiers.file_digest import FileDigest, file_digest
from vienna_runtime.verifiers.git_ref import GitRef, git_ref
from vienna_runtime.verifiers.observe import Sight

READERS: Mapping[str, Callable[[Table, Subject], Sight]] = {
    "file_digest": file_digest,
    "exit_code": exit_code,
    "git_ref": git_ref,
}
_NAMES: Mapping[type, str] = {FileDigest: "file_digest", ExitCode: "exit_code", GitRef: "git_ref"}


def kind_of(sight: Sight) -> str:
    return _NAMES.get(type(sight), type(sight).__name__)
