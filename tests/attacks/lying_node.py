"""A node whose tails lie as a file says: ``LIE_FILE`` holds the lie's name, and where in the log it is told.

It is served by the product's own command, holds the node's own keys, and does all else right.  A lie is told in one of two
places: ``TOLD`` changes the events of a tail on their way out, ``SHOWN`` has the tail made of another ledger than there is.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from actors import gateway, tailing
from actors.subscriptions import Subscription
from ledger import Draft, Head, Ledger, Record, leaf_hash, root_of
from ledger.checkpoint import Checkpoint, origin_of
from ledger.header import pack, parse
from ledger.note import NoteSigner, compose
from ledger.proofs import prove_consistency
from ledger.tree import extend
from vienna_runtime.cli import serve

FILE = Path(os.environ["LIE_FILE"])
Value = dict[str, Any]


class Keys:
    """The ledger's own, to be had by the liar."""

    held: Any = None

    @classmethod
    def checkpoint(cls, log: str, size: int, root: bytes) -> bytes:
        text = Checkpoint(origin_of(cls.held.verifier("").name, log), size, root).text()
        return compose(text, cls.held.sign(log, text.encode()))


class Noted(Ledger):
    @classmethod
    def open(cls, *args: Any, **named: Any) -> Ledger:
        Keys.held = named["keys"]
        return Ledger.open(*args, **named)


def repacked(entry: bytes, previous: bytes | None = None, **changed: Any) -> bytes:
    """An entry with something else in it, in its canonical form."""
    old = parse(entry)
    draft = Draft(old.tag, old.time, old.actor, b"", old.case, old.step, old.follows, old.public)
    return pack(draft._replace(**changed), old.tenant, old.sequence, previous or old.previous, old.commitment)


# Another ledger


class Other:
    """A ledger of which one log has another past or an earlier end, under checkpoints that the node's own keys sign."""

    def __init__(self, ledger: Ledger, log: str, size: int, changed: int | None = None) -> None:
        self._ledger, self._entries, self._leaves = ledger, list[bytes](), list[bytes]()
        for record in ledger.read(log, 0, size):
            entry = record.entry
            if changed is not None and record.seq >= changed:
                entry = repacked(entry, self._leaves[-1], **({"actor": "nobody"} if record.seq == changed else {}))
            self._entries.append(entry)
            self._leaves.append(leaf_hash(entry))

    def _root(self, start: int, stop: int) -> bytes:
        return root_of(self._frontier(start, stop))

    def _frontier(self, start: int, stop: int) -> list[bytes]:
        found: list[bytes] = []
        for index, leaf in enumerate(self._leaves[start:stop]):
            extend(found, index, leaf)
        return found

    def head(self, log: str) -> Head:
        size = len(self._leaves)
        return Head(size, self._root(0, size), Keys.checkpoint(log, size, self._root(0, size)))

    def frontier(self, _: str, size: int) -> list[bytes]:
        return self._frontier(0, size)

    def prove_consistency(self, _: str, first: int, second: int) -> tuple[bytes, ...]:
        return prove_consistency(lambda level, index: self._root(index << level, index + 1 << level), first, second)

    def read(self, log: str, start: int, stop: int) -> list[Record]:
        return [Record(r.seq, self._entries[r.seq], r.sealed) for r in self._ledger.read(log, start, min(stop, len(self._entries)))]

    def open_salted(self, log: str, record: Record) -> bytes:
        (true,) = self._ledger.read(log, record.seq, record.seq + 1)
        return self._ledger.open_salted(log, true)

    def witnessed(self, _: str) -> bytes | None:
        return None


@attrs.frozen
class Scribe:
    """The scribe, but for the ledger that it shows."""

    true: Any
    ledger: Any

    @property
    def grown(self) -> Any:
        return self.true.grown

    @property
    def durable(self) -> int:
        return int(self.true.durable)

    async def wait_beyond(self, number: int) -> int:
        return int(await self.true.wait_beyond(number))


SHOWN: dict[str, Callable[[Ledger, str, int], Any]] = {
    "fork": lambda ledger, log, at: Other(ledger, log, ledger.head(log).size, at),
    "roll back": lambda ledger, log, at: Other(ledger, log, at),
}


# Other events


@attrs.define
class Teller:
    """One tail's events, as they are told."""

    lie: Callable[[Teller, Value], list[Value]]
    at: int  # where in the log the lie is told
    ledger: Ledger
    log: str
    kept: list[Value] = attrs.Factory(list)

    def seq(self, value: Value) -> int | None:
        return parse(value["entry"]).sequence if value["kind"] == "entry" else None

    def is_there(self, value: Value) -> bool:
        return self.seq(value) == self.at


def hide(t: Teller, v: Value) -> list[Value]:
    return [] if t.is_there(v) else [v]


def change(t: Teller, v: Value) -> list[Value]:
    return [{**v, "entry": repacked(v["entry"], actor="nobody")}] if t.is_there(v) else [v]


def exchange(t: Teller, v: Value) -> list[Value]:
    if t.is_there(v):
        t.kept = [v]
        return []
    told, t.kept = [v, *t.kept], []
    return told


def repeat(t: Teller, v: Value) -> list[Value]:
    return [v, v] if t.is_there(v) else [v]


