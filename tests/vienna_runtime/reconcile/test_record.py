"""What providers say, line by line: strict, and never more than a line in memory."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from vienna_runtime.reconcile import access_log, directory
from vienna_runtime.reconcile.errors import EvidenceInvalid
from vienna_runtime.reconcile.record import LONGEST_LINE, Record, records

NOON = 1_795_000_000


def test_a_record_has_its_fields_and_times_of_both_kinds() -> None:
    text = b'{"place": "a", "time": "2026-11-22T20:04:20Z"}\n\n{"effect": "e", "time": 5, "digest": null}\n'
    assert list(records(io.BytesIO(text), "f")) == [Record(place="a", time=1_795_377_860_000_000), Record(effect="e", time=5)]


@pytest.mark.parametrize(
    "line",
    [
        b"x",
        b"[]",
        b"{}",
        b'{"actor": "a"}',
        b'{"place": 5}',
        b'{"place": "a", "time": "yesterday"}',
        b'{"place": "a", "time": "2026-11-22"}',
        b'{"place": "a", "time": -1}',
        b'{"place": "a", "idempotency_key": "x"}',
        b'{"place": "' + b"x" * LONGEST_LINE + b'"}',
        b"[" * 60_000,
    ],
)
def test_a_line_that_is_no_record_is_named(line: bytes) -> None:
    with pytest.raises(EvidenceInvalid, match="f:2"):
        list(records(io.BytesIO(b'{"place": "a"}\n' + line + b"\n"), "f"))


def test_of_an_access_log_what_may_have_changed_something_counts() -> None:
    text = b"""\
10.0.0.1 - deploy [22/Nov/2026:20:04:20 +0100] "POST /orders/1/refund?x=1 HTTP/1.1" 201 5
10.0.0.1 - - [22/Nov/2026:20:04:21 +0000] "DELETE /orders/2 HTTP/2.0" 204 - "-" "curl/8"
10.0.0.1 - - [22/Nov/2026:20:04:22 +0000] "GET /orders HTTP/1.1" 200 5
10.0.0.1 - - [22/Nov/2026:20:04:23 +0000] "POST /orders HTTP/1.1" 403 5
"""
    assert list(access_log.records(io.BytesIO(text), "f")) == [
        Record(time=1_795_374_260_000_000, place="POST /orders/1/refund", actor="deploy"),
        Record(time=1_795_377_861_000_000, place="DELETE /orders/2", actor="10.0.0.1"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense",
        b'h - - [32/Nov/2026:20:04:20 +0000] "POST / HTTP/1.1" 200 5',
        b'h - - [22/Foo/2026:20:04:20 +0000] "POST / HTTP/1.1" 200 5',
    ],
)
def test_a_line_that_is_none_of_an_access_log_is_not_passed_over(line: bytes) -> None:
    with pytest.raises(EvidenceInvalid, match="f:1"):
        list(access_log.records(io.BytesIO(line), "f"))


def test_a_directory_is_told_by_its_files_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a").write_bytes(b"")
    (tmp_path / "l").symlink_to("/etc/passwd")
    told = {record.place: record.digest for record in directory.records(tmp_path)}
    assert told == {"d/a": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "l": "link to '/etc/passwd'"}
