"""Exported tiles are checked offline: one log by its own key, or every log by the node's.

    a log's own key     the directory with its ``checkpoint``
    the node's key      the directory of the node's log, which says under which keys each tenant's log counts; then every
                        tenant's that lies below it, which must have had every root that the node committed to.  Or
                        one tenant's directory that lies below the node's

``vienna ledger export --all`` lays them so: ``<node>/checkpoint``, ``<node>/<tenant>/checkpoint``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from ledger import NODE, Checkpoint, Header, VerificationError, VerifierKey, open_checkpoint, tile_heads
from ledger.note import Note, open_note, unverified_note
from ledger.tile_audit import Audited, Headers, audit_tiles
from ledger.tile_heads import Heads
from ledger.tile_reader import directory
from ledger.trust import Trust

CHECKPOINT = "checkpoint"

Progress = Callable[[str, int, int], None]  # log, entries checked, entries in all


@attrs.frozen(kw_only=True)
class Log:
    """One log that was checked from end to end."""

    log: str
    audited: Audited
    note: bytes  # its checkpoint as it lies there, for whoever asks for witnesses
    keys: tuple[VerifierKey, ...]  # that count for it
    commitments: int  # of the node to it that held
    beyond: int  # of them to sizes that did not come: the node's log was exported later
    signed: Note  # opened by the log's keys: other signatures are not looked at


@attrs.frozen(kw_only=True)
class Report:
    """What a directory was found to hold."""

    logs: tuple[Log, ...]
    absent: tuple[str, ...]  # logs that the node's log names and that do not lie below it
    committed: bool = False  # whether the logs were held against the node's commitments to them


def is_there(path: Path, key: VerifierKey) -> bool:
    """Whether tiles lie at ``path``, or where an export of everything puts those of the key's owner."""
    return (path / CHECKPOINT).is_file() or (path / key.name / CHECKPOINT).is_file()


def verify_tiles(path: Path, key: VerifierKey, *, progress: Progress) -> Report:
    """Check every tile, bundle, header and checkpoint; VerificationError names the first file or place that is wrong."""
    place = path if (path / CHECKPOINT).is_file() else path / key.name
    origin = _unverified(place).origin
    if origin != key.name and not origin.startswith(f"{key.name}/"):
        raise VerificationError(f"{place} holds the log {origin}, the key is of {key.name}")
    if "/" in key.name:
        return Report(logs=(_by_own_key(place, key, progress),), absent=())
    if origin == key.name:
        trust, heads, first = _node(place, key, progress)
        names = [name for name in trust.admissions if (place / name / CHECKPOINT).is_file()]
        logs = [_tenant(place / name, name, trust, heads, progress) for name in names]
        return Report(
            logs=(first, *logs), absent=tuple(name for name in trust.admissions if name not in names), committed=heads is not None
        )
    if not (place.resolve().parent / CHECKPOINT).is_file():
        raise VerificationError(
            f"the node's key says nothing about {origin} alone: its own key stands in the node's log, which an export with --all "
            f"puts one directory above {place}; or name that log's own key"
        )
    trust, heads, first = _node(place.resolve().parent, key, progress)
    return Report(
        logs=(first, _tenant(place, origin.removeprefix(f"{key.name}/"), trust, heads, progress)), absent=(), committed=heads is not None
    )


def _node(place: Path, key: VerifierKey, progress: Progress) -> tuple[Trust, Heads | None, Log]:
    """The node's log, and what follows from it: believed once its checkpoint has opened."""
    trust = Trust(key)
    there = (place / tile_heads.DIRECTORY).is_dir()
    heads = Heads(directory(place, largest=tile_heads.LARGEST), _unverified(place).size) if there else None

    def heed(header: Header) -> None:
        trust.heed(header)
        if heads is not None:
            heads.heed(header)

    first = _check(place, NODE, Headers(NODE, heed), lambda note: trust.open(NODE, note), lambda: trust.keys_of(NODE), progress)
    if heads is not None:
        with _at(place):
            heads.finish(tuple(trust.admissions))
            for path in sorted(path for path in (place / tile_heads.DIRECTORY).rglob("*") if path.is_file()):
                heads.check_other(path.relative_to(place).as_posix())
    return trust, heads, first


def _tenant(place: Path, name: str, trust: Trust, heads: Heads | None, progress: Progress) -> Log:
    headers = Headers(name, committed=() if heads is None else heads.of(name))
    return _check(place, name, headers, lambda note: trust.open(name, note), lambda: trust.keys_of(name), progress)


def _by_own_key(place: Path, key: VerifierKey, progress: Progress) -> Log:
    name = key.name.partition("/")[2]
    return _check(place, name, Headers(name), lambda note: open_checkpoint(note, key), lambda: (key,), progress)


def _check(
    place: Path,
    name: str,
    headers: Headers,
    opened: Callable[[bytes], Checkpoint],
    keys: Callable[[], tuple[VerifierKey, ...]],
    progress: Progress,
) -> Log:
    """The tiles against what the checkpoint says, then its signature: only after its own entries are the node's keys known."""
    note = (place / CHECKPOINT).read_bytes()
    stated = _unverified(place)
    with _at(place):
        audited = audit_tiles(place, stated, on_entries=headers, progress=lambda done, whole: progress(name, done, whole))
        opened(note)
        signed = open_note(note, keys())
    return Log(log=name, audited=audited, note=note, keys=keys(), commitments=headers.met, beyond=headers.beyond(), signed=signed)


@contextmanager
def _at(place: Path) -> Iterator[None]:
    """What is wrong, with the directory it is wrong in."""
    try:
        yield
    except VerificationError as error:
        raise VerificationError(f"{place}: {error}") from None


def _unverified(place: Path) -> Checkpoint:
    try:
        return Checkpoint.parse(unverified_note((place / CHECKPOINT).read_bytes()).text)
    except VerificationError as error:
        raise VerificationError(f"{place / CHECKPOINT}: {error.what}") from None
