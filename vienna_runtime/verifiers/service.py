"""The verifier's loop: it looks at the target itself, with means of its own, and signs what it saw.

    inbox ─▶ which check ─▶ looked ─▶ attested until acknowledged

Looking changes nothing, so it keeps no journal: after a crash it looks again.  Where it cannot look it says so at once
(*inconclusive*), because silence would only say the same later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog
import trio

from actors.governance import attestation as attestations
from actors.governance import warrant as warrants
from actors.governance.canonical import NotCanonical
from actors.governance.signing import Purpose
from transport.answers import Refused
from transport.link import ClientConnection
from transport.packing import Message
from vienna_runtime.executors import identity
from vienna_runtime.executors.identity import Identity
from vienna_runtime.executors.line import FIRST_PAUSE, Dial, Line
from vienna_runtime.verifiers import attesting
from vienna_runtime.verifiers.observe import Inconclusive, Seen, Sight, observe

log = structlog.get_logger(__name__)

MOST_WAITING = 4096  # reports kept here before the inbox is asked to say the rest again later
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
        self._open: set[str] = set()  # runs being looked at
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
        await identity.greet(connection, self._who, "verifier")

    def _take(self, item: Message) -> None:
        match item:
            case {"kind": "verify", "case": str(case), "run": str(run), "fields": bytes(fields), "receipt": bytes(receipt)}:
                if run in self._open or self._draining:
                    return
                if len(self._open) >= MOST_WAITING:
                    self._missed = True
                    return
                assert self._nursery is not None
                self._open.add(run)
                self._nursery.start_soon(self._verify, case, run, fields, receipt)
            case _:
                log.warning("the inbox said something this version does not know", kind=str(item.get("kind"))[:40])

    async def _verify(self, case: str, run: str, fields: bytes, receipt: bytes) -> None:
        try:
            async with self._slots:
                check, seen = await self._look(fields, receipt)
            await self._attest(case, run, receipt, check, seen)
            self._told += 1
        finally:
            self._open.discard(run)
            self._wake()
        if self._missed and not self._open:
            self._missed = False
            await self._line.again()

    async def _look(self, fields: bytes, receipt: bytes) -> tuple[str, Seen]:
        try:
            warrant = warrants.unverified_unpack(fields)
        except NotCanonical as error:
            return "observation", Inconclusive(why=f"the warrant is malformed: {error}")
        told = attesting.unpacked(receipt)
        if isinstance(told, Inconclusive):
            return warrant.action, told
        check = attesting.check_for(warrant, self._checks)
        if isinstance(check, Inconclusive):
            return warrant.action, check
        return check, await observe(attesting.expectation(check, warrant, told), self._checks)

    async def _attest(self, case: str, run: str, receipt: bytes, check: str, seen: Seen) -> None:
        verdict = ""

        def fields() -> Message:
            nonlocal verdict  # made anew for each attempt: its time must be the node's, give or take a minute
            packed = attesting.attestation(case, run, receipt, check, seen, self._now())
            verdict = attestations.unverified_unpack(packed).verdict
            return {"attestation": packed, "signature": self._who.sign(Purpose.ATTESTATION, packed)}

        answer = (await self._line.ask("attest", fields)).answer
        if isinstance(answer, Refused):
            # asked again after a lost answer, what was taken the first time waits for nobody any more
            log.warning("the attestation was not taken", run=run, case=case, code=answer.code, why=answer.why)
        else:
            log.info("attested", run=run, case=case, check=check, verdict=verdict, why=seen.why)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
