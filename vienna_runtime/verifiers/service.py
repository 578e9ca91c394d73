"""The verifier's loop: it looks at the target itself, with means of its own, and signs what it saw.

    inbox ─▶ checked (task.py) ─▶ looked (looks.py) ─▶ signed and told until acknowledged

Looking changes nothing, so it keeps no journal: after a crash it looks again.  Where it cannot look it says so at once
(*inconclusive*), because silence would only say the same later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog
import trio

from actors.governance import canonical
from actors.governance.memo import Memo
from actors.governance.probe import DID_NOT
from actors.governance.signing import Purpose
from transport.answers import Refused
from transport.link import ClientConnection
from transport.packing import Message
from vienna_runtime.executors import identity
from vienna_runtime.executors.identity import Identity
from vienna_runtime.executors.line import FIRST_PAUSE, Dial, Line
from vienna_runtime.verifiers import attesting
from vienna_runtime.verifiers.looks import Looks, looks
from vienna_runtime.verifiers.observe import Sight
from vienna_runtime.verifiers.task import Asked, Forged, OtherKey, Task, checked

log = structlog.get_logger(__name__)

MOST_WAITING = 4096  # reports kept here before the inbox is asked to say the rest again later
MOST_REFUSED = 4096  # warrants that do not check and are remembered, so that each is said once in the log
PROBES = 5  # looks at one unknown outcome: at once, when it is quiet, and as often as the node's clock says that it is not yet
_MICRO = 1_000_000
DRAIN_SECONDS = 10.0  # for what is being looked at; the next start looks again


class Verifier:
    """One verifier process."""

    def __init__(
        self,
        *,
        who: Identity,
        dial: Dial,
        checks: Mapping[str, Sight],
        concurrency: int,
        now: Callable[[], int],
        pause: float = FIRST_PAUSE,
    ) -> None:
        self._who = who
        self._line = Line(dial, pause=pause)
        self._checks = checks
        self._slots = trio.Semaphore(concurrency)
        self._now = now
        self._open: dict[str, object] = {}  # runs being looked at, and what was asked about each
        self._issuers: tuple[bytes, ...] = ()  # as of the last greeting
        self._refused: Memo[bytes, bool] = Memo(MOST_REFUSED)  # False: not yet for good
        self._missed = False
        self._draining = False
        self._told = 0
        self._changed = trio.Event()
        self._nursery: trio.Nursery | None = None

    async def run(self, *, once: bool = False, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serves until ``drain``; with ``once``, until the first attestation is acknowledged."""
        async with trio.open_nursery() as outer:
            async with trio.open_nursery() as self._nursery:
                await outer.start(self._line.keep, self._greet, self._take)
                task_status.started()
                while not self._draining and not (once and self._told):
                    await self._changed.wait()
                self.drain()
                with trio.move_on_after(DRAIN_SECONDS):
                    while self._open:
                        await self._changed.wait()
                self._nursery.cancel_scope.cancel()
            outer.cancel_scope.cancel()

    def drain(self) -> None:
        """Take nothing more on, end what is being looked at, and return from ``run``."""
        self._draining = True
        self._wake()

    async def _greet(self, connection: ClientConnection) -> None:
        self._issuers = (await identity.greet(connection, self._who, "verifier")).live_issuers

    def _take(self, item: Message) -> None:
        match item:
            case {"kind": "verify", "receipt": bytes(), "receipt_signature": bytes()} | {"kind": "probe", "quiet": int()} if _has(item):
                self._asked(item)
            case _:
                log.warning("the inbox said something this version does not know", kind=str(item.get("kind"))[:40])

    def _asked(self, item: Message) -> None:
        run = str(item["run"])
        if run in self._open or self._draining:
            self._missed = (
                self._missed or self._open.get(run, item["kind"]) != item["kind"]
            )  # asked something else meanwhile: it comes again
            return
        if len(self._open) >= MOST_WAITING:
            self._missed = True
            return
        try:
            task = checked(item, self._issuers, self._who.tenant)
            asked = task.asked
        except Forged as error:
            digest = canonical.digest(item["fields"] + item["signature"])
            if isinstance(error, OtherKey) and self._refused.get(digest) is None and self._nursery is not None:
                self._refused.put(digest, False)  # another key may have taken over since the last greeting: then it comes again
                self._nursery.start_soon(self._line.again)
            elif not self._refused.get(digest):
                self._refused.put(digest, True)
                log.error("what the node shows does not check; nothing is attested", run=run, why=str(error))
            return
        assert self._nursery is not None
        self._open[run] = item["kind"]
        self._nursery.start_soon(self._carry_out, task, asked)

    async def _carry_out(self, task: Task, asked: tuple[Asked, ...]) -> None:
        try:
            if task.probes:
                await self._probe(task, asked)
            else:
                await self._tell(task, "attest", await looks(task, asked, self._checks, self._slots))
            self._told += 1
        finally:
            self._open.pop(task.run, None)
            self._wake()
        if self._missed and not self._open:
            self._missed = False
            await self._line.again()

    async def _probe(self, task: Task, asked: tuple[Asked, ...]) -> None:
        """That something is there can be said at once; that it is not, only when nobody can be doing it any more."""
        for _ in range(PROBES):
            found = await looks(task, asked, self._checks, self._slots)
            early = (task.quiet - self._now()) / _MICRO
            if attesting.found([seen for _, seen in found]) == DID_NOT and early > 0:
                await trio.sleep(early)
                continue
            after = await self._tell(task, "probe", found)
            if after is None:
                return
            await trio.sleep(after)

    async def _tell(self, task: Task, call: str, found: Looks) -> float | None:
        """Signs what was seen and hands it in; the seconds after which to look again, where it was too early to tell."""

        def fields() -> Message:  # made anew for each attempt: its time must be the node's, give or take a minute
            if call == "attest":
                packed = attesting.attestation(task, found, self._now())
                return {"attestation": packed, "signature": self._who.sign(Purpose.ATTESTATION, packed)}
            packed = attesting.probe(task, found, self._now())
            return {"statement": packed, "signature": self._who.sign(Purpose.PROBE, packed)}

        answer = (await self._line.ask(call, fields)).answer
        seen = [one for _, one in found]
        if isinstance(answer, Refused):
            if answer.code == "too_early":
                return (answer.retry_after or 1000) / 1000
            # asked again after a lost answer, what was taken the first time waits for nobody any more
            log.warning("what was seen was not taken", run=task.run, case=task.case, code=answer.code, why=answer.why)
        else:
            said = attesting.found(seen) if task.probes else attesting.verdict(seen)
            why = "; ".join(f"{name}: {one.why}" for name, one in found)
            log.info("probed" if task.probes else "attested", run=task.run, case=task.case, verdict=said, why=why)
        return None

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


def _has(item: Message) -> bool:
    kinds = (("case", str), ("run", str), ("fields", bytes), ("signature", bytes))
    return all(type(item.get(name)) is kind for name, kind in kinds)
