"""A log as it becomes durable, told so that a reader who believes nothing can check it: the root is recomputed from what is sent.

start        where it begins: the frontier there, the newest signed head, and the proofs that this head continues both the
             frontier and the head that the reader believed last (RFC 9162 §2.1.4)
entry        a position by its header, with body and salt where the reader may have them
leaves       a run of positions that are not for this reader, or were not asked for, by their leaf hashes
checkpoint   the signed head, whenever everything up to it was sent
witnessed    a head that witnesses cosigned, and the proof that the newest checkpoint continues it
end          everything was sent, where the reader did not ask to follow
"""

from __future__ import annotations

from math import inf

import trio

from actors.governance import commands as c
from actors.scribe import Scribe
from actors.sight import Shown, Sight
from actors.subscriptions import Subscription
from ledger import BodyRemoved, Ledger, Record, leaf_hash
from ledger.seal import SALT_SIZE
from ledger.witnessed import size_of

STRETCH = 64  # entries read and opened for a tail at once, some milliseconds; then the others have their turn
LOOK = 0.5  # s between two looks for a newer cosigned head: witnesses are asked less often, and commits come by the hundred
RUN = 512  # leaf hashes in one event: 16 KiB, a quarter of a coalesced frame; a filtered tail costs 32 bytes a position


async def tail(subscription: Subscription, scribe: Scribe, log: str, ask: c.Tail, sight: Sight) -> None:
    """Sends the log from ``ask.start`` on, which it has, as far as ``sight`` goes; until cancelled, or to its end."""
    sender = _Sender(subscription, scribe.ledger, log, ask.start)
    await subscription.send(ask.start, start_of(scribe.ledger, log, ask))
    while True:
        sender.removed = False
        head = scribe.ledger.head(log)
        while sender.at < head.size:
            for record in scribe.ledger.read(log, sender.at, min(sender.at + STRETCH, head.size)):
                await sender.position(record, sight.of(record))
            await trio.lowlevel.checkpoint()  # with credit in hand nothing above has waited
        await sender.flush()
        if head.size:
            await subscription.send(sender.at, {"kind": "checkpoint", "note": head.checkpoint})
            await sender.witnessed(now=not ask.follow)
        if not ask.follow and (not sender.removed or scribe.ledger.head(log).size == sender.at):
            await subscription.send(sender.at, {"kind": "end", "size": sender.at})
            subscription.end("that is all")
            return
        while scribe.ledger.head(log).size == sender.at:
            await _growth(scribe, log, sender.at)
            await sender.witnessed()


def start_of(ledger: Ledger, log: str, ask: c.Tail) -> dict[str, object]:
    """The first event.  Where the log is shorter than what the reader believed, the signed head says so and nothing is proved."""
    head, at = ledger.head(log), ask.start
    known = ask.believed <= head.size
    return {
        "kind": "start",
        "size": at,
        "frontier": list(ledger.frontier(log, at)) if at else [],
        "checkpoint": head.checkpoint if head.size else None,
        "begins": list(ledger.prove_consistency(log, at, head.size)),
        "continues": list(ledger.prove_consistency(log, ask.believed, head.size)) if known else [],
    }


class _Sender:
    """Sends positions in their order; runs of leaf hashes go together."""

    def __init__(self, subscription: Subscription, ledger: Ledger, log: str, start: int) -> None:
        self._subscription, self._ledger, self._log = subscription, ledger, log
        self._hidden = bytearray()
        self._hidden_from = self.at = start
        self._witnessed: bytes | None = None
        self._look_at = -inf
        self.removed = False  # whether a body was gone: what explains it may have become durable meanwhile

    async def position(self, record: Record, shown: Shown) -> None:
        if shown is Shown.LEAF:
            if not self._hidden:
                self._hidden_from = self.at
            self._hidden += leaf_hash(record.entry)
            self.at += 1
            if len(self._hidden) >= RUN * 32:
                await self.flush()
            return
        await self.flush()
        await self._subscription.send(self.at, self._entry(record, body=shown is Shown.WHOLE))
        self.at += 1

    async def witnessed(self, *, now: bool = False) -> None:
        """Sends the newest cosigned head, when it is another than the last one and everything in it was sent."""
        if not now and trio.current_time() < self._look_at:
            return
        self._look_at = trio.current_time() + LOOK
        note = self._ledger.witnessed(self._log)
        if note is None or note == self._witnessed:
            return
        size = size_of(note)
        if size <= self.at:
            self._witnessed = note
            proof = list(self._ledger.prove_consistency(self._log, size, self.at))
            await self._subscription.send(self.at, {"kind": "witnessed", "note": note, "proof": proof})

    async def flush(self) -> None:
        """Sends the run that has gathered, if one has."""
        if self._hidden:
            hashes = bytes(self._hidden)
            self._hidden.clear()
            await self._subscription.send(self._hidden_from, {"kind": "leaves", "hashes": hashes})

    def _entry(self, record: Record, *, body: bool) -> dict[str, object]:
        value: dict[str, object] = {"kind": "entry", "entry": record.entry, "body": None, "salt": None}
        if body:
            try:
                salted = self._ledger.open_salted(self._log, record)
                value["salt"], value["body"] = salted[:SALT_SIZE], salted[SALT_SIZE:]
            except BodyRemoved:
                value["removed"] = self.removed = True
        return value


async def _growth(scribe: Scribe, log: str, at: int) -> None:
    """Until the log is longer, or it is time to look for a newer cosigned head: others' commits wake nobody here."""
    with trio.move_on_after(1.0):
        await scribe.grown.wait_for(log, at + 1, scribe.ledger.head(log).size)
