"""Reads what lies durably in a log as it comes, from the disk itself, and checks on the way that it is a log.

Each entry follows on the one before, hashes to its leaf and carries its body; the root that is signed is the root of all of
them.  Nothing of the ledger's own memory is asked.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import attrs
import msgpack

from actors.governance.codec import decode, decode_node
from actors.governance.node_law import KINDS
from ledger.environment import POSITION
from ledger.header import FIRST
from ledger.keys import Keys
from ledger.logs import row_key
from ledger.memory import Image
from ledger.seal import key_id, open_salted, unchecked
from ledger.stored import split
from ledger.tail import parse_row
from ledger.tree import extend, leaf_hash, root_of

SALT = 32


class Broken(Exception):
    """A promise that does not hold: its name, and what was seen."""

    def __init__(self, promise: str, seen: str) -> None:
        super().__init__(f"{promise}: {seen}")
        self.promise, self.seen = promise, seen


@attrs.frozen
class Entry:
    log: str
    seq: int
    time: int
    tag: str
    actor: str
    case: str
    event: Any  # None for what the ledger itself writes


@attrs.define(eq=False)
class LogReader:
    """One log, from its beginning on."""

    log: str
    size: int = 0
    row: bytes = b""  # where the log ended when it was looked at last
    last: bytes = FIRST
    time: int = 0
    frontier: list[bytes] = attrs.Factory(list)

    def follow(self, image: Image, keys: Keys) -> Iterator[Entry]:
        """What is new; raises ``Broken`` where it does not follow on what was there."""
        row = image.tables["logs"].rows.get(row_key(self.log))
        if row is None or row == self.row:
            return
        self.row = row
        tail, note = parse_row(row)
        if tail.size < self.size:
            raise Broken("an entry that was durable is there", f"{self.log!r} had {self.size} entries and has {tail.size}")
        entries, bodies = image.tables["entries"].rows, image.tables["bodies"].rows
        for seq in range(self.size, tail.size):
            where = POSITION.pack(tail.id, seq)
            stored, sealed = entries.get(where), bodies.get(where)
            if stored is None or sealed is None:
                raise Broken("the chain holds", f"entry {seq} of {self.log!r} or its body is not there")
            yield self._read(seq, stored, unchecked(sealed), keys)
        if b64encode(root_of(self.frontier)) != note.split(b"\n", 3)[2] or self.last != tail.last:
            raise Broken("the signed root is that of the entries", f"{self.log!r} at {tail.size}")

    def _read(self, seq: int, stored: bytes, sealed: bytes, keys: Keys) -> Entry:
        hashes, packed = split(seq, stored)
        header = msgpack.unpackb(packed)
        leaf = leaf_hash(packed)
        if header["previous"] != self.last or header["sequence"] != seq or hashes[:32] != leaf:
            raise Broken("the chain holds", f"entry {seq} of {self.log!r} does not follow on the one before")
        if header["tenant"] != self.log:
            raise Broken("tenants are apart", f"entry {seq} of {self.log!r} is of {header['tenant']!r}")
        if header["time"] < self.time:
            raise Broken("legal time does not go back", f"entry {seq} of {self.log!r}")
        extend(self.frontier, seq, leaf)
        self.size, self.last, self.time = seq + 1, leaf, header["time"]
        return Entry(self.log, seq, header["time"], header["tag"], header["actor"], header["case"], self._event(header, sealed, keys))

    def _event(self, header: dict[str, Any], sealed: bytes, keys: Keys) -> Any:
        tag = header["tag"]
        if self.log == "" and tag not in KINDS:
            return None
        key = keys.data_key_by_id(self.log, key_id(sealed))
        if key is None:
            raise Broken("the chain holds", f"no key opens entry {header['sequence']} of {self.log!r}")
        body = open_salted(key, sealed, header["commitment"])[SALT:]
        return decode_node(tag, body) if self.log == "" else decode(tag, body)
