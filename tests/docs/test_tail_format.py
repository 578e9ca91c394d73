"""A reader of tails written from ``docs/ledger-format.md`` and RFC 9162 alone, with nothing of ours, agrees about a real one."""

from __future__ import annotations

import hmac
from base64 import b64decode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import attrs
import msgpack
import pytest
import trio
from nacl.signing import VerifyKey

from actors.governance import commands, kinds
from actors.sight import Filter, Sight
from actors.tailing import tail
from ledger import Batch, DataKey, Draft, Ledger, NoteSignature, NoteSigner, VerifierKey, origin_of

NODE, LOG = "hofburg.example", "belvedere"


# --- as the document says


def leaf(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root(frontier: list[bytes]) -> bytes:
    if not frontier:
        return sha256(b"").digest()
    found = frontier[-1]
    for left in reversed(frontier[:-1]):
        found = node(left, found)
    return found


def consistent(first: int, second: int, proof: list[bytes], first_root: bytes, second_root: bytes) -> bool:
    """RFC 9162 §2.1.4.2, step by step."""
    if first == 0:
        return not proof
    if first == second:
        return not proof and first_root == second_root
    path = [first_root, *proof] if first & (first - 1) == 0 else [*proof]
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    if not path:
        return False
    fr = sr = path[0]
    for hashed in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(hashed, fr), node(hashed, sr)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, hashed)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == first_root and sr == second_root


def head(note: bytes, key: str) -> tuple[int, bytes]:
    """Size and root, when the key of that standard text signed them."""
    name, _, encoded = key.split("+", 2)
    text, lines = note.decode().split("\n\n")
    public, text = b64decode(encoded)[1:], text + "\n"
    key_id = sha256(name.encode() + b"\n\x01" + public).digest()[:4]
    (signature,) = [b64decode(line.split(" ")[2]) for line in lines.splitlines() if line.startswith(f"— {name} ")]
    assert hmac.compare_digest(signature[:4], key_id)
    VerifyKey(public).verify(text.encode(), signature[4:])
    origin, size, encoded_root, rest = text.split("\n")
    assert (origin, rest) == (name, "")
    return int(size), b64decode(encoded_root)


def read(events: list[dict[str, Any]], key: str, *, start: int, believed: tuple[int, bytes]) -> tuple[int, bytes, int]:
    """The size and root that are believed in the end, and how many entries were shown."""
    first, *rest = events
    at, frontier = first["size"], list(first["frontier"])
    assert (first["kind"], at, len(frontier)) == ("start", start, start.bit_count())
    size, signed = head(first["checkpoint"], key)
    assert size >= max(start, believed[0])
    assert consistent(start, size, first["begins"], root(frontier), signed)
    assert consistent(believed[0], size, first["continues"], believed[1], signed)
    previous, shown, found = b"", 0, believed
    for value in rest:
        match value["kind"]:
            case "entry" | "leaves":
                if value["kind"] == "leaves":
                    leaves = [value["hashes"][place : place + 32] for place in range(0, len(value["hashes"]), 32)]
                    assert 1 <= len(leaves) <= 512
                else:
                    header = msgpack.unpackb(value["entry"])
                    assert msgpack.packb(header) == value["entry"]
                    assert (header["tenant"], header["sequence"]) == (LOG, at)
                    assert not previous or header["previous"] == previous
                    assert value["body"] is None or sha256(value["salt"] + value["body"]).digest() == header["commitment"]
                    leaves, shown = [leaf(value["entry"])], shown + 1
                for hashed in leaves:
                    carried, width = hashed, at
                    while width & 1:
                        carried, width = node(frontier.pop(), carried), width >> 1
                    frontier.append(carried)
                    previous, at = hashed, at + 1
                    assert at != size or root(frontier) == signed
            case "checkpoint":
                found = head(value["note"], key)
                assert found == (at, root(frontier))
            case "end":
                assert value["size"] == at == found[0]
                assert at >= size
            case other:
                raise AssertionError(other)
    assert rest[-1]["kind"] == "end"
    return *found, shown


# --- and what a node really sends


class Keys:
    """Derived from their names."""

    def sign(self, log: str, message: bytes) -> list[NoteSignature]:
        return [self._signer(log).sign(message)]

    def verifier(self, log: str) -> VerifierKey:
        return self._signer(log).verifier

    def verifiers(self, log: str) -> tuple[VerifierKey, ...]:
        return (self.verifier(log),)

    def data_key(self, log: str, month: str) -> DataKey:
        return DataKey(sha256(f"{log} {month}".encode()).digest()[:8], sha256(f"key {log} {month}".encode()).digest())

    def data_key_by_id(self, log: str, key_id: bytes) -> DataKey | None:
        return self.data_key(log, "1970-01")

    def _signer(self, log: str) -> NoteSigner:
        return NoteSigner(origin_of(NODE, log), sha256(log.encode()).digest())


@attrs.define
class Ears:
    heard: list[dict[str, Any]] = attrs.Factory(list)

    async def send(self, _: int, value: Mapping[str, Any]) -> None:
        self.heard.append(msgpack.unpackb(msgpack.packb(dict(value))))  # as it crosses the wire

    def end(self, why: str) -> None:
        assert why


@attrs.frozen
class Scribe:
    ledger: Ledger
    durable: int = 0


@pytest.mark.parametrize("tags", [(), ("even.",), ("nothing.",)], ids=["all of it", "half of it", "hashes alone"])
def test_a_reader_made_from_the_document_believes_what_a_node_sends(tmp_path: Path, tags: tuple[str, ...]) -> None:
    ledger = Ledger.open(tmp_path / "ledger", node=NODE, keys=Keys())
    try:
        ledger.create(LOG, time=1, actor="operator")
        drafts = [Draft(f"{'odd' if at % 2 else 'even'}.thing/1", 2, "ada", b"body %d" % at) for at in range(21)]
        ledger.append_many([Batch(LOG, 0, tuple(drafts))])
        key = Keys().verifier(LOG).text
        for start in range(22):
            for believed in range(22):
                ears = Ears()
                ask = commands.Tail(start=start, credit=1, follow=False, believed=believed, tags=tags)
                sight = Sight(ledger, LOG, "clara", kinds.APPROVER, Filter(tags=tags))
                trio.run(tail, ears, Scribe(ledger), LOG, ask, sight)
                size, found, shown = read(ears.heard, key, start=start, believed=(believed, ledger.root_at(LOG, believed)))
                assert (size, found) == (21, ledger.head(LOG).root)
                assert shown == sum(draft.tag.startswith(tags or "") for draft in drafts[start:])
    finally:
        ledger.close()
