"""What an agent may try with people who have to decide about its cases: on a served node, over its own connection."""

from __future__ import annotations

import secrets
from typing import Any

from actors.governance import canonical, envelope, warrant
from actors.governance.constraints import Constraint, Prefix, Range
from actors.governance.signing import Purpose


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


async def signed(
    stage: Any, by: Any, agent: str, bounds: dict[str, Constraint], action: str = "orders.refund", **changed: Any
) -> dict[str, Any]:
    """The fields of ``envelope.sign``."""
    template = envelope.pack_template(envelope.Template(agent, action, Prefix("book/"), bounds))  # type: ignore[arg-type]
    active = (await by.done("bundle.show"))["bundle"]
    fields = {
        "tenant": "belvedere", "template": canonical.digest(template), "count": 2, "total": None, "until": stage.now() + 3_600_000_000,
        "bundle": active, "tier": "T1", "reason": "month's end", "nonce": secrets.token_bytes(16), "time": stage.now(),
    }  # fmt: skip
    statement = envelope.pack(envelope.Statement(**{**fields, **changed}))  # type: ignore[arg-type]
    return {"template": template, "statement": statement, "signature": by.member.sign(Purpose.ENVELOPE, statement)}


SMALL: dict[str, Constraint] = {"amount": Range(1, 10, None)}


async def test_an_envelope_serves_no_other_agent_action_resource_or_type_and_no_more_than_its_count(stage: Any) -> None:
    agent, other = await stage.newcomer("agent"), await stage.newcomer("agent")
    async with stage.line(agent) as ada, stage.line(other) as mallory, stage.cast("clara") as (clara,):
        await clara.done("envelope.sign", **await signed(stage, clara, agent.name, SMALL))
        assert (await mallory.propose("orders.refund"))["status"] == "held"
        for changed in ({"params": {"amount": 11}}, {"resource": "shelf/one"}):
            assert (await ada.propose("orders.refund", **changed))["status"] == "held"
        for params in ({"amount": "5"}, {"amount": True}, {}, {"amount": 5, "more": 1}):
            assert (await ada.propose("orders.refund", params=params))["status"] == "denied"
        assert (await ada.propose("orders.payout"))["status"] == "held"
        assert [(await ada.propose("orders.refund"))["status"] for _ in range(3)] == ["warranted", "warranted", "held"]


async def test_an_envelope_is_worth_nothing_after_its_revocation_nor_when_it_is_handed_in_again(stage: Any) -> None:
    agent = await stage.newcomer("agent")
    async with stage.line(agent) as ada, stage.cast("clara", "dora") as (clara, dora):
        fields = await signed(stage, clara, agent.name, SMALL)
        name = (await clara.done("envelope.sign", **fields))["envelope"]
        granted = await ada.propose("orders.refund")
        assert warrant.unverified_unpack(granted["warrant"]["fields"]).envelopes == (name,)
        assert (await dora.ask("envelope.revoke", envelope=name, reason="not mine")).code == "unknown"
        await clara.done("envelope.revoke", envelope=name, reason="no more")
        await clara.done("envelope.sign", **fields)
        assert (await ada.propose("orders.refund"))["status"] == "held"
        assert (await dora.ask("envelope.sign", **fields)).code == "signature_invalid"
        assert (await ada.ask("envelope.sign", **fields)).code == "not_allowed"


async def test_an_envelope_of_an_excluded_person_is_not_taken(stage: Any) -> None:
    async with stage.cast("anna") as (anna,):
        owner = await stage.join(anna, f"approver-{secrets.token_hex(4)}", "approver")
        agent = await stage.join(anna, f"agent-{secrets.token_hex(4)}", "agent", owner=owner.name)
    async with stage.line(owner) as mallory, stage.line(agent) as machine:
        fields = await signed(stage, mallory, agent.name, SMALL)
        assert (await mallory.ask("envelope.sign", **fields)).code == "self_approval"
        assert (await machine.propose("orders.refund"))["status"] == "held"
