"""Every piece of a small ledger and of its tiles in which a bit can be turned over, and the check that has to notice.

The checks are the ones that ``verify`` runs, asked of the one thing that a flip can touch: what else it runs reads bytes
that are as they were.

    entry, node     ``audit_entries.EntriesCheck``, from where it stood before that entry
    body            the CRC that stands before it
    checkpoint      the row that ends a log: its parts against the entries, and the signed note by the log's keys
    commitments     the leaves against the root in the node's entry
    tile            a bundle by its entries' hashes, a hash by the entry or the tile below it
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hmac import compare_digest
from pathlib import Path

import attrs

from ledger import NODE, VerificationError, commitments, seal, stored
from ledger.audit_entries import EntriesCheck
from ledger.environment import NUMBER, Environment
from ledger.opening import check_head
from ledger.published import opened
from ledger.tail import Tail, parse_row
from ledger.tile_export import export
from ledger.tile_paths import ENTRIES, WIDTH, Tile
from ledger.tile_reader import fold
from ledger.tiles import entries_in, hashes_in
from ledger.tree import HASH_SIZE, leaf_hash, nodes_with_leaf
from ledger.trust import Trust
from vienna_runtime.selftest import script
from vienna_runtime.selftest.keys import NODE_NAME, DerivedKeys

KINDS = ("entry", "node", "body", "checkpoint", "commitments", "tile of entries", "tile of hashes")
_AT_ONCE = 100  # entries of a log in one commit


@attrs.frozen
class Place:
    """Some bytes, and which of their bits are of this kind; ``check`` raises VerificationError for others in their place."""

    kind: str
    name: str
    data: bytes = attrs.field(repr=False)
    bits: range
    check: Callable[[bytes], None] = attrs.field(repr=False)
    file: str = ""  # below the tiles' directory; empty for what lies in the data file


def build(directory: Path, entries: int) -> None:
    """A ledger of some logs with so many entries each, and its tiles beside it."""
    ledger = script.open_ledger(directory / "ledger", map_size=1 << 26)
    try:
        for log in script.LOGS:
            ledger.create(log, time=script.BEGUN, actor="operator")
        for first in range(0, entries, _AT_ONCE):
            ledger.append_many([script.batch(log, first, min(_AT_ONCE, entries - first)) for log in script.LOGS])
            ledger.commit_heads(time=script.BEGUN, actor="node")
    finally:
        ledger.close()
    with opened(directory / "ledger") as logs:
        for name in sorted(logs, reverse=True):
            export(logs[name], tiles_of(directory) / logs[name].checkpoint.origin)


def tiles_of(directory: Path) -> Path:
    """Where the tiles lie that ``build`` makes."""
    return directory / "tiles"


def places(directory: Path) -> list[Place]:
    """All of them, in memory."""
    env, found = Environment(directory / "ledger", read_only=True), list[Place]()
    trust = Trust(DerivedKeys().verifier(NODE))
    try:
        with env.reading() as txn:
            rows = {key[1:].decode(): row for key, row in txn.cursor(env.table("logs"))}
            for log in sorted(rows):  # the node's first: it names the keys of the others
                tail, _ = parse_row(rows[log])
                check = EntriesCheck(log, tail.id, b"")
                for index, value in stored.values(env, txn, tail.id, 0, tail.size):
                    found += _entry(log, index, value, check.aside())
                    for header in check.take([value]):
                        if log == NODE:
                            trust.heed(header)
                        if header.tag == commitments.TAG:
                            leaves = txn.get(NUMBER.pack(index), db=env.table("commitments"))
                            found.append(_commitments(index, header.public, leaves))
                    body = stored.body_at(env, txn, tail.id, index)
                    assert body is not None
                    found.append(Place("body", f"{log}, body {index}", body, _whole(body), _check_body))
                found.append(_row(log, rows[log], tail, trust))
    finally:
        env.close()
    for log in rows:
        found += _tiles(tiles_of(directory), NODE_NAME if log == NODE else f"{NODE_NAME}/{log}", parse_row(rows[log])[0].size)
    return found


def _whole(data: bytes) -> range:
    return range(len(data) * 8)


def _entry(log: str, index: int, value: bytes, before: EntriesCheck) -> Iterator[Place]:
    border = HASH_SIZE * nodes_with_leaf(index) * 8

    def check(changed: bytes) -> None:
        before.aside().take([changed])

    yield Place("node", f"{log}, nodes {index}", value, range(border), check)
    yield Place("entry", f"{log}, entry {index}", value, range(border, len(value) * 8), check)


def _check_body(changed: bytes) -> None:
    if not seal.is_whole(changed):
        raise VerificationError("the sealed body is damaged")


def _row(log: str, row: bytes, tail: Tail, trust: Trust) -> Place:
    def check(changed: bytes) -> None:
        stated, checkpoint = parse_row(changed)
        if stated != tail:
            raise VerificationError("the row that ends the log differs from its entries")
        check_head(stated, trust.open(log, checkpoint))

    return Place("checkpoint", f"{log}, row", row, _whole(row), check)


def _commitments(index: int, public: bytes, leaves: bytes) -> Place:
    def check(changed: bytes) -> None:
        commitments.parse(public, changed)

    return Place("commitments", f"commitments {index}", leaves, _whole(leaves), check)


def _tiles(directory: Path, origin: str, size: int) -> Iterator[Place]:
    """The bundles and tiles of one log, each with what is checked against it."""
    for path in sorted((directory / origin / "tile").rglob("*")):
        tile = Tile.parse(path.relative_to(directory / origin).as_posix()) if path.is_file() else None
        if tile is None:
            continue
        data, name = path.read_bytes(), path.relative_to(directory).as_posix()
        if tile.level == ENTRIES:
            hashes = _read(directory / origin, attrs.evolve(tile, level=0), size)
            check = _bundle(tile, entries_in(data, tile.width), hashes_in(hashes, tile.width))
            yield Place("tile of entries", name, data, _whole(data), check, name)
        else:
            yield Place("tile of hashes", name, data, _whole(data), _hashes(directory / origin, tile, data, size), name)


def _bundle(tile: Tile, entries: list[bytes], hashes: list[bytes]) -> Callable[[bytes], None]:
    def check(changed: bytes) -> None:
        for at, (entry, before) in enumerate(zip(entries_in(changed, tile.width), entries, strict=True)):
            if entry is not before and entry != before and not compare_digest(leaf_hash(entry), hashes[at]):
                raise VerificationError("the entry does not hash to what its tile holds")

    return check


def _hashes(place: Path, tile: Tile, data: bytes, size: int) -> Callable[[bytes], None]:
    before = hashes_in(data, tile.width)
    below = [Tile(ENTRIES if tile.level == 0 else tile.level - 1, tile.index, tile.width)] if tile.level == 0 else []
    entries = entries_in(_read(place, below[0], size), tile.width) if below else []

    def check(changed: bytes) -> None:
        for at, (found, was) in enumerate(zip(hashes_in(changed, tile.width), before, strict=True)):
            if found != was:
                if tile.level == 0:
                    expected = leaf_hash(entries[at])
                else:
                    child = Tile(tile.level - 1, tile.start + at)
                    expected = fold(hashes_in(_read(place, child, size), WIDTH))
                if not compare_digest(found, expected):
                    raise VerificationError("a hash is not what lies below it")

    return check


def _read(place: Path, tile: Tile, size: int) -> bytes:
    """A tile's bytes; the full one where there is one."""
    path = place / (tile.full if tile.full.is_in(size) else tile).path
    return path.read_bytes()
