"""C2SP tlog-tiles made from a log: every tile and bundle, at any size the log has had, from what is stored anyway.

A bundle is the entries' headers, each behind its length in two bytes, big-endian; a header has at most 4,095.  What is
read here is not believed: whoever exports or serves it says so, and whoever reads it checks it against the checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from struct import Struct

from ledger import stored
from ledger.environment import Environment, Txn
from ledger.errors import VerificationError
from ledger.tile_paths import ENTRIES, HEIGHT, Tile
from ledger.tree import HASH_SIZE

_LENGTH = Struct(">H")


def content(env: Environment, txn: Txn, log: int, tile: Tile) -> bytes:
    """The bytes of a tile that the log has; VerificationError where something of it is missing."""
    start, stop = tile.start, tile.start + tile.width
    if tile.level > 0:
        node_at = stored.nodes(env, txn, log)
        return b"".join(node_at(HEIGHT * tile.level, index) for index in range(start, stop))
    found, at = list[bytes](), start
    for index, value in stored.values(env, txn, log, start, stop):
        if index != at:
            break
        hashes, entry = stored.split(index, value)
        found.append(entry if tile.level == ENTRIES else hashes[:HASH_SIZE])
        at += 1
    if at != stop:
        raise VerificationError("the entry is missing", index=at)
    return bundle(found) if tile.level == ENTRIES else b"".join(found)


def bundle(entries: Sequence[bytes]) -> bytes:
    """Entries as a bundle holds them ("Log entries")."""
    return b"".join(_LENGTH.pack(len(entry)) + entry for entry in entries)


def entries_in(data: bytes, width: int) -> list[bytes]:
    """The entries of a bundle that holds exactly ``width``; else VerificationError."""
    parts = list(_parts(data))
    if len(parts) != width or (parts[-1][1] if parts else 0) != len(data):
        raise VerificationError(f"a bundle of {len(parts)} whole entries where {width} and nothing else are expected")
    return [entry for entry, _ in parts]


def hashes_in(data: bytes, width: int) -> list[bytes]:
    """The hashes of a tile that holds exactly ``width``; else VerificationError."""
    if len(data) != HASH_SIZE * width:
        raise VerificationError(f"a tile of {len(data)} bytes where {HASH_SIZE * width} are expected")
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def shortened(tile: Tile, data: bytes) -> bytes:
    """The first ``tile.width`` hashes or entries of ``data``, which holds as many or more; else VerificationError."""
    if tile.level == ENTRIES:
        for number, (_, end) in enumerate(_parts(data), 1):
            if number == tile.width:
                return data[:end]
    elif len(data) >= HASH_SIZE * tile.width:
        return data[: HASH_SIZE * tile.width]
    raise VerificationError(f"{tile.path} is shorter than the tree")


def _parts(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Every whole entry from the start, and where it ends."""
    at = 0
    while at + _LENGTH.size <= len(data):
        start = at + _LENGTH.size
        at = start + int(_LENGTH.unpack_from(data, at)[0])
        if at > len(data):
            return
        yield data[start:at], at
