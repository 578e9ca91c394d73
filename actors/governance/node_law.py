"""What the node itself remembers: its operators, its own breaker, and which tenants could not go on.

The node's log has several writers (the ledger admits tenants and commits to their heads), so its own entries are the few
below, folded by ``evolve`` over whatever else stands between them.
"""

from __future__ import annotations

from typing import ClassVar, TypeAlias, assert_never, get_args

import attrs

from . import alerts
from .aborting import NODE
from .alert_book import Alerts
from .alerts import Cause
from .events.alerts import AlertAcknowledged, AlertRaised
from .halt import Pause
from .ids import Instant, Person
from .pauses import BREAKER, OPERATORS


@attrs.frozen
class OperatorEnrolled:
    TAG: ClassVar[str] = "operator.enrolled/1"
    name: str
    public_key: bytes
    key_id: str
    key_hash: bytes


@attrs.frozen
class NodeTripped:
    TAG: ClassVar[str] = "node.tripped/1"
    epoch: int
    by: str
    reason: str


@attrs.frozen
class NodeReset:
    TAG: ClassVar[str] = "node.reset/1"
    by: str
    reason: str


@attrs.frozen
class NodePaused:
    """An operator stopped everything by hand.  Another thing than the breaker: whatever resets that lifts no pause."""

    TAG: ClassVar[str] = "node.paused/1"
    epoch: int
    by: str
    reason: str
    since: Instant


@attrs.frozen
class NodeResumed:
    TAG: ClassVar[str] = "node.resumed/1"
    by: str
    reason: str


@attrs.frozen
class ClockDoubted:
    """Nothing is granted or redeemed from here on, until the clocks agree."""

    TAG: ClassVar[str] = "clock.doubted/1"
    why: str


@attrs.frozen
class RefusalsCounted:
    """Refusals before any decision, of one minute: counted, so that nobody can fill the disk with garbage."""

    TAG: ClassVar[str] = "refusals.counted/1"
    counts: tuple[tuple[str, str, int], ...]  # source, code, how many


@attrs.frozen
class TenantFrozen:
    TAG: ClassVar[str] = "tenant.frozen/1"
    tenant: str
    why: str


@attrs.frozen
class RollbackAccepted:
    """Whoever runs the node went on with a ledger that is not, or cannot be shown to be, the one it released."""

    TAG: ClassVar[str] = "rollback.accepted/1"
    reason: str
    found: str  # what the node refused to start for
    logs: tuple[tuple[str, int, bytes, int, bytes], ...]  # log, size and root once released, size and root gone on with (0: it is gone)


@attrs.frozen
class WitnessRefused:
    """A witness has seen another history of a log than the one that is here: it is behind what it was, or beside it."""

    TAG: ClassVar[str] = "witness.refused/1"
    witness: str
    log: str
    what: str  # rolled back, or forked
    size: int  # that was shown
    root: bytes
    known: int  # entries that the witness had cosigned


@attrs.frozen
class RecoveryConsented:
    """An operator agreed that a tenant's lost quorum is recovered: here too, where that tenant's admin writes nothing."""

    TAG: ClassVar[str] = "recovery.consented/1"
    tenant: str
    digest: bytes  # of what the tenant's admin announced
    by: str


@attrs.frozen
class MessageQuarantined:
    """The supervisor fell over it twice; it is not looked at any more until the node is started again."""

    TAG: ClassVar[str] = "message.quarantined/1"
    message: str  # its kind
    by: str
    digest: bytes
    fall: str  # the type of the crash


NodeEvent: TypeAlias = (
    OperatorEnrolled
    | NodeTripped
    | NodeReset
    | RefusalsCounted
    | TenantFrozen
    | RollbackAccepted
    | WitnessRefused
    | RecoveryConsented
    | MessageQuarantined
    | NodePaused
    | NodeResumed
    | ClockDoubted
    | AlertRaised
    | AlertAcknowledged
)
KINDS: dict[str, type] = {kind.TAG: kind for kind in get_args(NodeEvent)}


@attrs.define
class NodeState:
    operators: dict[str, OperatorEnrolled] = attrs.Factory(dict)  # by API key id
    epoch: int = 0
    tripped: Pause | None = None  # while the node's breaker is open
    last_trip: Pause | None = None  # the newest there was: warrants that it has seen are worth nothing
    paused: Pause | None = None
    last_pause: Pause | None = None  # likewise
    alerts: Alerts = attrs.Factory(Alerts)


def evolve_node(state: NodeState, event: NodeEvent, at: Instant, seq: int) -> None:
    """Folds one entry of the node's log, recorded at ``at``.  Never refuses."""
    if (found := cause(event)) is not None:
        alerts.noted(state.alerts, found, at)
    match event:
        case OperatorEnrolled():
            state.operators[event.key_id] = event
        case NodeTripped():
            state.epoch = event.epoch
            state.tripped = state.last_trip = Pause(NODE, BREAKER, event.by, Person(""), event.reason, at, seq)
        case NodeReset():
            state.tripped = None
        case NodePaused():
            state.paused = state.last_pause = Pause(NODE, OPERATORS, event.by, Person(""), event.reason, event.since, seq)
        case NodeResumed():
            state.paused = None
        case AlertRaised() | AlertAcknowledged():
            alerts.folded(state.alerts, event, at, seq)
        case RefusalsCounted() | TenantFrozen() | RollbackAccepted() | WitnessRefused() | RecoveryConsented() | MessageQuarantined():
            pass
        case ClockDoubted():
            pass
        case _:
            assert_never(event)


def cause(event: NodeEvent) -> Cause | None:
    """What an entry of the node's log is worth an alert for, or nothing."""
    match event:
        case NodeTripped():
            return Cause("node.tripped", "node", f"the node is shut out by {event.by}: {event.reason}")
        case NodePaused():
            return Cause("node.paused", "node", f"the node is paused by {event.by}: {event.reason}")
        case NodeResumed():
            return Cause("node.resumed", "node", f"{event.by} lets the node go on: {event.reason}")
        case ClockDoubted():
            return Cause("clock.in_doubt", "node", f"nothing is granted or redeemed: {event.why}")
        case MessageQuarantined():
            text = f"the supervisor fell over {event.message} of {event.by} twice ({event.fall}) and does not look at it any more"
            return Cause("message.quarantined", "node", text, key=event.digest.hex()[:16])
        case TenantFrozen():
            return Cause("tenant.frozen", event.tenant, f"the tenant {event.tenant} only answers reads: {event.why}")
        case WitnessRefused():
            text = f"{event.witness} has cosigned {event.known} entries of {event.log}, which is {event.what} here at {event.size}"
            return Cause("witness.refused", event.log, text, key=f"{event.witness} {event.log}")
        case _:
            return None
