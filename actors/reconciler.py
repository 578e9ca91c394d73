"""The reconciler: wakes every tenant to what is overdue, and compares what is remembered with what is recorded.

On start and on a schedule.  It decides nothing: a tenant settles its own overdue approvals, warrants, reports and
verifications, in its own batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog
import trio

from actors.errors import ActorDied, MailboxFull
from actors.kernel import Ref
from actors.messages import Done, Outcome, Reconcile, Sweep, TenantMessage
from actors.supervisor import SupervisorMessage, WriteCounts

log = structlog.get_logger(__name__)

COUNT_EVERY = 60.0  # s between entries of counted refusals


async def reconcile(
    tenants: Callable[[], Mapping[str, Ref[TenantMessage]]],
    supervisor: Ref[SupervisorMessage],
    *,
    due_every: float,
    compare_every: float,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Until cancelled.  Intervals in seconds."""
    task_status.started()
    now = trio.current_time()
    compare_at, count_at = now + compare_every, now + COUNT_EVERY
    while True:
        for ref in tenants().values():
            _tell(ref, Sweep())
        now = trio.current_time()
        if now >= compare_at:
            compare_at = now + compare_every
            for ref in tenants().values():
                _tell(ref, Reconcile(_compared))
        if now >= count_at:
            count_at = now + COUNT_EVERY
            _count(supervisor)
        await trio.sleep(due_every)


def _tell(ref: Ref[TenantMessage], message: Sweep | Reconcile) -> None:
    """A tenant that is full or down is woken the next time: what is due stays due."""
    try:
        ref.tell_nowait(message, urgent=isinstance(message, Sweep))
    except (MailboxFull, ActorDied) as error:
        log.info("not woken", tenant=ref.name, why=str(error))


def _count(supervisor: Ref[SupervisorMessage]) -> None:
    try:
        supervisor.tell_nowait(WriteCounts())
    except (MailboxFull, ActorDied) as error:
        log.warning("refusals not counted yet", why=str(error))


def _compared(outcome: Outcome) -> None:
    if isinstance(outcome, Done) and outcome.value.get("compared") and not outcome.value.get("equal"):
        log.error("the state in memory is not the fold of the ledger", tenant=outcome.value.get("tenant"))
