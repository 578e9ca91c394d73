"""What changes between a decision and its redemption: the wish under its key, the target, the policy, the clock."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import trio

from actors.governance import warrant

HOUR = 3_600_000_000  # µs
HERE = Path(__file__).parent
NOW_FORBIDDEN = b'@id("closed") @reason("the till is closed")\nforbid (principal, action == Action::"orders.refund", resource);'
NOW_AT_ONCE = (b'@id("refund") @tier("T1")', b'@id("refund") @tier("T0")')
HARD_STOP = (
    b'@id("stop")\nforbid (principal, action == Action::"orders.refund", resource)'
    b' when { context.phase == "execute" && context.params.amount > 4 };'
)
CAST = [
    ("ada", "agent", "ada", ("reader",), "anna"),
    ("clara", "approver", "clara", ("lead",), None),
    ("till", "executor", "till", (), None),
]


@pytest.fixture
def odd_clock(fresh: Any, tmp_path: Path) -> Any:
    (tmp_path / "clock").write_text("0")
    fresh.program = (str(HERE / "odd_clock_node.py"),)
    fresh.environ = {**os.environ, "CLOCK_FILE": str(tmp_path / "clock")}
    return fresh


async def approved(stage: Any, ada: Any, clara: Any, **changed: Any) -> dict[str, Any]:
    """The warrant of a refund that clara approved."""
    case = (await ada.propose("orders.refund", **changed))["case"]
    await clara.done("approve", **clara.member.statement(await clara.card(case)))
    shown = await clara.done("case.show", case=case)
    found: dict[str, Any] = next(entry["body"] for entry in shown["entries"] if entry["tag"].startswith("warrant.issued/"))
    return found


async def activate(stage: Any, anna: Any, change: Any) -> None:
    files = {**stage.BUNDLE, "workshop.cedar": change(stage.BUNDLE["workshop.cedar"])}
    pushed = await anna.done("bundle.push", files=files)
    await anna.done("bundle.activate", bundle=pushed["bundle"], key=pushed["bundle"].hex())


async def test_a_key_that_was_used_opens_nothing_else_also_in_other_types_and_at_once(stage: Any) -> None:
    agent = await stage.newcomer("agent")
    async with stage.line(agent) as ada, stage.cast("anna") as (anna,):
        wish = stage.wish("orders.refund")
        case = (await ada.done("propose", **wish))["case"]
        for other in (
            {"params": {"amount": 6}}, {"params": {"amount": True}}, {"params": {"amount": "5"}}, {"params": {"amount": {"dec": "5.0"}}},
            {"params": {}}, {"params": {"amount": 5, "more": 1}}, {"resource": "book/other"}, {"purpose": "another"}, {"cost": 1},
            {"action": "orders.payout"}, {"state_digest": bytes(32)}, {"deadline": stage.now() + HOUR},
        ):  # fmt: skip
            assert await ada.refused("propose", **{**wish, **other}) == "key_reused", other
        assert (await ada.done("propose", **wish))["case"] == case  # and the same is the same case
        answers: list[Any] = []

        async def ask(fields: dict[str, Any]) -> None:
            answers.append(await ada.ask("propose", **fields))

        fresh_wish = stage.wish("orders.refund")
        async with trio.open_nursery() as nursery:
            for amount in range(1, 9):
                nursery.start_soon(ask, {**fresh_wish, "params": {"amount": amount}})
        cases = {answer.value["case"] for answer in answers if hasattr(answer, "value")}
        assert len(cases) == 1
        assert sorted(answer.code for answer in answers if hasattr(answer, "code")) == ["key_reused"] * 7
        assert "warrant.issued" not in await anna.story(case)


async def test_a_warrant_for_a_state_that_is_gone_burns_nothing_and_its_approval_does_not_carry_over(stage: Any) -> None:
    agent = await stage.newcomer("agent")
    async with stage.line(agent) as ada, stage.cast("clara", "till") as (clara, till):
        seen, changed = b"a" * 32, b"b" * 32
        granted = await approved(stage, ada, clara, state_digest=seen)
        fields = stage.redemption(granted, state_digest=changed)
        assert await till.refused("redeem", **fields) == "stale"
        assert await till.refused("redeem", **{**fields, "state_digest": seen}) == "warrant_over"  # nor by saying otherwise afterwards
        case = granted["case"]
        story = await clara.story(case)
        assert "run.opened" not in story
        assert story.count("approval.requested") == 2
        assert story.count("warrant.issued") == 1  # people are asked again
        await clara.done("approve", **clara.member.statement(await clara.card(case)))
        entries = (await clara.done("case.show", case=case))["entries"]
        again = [entry["body"] for entry in entries if entry["tag"].startswith("warrant.issued/")][-1]
        assert await till.refused("redeem", **stage.redemption(again)) == "stale"  # who names no state has read none
        await till.done("redeem", **stage.redemption(again, state_digest=changed))


def test_a_bundle_swapped_after_the_decision_stops_the_redemption_and_loosens_nothing(fresh: Any) -> None:
    fresh.serve()

    async def play() -> None:
        await fresh.found_tenant("belvedere", cast=CAST)
        async with fresh.cast("ada", "clara", "till", "anna") as (ada, clara, till, anna):
            small, large = await approved(fresh, ada, clara, params={"amount": 3}), await approved(fresh, ada, clara)
            held = (await ada.propose("orders.refund"))["case"]
            early = clara.member.statement(await clara.card(held))
            # stricter: what was granted cannot be redeemed, and what was held is denied
            await activate(fresh, anna, lambda text: text + NOW_FORBIDDEN)
            assert await till.refused("redeem", **fresh.redemption(small)) == "policy_forbids"
            await ada.until(held, "dead_letter.opened")
            assert await clara.refused("approve", **early) in ("unknown", "not_held", "statement_mismatch")
            # looser, with a hard stop at execution under the new one alone: both bundles are asked
            await activate(fresh, anna, lambda text: text.replace(*NOW_AT_ONCE) + HARD_STOP)
            assert await till.refused("redeem", **fresh.redemption(large)) == "policy_forbids"
            await till.done("redeem", **fresh.redemption(small))
            # and a stop of the old one alone holds under the newest
            strict = (await ada.propose("orders.refund"))["warrant"]
            await activate(fresh, anna, lambda text: text.replace(*NOW_AT_ONCE))
            assert await till.refused("redeem", **fresh.redemption(strict)) == "policy_forbids"

    trio.run(play)
    assert fresh.end() == 0
    fresh.verify()


def test_a_clock_stepped_back_lengthens_no_warrant_and_grants_nothing_until_the_clocks_agree(odd_clock: Any, tmp_path: Path) -> None:
    stage, clock = odd_clock.serve(), tmp_path / "clock"
    kept: dict[str, Any] = {}

    async def while_served() -> None:
        await stage.found_tenant("belvedere", cast=CAST)
        async with stage.cast("ada", "clara", "till") as (ada, clara, till):
            kept["granted"], kept["other"] = await ada.granted(), await ada.granted()
            held = (await ada.propose("orders.refund"))["case"]
            card = await clara.card(held)
            for wrong in (-HOUR, HOUR):
                clock.write_text(str(wrong))
                assert await till.refused("redeem", **stage.redemption(kept["granted"])) == "clock_in_doubt"
                assert await ada.refused("propose", **stage.wish()) == "clock_in_doubt"
                assert await clara.refused("approve", **clara.member.statement(card)) == "clock_in_doubt"
                mine = clara.member.statement(card, time=stage.now() + wrong)  # whose signer believes the wrong clock, too
                assert await clara.refused("approve", **mine) == "time_skewed"
            clock.write_text("0")
            await till.done("redeem", **stage.redemption(kept["granted"]))
            await clara.done("approve", **clara.member.statement(card))

    trio.run(while_served)
    stage.end(signal.SIGKILL)
    clock.write_text(str(-HOUR))  # put back while nobody ran
    stage.serve()

    async def after_a_restart() -> None:
        async with stage.cast("ada", "till", "anna") as (ada, till, anna):
            assert await till.refused("redeem", **stage.redemption(kept["other"])) == "clock_in_doubt"
            assert await ada.refused("propose", **stage.wish()) == "clock_in_doubt"
            await anna.done("status")  # reads go on
            name = warrant.unverified_unpack(kept["other"]["fields"]).warrant
            await anna.done("warrant.revoke", warrant=name, reason="nobody knows what time it is")

    trio.run(after_a_restart)
    stage.end(signal.SIGKILL)
    clock.write_text("0")
    stage.serve()

    async def with_the_right_time() -> None:
        async with stage.cast("ada", "till") as (ada, till):
            assert await till.refused("redeem", **stage.redemption(kept["other"])) == "warrant_over"
            await till.done("redeem", **stage.redemption(await ada.granted()))

    trio.run(with_the_right_time)
    assert stage.end() == 0
    stage.verify()
