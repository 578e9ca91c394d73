"""What those hear who wait for a tenant that falls, or that stops: everybody something, and nothing that is not so."""

from __future__ import annotations

from collections.abc import Sequence

from actors.governance.refusals import Code, Refusal
from actors.kernel import Envelope
from actors.messages import Asked, Introduce, Listen, Reconcile, TenantMessage, Unsettled
from actors.quarantine import Quarantine

# 100 ms: the first wait of a supervision, and a fold from a snapshot
RESTARTING = Refusal(Code.BUSY, "the tenant is being restarted; nothing was decided", 100)
FELL = "the tenant fell before it could answer; ask again with the same idempotency key to learn whether it happened"


def turn_away(message: TenantMessage, why: Refusal = RESTARTING) -> None:
    """Nothing of it was looked at: it was still waiting when its tenant fell or stopped, or has to wait for something else."""
    if isinstance(message, (Asked, Introduce, Reconcile)):
        message.respond(why)
    elif isinstance(message, Listen):
        message.lost()


def fell(left: Sequence[Envelope[TenantMessage]], end: BaseException, quarantine: Quarantine, *, over_first: bool, submitted: bool) -> None:
    """The actor ends with these left; while it handled the first, having put something of it on the way to the ledger, or not.

    Without ``over_first`` it ends over nobody's message in particular.  The others were not looked at.
    """
    first = left[0].message
    # Cancelled is no crash: it is stopped, and that is nobody's fault.
    poison = quarantine.fell(first if over_first else None, end) if isinstance(end, Exception) else None
    if over_first and isinstance(first, (Asked, Introduce, Reconcile)):
        first.respond(Unsettled(FELL) if submitted or poison is None else poison)
    else:
        turn_away(first)
    for envelope in left[1:]:
        turn_away(envelope.message)
