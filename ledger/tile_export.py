"""A log as static files, C2SP tlog-tiles: whatever of them is there is whole, and the checkpoint comes last.

    checkpoint  tile/<L>/<N>[.p/<W>]  tile/entries/<N>[.p/<W>]      and of a node's own log heads/<N>[.p/<W>]

Only what the directory has not yet is written, each file synced under another name and renamed; a run that was
interrupted goes on where it stopped.  Partial tiles stay until their full one is there and the checkpoint that needs it
("Partial Tiles": a log MAY delete them then).  A file that is there with other bytes is never replaced: the directory is
another log's, or this ledger is not the one that it was.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hmac import compare_digest
from pathlib import Path
from typing import Protocol

import attrs

from ledger import tile_heads, tiles, witnessed
from ledger.checkpoint import Checkpoint
from ledger.errors import UnsuitableDirectory, VerificationError
from ledger.note import unverified_note
from ledger.tile_paths import ENTRIES, WIDTH, Tile, count_of, hashes_on, tiles_of
from ledger.tree import leaf_hash

CHECKPOINT = "checkpoint"
DRAFT = ".draft"  # what a file is called until it is whole; one exporter at a time, by the directory's lock

Progress = Callable[[int, int], None]  # files done, files to do


class Source(Protocol):
    """A log that is exported; ``ledger.published.Published`` is one."""

    @property
    def note(self) -> bytes:
        """Its newest checkpoint, signed by itself."""
        ...

    @property
    def checkpoint(self) -> Checkpoint:
        """What that says."""
        ...

    @property
    def witnessed(self) -> bytes | None:
        """The newest checkpoint that others have cosigned."""
        ...

    def content(self, tile: Tile) -> bytes:
        """The bytes of a tile or bundle it has."""
        ...

    def heads(self, bundle: Tile) -> bytes | None:
        """What the entries of a bundle commit to; None where the log is not a node's own."""
        ...

    def root_at(self, size: int) -> bytes:
        """The root of its first ``size`` entries."""
        ...


@attrs.frozen(kw_only=True)
class Exported:
    """What a run has done."""

    origin: str
    size: int  # of the checkpoint that is there now
    root: bytes
    before: int  # of the one that was there
    written: int  # files, without the checkpoint
    removed: int  # partial tiles whose full ones are there now
    cosigned: bool  # the checkpoint carries more than the log's own signatures


def no_progress(done: int, whole: int) -> None:
    """Nobody watches."""


def export(source: Source, target: Path, *, latest: bool = False, progress: Progress = no_progress) -> Exported:
    """Bring ``target`` up to the log: its newest cosigned checkpoint where there is one that the log's newest key has signed
    too, else (or if ``latest``) its newest.

    Raises UnsuitableDirectory for a directory that is not this log's, VerificationError for one that is ahead of the
    ledger or in conflict with it, and for a ledger whose entries do not hash to its own tree.
    """
    target.mkdir(parents=True, exist_ok=True)
    with _alone(target):
        known = _believed(source, target)
        note = source.note if latest else witnessed.to_publish(source.witnessed, source.note)
        checkpoint = Checkpoint.parse(unverified_note(note).text)
        if known is not None and known.size > checkpoint.size:  # written with ``latest`` before: never back
            note, checkpoint = (target / CHECKPOINT).read_bytes(), known
        if not compare_digest(source.root_at(checkpoint.size), checkpoint.root):
            raise VerificationError(f"the nodes that are stored lead to another root for size {checkpoint.size} than its checkpoint")
        before = 0 if known is None else known.size
        writer = _Writer(target)
        whole = count_of(checkpoint.size, since=before)
        for done, (tile, data) in enumerate(_contents(source, checkpoint.size, before)):
            progress(done, whole)
            writer.put(tile.path, data)
            if tile.level == ENTRIES and (heads := source.heads(tile)) is not None:
                writer.put(tile_heads.path_of(tile), heads)
        writer.sync()
        _replace(target, CHECKPOINT, note)
        removed = _remove_partials(target, before, checkpoint.size)
    signers = {signature.name for signature in unverified_note(note).unverified}
    return Exported(
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=checkpoint.root,
        before=before,
        written=writer.written,
        removed=removed,
        cosigned=signers != {checkpoint.origin},
    )


