"""Beside the tiles of the node's log: what its ``log.heads/1`` entries commit to, so that other logs can be held against it.

    heads/<N>[.p/<W>]     for each entry of tile/entries/<N>[.p/<W>]: length in four bytes ‖ the leaves under its root,
                          none where the entry commits to nothing

No part of tlog-tiles, and no client of it looks there.  An entry holds only the root over its leaves (``commitments``);
without them one would have to guess which logs had grown to which size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from struct import Struct

import attrs

from ledger import commitments
from ledger.entry import NODE
from ledger.environment import NUMBER
from ledger.errors import VerificationError
from ledger.header import Header
from ledger.tile_paths import ENTRIES, WIDTH, Tile
from ledger.tile_reader import Fetch
from ledger.tree import HASH_SIZE

DIRECTORY = "heads"
LARGEST = 1 << 30  # bytes of one file: 256 commitments to some 58,000 logs each, more than one node serves
_LENGTH = Struct(">I")


def path_of(bundle: Tile) -> str:
    """Where the leaves for a bundle of entries lie."""
    return DIRECTORY + bundle.path.removeprefix("tile/entries")


def compose(lists: Sequence[bytes]) -> bytes:
    """The file for these entries' leaves."""
    return b"".join(_LENGTH.pack(len(leaves)) + leaves for leaves in lists)


def parse(data: bytes, width: int) -> list[bytes]:
    """The leaves of at least ``width`` entries, of the first so many; else VerificationError."""
    found, at = list[bytes](), 0
    while len(found) < width and at + _LENGTH.size <= len(data):
        start = at + _LENGTH.size
        at = start + int(_LENGTH.unpack_from(data, at)[0])
        found.append(data[start:at])
    if len(found) < width or at > len(data):
        raise VerificationError("it is cut")
    return found


class Heads:
    """What a node's log commits to, gathered while its headers come in order.  VerificationError for any byte that is not so."""

    def __init__(self, fetch: Fetch, size: int) -> None:
        self._fetch, self._size, self._at = fetch, size, 0
        self._held: tuple[int, list[bytes]] = (-1, [])
        # SHA-256 of the log's name → 40 bytes a commitment: size ‖ root. Bytes, since there may be one a second for years.
        self._found: dict[bytes, bytearray] = {}

    def heed(self, header: Header) -> None:
        """The next header of the node's log that says something in public."""
        if header.tag != commitments.TAG:
            return
        self._expect_none(header.sequence)
        try:
            for head in commitments.parse(header.public, self._leaves(header.sequence)):
                held = self._found.setdefault(head.name, bytearray())
                if held and head.size <= NUMBER.unpack_from(held, len(held) - NUMBER.size - HASH_SIZE)[0]:
                    raise VerificationError("the node's commitments to a log do not rise")
                held += NUMBER.pack(head.size) + head.root
        except VerificationError as error:
            raise error.at(NODE, header.sequence) from None
        self._at = header.sequence + 1

    def finish(self, logs: Sequence[str]) -> None:
        """No leaves lie where no entry commits to them, and only to ``logs`` was committed."""
        self._expect_none(self._size)
        if self._found.keys() - {commitments.name_hash(log) for log in logs}:
            raise VerificationError("the node's log commits to a log that was never admitted", log=NODE)

    def check_other(self, name: str) -> None:
        """A file below ``heads/`` is of this tree: an earlier width's, or it reaches beyond the checkpoint and begins as its own does."""
        bundle = Tile.parse(name.replace(DIRECTORY, "tile/entries", 1))
        if bundle is None or bundle.level != ENTRIES:
            raise VerificationError(f"{name} is no list of leaves: nothing else may lie there", log=NODE)
        covered = min(bundle.width, self._size - bundle.start)
        if covered <= 0:
            return  # of an export under way: a later checkpoint will vouch for it
        try:
            found = parse(self._fetch(name) or b"", bundle.width)
            if found[:covered] != self._read(attrs.evolve(bundle, width=min(WIDTH, self._size - bundle.start)))[:covered]:
                raise VerificationError("it differs from the same part of the tree's own list")
            if compose(found) != self._fetch(name):
                raise VerificationError("it holds more than its entries' leaves")
        except VerificationError as error:
            raise VerificationError(f"{name}: {error.what}", log=NODE, index=bundle.start) from None

    def of(self, log: str) -> Iterator[tuple[int, bytes]]:
        """(size, root) of every commitment to a log, rising."""
        held = bytes(self._found.get(commitments.name_hash(log), b""))
        for at in range(0, len(held), NUMBER.size + HASH_SIZE):
            yield NUMBER.unpack_from(held, at)[0], held[at + NUMBER.size : at + NUMBER.size + HASH_SIZE]

    def _expect_none(self, stop: int) -> None:
        for index in range(self._at, stop):
            if self._leaves(index):
                raise VerificationError(f"leaves lie in {self._bundle(index)} for an entry that commits to nothing", log=NODE, index=index)

    def _leaves(self, index: int) -> bytes:
        number = index // WIDTH
        if self._held[0] != number:
            width = min(WIDTH, self._size - number * WIDTH)
            self._held = number, self._read(Tile(ENTRIES, number, width))
        return self._held[1][index % WIDTH]

    def _read(self, bundle: Tile) -> list[bytes]:
        name = path_of(bundle)
        data = self._fetch(name)
        whole = data is not None
        if data is None and bundle.width != WIDTH:
            data = self._fetch(path_of(bundle.full))
        if data is None:
            raise VerificationError(f"{name} is missing", log=NODE, index=bundle.start)
        try:
            lists = parse(data, bundle.width)
            if whole and compose(lists) != data:
                raise VerificationError("it holds more than its entries' leaves")
        except VerificationError as error:
            raise VerificationError(f"{name}: {error.what}", log=NODE, index=bundle.start) from None
        return lists

    def _bundle(self, index: int) -> str:
        return path_of(Tile(ENTRIES, index // WIDTH, min(WIDTH, self._size - index // WIDTH * WIDTH)))
