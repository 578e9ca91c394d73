"""strace's account is read as it was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from vienna_runtime.selftest.errors import CannotTry
from vienna_runtime.selftest.trace import Call, Cut, Linked, Made, Removed, Renamed, Said, Synced, Wrote, calls, strace

BELOW = Path("/d")
TELL = 9


def text(data: str) -> str:
    return '"' + "".join(f"\\x{byte:02x}" for byte in data.encode()) + '"'


def read(*lines: str) -> list[Call]:
    return list(calls([f"17  {line}\n" if line[0].isalpha() else f"{line}\n" for line in lines], BELOW, TELL))


OPEN = f"openat(AT_FDCWD, {text('/d/a')}, O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 5"


def test_writes_of_every_kind_land_where_the_kernel_put_them() -> None:
    found = read(
        OPEN,
        f"pwrite64(5, {text('ab')}, 2, 10) = 2",
        f"write(5, {text('cd')}, 2) = 2",
        "lseek(5, 4, SEEK_SET) = 4",
        f"writev(5, [{{iov_base={text('ef')}, iov_len=2}}, {{iov_base={text('gh')}, iov_len=2}}], 2) = 3",
        f"pwritev(5, [{{iov_base={text('ij')}, iov_len=2}}], 1, 20) = 2",
        "ftruncate(5, 7) = 0",
        "fallocate(5, 0, 0, 64) = 0",
    )
    assert found == [
        Made("/d/a", directory=False),
        Wrote("/d/a", 10, b"ab", through=False),
        Wrote("/d/a", 0, b"cd", through=False),
        Wrote("/d/a", 4, b"efg", through=False),
        Wrote("/d/a", 20, b"ij", through=False),
        Cut("/d/a", 7),
        Cut("/d/a", 64),
    ]


def test_appending_goes_to_the_end_and_o_dsync_goes_through() -> None:
    found = read(
        f"openat(AT_FDCWD, {text('/d/a')}, O_WRONLY|O_CREAT|O_APPEND) = 5",
        f"openat(AT_FDCWD, {text('/d/a')}, O_WRONLY|O_DSYNC) = 6",
        f"pwrite64(6, {text('xyz')}, 3, 0) = 3",
        f"write(5, {text('!')}, 1) = 1",
    )
    assert found[1:] == [Wrote("/d/a", 0, b"xyz", through=True), Wrote("/d/a", 3, b"!", through=False)]


def test_names_and_what_is_told() -> None:
    found = read(
        f"mkdir({text('/d/in')}, 0700) = 0",
        OPEN,
        f"rename({text('/d/a')}, {text('/d/b')}) = 0",
        f"write(5, {text('x')}, 1) = 1",
        f"write({TELL}, {text('done')}, 4) = 4",
        f"unlink({text('/d/b')}) = 0",
        f"rmdir({text('/d/in')}) = 0",
    )
    assert found == [
        Made("/d/in", directory=True),
        Made("/d/a", directory=False),
        Renamed("/d/a", "/d/b"),
        Wrote("/d/b", 0, b"x", through=False),
        Said(b"done"),
        Removed("/d/b"),
        Removed("/d/in"),
    ]


def test_a_link_is_one_more_name_and_not_followed_for_a_file_that_is_open() -> None:
    link = f"linkat(AT_FDCWD, {text('/d/a')}, AT_FDCWD, {text('/d/b')}, 0) = 0"
    assert read(OPEN, "close(5) = 0", link)[1:] == [Linked("/d/a", "/d/b")]
    with pytest.raises(CannotTry, match="a file that is open"):
        read(OPEN, link)


def test_what_failed_and_what_lies_elsewhere_is_left_out() -> None:
    assert (
        read(
            f"openat(AT_FDCWD, {text('/elsewhere')}, O_RDWR|O_CREAT, 0600) = 5",
            f"write(5, {text('x')}, 1) = 1",
            f"mkdir({text('/d/in')}, 0700) = -1 EEXIST (File exists)",
            f"rename({text('/elsewhere')}, {text('/other')}) = 0",
        )
        == []
    )


def test_a_sync_in_another_thread_covers_what_came_before_it_began() -> None:
    found = read(
        OPEN,
        f"write(5, {text('a')}, 1) = 1",
        "18  fsync(5 <unfinished ...>",
        f"17  write(5, {text('b')}, 1) = 1",
        "18  <... fsync resumed>)              = 0",
    )
    assert found[-2:] == [Wrote("/d/a", 1, b"b", through=False), Synced("/d/a", 2)]


def test_a_call_that_is_not_understood_is_not_guessed_at() -> None:
    with pytest.raises(CannotTry, match="not understood"):
        read(OPEN, "sync_file_range(5, 0, 10, 0) = 0")
    with pytest.raises(CannotTry, match="not understood"):
        read(OPEN, f"link({text('/d/a')}, {text('/d/b')}) = 0")


def test_without_strace_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CannotTry, match="package strace"):
        strace()
