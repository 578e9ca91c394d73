"""The kinds of looks there are: how each is read from a check's table, and how it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vienna_runtime.executors.settings import Table
from vienna_runtime.executors.subject import Subject
from vienna_runtime.verifiers.exit_code import ExitCode, exit_code
from vienna_runtime.verifiers.file_digest import FileDigest, file_digest
from vienna_runtime.verifiers.git_ref import GitRef, git_ref
from vienna_runtime.verifiers.http import Http, http
from vienna_runtime.verifiers.json_output import JsonOutput, json_output
from vienna_runtime.verifiers.observe import Sight
from vienna_runtime.verifiers.port import Tcp, Tls, tcp, tls
from vienna_runtime.verifiers.sql import Sql, sql

READERS: Mapping[str, Callable[[Table, Subject], Sight]] = {
    "file_digest": file_digest,
    "exit_code": exit_code,
    "git_ref": git_ref,
    "http": http,
    "tcp": tcp,
    "tls": tls,
    "sql": sql,
    "json_output": json_output,
}
_NAMES: Mapping[type, str] = {
    FileDigest: "file_digest", ExitCode: "exit_code", GitRef: "git_ref", Http: "http", Tcp: "tcp", Tls: "tls", Sql: "sql",
    JsonOutput: "json_output",
}  # fmt: skip


def kind_of(sight: Sight) -> str:
    return _NAMES.get(type(sight), type(sight).__name__)
