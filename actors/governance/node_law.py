"""What the node itself remembers: its operators, its own breaker, and which tenants could not go on.

The node's log has several writers (the ledger admits tenants and commits to their heads), so its own entries are the few
below, folded by ``evolve`` over whatever else stands between them.
"""

from __future__ import annotations

from typing import ClassVar, TypeAlias, assert_never, get_args

import attrs


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
)
KINDS: dict[str, type] = {kind.TAG: kind for kind in get_args(NodeEvent)}


@attrs.define
class NodeState:
    operators: dict[str, OperatorEnrolled] = attrs.Factory(dict)  # by API key id
    epoch: int = 0
    closed: str = ""  # why nothing is granted on the whole node, or empty


def evolve_node(state: NodeState, event: NodeEvent) -> None:
    """Folds one entry of the node's log.  Never refuses."""
    match event:
        case OperatorEnrolled():
            state.operators[event.key_id] = event
        case NodeTripped():
            state.epoch, state.closed = event.epoch, f"{event.by}: {event.reason}"
        case NodeReset():
            state.closed = ""
        case RefusalsCounted() | TenantFrozen() | RollbackAccepted() | WitnessRefused() | RecoveryConsented() | MessageQuarantined():
            pass
        case _:
            assert_never(event)