def _believed(source: Source, target: Path) -> Checkpoint | None:
    """What the directory's checkpoint says, if this ledger is its continuation."""
    path = target / CHECKPOINT
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        known = Checkpoint.parse(unverified_note(data).text)
    except VerificationError as error:
        raise VerificationError(f"{path}: {error.what}; if it is damaged, export into an empty directory") from None
    ours = source.checkpoint
    if known.origin != ours.origin:
        raise UnsuitableDirectory(f"{target} holds the log {known.origin}, not {ours.origin}; name another directory")
    if known.size > ours.size:
        raise VerificationError(
            f"{target} is ahead: it holds {known.size} entries of {known.origin}, this ledger has {ours.size}; "
            "the ledger is an older copy of itself, or an attacker cut it: look before you export or serve anything from it"
        )
    if not compare_digest(source.root_at(known.size), known.root):
        raise VerificationError(
            f"{target} is in conflict: its first {known.size} entries of {known.origin} are not this ledger's (a fork); "
            "keep both, they prove that one of them was rewritten"
        )
    return known


def _contents(source: Source, size: int, before: int) -> Iterator[tuple[Tile, bytes]]:
    """Every tile to be there, each bundle's entries held against the hashes of its tile."""
    expected = list[bytes]()
    for tile in tiles_of(size, since=before):
        data = source.content(tile)
        if tile.level == ENTRIES:
            expected = [leaf_hash(entry) for entry in tiles.entries_in(data, tile.width)]
        elif tile.level == 0:
            for at, (stored, found) in enumerate(zip(tiles.hashes_in(data, tile.width), expected, strict=True)):
                if not compare_digest(stored, found):
                    raise VerificationError("the stored leaf hash is another", index=tile.start + at)
        yield tile, data


class _Writer:
    """Puts files that may be there already, and syncs what they lie in."""

    def __init__(self, target: Path) -> None:
        self._target, self._touched = target, dict[Path, None]()
        self.written = 0

    def put(self, name: str, data: bytes) -> None:
        path = self._target / name
        try:
            if path.read_bytes() != data:
                raise VerificationError(
                    f"{path} is there with other bytes: another log's, damaged, or of a ledger that was rewritten; "
                    "verify the directory, or export into an empty one"
                )
        except FileNotFoundError:
            self._make(path.parent)
            _replace(self._target, name, data, sync=False)
            self._touched[path.parent] = None
            self.written += 1

    def sync(self) -> None:
        """Every file is durable under its name."""
        for directory in self._touched:
            _sync_directory(directory)

    def _make(self, directory: Path) -> None:
        if directory in self._touched or directory.is_dir():
            return
        self._make(directory.parent)
        directory.mkdir(exist_ok=True)
        self._touched[directory.parent] = None


def _replace(target: Path, name: str, data: bytes, *, sync: bool = True) -> None:
    draft = target / DRAFT
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(target / name)
    if sync:
        _sync_directory((target / name).parent)


def _remove_partials(target: Path, before: int, size: int) -> int:
    """Remove the partial tiles whose full one came with this run; those of a tile still partial stay, whatever their width."""
    removed, level = 0, ENTRIES
    while count := hashes_on(level, size):
        for index in range(hashes_on(level, before) // WIDTH, count // WIDTH):
            tile = Tile(level, index)
            for name in (tile.path, tile_heads.path_of(tile)) if level == ENTRIES else (tile.path,):
                partials = target / f"{name}.p"
                if partials.is_dir():
                    removed += len(list(partials.iterdir()))
                    shutil.rmtree(partials)
        level += 1
    return removed


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """One exporter a directory: two would write the same draft."""
    handle = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnsuitableDirectory(f"{target} is being exported into by another process; wait until it is done") from None
        yield
    finally:
        os.close(handle)


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
