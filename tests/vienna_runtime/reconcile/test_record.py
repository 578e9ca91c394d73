"""What providers say, line by line: strict, and never more than a line in memory."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path

import pytest

from vienna_runtime.reconcile import access_log, directory, git
from vienna_runtime.reconcile.errors import EvidenceInvalid
from vienna_runtime.reconcile.record import LONGEST_LINE, Record, records, spool, spooled

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


def test_what_strangers_send_to_a_server_does_not_keep_its_log_from_being_read() -> None:
    text = rb"""h - - [22/Nov/2026:20:04:20 +0000] "\x16\x03\x01\x02" 400 150 "-" "-"
h - - [22/Nov/2026:20:04:20 +0000] "-" 408 0
h - a [b] c [22/Nov/2026:20:04:20 +0000] "get \"x\" /" 401 0
h - a [22/Nov/2026:20:04:20 +0000] c [22/Nov/2026:20:04:21 +0000] "POST /orders/1 HTTP/1.1" 200 5
"""
    assert [(record.actor, record.place) for record in access_log.records(io.BytesIO(text), "f")] == [
        ("a [22/Nov/2026:20:04:20 +0000] c", "POST /orders/1")
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense",
        b'h - - [22/Nov/2026:20:04:20 +0000] "post / HTTP/1.1" 200 5',
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


def test_no_name_that_somebody_gives_a_file_or_a_ref_ends_the_comparison(tmp_path: Path) -> None:
    desk, at = tmp_path / "desk", os.getcwd()
    desk.mkdir()
    long = "n" * 200
    try:
        os.chdir(desk)
        for depth in range(25):
            os.mkdir(long)
            os.chdir(long)
            if depth in (12, 24):
                Path("hidden").write_bytes(b"")
    finally:
        os.chdir(at)
    (desk / "\udcff").write_bytes(b"")
    with io.BytesIO() as file:
        spool(directory.records(desk), file)
        told = {found.place.replace(long, "n"): found.digest for found in spooled(file, "directory")}
    deep = told.pop(max(told, key=len))
    assert (deep, set(told)) == ("too deep to be read", {"n/" * 13 + "hidden", "\\xff"})


def test_half_a_surrogate_is_spelt_out() -> None:
    assert [found.place for found in records(io.BytesIO(rb'{"place": "a\ud800"}'), "f")] == ["a\\ud800"]


def test_a_repository_is_the_one_that_was_named_and_its_refs_are_whole(tmp_path: Path) -> None:
    def run(*words: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        return subprocess.run(["git", "-C", str(tmp_path), *who, *words], check=True, capture_output=True, text=True).stdout.strip()

    run("init", "-q", "-b", "main")
    run("commit", "-q", "--allow-empty", "-m", "x")
    commit = run("rev-parse", "HEAD")
    run("branch", f"x\u2028{commit}")
    assert list(git.records(tmp_path)) == [
        Record(place="refs/heads/main", digest=commit),
        Record(place=f"refs/heads/x\u2028{commit}", digest=commit),
    ]
    (tmp_path / "below").mkdir()
    with pytest.raises(EvidenceInvalid, match="not a git repository"):
        list(git.records(tmp_path / "below"))
