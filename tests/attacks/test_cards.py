"""What an agent may try with people who have to decide about its cases: on a served node, over its own connection."""

from __future__ import annotations

from typing import Any


async def test_another_agent_cannot_answer_what_an_approver_asked(stage: Any) -> None:
    agent, other = await stage.newcomer("agent"), await stage.newcomer("agent")
    async with stage.line(agent) as ada, stage.line(other) as mallory, stage.cast("clara") as (clara,):
        case = (await ada.propose("orders.refund"))["case"]
        await clara.done("approval.ask", case=case, question="which order?")
        assert (await mallory.ask("approval.answer", case=case, answer="it is fine")).code == "unknown"
        assert (await mallory.ask("approval.answer", case="c-nowhere", answer="it is fine")).code == "unknown"
        assert (await mallory.ask("approval.ask", case=case, question="well?")).code == "not_allowed"
        await ada.done("approval.answer", case=case, answer="order 7")
        assert [part["answer"] for part in (await clara.card(case))["said"]] == ["order 7"]


async def test_an_answer_cannot_be_slipped_under_an_approval_that_was_signed_before_it(stage: Any) -> None:
    agent = await stage.newcomer("agent")
    async with stage.line(agent) as ada, stage.cast("clara", "dora") as (clara, dora):
        case = (await ada.propose("orders.refund"))["case"]
        await dora.done("approval.ask", case=case, question="which order?")
        signed = clara.member.statement(await clara.card(case))
        await ada.done("approval.answer", case=case, answer="the other one")
        assert (await clara.ask("approve", **signed)).code == "statement_mismatch"
        await clara.done("approve", **clara.member.statement(await clara.card(case)))


async def test_answers_cannot_hold_up_a_denial(stage: Any) -> None:
    agent = await stage.newcomer("agent")
    async with stage.line(agent) as ada, stage.cast("clara", "dora") as (clara, dora):
        case = (await ada.propose("orders.refund"))["case"]
        denial = clara.member.statement(await clara.card(case), "deny")
        await dora.done("approval.ask", case=case, question="which order?")
        await ada.done("approval.answer", case=case, answer="the other one")
        assert (await clara.done("deny", **denial))["status"] == "denied"
        assert (await ada.ask("approval.answer", case=case, answer="wait")).code == "unknown"
