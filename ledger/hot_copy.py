"""A ledger copied while its writer goes on: what was durable when the copy began is in it, at one moment for all logs.

    python -m ledger.hot_copy DIRECTORY TARGET

LMDB's own copy within one read transaction, compacting: pages that were freed, and the old ciphertext in them, stay behind.
It runs in a process of its own, since a damaged page kills whoever reads it.  Then come the archive's files that the *copy*
names: they never change, but one that was rewritten meanwhile is gone, and the copy with it is not one: ``CopyOvertaken``.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import lmdb

from ledger import archived, forgetting, removal
from ledger.directory import settle
from ledger.environment import Environment, Txn
from ledger.errors import CopyOvertaken, UnsuitableDirectory, VerificationError
from ledger.founding import DATA_FILE, LOCK_FILE
from ledger.segments import DIRECTORY as ARCHIVE
from ledger.tail import index_key, parse_row

T = TypeVar("T")

_OVERTAKEN = 3  # the child's exit code
_POLL = 0.2  # s between two looks at how far it has come

Copying = Callable[[str, int, int], None]  # what, bytes so far, bytes in all (0 where it is not known)


def nothing(what: str, done: int, whole: int) -> None:
    """Nobody watches."""


def copy(source: Path, target: Path, *, progress: Copying = nothing) -> None:
    """The ledger of ``source`` in the new directory ``target``, durable on return.

    Raises CopyOvertaken (do it again), VerificationError for damaged pages, UnsuitableDirectory where it cannot be done;
    what was begun is left for the caller to remove.
    """
    if not (source / DATA_FILE).exists():
        raise UnsuitableDirectory(f"there is no ledger in {source}")
    target.mkdir(mode=0o700)
    _copy_tables(source, target, progress)
    names = archive_of(target)
    for number, name in enumerate(names):
        progress(f"archive {name}", number, len(names))
        place = target / ARCHIVE / name
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            shutil.copyfile(source / ARCHIVE / name, place)
        except FileNotFoundError:
            raise CopyOvertaken(f"{name} of the archive was replaced while the ledger was copied") from None
        except OSError as error:
            raise UnsuitableDirectory(f"{place}: {error.strerror}") from error
        make_durable(place)


def archive_of(directory: Path) -> list[str]:
    """The archive's files that the tables in ``directory`` name, below the archive's own directory."""
    segments = _looked_up(directory, archived.of_log)
    leave_no_trace(directory)
    return [name for segment in segments for name in (segment.entries, segment.bodies) if name is not None]


def forgetting_of(directory: Path) -> list[tuple[int, bytes | None, bytes]]:
    """By log: how far forgetting has come.  While this is the same no key was destroyed that what is there needs.

    Bodies are sealed again before their old key is destroyed, which the row of what is owed says in the same transaction.
    """

    def state(env: Environment, txn: Txn, number: int) -> Iterator[tuple[int, bytes | None, bytes]]:
        newest = txn.get(index_key(number.to_bytes(4, "big"), removal.INDEX), db=env.table("index"))
        yield number, newest, b"".join(owes.row for owes in forgetting.owed(env, txn, number))

    return _looked_up(directory, state)


def _looked_up(directory: Path, look: Callable[[Environment, Txn, int], Iterable[T]]) -> list[T]:
    env = Environment(directory, read_only=True)
    try:
        with env.reading() as txn:
            numbers = sorted(parse_row(row)[0].id for _, row in txn.cursor(env.table("logs")))
            return [found for number in numbers for found in look(env, txn, number)]
    finally:
        env.close()


def leave_no_trace(copied: Path) -> None:
    """Remove what LMDB leaves beside a copy that was read: no part of it, and made anew by whoever opens it."""
    (copied / LOCK_FILE).unlink(missing_ok=True)


def make_durable(file: Path) -> None:
    """The file's content and name are on the disk, and nobody but its owner reads it."""
    handle = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fchmod(handle, 0o600)
        os.fsync(handle)
    finally:
        os.close(handle)
    settle(file.parent)


def _copy_tables(source: Path, target: Path, progress: Copying) -> None:
    command = [sys.executable, "-P", "-m", "ledger.hot_copy", str(source), str(target)]
    whole = (source / DATA_FILE).stat().st_blocks * 512  # an upper bound: freed pages are not copied
    said = b""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as child:  # noqa: S603  # our own program
        try:
            while True:
                try:
                    _, said = child.communicate(timeout=_POLL)
                    break
                except subprocess.TimeoutExpired:
                    progress("tables", _size(target / DATA_FILE), whole)
        except BaseException:
            child.kill()
            raise
    if child.returncode < 0:
        raise VerificationError(f"damaged pages: copying them died of {signal.Signals(-child.returncode).name}")
    if child.returncode == _OVERTAKEN:
        raise CopyOvertaken("the ledger outgrew its map while it was copied")
    if child.returncode:
        last = said.decode(errors="replace").strip().splitlines()[-1:]
        raise UnsuitableDirectory(f"the ledger of {source} could not be copied: {' '.join(last)}")
    make_durable(target / DATA_FILE)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def main(arguments: list[str]) -> int:
    """The child."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold what the ledger holds
    source, target = arguments
    os.umask(0o077)
    try:
        env = Environment(Path(source), read_only=True)
        try:
            env.copy(Path(target))
        finally:
            env.close()
    except lmdb.MapResizedError:
        return _OVERTAKEN
    except (lmdb.Error, OSError, UnsuitableDirectory) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