def invent(t: Teller, v: Value) -> list[Value]:
    if t.seq(v) is not None:
        t.kept = [v]
    if v["kind"] != "checkpoint":
        return [v]
    last = t.kept[0]["entry"]
    old = parse(last)
    draft = Draft(old.tag, old.time, "nobody", b"", old.case, old.step + 1)
    return [{**t.kept[0], "entry": pack(draft, old.tenant, old.sequence + 1, leaf_hash(last), old.commitment)}, v]


def hash_alone(t: Teller, v: Value) -> list[Value]:
    return [{"kind": "leaves", "hashes": leaf_hash(v["entry"])}] if t.is_there(v) else [v]


def withhold_body(t: Teller, v: Value) -> list[Value]:
    return [{**v, "body": None, "salt": None}] if t.is_there(v) else [v]


def say_removed(t: Teller, v: Value) -> list[Value]:
    return [{**v, "body": None, "salt": None, "removed": True}] if t.is_there(v) else [v]


def swap_bodies(t: Teller, v: Value) -> list[Value]:
    if t.is_there(v):
        (other,) = t.ledger.read(t.log, t.at + 1, t.at + 2)
        salted = t.ledger.open_salted(t.log, other)
        return [{**v, "salt": salted[:32], "body": salted[32:]}]
    return [v]


def change_body(t: Teller, v: Value) -> list[Value]:
    return [{**v, "body": bytes([v["body"][0] ^ 1]) + v["body"][1:]}] if t.is_there(v) else [v]


def lie_in_frontier(t: Teller, v: Value) -> list[Value]:
    return [{**v, "frontier": [bytes(32), *v["frontier"][1:]]}] if v["kind"] == "start" else [v]


def lie_in_beginning(t: Teller, v: Value) -> list[Value]:
    return [{**v, "begins": [bytes(32), *v["begins"][1:]]}] if v["kind"] == "start" else [v]


def lie_in_proof(t: Teller, v: Value) -> list[Value]:
    return [{**v, "continues": [bytes(32), *v["continues"][1:]]}] if v["kind"] == "start" else [v]


def leave_out_proof(t: Teller, v: Value) -> list[Value]:
    return [{**v, "continues": []}] if v["kind"] == "start" else [v]


def begin_elsewhere(t: Teller, v: Value) -> list[Value]:
    return [{**v, "size": 0, "frontier": []}] if v["kind"] == "start" else [v]


def say_end_early(t: Teller, v: Value) -> list[Value]:
    """Its checkpoint is true, and of an earlier size than the one that it began with."""
    if v["kind"] == "end":
        return [{**v, "size": t.at}]
    if v["kind"] == "checkpoint":
        return [{**v, "note": Keys.checkpoint(t.log, t.at, t.ledger.root_at(t.log, t.at))}]
    return [] if (t.seq(v) or 0) >= t.at else [v]


def say_end_without_the_rest(t: Teller, v: Value) -> list[Value]:
    return [] if (t.seq(v) or 0) >= t.at or v["kind"] == "checkpoint" else [v]


def sign_with_another_key(t: Teller, v: Value) -> list[Value]:
    if v["kind"] != "checkpoint":
        return [v]
    text = v["note"].decode().partition("\n\n")[0] + "\n"
    signer = NoteSigner(Keys.held.verifier(t.log).name, bytes(32))
    return [{**v, "note": compose(text, [signer.sign(text.encode())])}]


def sign_another_root(t: Teller, v: Value) -> list[Value]:
    return [{**v, "note": Keys.checkpoint(t.log, t.ledger.head(t.log).size, bytes(32))}] if v["kind"] == "checkpoint" else [v]


def anothers_entry(t: Teller, v: Value) -> list[Value]:
    if not t.is_there(v):
        return [v]
    (other,) = t.ledger.read("schoenbrunn", t.at, t.at + 1)
    return [{**v, "entry": other.entry}]


def talk_nonsense(t: Teller, v: Value) -> list[Value]:
    return [{"kind": "trust me"}] if t.is_there(v) else [v]


TOLD: dict[str, Callable[[Teller, Value], list[Value]]] = {
    lie.__name__.replace("_", " "): lie
    for lie in (
        hide, change, exchange, repeat, invent, hash_alone, withhold_body, say_removed, swap_bodies, change_body, lie_in_frontier,
        lie_in_beginning, lie_in_proof, leave_out_proof, begin_elsewhere, say_end_early, say_end_without_the_rest, sign_with_another_key,
        sign_another_root, anothers_entry, talk_nonsense,
    )
}  # fmt: skip


class Lying:
    """A subscription that tells something else than it is given."""

    def __init__(self, true: Subscription, teller: Teller) -> None:
        self._true, self._teller = true, teller

    async def send(self, at: int, value: Value) -> None:
        for told in self._teller.lie(self._teller, dict(value)):
            await self._true.send(at, told)

    def end(self, why: str) -> None:
        self._true.end(why)


def told_to() -> tuple[str, int]:
    name, _, at = FILE.read_text().rpartition(" ") if FILE.exists() else ("", "", "0")
    return name, int(at)


async def lying_tail(subscription: Any, scribe: Any, log: str, ask: Any, sight: Any) -> None:
    name, at = told_to()
    if name in TOLD:
        subscription = Lying(subscription, Teller(TOLD[name], at, scribe.ledger, log))
    if name in SHOWN:
        scribe = Scribe(scribe, SHOWN[name](scribe.ledger, log, at))
    await true_tail(subscription, scribe, log, ask, sight)


true_tail = tailing.tail
gateway.tail = lying_tail  # type: ignore[attr-defined]  # imported there for its own use
serve.Ledger = Noted  # type: ignore[misc]
serve.serve()
