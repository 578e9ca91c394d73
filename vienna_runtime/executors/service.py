"""The executor's loop: it alone holds the means, and nothing is done that was not redeemed, nor done twice.

    inbox ─▶ verified here ─▶ intended in the journal ─▶ a deed of its own (``deed.py``), several at once
                 └─ forged, not ours, over: said in the log, not used

One wish, one deed: a warrant is used as it was proposed, and once more for each further use that its agent asks for and the
inbox names.  The inbox says everything at least once, and a repetition is not a wish.  What this executor has no means for is
redeemed too, and reported as failed at once: nobody is served by waiting until the warrant expires.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
import trio

from actors.governance import canonical
from actors.governance import warrant as warrants
from actors.governance.ids import Instant
from actors.governance.memo import Memo
from actors.governance.obligations import MOST_USES
from actors.governance.signing import Purpose, verifies
from actors.governance.warrant import Warrant
from transport.link import ClientConnection
from transport.packing import Message
from vienna_runtime.executors import identity
from vienna_runtime.executors.deed import Deed, Tools, of_use, run_id
from vienna_runtime.executors.errors import NotServing
from vienna_runtime.executors.identity import Identity
from vienna_runtime.executors.journal import Journal, Run
from vienna_runtime.executors.line import FIRST_PAUSE, Dial, Line
from vienna_runtime.executors.means import Means
from vienna_runtime.executors.stock import Stock

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 10.0  # for reports, once nothing executes any more; what is left is in the journal and reported by the next start
MOST_WAITING = 4096  # warrants kept here before the inbox is asked to say the rest again later; each is a few kilobytes
MOST_REFUSED = 4096  # warrants not to be used that are remembered, so that each is said once in the log


class Executor:
    """One executor process."""

    def __init__(
        self,
        *,
        who: Identity,
        dial: Dial,
        means: Means,
        journal: Journal,
        concurrency: int,
        now: Callable[[], int],
        pause: float = FIRST_PAUSE,
    ) -> None:
        self._who = who
        self._public_key = who.public_key
        self._line = Line(dial, pause=pause)
        self._journal = journal
        self._tools = Tools(who=who, line=self._line, means=means, journal=journal, now=now)
        self._stock = Stock(who, self._line, journal, now)
        self._slots = trio.Semaphore(concurrency)
        self._now = now
        self._deeds: dict[str, Deed] = {}
        self._refused: Memo[bytes, bool] = Memo(MOST_REFUSED)  # False: not yet for good
        self._issuers: tuple[bytes, ...] = ()  # as of the last greeting
        self._missed = False
        self._draining = False
        self._changed = trio.Event()
        self._told = 0
        self._nursery: trio.Nursery | None = None

    async def run(self, *, once: bool = False, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serves until ``drain``; with ``once``, until the first run is reported.  Started when the inbox is open."""
        async with trio.open_nursery() as outer:
            async with trio.open_nursery() as self._nursery:
                await outer.start(self._line.keep, self._greet, self._take)
                self._resume()
                self._nursery.start_soon(self._stock.run)
                task_status.started()
                while not self._draining and not (once and self._told):
                    await self._changed.wait()
                self.drain()
                while any(deed.executing for deed in self._deeds.values()):
                    await self._changed.wait()
                with trio.move_on_after(DRAIN_SECONDS):
                    while self._deeds:
                        await self._changed.wait()
                if self._deeds:
                    log.warning("ending with unreported runs; the next start reports them", runs=len(self._deeds))
                self._nursery.cancel_scope.cancel()
            outer.cancel_scope.cancel()

    def drain(self) -> None:
        """Take nothing more on; end what runs, report it, and return from ``run``."""
        self._draining = True
        self._wake()

    # -- what comes in

    async def _greet(self, connection: ClientConnection) -> None:
        keys = await identity.greet(connection, self._who, "executor")
        known = self._journal.issuer
        if known is not None and known not in keys.issuers:
            raise NotServing(
                f"the node now names another key for the warrants of {self._who.tenant} than the one this executor has known, "
                f"and no rotation leads from that one to it: the node shows the history of another"
            )
        if known != keys.issuer:
            if known is not None:
                log.warning("another key signs the warrants from now on, as the node's log says", key=keys.issuer.hex()[:16])
            await self._journal.pin(keys.issuer)
        self._issuers = keys.live_issuers
        self._stock.greeted()

    def _take(self, item: Message) -> None:
        match item:
            case {"kind": "warrant", "fields": bytes(fields), "signature": bytes(signature), "mac": bytes(mac)}:
                self._warrant(fields, signature, mac, item.get("use", 1), item.get("params"))
            case {"kind": "abort", "run": str(run), "why": str(why)}:
                if (deed := self._deeds.get(run)) is not None:
                    log.warning("told to abort", run=run, why=why)
                    deed.abort(why)
            case _:
                log.warning("the inbox said something this version does not know", kind=str(item.get("kind"))[:40])

    def _warrant(self, fields: bytes, signature: bytes, mac: bytes, use: object, params: object) -> None:
        if type(use) is not int or not 1 <= use <= MOST_USES:
            log.warning("the inbox named a use that no warrant has")
            return
        run = run_id(fields, use)
        if run in self._journal.runs or self._draining:
            return
        if len(self._deeds) >= MOST_WAITING:
            self._missed = True
        elif (warrant := self._verified(fields, signature)) is not None:
            try:
                packed = None if params is None else canonical.pack(params)  # type: ignore[arg-type]  # what is no value is refused
                meant = of_use(warrant, packed)
            except (canonical.NotCanonical, warrants.WarrantInvalid) as error:
                log.error("a use was refused here", warrant=warrant.warrant, use=use, why=str(error))
                return
            intended = Run(run=run, warrant=fields, signature=signature, mac=mac, expires_at=warrant.expires_at, use=use, params=packed)
            self._journal.intend(intended)
            self._start(Deed(self._tools, intended, meant, fresh=True))

    def _verified(self, fields: bytes, signature: bytes) -> Warrant | None:
        """By this process's own knowledge, before anybody is asked: the issuer's signature, the audience, the time.

        Where none of the issuer's keys signed it, the inbox is opened anew, once: another may have taken over since the last
        greeting, and then the warrant comes again.
        """
        digest = canonical.digest(fields + signature)
        before = self._refused.get(digest)
        if not self._issuers or before:
            return None
        issuer = next((key for key in self._issuers if verifies(Purpose.WARRANT, key, fields, signature)), None)
        if issuer is None and before is None and self._nursery is not None:
            self._refused.put(digest, False)
            self._nursery.start_soon(self._line.again)
            return None
        try:
            now = Instant(self._now())
            return warrants.verify(fields, signature, issuer or self._issuers[0], now=now, holder=self._public_key).warrant
        except warrants.WarrantInvalid as error:
            log.error("a warrant was refused here and not used", why=str(error), digest=digest.hex()[:16])
            self._refused.put(digest, True)
            return None

    # -- what is done

    def _resume(self) -> None:
        """What an earlier start left: begun is reported, merely intended is taken up again."""
        for run in [run for run in self._journal.runs.values() if run.open and run.run not in self._deeds]:
            log.warning("taking up what an earlier start left", run=run.run, began=run.began is not None, done=run.receipt is not None)
            self._start(Deed(self._tools, run, of_use(warrants.unpack_own(run.warrant), run.params), fresh=False))

    def _start(self, deed: Deed) -> None:
        assert self._nursery is not None
        self._deeds[deed.run.run] = deed
        self._nursery.start_soon(self._carry_out, deed)

    async def _carry_out(self, deed: Deed) -> None:
        try:
            async with self._slots:
                if self._draining and deed.run.began is None:
                    return  # merely intended: the next start goes on
                to_report = await deed.do()
            self._wake()
            if to_report:
                await deed.report()
                self._told += 1
        finally:
            del self._deeds[deed.run.run]
            self._wake()
        await self._journal.tidy(self._now())
        if self._missed and not self._deeds:
            self._missed = False
            await self._line.again()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
