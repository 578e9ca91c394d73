"""The reconciler: wakes every tenant to what is overdue, and compares what is remembered with what is recorded.

On start and on a schedule.  It decides nothing: a tenant settles its own overdue approvals, warrants, reports and
verifications, in its own batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import structlog
import trio

from actors import folding
from actors.errors import ActorDied, MailboxFull
from actors.governance.codec import encode_state
from actors.governance.state import State
from actors.kernel import Ref
from actors.messages import Done, Outcome, Reconcile, Sweep, TenantMessage
from actors.supervisor import SupervisorMessage, WriteCounts
from ledger import Ledger, LedgerError

log = structlog.get_logger(__name__)

COUNT_EVERY = 60.0  # s between entries of counted refusals
STRETCH = 64  # entries folded at once, some milliseconds; then for as long again everybody else has the loop
MOST_WAITING = 256  # tenants whose states wait to be compared; a further one has its turn the next time


async def reconcile(
    tenants: Callable[[], Mapping[str, Ref[TenantMessage]]],
    supervisor: Ref[SupervisorMessage],
    ledger: Ledger,
    *,
    due_every: float,
    compare_every: float,
    told: Callable[[], object] = lambda: None,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Until cancelled.  Intervals in seconds.  ``told`` is called after each comparison."""
    send, receive = trio.open_memory_channel[Outcome](MOST_WAITING)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_compare, receive, ledger, told)
        task_status.started()
        await _wake(tenants, supervisor, send, due_every, compare_every)


async def _wake(
    tenants: Callable[[], Mapping[str, Ref[TenantMessage]]],
    supervisor: Ref[SupervisorMessage],
    send: trio.MemorySendChannel[Outcome],
    due_every: float,
    compare_every: float,
) -> None:
    now = trio.current_time()
    compare_at, count_at = now + compare_every, now + COUNT_EVERY
    while True:
        for ref in tenants().values():
            _tell(ref, Sweep())
        now = trio.current_time()
        if now >= compare_at:
            compare_at = now + compare_every
            for ref in tenants().values():
                _tell(ref, Reconcile(partial(_keep, send)))
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


def _keep(send: trio.MemorySendChannel[Outcome], outcome: Outcome) -> None:
    try:
        send.send_nowait(outcome)
    except (trio.WouldBlock, trio.BrokenResourceError, trio.ClosedResourceError):
        log.info("a state was not compared this time")


async def _compare(receive: trio.MemoryReceiveChannel[Outcome], ledger: Ledger, told: Callable[[], object]) -> None:
    """One state after the other, in stretches: folding a long log takes many seconds.  Not in a thread: the law remembers what it
    read lately, for one thread."""
    async for outcome in receive:
        match outcome:
            case Done(value={"tenant": str(tenant), "size": int(size), "state": bytes(remembered)}):
                try:
                    recorded = await _folded(ledger, tenant, size)
                except folding.Forgotten as gone:  # since the state was handed over; the next one stands on a newer snapshot
                    log.info("a state was not compared", why=str(gone))
                except (folding.CannotFold, LedgerError) as error:
                    log.error("the ledger cannot be folded", tenant=tenant, why=str(error))
                else:
                    if recorded != remembered:
                        log.error("the state in memory is not the fold of the ledger", tenant=tenant, size=size)
            case _:
                log.info("a state was not compared", why=getattr(outcome, "why", ""))
        told()


async def _folded(ledger: Ledger, tenant: str, size: int) -> bytes:
    state = folding.beginning(ledger, tenant, size)
    begin = 0 if state is None else state.size
    for end in range(begin + STRETCH, size + STRETCH, STRETCH):
        begun = trio.current_time()
        state = folding.extended(ledger, tenant, state, min(end, size))
        await trio.sleep(trio.current_time() - begun)
    return encode_state(State(tenant) if state is None else state)  # type: ignore[arg-type]  # a TenantId
