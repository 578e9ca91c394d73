"""The supervisor: owns what is the node's and not a tenant's.

It folds the node's log before anyone may decide, founds tenants, trips and resets the node's own breaker, and writes down
what was refused before any decision, counted.  What is one tenant's is decided inside that tenant's own batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

import attrs
import structlog

from actors.errors import ActorsError, StaleEpoch, StaleScope
from actors.governance import alerts, index, pauses
from actors.governance import commands as c
from actors.governance import node_law as law
from actors.governance.canonical import NotCanonical
from actors.governance.codec import decode_node, encode_node
from actors.governance.events.alerts import AlertAcknowledged, AlertRaised
from actors.governance.halt import Pause
from actors.governance.ids import Instant, Person
from actors.governance.names import problem, tenant_problem
from actors.governance.quarantine import digest_of, digest_of_text
from actors.governance.refusals import Code, Refusal, unknown
from actors.kernel import Envelope
from actors.kernel.suspects import Suspects
from actors.legal_time import LegalTime
from actors.messages import Done, Outcome, Respond, Unsettled
from actors.node_standing import SCOPE, NodeStanding
from actors.scribe import Durable, Reservation, Scribe
from ledger import NODE, Draft, LedgerError, VerificationError
from ledger.header import parse

log = structlog.get_logger(__name__)

STRETCH = 1024  # entries read at once
MOST_COUNTED = 256  # sources in one entry: the loudest of a minute; the rest are summed under one name


@attrs.frozen
class CreateTenant:
    command: c.Found
    by: str
    respond: Respond


@attrs.frozen
class TripNode:
    reason: str
    by: str
    respond: Respond


@attrs.frozen
class ResetNode:
    reason: str
    by: str
    respond: Respond


@attrs.frozen
class PauseNode:
    reason: str
    by: str
    respond: Respond


@attrs.frozen
class ResumeNode:
    reason: str
    by: str
    respond: Respond


@attrs.frozen
class AcknowledgeNode:
    command: c.AcknowledgeAlert
    by: str
    respond: Respond


@attrs.frozen
class NoteFrozen:
    tenant: str
    why: str


@attrs.frozen
class NoteWitness:
    event: law.WitnessRefused


@attrs.frozen
class NoteConsent:
    """The tenant has taken the operator's consent; the answer goes out when it stands on the node's log, too."""

    event: law.RecoveryConsented
    value: Mapping[str, object]
    respond: Respond


@attrs.frozen
class WriteCounts:
    """Once a minute: what was refused before any decision since the last time, and whether the clocks can be relied on."""


SupervisorMessage: TypeAlias = (
    CreateTenant | TripNode | ResetNode | PauseNode | ResumeNode | AcknowledgeNode | NoteFrozen | NoteWitness | NoteConsent | WriteCounts
)


FELL = Unsettled("the supervisor fell before it could answer; look at the node's log before asking again")
POISON = Refusal(
    Code.QUARANTINED, "the node's supervisor fell over this twice and does not look at it any more; the node's log lines say why"
)
RESTARTING = Refusal(Code.BUSY, "the supervisor is being restarted; nothing was decided", 100)  # ms


class Refused:
    """Counts of refusals before decision, by source and code, shared with the gateway.  Bounded, whoever knocks."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()

    def note(self, source: str, code: str) -> None:
        key = (source, code)
        if key not in self.counts and len(self.counts) >= MOST_COUNTED:
            key = ("others", code)
        self.counts[key] += 1

    def take(self) -> tuple[tuple[str, str, int], ...]:
        taken = tuple(sorted((source, code, count) for (source, code), count in self.counts.items()))
        self.counts.clear()
        return taken


