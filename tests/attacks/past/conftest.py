"""A node that has a past: what damage and snapshots are tried on."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest
import trio

from actors.governance import warrant


async def _history(stage: Any) -> None:
    """A bit of everything that can become of a case and of a tenant."""
    await stage.found_tenant("belvedere")
    names = ("ada", "till", "clara", "dora", "hugo", "anna", "emil")
    async with stage.cast(*names) as (ada, till, clara, dora, hugo, anna, emil):
        await ada.done("report", **ada.member.receipt((await ada.propose("notes.read", run="own"))["warrant"], "own"))
        for outcome in ("succeeded", "failed"):
            granted = await ada.granted()
            run = (await till.done("redeem", **stage.redemption(granted)))["run"]
            await till.done("report", **till.member.receipt(granted, run, outcome=outcome))
        granted = await ada.granted("files.write", state_digest=bytes(32))
        assert await till.refused("redeem", **stage.redemption(granted, state_digest=b"s" * 32)) == "stale"
        granted = await ada.granted("files.write")
        run = (await till.done("redeem", **stage.redemption(granted)))["run"]
        told = till.member.receipt(granted, run)
        case = (await till.done("report", **told))["case"]
        await emil.done("attest", **emil.member.attestation(case, run, told["receipt"]))
        held = [(await ada.propose("orders.refund"))["case"] for _ in range(4)]
        await clara.done("approve", **clara.member.statement(await clara.card(held[0]), narrowing={"uses": 1, "ttl": 60_000_000}))
        await hugo.done("deny", **hugo.member.statement(await hugo.card(held[1]), "deny"))
        await ada.done("case.cancel", case=held[2], reason="thought better of it")
        payout = (await ada.propose("orders.payout"))["case"]
        for line in (clara, dora):
            await line.done("approve", **line.member.statement(await line.card(payout)))
        assert (await ada.propose("orders.wipe", params={}))["status"] == "denied"
        letters = (await anna.done("dead_letter.list"))["letters"]
        await anna.done("dead_letter.resolve", letter=letters[0]["letter"], reason="seen")
        await anna.done("dead_letter.retry", letter=letters[-1]["letter"], key="again")
        await anna.done("breaker.trip", scope="agent:ben", reason="halt")
        await anna.done("breaker.reset", scope="agent:ben", reason="go on")
        await anna.done("member.revoke", member="mallory", reason="caught", key="mallory")
        async with stage.as_operator() as operator:
            await operator.done("pause", scope="belvedere/tenant", reason="pause")
            await operator.done("resume", scope="belvedere/tenant", reason="go on", key="k")


async def _sealed(stage: Any) -> None:
    async with stage.cast("anna", "clara", "dora", "ada") as (anna, clara, dora, ada):
        await anna.done("tenant.seal")
        pushed = await anna.done("bundle.push", files=stage.HASTY)
        case = (await anna.done("bundle.activate", bundle=pushed["bundle"], key="hasty"))["case"]
        for line in (clara, dora):
            await line.done("approve", **line.member.statement(await line.card(case)))
        held = (await ada.propose("orders.refund"))["case"]
        lost = warrant.unverified_unpack((await ada.granted())["fields"]).case
        await ada.until(held, "case.expired")
        await ada.until(lost, "warrant.expired")


@pytest.fixture(scope="session")
def past(stages: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A node that has seen a bit of everything, in two lives, and is stopped now."""
    made = stages(tmp_path_factory.mktemp("past") / "node").found_node()
    try:
        for life in (_history, _sealed):
            made.serve()
            trio.run(life, made)
            assert made.end() == 0
        made.process = None
        yield made
    finally:
        if made.process is not None:
            made.end(signal.SIGKILL)
