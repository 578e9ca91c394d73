"""What has happened is a hard stop: neither a crowd at once, nor approvals in advance, nor a restart, get past "three a day"."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
import trio

from actors.governance import warrant
from transport.answers import Refused, Reply

FACTS = b"""
[facts]
charged = { count = "redeemed", action = "orders.charge", by = ["resource"], window = "1d" }
refunded = { count = "redeemed", action = "orders.refund", by = ["resource"], window = "1d" }
"""
POLICIES = b"""
@id("charges") @reason("three charges to one order a day")
forbid (principal, action == Action::"orders.charge", resource) when { context.facts.charged >= 3 };
@id("refunds") @reason("three refunds of one order a day")
forbid (principal, action == Action::"orders.refund", resource) when { context.facts.refunded >= 3 };
"""
PASSED_BACK = (b'@id("charge") @tier("T0")', b'@id("charge") @tier("T0") @executor("agent")')
CROWD = 12


@pytest.fixture
async def tenant(stage: Any) -> str:
    """A tenant of its own, so that nothing counts that another test has done."""
    name = f"limits-{secrets.token_hex(3)}"
    policies = stage.BUNDLE["workshop.cedar"].replace(*PASSED_BACK) + POLICIES
    bundle = {**stage.BUNDLE, "bundle.toml": stage.BUNDLE["bundle.toml"] + FACTS, "workshop.cedar": policies}
    people = [("ada", "agent", "ada", (), "anna"), ("clara", "approver", "clara", ("lead",), None), ("till", "executor", "till", (), None)]
    await stage.found_tenant(name, bundle, people)
    return name


async def at_once(ask: Any, many: Any) -> list[Any]:
    answers: list[Any] = []

    async def one(item: Any) -> None:
        answers.append(await ask(item))

    async with trio.open_nursery() as nursery:
        for item in many:
            nursery.start_soon(one, item)
    return answers


def of(answers: list[Any]) -> tuple[int, set[str]]:
    """How many were let through, and what the others were told."""
    return sum(isinstance(answer, Reply) for answer in answers), {answer.why for answer in answers if isinstance(answer, Refused)}


async def test_of_a_crowd_of_warrants_approved_at_once_no_more_than_three_are_redeemed(stage: Any, tenant: str) -> None:
    async with stage.cast("ada", "clara", "till", "anna", tenant=tenant) as (ada, clara, till, anna):
        asked = [stage.wish("orders.refund", resource="order/1", params={"amount": number + 1}) for number in range(CROWD)]
        held = [(await ada.done("propose", **wish))["case"] for wish in asked]
        other = (await ada.done("propose", **stage.wish("orders.refund", resource="order/2")))["case"]
        cards = {case: await clara.card(case) for case in [*held, other]}
        votes = await at_once(lambda case: clara.ask("approve", **clara.member.statement(cards[case])), [*held, other])
        assert of(votes) == (CROWD + 1, set())  # all of them are granted: at the approval nothing was redeemed yet
        inbox: dict[str, Any] = {}
        with trio.fail_after(60):
            async with till.link.subscribe("inbox", {}, credit=64) as items:
                async for item in items:
                    inbox[warrant.unverified_unpack(item.value["fields"]).case] = item.value
                    if len(inbox) == CROWD + 1:
                        break
        answers = await at_once(lambda case: till.ask("redeem", **stage.redemption(inbox[case])), held)
        forbidden = "policy forbids the execution now: refunds forbids it: three refunds of one order a day"
        assert of(answers) == (3, {forbidden})
        await till.done("redeem", **stage.redemption(inbox[other]))
        denied = await ada.done("propose", **stage.wish("orders.refund", resource="order/1", params={"amount": 99}))
        assert denied["status"] == "denied"
        entries = (await anna.done("case.show", case=denied["case"]))["entries"]
        assert [entry["body"]["facts"] for entry in entries if entry["tag"] == "case.decided/1"] == [{"refunded": 3}]


async def test_of_a_crowd_that_proposes_and_redeems_at_once_no_more_than_three_get_through(stage: Any, tenant: str) -> None:
    async with stage.cast("ada", "anna", tenant=tenant) as (ada, anna):
        wishes = [
            stage.wish("orders.charge", resource="order/1", params={"amount": {"dec": f"{n}.00"}}, run=secrets.token_hex(8))
            for n in range(CROWD)
        ]
        answers = await at_once(lambda wish: ada.ask("propose", **wish), wishes)
        ran = [answer.value for answer in answers if isinstance(answer, Reply) and answer.value["status"] == "running"]
        assert len(ran) == 3
        assert {answer.value["status"] for answer in answers if isinstance(answer, Reply)} == {"running", "denied"}
        seen = []
        for value in ran:
            entries = (await anna.done("case.show", case=value["case"]))["entries"]
            seen.append([entry["body"]["facts"]["charged"] for entry in entries if entry["tag"] in ("case.decided/1", "run.opened/1")])
        assert sorted(seen) == [[0, 0], [1, 1], [2, 2]]


async def test_a_restart_forgets_no_count(fresh: Any) -> None:
    stage = fresh.serve()
    policies = stage.BUNDLE["workshop.cedar"].replace(*PASSED_BACK) + POLICIES
    bundle = {**stage.BUNDLE, "bundle.toml": stage.BUNDLE["bundle.toml"] + FACTS, "workshop.cedar": policies}
    await stage.found_tenant("limits", bundle, [("ada", "agent", "ada", (), "anna")])

    async def charge(number: int) -> str:
        async with stage.cast("ada", tenant="limits") as (ada,):
            params = {"amount": {"dec": f"{number}.00"}}
            wish = stage.wish("orders.charge", resource="order/1", params=params, run=secrets.token_hex(8))
            return str((await ada.done("propose", **wish))["status"])

    said = [await charge(number) for number in range(2)]
    stage.end(9)
    stage.serve()
    said += [await charge(number) for number in range(2, 5)]
    assert said == ["running"] * 3 + ["denied"] * 2
    async with stage.cast("anna", tenant="limits") as (anna,):
        (row,) = (await anna.done("policy.facts", params={}, action="orders.charge", resource="order/1"))["facts"]
        assert (row["fact"], row["value"], row["needs"]) == ("charged", 3, [])