class Supervisor:
    """An actor of the kernel.

    ``admit`` makes a tenant's keys and log and sets its actor going, as far as they are not there, and asks it: whether it can be
    founded, or invite its first admin again, is its own law to say.
    """

    def __init__(
        self,
        scribe: Scribe,
        time: LegalTime,
        standing: NodeStanding,
        refused: Refused,
        admit: Callable[[str, str, c.Found, Respond], Awaitable[None]],
    ) -> None:
        self._scribe = scribe
        self._time = time
        self._standing = standing
        self._refused = refused
        self._admit = admit
        self.state = law.NodeState()
        self.suspects = Suspects()  # this actor is one object over all its lives
        self._owed: list[law.MessageQuarantined] = []
        self._folded = 0  # entries of the node's log
        self._doubted = False

    async def start(self) -> None:
        """Folds the node's log; an entry that cannot be read stops the node, for nobody would know who may run it."""
        self._fold_anew()
        self._show()

    async def handle(self, batch: list[Envelope[SupervisorMessage]]) -> None:
        for at, envelope in enumerate(batch):
            if self.suspects.wary and self.suspects.holds(_digest(envelope.message)):
                _respond(envelope.message, POISON)
                continue
            try:
                await self._act(envelope.message)
            except BaseException as end:
                self._fell([left.message for left in batch[at:]], end)
                raise

    async def _act(self, message: SupervisorMessage) -> None:
        match message:
            case CreateTenant() as wanted:
                await self._create(wanted)
            case TripNode(reason=reason, by=by, respond=respond):
                event = law.NodeTripped(self.state.epoch + 1, by, reason)
                self._scribe.raise_scope(NODE, SCOPE)
                # nothing is granted while it is on its way to the disk
                self._show(tripping=Pause(SCOPE, pauses.BREAKER, by, Person(""), reason, self._time.now()))
                await self._write(event, by, respond, {"scope": SCOPE})
            case ResetNode(reason=reason, by=by, respond=respond):
                if self.state.tripped is None:
                    respond(Refusal(Code.UNKNOWN, "the node's breaker is closed already"))
                else:
                    await self._write(law.NodeReset(by, reason), by, respond, {"scope": SCOPE})
            case PauseNode():
                await self._pause(message)
            case ResumeNode(reason=reason, by=by, respond=respond):
                if self.state.paused is None:
                    respond(Done({"scope": SCOPE, "applied": True, "repeated": True}))
                else:
                    await self._write(law.NodeResumed(by, reason), by, respond, {"scope": SCOPE, "applied": True})
            case AcknowledgeNode():
                await self._acknowledge(message)
            case NoteFrozen(tenant=tenant, why=why):
                await self._write(law.TenantFrozen(tenant, why), "node", _nobody, {})
            case NoteWitness(event=refused):
                await self._write(refused, "node", _nobody, {})
            case NoteConsent(event=consented, value=value, respond=respond):
                await self._write(consented, consented.by, respond, value)
            case WriteCounts():
                if counts := self._refused.take():
                    await self._write(law.RefusalsCounted(counts), "node", _nobody, {})
                while self._owed:
                    await self._write(self._owed.pop(0), "node", _nobody, {})
                doubt = self._time.doubt
                if doubt is not None and not self._doubted:
                    await self._write(law.ClockDoubted(doubt), "node", _nobody, {})
                self._doubted = doubt is not None

    def _fell(self, left: list[SupervisorMessage], end: BaseException) -> None:
        """Whoever waits is answered; the message that it fell over twice is set aside."""
        over = left[0]
        _respond(over, FELL)
        for message in left[1:]:
            shut_out(message)
        if isinstance(end, Exception) and self.suspects.fell(digest := _digest(over)) and not isinstance(over, WriteCounts):
            self._owed.append(law.MessageQuarantined(type(over).__name__, getattr(over, "by", "node"), digest, type(end).__name__))

    async def stop(self) -> None:
        if counts := self._refused.take():
            await self._write(law.RefusalsCounted(counts), "node", _nobody, {})

    async def _create(self, wanted: CreateTenant) -> None:
        command = wanted.command
        for what, wrong in (("tenant", tenant_problem(command.tenant)), ("admin", problem(command.admin))):
            if wrong is not None:
                wanted.respond(Refusal(Code.MALFORMED, f"the {what}'s name {wrong}"))
                return
        try:
            await self._admit(command.tenant, wanted.by, command, wanted.respond)
        except (LedgerError, ActorsError, OSError) as error:
            log.warning("a tenant was not founded", tenant=command.tenant, why=f"{type(error).__name__}: {error}")
            wanted.respond(Unsettled("the tenant could not be founded completely; ask again, each step can be repeated"))

    async def _write(self, event: law.NodeEvent, actor: str, respond: Respond, value: Mapping[str, object]) -> None:
        """One entry of the node's log; folded, and in force, when it is durable.  In doubt the log itself is asked."""
        outcome: Outcome
        now = self._time.now()
        room = self._scribe.reserve(NODE, 2, urgent=True)
        if not isinstance(room, Reservation):
            self._show()
            respond(Refusal(Code.READ_ONLY, "the node cannot write at present; nothing was decided", getattr(room, "retry_after", None)))
            return
        events = [event]
        if (cause := law.cause(event)) is not None and alerts.is_news(self.state.alerts, cause, now):
            events.append(alerts.raised(self.state.alerts, cause))
        key = index.alert_key(self.state.alerts.raised + 1)
        drafts = tuple(
            Draft(tag=one.TAG, time=now, actor=actor, body=encode_node(one), keys=(key,) if isinstance(one, AlertRaised) else ())
            for one in events
        )
        epoch = self._scribe.epoch(NODE)
        try:
            number = self._scribe.submit(NODE, epoch, None, drafts, room)
        except (StaleEpoch, StaleScope):
            self._show()
            respond(Refusal(Code.READ_ONLY, "the node is recovering from a failed write; nothing was decided", 100))
            return
        if isinstance(await self._scribe.settled(NODE, number), Durable):
            self._fold_on()
            self._show()
            outcome = Done(value)
        else:
            await self._scribe.wait_epoch(NODE, epoch)  # the ledger is open again, and its right edge verified
            self._fold_anew()
            self._show()
            outcome = Unsettled("the node could not make it durable; look at the node's log before asking again")
        respond(outcome)

    async def _pause(self, wanted: PauseNode) -> None:
        if (known := self.state.paused) is not None:
            wanted.respond(Done({**pauses.told(known), "repeated": True}))
            return
        event = law.NodePaused(self._scribe.raise_scope(NODE, SCOPE), wanted.by, wanted.reason, self._time.now())
        pause = Pause(SCOPE, pauses.OPERATORS, event.by, Person(""), event.reason, event.since)
        self._show(pausing=pause)  # nothing is granted while it is on its way to the disk
        await self._write(event, wanted.by, wanted.respond, pauses.told(pause))

    async def _acknowledge(self, wanted: AcknowledgeNode) -> None:
        known = next((alert for alert in self.state.alerts.known.values() if alert.number == wanted.command.alert), None)
        if known is None:
            wanted.respond(unknown("remembered alert", str(wanted.command.alert)))
        elif known.acknowledged:
            wanted.respond(Done({"alert": known.number, "by": known.acknowledged, "note": known.note, "repeated": True}))
        else:
            event = AlertAcknowledged(known.number, wanted.by, Person(""), wanted.command.note)
            await self._write(event, wanted.by, wanted.respond, {"alert": known.number, "by": wanted.by})

    def _fold_anew(self) -> None:
        self.state, self._folded = law.NodeState(), 0
        self._fold_on()

    def _fold_on(self) -> None:
        self._folded = fold_node(self._scribe, self.state, self._folded)

    def _show(self, *, tripping: Pause | None = None, pausing: Pause | None = None) -> None:
        standing, state = self._standing, self.state
        standing.tripping, standing.pausing = tripping, pausing
        standing.epoch = self._scribe.scope_epoch(NODE, SCOPE)
        known = standing.stops
        standing.paused, standing.last_pause = state.paused, state.last_pause
        standing.tripped, standing.last_trip = state.tripped, state.last_trip
        if standing.stops != known:
            standing.changes += 1
            standing.changed()


