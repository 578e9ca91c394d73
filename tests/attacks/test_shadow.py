"""A candidate in the shadow decides nothing, whatever it says."""

from __future__ import annotations

import secrets
from typing import Any

import trio

from ledger.header import parse


async def seen(otto: Any, compared: int) -> dict[str, Any]:
    """What the shadow has seen, once it has compared so many."""
    with trio.fail_after(60):
        while True:
            found: dict[str, Any] = await otto.done("shadow.show")
            if found["compared"] >= compared:
                return found
            await otto.done("ledger.wait", state="durable", timeout=200)


async def test_a_candidate_that_permits_everything_grants_nothing(stage: Any) -> None:
    tenant = f"shadow-{secrets.token_hex(3)}"
    cast = [("ada", "agent", "ada", ("reader",), "anna"), ("till", "executor", "till", (), None), ("otto", "auditor", "otto", (), None)]
    await stage.found_tenant(tenant, stage.BUNDLE, [*cast, ("clara", "approver", "clara", ("lead",), None)])
    loose = {name: data.replace(b'@tier("T1")', b'@tier("T0")') for name, data in stage.BUNDLE.items()}
    async with stage.cast("ada", "anna", "otto", "clara", tenant=tenant) as (ada, anna, otto, clara):
        pushed = (await anna.done("bundle.push", files=loose))["bundle"]
        assert await ada.refused("shadow.start", bundle=pushed) == "not_allowed"
        assert await otto.refused("shadow.start", bundle=pushed) == "not_allowed"
        assert await anna.refused("shadow.start", bundle=bytes(32)) == "unknown"
        await anna.done("shadow.start", bundle=pushed)
        held = await ada.propose("orders.refund")
        assert held["status"] == "held"
        assert "warrant" not in held
        found = await seen(otto, 1)
        (group,) = found["groups"]
        assert (group["from"], group["to"], group["count"]) == ("T1", "T0", 1)
        assert group["examples"][0]["case"] == held["case"]
        assert await ada.story(held["case"]) == ["intent.proposed", "case.decided", "approval.requested"], "its case says nothing of it"
        await clara.done("approve", **clara.member.statement(await clara.card(held["case"])))
        await anna.done("shadow.stop")
        assert (await otto.done("shadow.show"))["bundle"] is None
        tags = [entry async for entry in _tags(anna)]
        assert [tag for tag in tags if tag.startswith("shadow.")][:1] == ["shadow.started/1"]
        assert tags[-1] == "shadow.stopped/1"


async def test_a_candidate_that_fails_is_a_difference_and_harms_nobody(stage: Any) -> None:
    tenant = f"shadow-{secrets.token_hex(3)}"
    cast = [("ada", "agent", "ada", ("reader",), "anna"), ("till", "executor", "till", (), None), ("otto", "auditor", "otto", (), None)]
    await stage.found_tenant(tenant, stage.BUNDLE, cast)
    overflow = b'@id("overflow") forbid (principal, action, resource) when { context.cost * 9223372036854775807 > 3 };\n'
    failing = {**stage.BUNDLE, "overflow.cedar": overflow}
    async with stage.cast("ada", "anna", "otto", tenant=tenant) as (ada, anna, otto):
        pushed = (await anna.done("bundle.push", files=failing))["bundle"]
        await anna.done("shadow.start", bundle=pushed)
        assert (await ada.propose(cost=5))["status"] == "warranted"
        (group,) = (await seen(otto, 1))["groups"]
        assert (group["kind"], group["to"]) == ("denied", "deny")
        assert "could not be evaluated" in group["examples"][0]["says"]


async def test_a_flood_in_the_shadow_is_counted_and_leaves_few_entries(stage: Any) -> None:
    tenant = f"shadow-{secrets.token_hex(3)}"
    cast = [("ada", "agent", "ada", ("reader",), "anna"), ("till", "executor", "till", (), None), ("otto", "auditor", "otto", (), None)]
    await stage.found_tenant(tenant, stage.BUNDLE, cast)
    strict = {**stage.BUNDLE, "never.cedar": b'@id("never") @reason("not today") forbid (principal, action, resource);\n'}
    async with stage.cast("ada", "anna", "otto", tenant=tenant) as (ada, anna, otto):
        await anna.done("shadow.start", bundle=(await anna.done("bundle.push", files=strict))["bundle"])
        for _ in range(40):
            assert (await ada.propose())["status"] == "warranted"
        (group,) = (await seen(otto, 40))["groups"]
        assert group["count"] == 40
        tags = [entry async for entry in _tags(anna)]
        assert tags.count("shadow.differed/1") <= 3
        assert tags.count("shadow.counted/1") <= 2


async def _tags(line: Any) -> Any:

    async with line.link.subscribe("tail", {"start": 0, "follow": False}, credit=4096) as events:
        async for event in events:
            value = getattr(event, "value", {})
            if value.get("kind") == "entry":
                yield parse(value["entry"]).tag
            elif value.get("kind") == "end":
                return
