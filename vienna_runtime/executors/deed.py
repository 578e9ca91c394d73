"""One run, from its redemption to its acknowledged report.

intended ─▶ redeemed ─▶ began ─▶ executed ─▶ done ─▶ reported until acknowledged
    └─ refused: dropped    └── a crash from here on: reported as unknown, never begun again
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import attrs
import structlog
import trio

from actors.governance import canonical
from actors.governance.intent import args_digest, effect_id
from actors.governance.signing import Purpose
from actors.governance.warrant import CLOCK_ALLOWANCE, Warrant, WarrantInvalid, allows
from transport.answers import Refused
from vienna_runtime.executors import leftovers, receipts
from vienna_runtime.executors.identity import Identity
from vienna_runtime.executors.journal import Journal, Run
from vienna_runtime.executors.line import Line
from vienna_runtime.executors.means import Done, Failed, Means, Outcome, Unknown, Work

log = structlog.get_logger(__name__)

_SECOND = 1_000_000  # µs
_NEVER_INTENDED = "an earlier life of this executor redeemed this run and its journal is gone, so it may have been done"


def run_id(warrant: bytes, use: int = 1) -> str:
    """The run of this use of this warrant: the same after every restart, and of no other warrant; 128 bits."""
    return "r" + hashlib.sha256(b"vienna/run/1\0" + canonical.digest(warrant) + use.to_bytes(4, "big")).hexdigest()[:32]


def of_use(warrant: Warrant, params: bytes | None) -> Warrant:
    """The warrant as this use fills it, with the effect that it has then; raises ``WarrantInvalid`` for what it does not allow."""
    if params is None:
        return warrant
    given = canonical.unpack(params)
    if not isinstance(given, dict):
        raise WarrantInvalid("the parameters of this use are no map")
    if (wrong := allows(warrant, given)) is not None:
        raise WarrantInvalid(wrong)
    effect = effect_id(warrant.tenant, args_digest(warrant.action, warrant.resource, given))
    return attrs.evolve(warrant, params=given, effect=effect)


@attrs.frozen(kw_only=True)
class Tools:
    """What every run of one executor shares."""

    who: Identity
    line: Line
    means: Means
    journal: Journal
    now: Callable[[], int]


class Deed:
    """``fresh`` says that this process itself has just written the intention, so no earlier one can have redeemed it."""

    def __init__(self, tools: Tools, run: Run, warrant: Warrant, *, fresh: bool) -> None:
        self.run = run
        self.executing = False
        self._tools = tools
        self._warrant = warrant
        self._fresh = fresh
        self._aborted = ""
        self._scope = trio.CancelScope()

    def abort(self, why: str) -> None:
        """End it if it is under way, the whole process group; keep it from beginning if it is not."""
        self._aborted = why or "told to"
        self._scope.cancel()

    async def do(self) -> bool:
        """Redeem and execute, or find out why not; whether there is something to report."""
        self.executing = True
        try:
            if self.run.receipt is not None:
                return True
            if self.run.began is not None:
                if left := await trio.to_thread.run_sync(leftovers.end, self._warrant.effect):
                    log.warning("ended what an earlier start left running", run=self.run.run, processes=left)
                receipt = receipts.interrupted(self.run.run, self._warrant, self.run.began, self._tools.now(), self._counted())
            else:
                outcome = await self._redeem() or await self._execute()
                if outcome is None:
                    return False
                log.info("executed", run=self.run.run, case=self._warrant.case, action=self._warrant.action, outcome=_word(outcome))
                receipt = receipts.receipt(self.run.run, self._warrant, outcome, self._counted())
            await self._tools.journal.finish(self.run, receipt, self._tools.who.sign(Purpose.RECEIPT, receipt))
            return True
        finally:
            self.executing = False

    def _counted(self) -> tuple[str, int]:
        """What the next receipt bears; nothing else may happen between this and ``finish``."""
        return self._tools.journal.name, self._tools.journal.counter + 1

    async def report(self) -> None:
        """Returns when the node has the receipt, or will never take it."""
        assert self.run.receipt is not None
        receipt, signature = self.run.receipt
        answer = (await self._tools.line.ask("report", lambda: {"receipt": receipt, "signature": signature})).answer
        if isinstance(answer, Refused):
            log.error("the receipt was not taken", run=self.run.run, case=self._warrant.case, code=answer.code, why=answer.why)
        self._tools.journal.close(self.run, answer.code if isinstance(answer, Refused) else "told")

    async def _redeem(self) -> Outcome | None:
        """None when the run is open and nothing is done yet; otherwise what to say, or ``run`` is closed because nothing was redeemed."""
        warrant, now = self._warrant, self._tools.now()
        args = args_digest(warrant.action, warrant.resource, warrant.params)
        run, state = self.run, None
        if warrant.state_digest is not None:
            state = await self._tools.means.state(self._work())
        asked = None
        with trio.move_on_after((warrant.expires_at + CLOCK_ALLOWANCE - now) / _SECOND):
            asked = await self._tools.line.ask(
                "redeem",
                lambda: {
                    "warrant": run.warrant,
                    "signature": run.signature,
                    "mac": run.mac,
                    "run": run.run,
                    "args_digest": args,
                    "state_digest": state,
                    "params": None if run.params is None else dict(warrant.params),
                    "use": run.use,
                },
            )
        if asked is None:  # perhaps redeemed by an attempt without an answer: then somebody waits for this, else it is refused
            return self._not_begun("the warrant's time was over before the node answered")
        if isinstance(asked.answer, Refused):
            log.warning("not redeemed", run=run.run, case=warrant.case, code=asked.answer.code, why=asked.answer.why)
            self._tools.journal.close(run, asked.answer.code)
            return None
        if asked.answer.value.get("repeated") and self._fresh and not asked.lost:
            return Unknown(why=_NEVER_INTENDED, done=self._done(), started=now, ended=self._tools.now())
        return None

    async def _execute(self) -> Outcome | None:
        if not self.run.open:
            return None
        if self._aborted:
            return self._not_begun(f"aborted before it began: {self._aborted}")
        began = self._tools.now()
        await self._tools.journal.begin(self.run, began)
        outcome = None
        with self._scope:
            outcome = await self._tools.means.execute(self._work())
        return outcome or Unknown(why=f"aborted: {self._aborted}", done=self._done(), started=began, ended=self._tools.now())

    def _work(self) -> Work:
        warrant = self._warrant
        return Work(
            action=warrant.action,
            resource=warrant.resource,
            params=warrant.params,
            effect_id=warrant.effect,
            deadline=trio.current_time() + (warrant.expires_at - self._tools.now()) / _SECOND,
            state=warrant.state_digest,
        )

    def _done(self) -> Done:
        return Done(action=self._warrant.action, resource=self._warrant.resource, params=self._warrant.params)

    def _not_begun(self, why: str) -> Failed:
        now = self._tools.now()
        return Failed(why=why, done=None, started=now, ended=now)


def _word(outcome: Outcome) -> str:
    return type(outcome).__name__.lower()
