"""The reconciler: wakes every tenant to what is overdue, and compares what is remembered with what is recorded.

On start and on a schedule.  It decides nothing: a tenant settles its own overdue approvals, warrants, reports and
verifications, in its own batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import cast

import structlog
import trio

from actors import folding
from actors.comparing import RETRY, Comparisons, Taken
from actors.errors import ActorDied, MailboxFull
from actors.governance import reservations
from actors.governance.codec import encode_state
from actors.governance.reconciling import Observed
from actors.governance.refusals import Code, Refusal
from actors.governance.state import State
from actors.kernel import Ref
from actors.messages import Compared, Done, Outcome, Reconcile, Sweep, TenantMessage
from actors.supervisor import SupervisorMessage, WriteCounts
from ledger import Ledger, LedgerError

log = structlog.get_logger(__name__)

COUNT_EVERY = 60.0  # s between entries of counted refusals
STRETCH = 64  # entries folded at once, some milliseconds; then for as long again everybody else has the loop


async def reconcile(
    tenants: Callable[[], Mapping[str, Ref[TenantMessage]]],
    supervisor: Ref[SupervisorMessage],
    ledger: Ledger,
    comparisons: Comparisons,
    *,
    due_every: float,
    compare_every: float,
    told: Callable[[], object] = lambda: None,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Until cancelled.  Intervals in seconds.  ``told`` is called after each comparison."""
    compared: dict[str, int] = {}  # log → entries when it was compared last: what has not grown since is not compared again
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_compare, tenants, ledger, comparisons, compared, told)
        task_status.started()
        await _wake(tenants, supervisor, comparisons, compared, due_every, compare_every)


async def _wake(
    tenants: Callable[[], Mapping[str, Ref[TenantMessage]]],
    supervisor: Ref[SupervisorMessage],
    comparisons: Comparisons,
    compared: Mapping[str, int],
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
            for name, ref in tenants().items():
                _tell(ref, Reconcile(partial(comparisons.ask, _unless_done), compared.get(name, -1)))
        if now >= count_at:
            count_at = now + COUNT_EVERY
            _count(supervisor)
        await trio.sleep(due_every)


def _tell(ref: Ref[TenantMessage] | None, message: Sweep | Reconcile | Compared) -> None:
    """A tenant that is full or down is woken the next time: what is due stays due, and what differs is found again."""
    if ref is None:
        return
    try:
        ref.tell_nowait(message, urgent=not isinstance(message, Reconcile))
    except (MailboxFull, ActorDied) as error:
        log.info("not woken", tenant=ref.name, why=str(error))


def _count(supervisor: Ref[SupervisorMessage]) -> None:
    try:
        supervisor.tell_nowait(WriteCounts())
    except (MailboxFull, ActorDied) as error:
        log.warning("refusals not counted yet", why=str(error))


def _unless_done(outcome: Outcome) -> None:
    """For comparisons on the schedule, which nobody waits for; what differs is told to the tenant."""
    if not isinstance(outcome, Done):
        log.info("a state was not compared this time", why=outcome.why)


async def _compare(
    tenants: Callable[[], Mapping[str, Ref[TenantMessage]]],
    ledger: Ledger,
    comparisons: Comparisons,
    compared: dict[str, int],
    told: Callable[[], object],
) -> None:
    """One state after the other, in stretches: folding a long log takes many seconds.  Not in a thread: the law remembers what it
    read lately, for one thread."""
    while True:
        taken = await comparisons.next()
        begun = trio.current_time()
        try:
            found = await _differences(ledger, taken)
        except folding.Forgotten as gone:  # since the state was handed over; the next one stands on a newer snapshot
            comparisons.done(Refusal(Code.BUSY, str(gone), RETRY))
        except (folding.CannotFold, LedgerError) as error:
            log.error("the ledger cannot be folded", tenant=taken.tenant, why=str(error))
            if isinstance(error, folding.CannotFold):
                _tell(tenants().get(taken.tenant), Compared((), f"the ledger cannot be folded: {error}"))
            comparisons.done(Refusal(Code.FROZEN, f"the ledger cannot be folded: {error}"))
        else:
            compared[taken.tenant] = taken.size
            for one in found:
                log.error("reconciliation found a difference", tenant=taken.tenant, kind=one.kind, about=one.about, observed=one.observed)
            if found:
                _tell(tenants().get(taken.tenant), Compared(found))
            comparisons.done(
                Done(
                    {
                        "size": taken.size,
                        "state": not any(one.kind == "state_differs" for one in found),
                        "reservations": sum(one.kind == "reservation_differs" for one in found),
                        "milliseconds": int((trio.current_time() - begun) * 1000),
                    }
                )
            )
        told()


async def _differences(ledger: Ledger, taken: Taken) -> tuple[Observed, ...]:
    """Between the state that a tenant handed over and its ledger, and within that state."""
    state = await _folded(ledger, taken.tenant, taken.size)
    if (recorded := encode_state(state)) != taken.state:
        about = f"entry {taken.size}"
        return (Observed("state_differs", about, hashlib.sha256(recorded).hexdigest(), hashlib.sha256(taken.state).hexdigest()),)
    counting = reservations.differences(state)
    while True:
        begun = trio.current_time()
        try:
            next(counting)
        except StopIteration as end:
            return cast("tuple[Observed, ...]", end.value)
        await trio.sleep(trio.current_time() - begun)


async def _folded(ledger: Ledger, tenant: str, size: int) -> State:
    state = folding.beginning(ledger, tenant, size)
    begin = 0 if state is None else state.size
    for end in range(begin + STRETCH, size + STRETCH, STRETCH):
        begun = trio.current_time()
        state = folding.extended(ledger, tenant, state, min(end, size))
        await trio.sleep(trio.current_time() - begun)
    return State(tenant) if state is None else state  # type: ignore[arg-type]  # a TenantId
