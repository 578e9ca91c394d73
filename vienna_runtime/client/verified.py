"""The log as a member who believes nothing reads it: every entry that comes out has been given its place by a recomputed root.

    async with vienna.verified_tail(known="ada.known") as entries:
        async for entry in entries:
            print(entry.header.tag, entry.body)

What does not hold raises ``VerificationError`` naming the place; so does a server that shows another history after a lost
connection.  With ``known`` the last head that was believed is remembered in that file, and the next tail has to continue it.
Without ``async with`` it may be read to its end; who leaves earlier leaves the subscription open until the connection ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import attrs
import trio

from actors.governance.refusals import Code
from ledger import VerificationError, VerifierKey
from ledger.note import unverified_signers
from ledger.trust import Trust
from ledger.witness_policy import Policy
from vienna_runtime import known as knowns
from vienna_runtime.client.errors import Refused
from vienna_runtime.client.keys import Keys
from vienna_runtime.client.patience import COSIGNED
from vienna_runtime.client.stream import Stream
from vienna_runtime.credential import Credential
from vienna_runtime.tail import Belief, Entry, VerifyingTail
from vienna_runtime.tail_quorum import Demand
from vienna_runtime.tail_rights import Rights, Wanted

SAVED_EVERY = 2.0  # s between two writings of what is believed; losing these costs a re-reading, nothing else
LOOKED_EVERY = 1.0  # s between two looks at whether witnesses are overdue, while nothing comes


class Member(Protocol):
    """Who reads: as much of a ``Vienna`` as is needed here."""

    credential: Credential

    @property
    def log(self) -> str:
        """The log it sees, by its name."""
        ...

    async def keys(self) -> Keys:
        """The keys to check that log by."""
        ...

    def stream(self, tag: str, fields: Callable[[int | None], dict[str, Any]]) -> Stream:
        """A subscription that goes on after a lost connection."""
        ...


@attrs.frozen(kw_only=True)
class Asked:
    """Which part of the log, and what is demanded of it."""

    start: int = 0
    follow: bool = True
    wanted: Wanted = Wanted()
    policy: Policy | None = None
    patience: int = COSIGNED


class VerifiedTail:
    """See the module.  ``belief`` is what the last checkpoint signed; ``at`` how far the log was read."""

    def __init__(self, member: Member, asked: Asked, known: Path | None, on_belief: Callable[[Belief], None] | None = None) -> None:
        self._member, self._asked, self._path = member, asked, known
        self._on_belief = on_belief
        self._known: knowns.Known | None = None
        self._keys: list[VerifierKey] = []  # shared with whoever checks, and renewed when a key took over
        self._recorded: list[VerifierKey] = []  # likewise: those, and the ones before them that signed what was witnessed long ago
        self._saved, self._saved_at = None, time.monotonic()
        self._checking: VerifyingTail | None = None
        self._stream: Stream | None = None
        self._ended = False

    _saved: Belief | None
    _trust: Trust  # since the keys were settled

    @property
    def belief(self) -> Belief | None:
        """The last signed head that was recomputed, here or (with ``known``) before."""
        return None if self._checking is None else self._checking.belief

    @property
    def at(self) -> int:
        """How many entries the log has as far as it was read."""
        return 0 if self._checking is None else self._checking.at

    @property
    def hidden(self) -> int:
        """How many positions came by their leaf hash alone."""
        return 0 if self._checking is None else self._checking.hidden

    @property
    def cosigned(self) -> int | None:
        """How many entries a quorum has cosigned, where a policy was given."""
        return None if self._checking is None or self._checking.demand is None else self._checking.demand.size

    @property
    def known(self) -> knowns.Known:
        """The log's keys, and the belief that it began with."""
        assert self._known is not None
        return self._known

    async def __aenter__(self) -> VerifiedTail:
        await self._open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()  # noqa: ASYNC102  # the subscription's own end shields and bounds itself

    def __aiter__(self) -> VerifiedTail:
        return self

    async def __anext__(self) -> Entry:
        if self._checking is None:
            await self._open()
        assert self._checking is not None
        try:
            while True:
                value = await self._next()
                if value is None:
                    await self.aclose()
                    raise StopAsyncIteration
                await self._follow_keys(value)
                match self._checking.feed(value):
                    case Entry() as entry:
                        return entry
                    case Belief() as belief:
                        self._believed(belief)
                    case _:
                        self._ended = self._ended or value.get("kind") == "end"
        except VerificationError:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Leave the log, and remember what is believed of it."""
        self._save()
        if self._stream is not None:
            await self._stream.__aexit__(None, None, None)

    async def _open(self) -> None:
        credential = self._member.credential
        self._known = await self._settled(None)
        self._keys[:] = self._known.logs
        self._saved = self._known.belief
        log = self._member.log
        asked = self._asked
        demand = None if asked.policy is None else Demand(log, asked.policy, self._recorded, asked.patience)
        self._checking = VerifyingTail(
            log,
            self._keys,
            self._known.belief,
            start=asked.start,
            rights=Rights.of(credential.role),
            wanted=asked.wanted,
            demand=demand,
            opens=lambda note: self._trust.open(log, note),
            recorded=self._recorded,
        )
        self._stream = self._member.stream("tail", lambda _: self._fields())
        try:
            await self._stream.__aenter__()
        except Refused as error:
            await self._refused(error)
            raise

    async def _settled(self, belief: Belief | None) -> knowns.Known:
        """The log's keys as of now, followed from those known before."""
        keys = await self._member.keys()
        self._trust = keys.trust
        self._recorded[:] = keys.trust.recorded_keys_of(self._member.log)
        if self._path is None:
            return knowns.Known(keys.log, belief, keys.node, keys.logs[1:])
        return knowns.settle(self._path, nodes=keys.nodes, logs=keys.logs)

    async def _follow_keys(self, value: dict[str, Any]) -> None:
        """Before a note that none of the known keys signed is judged: another may have taken over since."""
        note = value.get("note")
        if not isinstance(note, bytes) or unverified_signers(note) & {(key.name, key.id) for key in self._recorded}:
            return
        settled = await self._settled(self.known.belief)
        self._keys[:] = settled.logs
        self._known = attrs.evolve(self.known, log=settled.log, node=settled.node, before=settled.before)

    def _fields(self) -> dict[str, Any]:
        assert self._checking is not None
        asked, belief = self._asked, self._checking.belief
        fields: dict[str, Any] = {
            "start": self._checking.at if self._checking.begun else asked.start,
            "follow": asked.follow,
            "believed": 0 if belief is None else belief.size,
            "tags": list(asked.wanted.tags),
        }
        return fields if asked.wanted.case is None else {**fields, "case": asked.wanted.case}

    async def _next(self) -> dict[str, Any] | None:
        """The next event; ``None`` when the server said that this is all."""
        assert self._stream is not None
        assert self._checking is not None
        demand = self._checking.demand
        while True:
            try:
                if demand is None or not self._stream.connected:
                    return await anext(self._stream)
                with trio.move_on_after(LOOKED_EVERY):
                    return await anext(self._stream)
                demand.check()
            except StopAsyncIteration:
                if self._ended:
                    return None
                raise VerificationError(
                    f"the server broke the tail off after {self.at} entries and did not say that they are all",
                    log=self._member.log,
                    index=self.at,
                ) from None
            except Refused as error:
                await self._refused(error)
                raise

    async def _refused(self, error: Refused) -> None:
        """Raises VerificationError where a refusal says that the log is shorter than what was seen of it."""
        assert self._checking is not None
        if error.code != Code.UNKNOWN.value:
            return
        belief, log = self._checking.belief, self._member.log
        if self._checking.begun:
            raise VerificationError(
                f"the log is shorter than the {self.at} entries that were shown before the connection was lost: rolled back or forked "
                f"({error.why})",
                log=log,
                index=self.at,
            ) from None
        if belief is None:
            return
        if self._asked.start <= belief.size or await self._is_shorter(belief.size):
            raise VerificationError(
                f"the log is shorter than the {belief.size} entries that were signed and seen here before: rolled back or forked "
                f"({error.why})",
                log=log,
                index=belief.size,
            ) from None

    async def _is_shorter(self, size: int) -> bool:
        """Whether the log cannot even be read from ``size`` on; what was asked for lies beyond that."""
        stream = self._member.stream("tail", lambda _: {"start": size, "follow": False})
        try:
            await stream.__aenter__()
        except Refused:
            return True
        await stream.__aexit__(None, None, None)
        return False

    def _believed(self, belief: Belief) -> None:
        if time.monotonic() - self._saved_at > SAVED_EVERY:
            self._save()
        if self._on_belief is not None:
            self._on_belief(belief)

    def _save(self) -> None:
        belief = self.belief
        self._saved_at = time.monotonic()
        if self._path is not None and belief is not None and belief != self._saved:
            knowns.write(self._path, attrs.evolve(self.known, belief=belief))
            self._saved = belief