def fold_node(scribe: Scribe, state: law.NodeState, begin: int) -> int:
    """Folds what the node's log says of the node itself, from ``begin`` on; gives how far that was."""
    ledger = scribe.ledger
    size = ledger.head(NODE).size
    for at in range(begin, size, STRETCH):
        for record in ledger.read(NODE, at, min(at + STRETCH, size)):
            header = parse(record.entry)
            if header.tag not in law.KINDS:
                continue
            try:
                event = decode_node(header.tag, ledger.open_body(NODE, record))
            except NotCanonical as error:
                raise VerificationError(f"an entry of the node's log cannot be read: {error}", log=NODE, index=record.seq) from None
            if event is not None:
                law.evolve_node(state, event, Instant(header.time), record.seq)
    return size


def _digest(message: SupervisorMessage) -> bytes:
    """Of what is asked and by whom: not of the way back, nor of an idempotency key."""
    told = {name: value for name, value in attrs.asdict(message, recurse=False).items() if name not in ("respond", "value")}
    if "command" in told:
        told["command"] = digest_of(told["command"], "")
    return digest_of_text(f"{type(message).__name__}\0{told!r}", "")


def shut_out(message: SupervisorMessage) -> None:
    """What was still waiting when the supervisor fell or stopped: nothing of it was looked at."""
    _respond(message, RESTARTING)


def _respond(message: SupervisorMessage, outcome: Outcome) -> None:
    if isinstance(message, (CreateTenant, TripNode, ResetNode, PauseNode, ResumeNode, AcknowledgeNode, NoteConsent)):
        message.respond(outcome)


def _nobody(outcome: Outcome) -> None:
    """For what the node writes by itself; a failure is the scribe's news already."""
    if not isinstance(outcome, Done):
        log.warning("the node's own entry was not written", why=outcome.why)
