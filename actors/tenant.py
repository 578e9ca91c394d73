"""The shell of one tenant: the only one that decides for it, and the only writer of its log.

    command ─▶ decide ─┬─▶ refusal ─▶ recorded where it is evidence ─┐
                       └─▶ events ─▶ signed, folded, submitted ──────┴─▶ answer held until durable

It never waits for the disk between commands.  When its epoch is over (a failed commit, a conflict) it folds the durable
ledger again before the next command; answers that rested on what was discarded have become indeterminate by then.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import structlog
import trio

from actors import answering, differing, drafting, falling, folding
from actors.canaries import Canaries
from actors.errors import StaleEpoch, StalePosition, StaleScope
from actors.fact_finding import Known
from actors.feed import CASE, MEMBER, Feed
from actors.foresight import look_ahead
from actors.forgetting import LOOKS, Forgetting
from actors.governance import bundle as bundles
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance import guarding, index, pauses
from actors.governance.breaker_limits import BreakerLimits
from actors.governance.calls import is_urgent
from actors.governance.canonical import NotCanonical
from actors.governance.decide import decide
from actors.governance.decision import Asker, Facts, Invitee, Moment, Operator
from actors.governance.due import due, next_due
from actors.governance.ids import Fresh, Instant
from actors.governance.membership import by_asker
from actors.governance.quarantine import buried
from actors.governance.rates import Rates
from actors.governance.refusals import Code, Refusal
from actors.governance.state import State
from actors.kernel import Envelope, Turn
from actors.messages import Asked, Compared, Done, Introduce, Listen, Outcome, Reconcile, Respond, Sweep, TenantMessage, Unsettled
from actors.node_standing import SCOPE
from actors.quarantine import Quarantine
from actors.recall import Recall
from actors.scribe import Full, LogFrozen, ReadOnly, Reservation
from actors.shadow import Shadowing
from actors.surroundings import Surroundings
from ledger import BodyRemoved, LedgerError

log = structlog.get_logger(__name__)

ROOM = 20  # entries one decision may make at most; a test holds the law to it
MOST_DUE = 512  # overdue things settled in one sweep, so that a backlog does not hold up who is waiting
# Said before or without a decision, or again and again until something has happened elsewhere.
NOT_RECORDED = frozenset({Code.READ_ONLY, Code.BUSY, Code.FROZEN, Code.MALFORMED, Code.PAUSED, Code.NOT_WITNESSED})
INBOX = "inbox"
# 100 ms: reopening and verifying the right edge takes a few of these
RECOVERING = Refusal(Code.READ_ONLY, "the node is recovering from a failed write; nothing was decided", 100)
NOT_NOTED = Refusal(Code.BUSY, "the node was stopped, and the tenant has not written it down yet", 100)
UNSETTLED = "the node could not make it durable; ask again with the same idempotency key to learn whether it happened"


class Tenant:
    """An actor of the kernel; ``name`` is both tenant id and log name."""

    def __init__(self, name: str, around: Surroundings, feed: Feed, quarantine: Quarantine | None = None) -> None:
        self.name = name
        self.frozen = ""  # why the log could not be folded; then only reads that need no state are answered
        self.state = State(name)  # type: ignore[arg-type]  # a TenantId
        self._around = around
        self._feed = feed
        self._quarantine = quarantine or Quarantine()  # outlives this life
        self._recall = Recall(around.scribe.ledger, name)
        self._epoch = -1
        self._noted = -1  # changes of the node's standing that this state has
        self._last = 0  # newest submission: what every answer rests on
        self._snapshot_at = 0
        self._snapshot_owed = False
        self._differing = differing.Differing()
        self._pushed: bundles.Bundle | bundles.Findings | None = None  # what is being pushed just now
        self._shadow = Shadowing()
        self._canaries = Canaries(name, around.signer)
        self._forgetting = Forgetting(around.scribe.ledger, name, around.witnessed)

    async def start(self) -> None:
        """Folds what is durable, after whatever an earlier life of this actor had queued is settled."""
        scribe = self._around.scribe
        await scribe.settled(self.name, scribe.statistics().submissions)
        self._fold()
        await self._prepare(None)
        self._bury()

    async def stop(self) -> None:
        """Leaves a snapshot, so that the next start is quick."""
        scribe = self._around.scribe
        if self._last:
            await scribe.settled(self.name, self._last)
        if not self.frozen and scribe.is_current(self.name, self._epoch) and self.state.size > self._snapshot_at:
            await self._snapshot(folding.take(self.state))

    async def handle(self, batch: list[Envelope[TenantMessage]]) -> None:
        await trio.lowlevel.checkpoint_if_cancelled()
        self._recall.settled(self._around.scribe.durable)
        turn = Turn()
        for at, envelope in enumerate(batch):
            message, before, over = envelope.message, self._last, False
            try:
                await turn.give_way()
                wary = self._quarantine.suspects.wary  # then one by one: what falls is that message's fault
                if not at and not wary and not self.frozen and self.state.bundle is not None:  # in here: should it fall, all are answered
                    look_ahead(self.state, self._recall.remembered(self.state.bundle), batch, self._around.time.now())
                over = True
                if wary and (poison := self._quarantine.turns_away(message)) is not None:
                    falling.turn_away(message, poison)
                    continue
                if type(message) is Asked:
                    await self._prepare(message.ask)
                if not self._usable() and not await self._restore():
                    falling.turn_away(message, RECOVERING)
                    continue
                self._note_the_node()
                match message:
                    case Asked():
                        self._asked(message)
                    case Sweep():
                        self._bury()
                        await self._sweep(turn)
                        await self._go_on_shadowing()
                        await self._forgetting.go_on(self, self._around.scribe, self._around.time.now(), self._around.aside)
                    case Introduce():
                        self._introduce(message)
                    case Listen():
                        self._listen(message)
                    case Reconcile():
                        self._answer(message.respond, differing.handed(self.state, message.above, self.frozen))
                    case Compared():
                        await self._differing.take_in(self, message, self._moment())
            except BaseException as end:
                falling.fell(batch[at:], end, self._quarantine, over_first=over, submitted=self._last != before)
                raise
        if self._snapshot_owed:
            self._snapshot_owed = False
            taken = folding.take(self.state)
            await self._around.scribe.settled(self.name, self._last)
            if self._around.scribe.is_current(self.name, self._epoch):
                await self._snapshot(taken)

    async def _prepare(self, ask: c.Command | c.Query | None) -> None:
        """Reads the policy that is about to be needed in a thread: where it is large that takes seconds, which are its tenant's."""
        self._pushed = None
        if type(ask) is c.PushBundle:
            source = guarding.source_of(ask)
            if isinstance(source, bundles.Source):
                self._pushed = await self._read(source, bundles.load)
        if type(ask) in LOOKS:
            await self._forgetting.prepare(ask, self.state, self._around.time.now(), self._around.aside)
        needed = ask.bundle if isinstance(ask, (c.ActivateBundle, c.StartShadow)) else self.state.bundle
        if needed is not None and not self.frozen and (unread := self._recall.unread(needed)) is not None:
            await self._read(unread, bundles.recall)

    async def _read(
        self, source: bundles.Source, how: Callable[[bundles.Source], bundles.Bundle | bundles.Findings]
    ) -> bundles.Bundle | bundles.Findings:
        read = await self._around.aside(how, source)
        if isinstance(read, bundles.Bundle):
            self._recall.has_read(read)
        return read

    # -- state

    def _usable(self) -> bool:
        """Whether the state is what was submitted in an epoch that still goes on."""
        return self._around.scribe.is_current(self.name, self._epoch)

    async def _restore(self) -> bool:
        """Folds the durable ledger again once all of this tenant's is settled; False while the ledger is being recovered."""
        scribe = self._around.scribe
        if not scribe.is_current(self.name, scribe.epoch(self.name)):
            return False
        await scribe.settled(self.name, self._last)
        if not scribe.is_current(self.name, scribe.epoch(self.name)):
            return False
        self._fold()
        return True

    def _fold(self) -> None:
        """The state as the durable ledger has it.  A log that cannot be folded is frozen: reads only, the others go on."""
        scribe = self._around.scribe
        try:
            self._epoch = scribe.epoch(self.name)
            folded = folding.fold(scribe.ledger, self.name)
        except folding.CannotFold as error:
            self.frozen = str(error)
            log.error("tenant frozen", tenant=self.name, why=self.frozen)
            return
        self.frozen = scribe.ledger.head(self.name).frozen or ""
        self.state, self._snapshot_at = folded.state, folded.snapshot_at
        self._last = 0  # what is folded is durable: no answer rests on anything newer
        self._noted = -1
        self._recall = Recall(scribe.ledger, self.name, self._recall.loaded)
        self._around.time.not_before(self.state.time)

    async def _snapshot(self, taken: folding.Taken) -> None:
        """Puts the snapshot into the store and its digest on the log."""
        scribe = self._around.scribe
        try:
            digest = await scribe.errand(lambda: folding.put(scribe.ledger, self.name, taken))
        except LedgerError as error:
            log.warning("no snapshot made", tenant=self.name, why=str(error))
            return
        if self.submits(e.SnapshotMade(taken.size, digest)):
            self._snapshot_at = taken.size  # without that entry no fold would rely on it

    def _limits(self) -> BreakerLimits:
        bundle = None if self.state.bundle is None else self._recall.bundle(self.state.bundle)
        return BreakerLimits() if bundle is None else bundle.settings.breaker

    @property
    def rates(self) -> Rates:
        """How often may be asked, by the bundle in force as far as it has been read."""
        bundle = None if self.state.bundle is None else self._recall.remembered(self.state.bundle)
        return Rates() if bundle is None else bundle.settings.rates

    async def _go_on_shadowing(self) -> None:
        """After everything that is due: what a candidate would have said waits for whatever is decided."""
        shadow = self.state.shadow
        if shadow is None or self.frozen or not self._usable():
            return
        if (unread := self._recall.unread(shadow.bundle)) is not None:
            await self._read(unread, bundles.recall)
        if self._usable():
            self._shadow.go_on(self.state, self._recall.bundle(shadow.bundle), self._around.time.now(), self.submits)

    # -- what forgetting borrows, see ``actors.forgetting.Owner``

    @property
    def epoch(self) -> int:
        return self._epoch

    def submits(self, event: e.Event) -> bool:
        room = self._around.scribe.reserve(self.name, ROOM)
        return isinstance(room, Reservation) and not isinstance(self._submit((event,), "node", room), Refusal)

    def forgot(self) -> None:
        self._recall.forgot()

    async def refolded(self) -> bool:
        self._epoch = -1  # what is in memory decides nothing more
        return await self._restore()

    async def is_settled(self) -> bool:
        if self.frozen or not self._usable():
            return False
        await self._around.scribe.settled(self.name, self._last)
        return self._usable()

    async def covers(self, size: int) -> int | None:
        if self._snapshot_at < max(1, size):
            await self._snapshot(folding.take(self.state))
        return self._snapshot_at if await self.is_settled() and self._snapshot_at >= size else None

    # -- asking

    def _asked(self, asked: Asked) -> None:
        outcome: Outcome
        if self.frozen:
            asked.respond(Refusal(Code.FROZEN, f"the tenant's log is frozen and takes no entries: {self.frozen}"))
            return
        by = self._asker(asked)
        if by is None:
            outcome = Refusal(Code.NOT_ALLOWED, "your membership has ended")
        elif isinstance(asked.ask, c.Read) and asked.ask.what == "retention.show":
            outcome = Done(self._forgetting.shown(self.state, self._around.time.now()))
        elif isinstance(asked.ask, c.ShowFacts):
            outcome = Done(self._known().shown(asked.ask, self._around.time.now()))
        elif (told := answering.told_at(self.state, asked.ask, by, self._around.time.now(), self._limits)) is not None:
            outcome = told
        elif isinstance(asked.ask, c.Read) and asked.ask.what == "shadow.show":
            self._release(asked.respond, answering.shadow(self.state, self._recall, *self._shadow.pending()))
            return
        elif isinstance(asked.ask, c.RunReconciliation):
            self._answer(partial(self._around.compare, asked.respond), differing.handed(self.state, -1, self.frozen))
            return
        elif isinstance(asked.ask, c.Query):
            self._release(asked.respond, answering.answer(self.state, self._recall, asked.ask, by, self._around.signer))
            return
        else:
            decided = self._command(asked.ask, by)
            if callable(decided):
                self._release(asked.respond, decided)
                return
            outcome = decided
        self._answer(asked.respond, outcome)

    def _asker(self, asked: Asked) -> Asker | None:
        """What the authenticated name stands for now: a member revoked a moment ago is nobody."""
        if isinstance(asked.by, Operator):
            return asked.by
        if asked.invitation:
            return Invitee(asked.by)
        member = self.state.members.get(asked.by)
        return member if member is not None and member.status == "active" else None

    def _command(self, command: c.Command, by: Asker) -> Outcome | Callable[[], Outcome]:
        """The outcome, or what makes it once everything decided so far is durable (a repeat is answered from the ledger)."""
        room = self._around.scribe.reserve(self.name, ROOM, urgent=is_urgent(command))
        match room:
            case Full(retry_after=wait):
                return Refusal(Code.BUSY, "too much is waiting to be written", wait)
            case ReadOnly(why=why, retry_after=wait):
                return Refusal(Code.READ_ONLY, f"the node cannot write at present ({why}); nothing was decided", wait)
            case LogFrozen(why=why):
                return Refusal(Code.FROZEN, f"the tenant's log is frozen and takes no entries: {why}")
            case Reservation():
                return self._decide(command, by, room)

    def _decide(self, command: c.Command, by: Asker, room: Reservation) -> Outcome | Callable[[], Outcome]:
        moment = self._moment()
        try:
            decision = decide(self.state, command, by, self._facts(command, by), moment)
        except BodyRemoved as error:
            decision = Refusal(Code.REMOVED, f"what this rests on has been forgotten: {error}")
        actor = by_asker(by)
        if isinstance(decision, Refusal):
            shut = self._around.standing.shut
            if decision.code is Code.CLOCK_IN_DOUBT:
                decision = shut or (decision if self._is_abreast else NOT_NOTED)
            common = decision.code in NOT_RECORDED or (shut is not None and decision.code is shut.code)
            if common or type(command) is c.ProposeCanary:  # an entry would say that one is tried
                room.release()
                return decision
            refused = e.CommandRefused(type(command).__name__, actor, decision.code.value, decision.why, decision.about[:64])
            written = self._submit((refused,), actor, room, moment.now)
            return written if isinstance(written, Refusal) else decision
        if not decision.events:
            room.release()
            said = decision.answer
            return lambda: Done(answering.repeated(self._recall, command, said))
        done = self._submit(decision.events, decision.actor or actor, room, moment.now)
        if isinstance(done, Refusal):
            return done
        if self.state.shadow is not None:
            self._shadow.note(self.state, done, self._recall.remembered(self.state.shadow.bundle), moment.now, self._known().past)
        if decision.refusal is not None:
            return decision.refusal
        return Done(answering.of_command(self.state, command, decision.answer, done))

    def _submit(
        self, events: tuple[e.Event, ...], actor: str, room: Reservation, now: Instant | None = None
    ) -> tuple[e.Event, ...] | Refusal:
        """Folds and submits.  On a refusal nothing was queued, and the state is folded again before it is used."""
        scribe, standing = self._around.scribe, self._around.standing
        position = self.state.size
        at = self._around.time.now() if now is None else now
        recorded = drafting.record(self.state, events, actor, at, self._around.signer, self._limits())
        try:
            self._last = scribe.submit(
                self.name, self._epoch, position, recorded.drafts, room, node_scopes={SCOPE: standing.epoch} if recorded.grants else None
            )
        except (StaleEpoch, StalePosition):
            self._epoch = -1  # the state holds what was not queued: it is folded again before it is used
            return RECOVERING
        except StaleScope:
            self._epoch = -1
            return Refusal(Code.BREAKER_OPEN, "the node's breaker tripped in this very moment; nothing was decided")
        if recorded.keyed:
            self._recall.submitted(self._last, recorded.keyed)
        issuer = partial(drafting.issuer_signature, self._around.signer, self.name)
        told = [
            self._feed.wanted(self.state, event, seq, issuer, self._around.signer) for seq, event in enumerate(recorded.events, position)
        ]
        items = [item for found in told for item in found]
        if items:
            self._around.held.hold(self.name, self._last, lambda durable: self._feed.publish(items) if durable else None)
        if self.state.size - self._snapshot_at >= self._around.snapshot_every:
            self._snapshot_owed = True
        return recorded.events

    def _moment(self) -> Moment:
        return Moment(self._around.time.now(), Fresh(self._around.entropy(32)))

    def _facts(self, command: c.Command, by: Asker) -> Facts:
        """What this command needs to know beyond the state."""
        around = self._around
        return self._known().facts(command, by, clock_ok=around.time.doubt is None and around.standing.shut is None and self._is_abreast)

    def _known(self) -> Known:
        published = self._around.scribe.published
        witnessed = published.size(self.name) if published.quorum else None
        return Known(self.state, self._recall, self._around.signer, self._pushed, self._forgetting, self._canaries, witnessed)

    @property
    def _is_abreast(self) -> bool:
        return self._noted == self._around.standing.changes

    def _note_the_node(self) -> None:
        """Writes down what stopped the whole node before anything else is decided: what was granted before it is worthless."""
        standing = self._around.standing
        if self._noted == standing.changes or self.frozen or self.state.phase == "unfounded":
            return
        events = pauses.of_the_node(self.state, standing.stops)
        if events:
            room = self._around.scribe.reserve(self.name, ROOM, urgent=True)
            if not isinstance(room, Reservation) or isinstance(self._submit(events, "node", room), Refusal):
                return  # it is owed, and until then nothing is granted
        self._noted = standing.changes

    # -- answering

    def _answer(self, respond: Respond, outcome: Outcome) -> None:
        """Law 1: the answer leaves when the state it was computed on is durable."""
        self._around.held.hold(self.name, self._last, lambda durable: respond(outcome if durable else Unsettled(UNSETTLED)))

    def _release(self, respond: Respond, make: Callable[[], Outcome]) -> None:
        """A read that looks at the ledger too: made when everything decided before it is durable.

        It is made in the middle of everybody's answers, so what cannot be read is one asker's answer and nobody's fall.
        """

        def release(durable: bool) -> None:
            try:
                outcome = make() if durable else Unsettled(UNSETTLED)
            except (LedgerError, NotCanonical) as error:
                log.error("the ledger could not be read", tenant=self.name, why=str(error))
                outcome = Refusal(Code.FROZEN, f"an entry that this rests on cannot be read: {error}")
            except Exception:
                respond(Unsettled(falling.FELL))  # whoever releases it has a wall against bugs, and says them
                raise
            respond(outcome)

        self._around.held.hold(self.name, self._last, release)

    def _introduce(self, message: Introduce) -> None:
        self._answer(message.respond, answering.introduced(self.state, message, self._around.time.now()))

    def _listen(self, message: Listen) -> None:
        """Registers, then delivers what is open already; nothing falls between, for both wait in the same line."""
        if not message.wanted():
            return
        if message.topic != INBOX:
            self._feed.add(CASE + message.topic, message.listener)
            self._around.held.hold(self.name, self._last, lambda durable: message.listener({"seq": -1}))
            return
        self._feed.add(MEMBER + message.member, message.listener)
        member = self.state.members.get(message.member)
        waiting = [] if member is None else answering.waiting(self.state, member)

        def deliver(durable: bool) -> None:
            if not durable:
                message.lost()  # what was open in the state that was given up may be open still: it is asked for again
                return
            try:
                for item in answering.inbox(self.state, self._recall, self._around.signer, waiting):
                    message.listener(item)
            except (LedgerError, NotCanonical) as error:
                log.error("an inbox could not be read", tenant=self.name, member=message.member, why=str(error))
                message.lost()

        self._around.held.hold(self.name, self._last, deliver)

    # -- time

    async def _sweep(self, turn: Turn) -> None:
        """Settles what is overdue, each thing in a decision of its own."""
        for _ in range(MOST_DUE):
            await turn.give_way()
            if not self._usable():
                return
            now = self._around.time.now()
            at = next_due(self.state)
            if self.frozen or at is None or at > now:
                return
            room = self._around.scribe.reserve(self.name, ROOM, urgent=True)
            if not isinstance(room, Reservation):
                return  # it stays due
            known, moment = self._known(), self._moment()
            events = due(self.state, moment, self._granting(), known.past, known.canary_of)
            if not events:
                room.release()
                return
            if isinstance(self._submit(events, "law", room, moment.now), Refusal):
                return

    def _bury(self) -> None:
        """Writes down what was quarantined; what an earlier process did so with is not fallen over a second time in this one."""
        self._quarantine.recognise(lambda digest: self._recall.knows(index.quarantine_key(digest)))
        owed = self._quarantine.owed
        while owed and not self.frozen and self._usable():
            room = self._around.scribe.reserve(self.name, ROOM, urgent=True)
            events = buried(self.state, owed[0], Fresh(self._around.entropy(32)))
            if not isinstance(room, Reservation) or isinstance(self._submit(events, "law", room), Refusal):
                return  # it stays owed
            owed.popleft()

    def _granting(self) -> bundles.Bundle | None:
        """The active bundle, where anything may be granted under it now."""
        if self.state.bundle is None or self._around.time.doubt is not None or self._around.standing.shut or not self._is_abreast:
            return None
        return self._recall.bundle(self.state.bundle)
