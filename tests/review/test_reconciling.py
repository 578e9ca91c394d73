"""The comparison of memory with ledger reads the whole log, and holds nobody up while it does."""

from __future__ import annotations

from functools import partial
from typing import Any

import trio
from structlog.testing import capture_logs

from actors import reconciler
from actors.comparing import Comparisons
from actors.governance.reconciling import Observed
from actors.governance.refusals import Refusal
from actors.kernel import Envelope, Mailbox, Ref
from actors.messages import Compared, Done, Outcome, Reconcile, TenantMessage
from actors.reconciler import reconcile
from actors.supervisor import SupervisorMessage


async def _compare_once(shell: Any, monkeypatch: Any) -> int:
    """Has the reconciler compare the shell's tenant; how many turns others had meanwhile."""
    monkeypatch.setattr(reconciler, "STRETCH", 16)
    mailbox: Mailbox[TenantMessage] = Mailbox("belvedere")
    mailbox.open()
    node: Mailbox[SupervisorMessage] = Mailbox("supervisor")
    compared = trio.Event()
    turns = 0
    async with trio.open_nursery() as nursery:

        async def tenant() -> None:
            while True:
                await shell.tenant.handle(await mailbox.receive())

        async def other() -> None:
            nonlocal turns
            while not compared.is_set():
                await trio.lowlevel.checkpoint()
                turns += 1

        nursery.start_soon(tenant)
        start = partial(
            reconcile, lambda: {"belvedere": Ref(mailbox)}, Ref(node), shell.ledger, Comparisons(),
            due_every=60, compare_every=0, told=compared.set,
        )  # fmt: skip
        await nursery.start(start)
        await other()
        nursery.cancel_scope.cancel()
    return turns


async def test_the_whole_fold_is_made_in_stretches_beside_everybody_elses_work(shell: Any, monkeypatch: Any) -> None:
    for number in range(20):
        await shell.whole_case(f"k{number}")
    with capture_logs() as said:
        turns = await _compare_once(shell, monkeypatch)
    assert turns > shell.ledger.head("belvedere").size // 16
    assert [line for line in said if line["log_level"] == "error"] == []


async def test_a_state_that_is_not_the_fold_of_its_ledger_is_found(shell: Any, monkeypatch: Any) -> None:
    await shell.whole_case("k1")
    shell.tenant.state.tally.denied += 1
    with capture_logs() as said:
        await _compare_once(shell, monkeypatch)
    assert [line["event"] for line in said if line["log_level"] == "error"] == ["reconciliation found a difference"]


async def test_a_busy_tenant_is_compared_too_once_its_state_is_durable(shell: Any) -> None:
    heard: list[Outcome] = []
    shell.disk.hold()
    await shell.tell(shell.proposal("k1", run="r1"), "ada")
    await shell.tenant.handle([Envelope(Reconcile(heard.append))])
    assert heard == []
    shell.disk.go()
    await shell.settled()
    assert isinstance(heard[0], Done)
    assert heard[0].value["size"] == shell.ledger.head("belvedere").size


DIFFERS = Compared((Observed("state_differs", "entry 9", "00", "ff"),))


async def test_a_state_that_differs_is_folded_anew_and_said_and_the_tenant_goes_on(shell: Any) -> None:
    await shell.whole_case("k1")
    shell.tenant.state.tally.denied += 1
    await shell.tenant.handle([Envelope(DIFFERS)])
    await shell.settled()
    assert shell.tenant.state.tally.denied == 0
    assert [known.kind for known in shell.tenant.state.findings.open.values()] == ["state_differs"]
    assert isinstance(await shell.whole_case("k2"), Done)


async def test_a_state_that_differs_twice_freezes_its_tenant(shell: Any) -> None:
    for _ in range(2):
        await shell.tenant.handle([Envelope(DIFFERS)])
        await shell.settled()
    assert "twice" in shell.tenant.frozen
    heard: list[Outcome] = []
    await shell.tenant.handle([Envelope(Reconcile(heard.append))])
    await shell.settled()
    assert isinstance(heard[0], Refusal)


async def test_what_has_not_grown_since_it_was_compared_is_not_packed_again(shell: Any) -> None:
    heard: list[Outcome] = []
    await shell.tenant.handle([Envelope(Reconcile(heard.append, above=shell.tenant.state.size))])
    await shell.settled()
    assert isinstance(heard[0], Done)
    assert heard[0].value["state"] == b""
