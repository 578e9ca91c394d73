"""What an approver, and an agent, may try to tell a canary from a case: on a served node, in everything that they can read."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import msgpack
import trio

from actors.governance import intent
from ledger.header import parse


def wanted(agent: str, wish: dict[str, Any]) -> dict[str, Any]:
    return {"whose": agent, **wish, "reason": "do we look?", "key": secrets.token_hex(16)}


def unlike(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Where two things of the same form have other values; anything of another form is an assertion."""
    assert type(one) is type(other), path
    if isinstance(one, dict):
        assert list(one) == list(other), path
        for name in one:
            yield from unlike(one[name], other[name], f"{path}.{name}")
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other), path
        for mine, its in zip(one, other, strict=True):
            yield from unlike(mine, its, path)
    elif one != other:
        assert isinstance(one, int) or len(one) == len(other), path
        yield path


async def seen(line: Any, case: str) -> dict[str, Any]:
    """Everything that an approver is shown of a held case."""
    shown = await line.card(case)
    item, entries = None, []
    with trio.fail_after(60):
        async with line.link.subscribe("inbox", {}, credit=512) as inbox:
            async for event in inbox:
                if event.value.get("case") == case:
                    item = event.value
                    break
        async with line.link.subscribe("tail", {"start": 0, "follow": False, "case": case}, credit=512) as tail:
            async for event in tail:
                if event.value["kind"] == "entry":
                    header = parse(event.value["entry"])
                    form = [len(event.value["entry"]) - len(str(header.sequence)), sorted(event.value)]
                    entries.append([{name: getattr(header, name) for name in ("tag", "tenant", "actor", "step")}, form[1:],
                                    len(header.follows), msgpack.unpackb(event.value["body"])])  # fmt: skip
    listed = [one for one in (await line.done("approval.list"))["cases"] if one["case"] == case]
    told = await line.done("case.show", case=case)
    lineage = await line.done("case.lineage", case=case)
    return {"card": shown, "signed": msgpack.unpackb(shown["card"]), "item": item, "list": listed, "show": told, "lineage": lineage,
            "tail": entries, "intent": msgpack.unpackb(msgpack.unpackb(shown["card"])["intent"])}  # fmt: skip


# What is another in any two cases, of the same length: ids, keys, times, places, and what is made of them.
ALWAYS = {"case", "key", "agent", "actor", "resource", "time", "seq", "card", "intent", "expires_at"}


async def test_nothing_that_an_approver_reads_of_a_waiting_canary_differs_from_a_case(stage: Any) -> None:
    one, other = await stage.newcomer("agent"), await stage.newcomer("agent")
    async with stage.line(one) as ada, stage.cast("anna", "clara") as (anna, clara):
        wish = {**stage.wish("orders.payout"), "key": secrets.token_hex(16)}
        real = (await ada.propose("orders.payout", key=wish["key"]))["case"]
        held = await anna.done("review.canary", **wanted(other.name, wish))
        assert held["status"] == "held"
        await clara.done("approval.open", case=real)
        await clara.done("approval.open", case=held["case"])
        mine, ours = await seen(clara, real), await seen(clara, held["case"])
    assert len(one.name) == len(other.name)
    mine["card"].pop("card"), ours["card"].pop("card")  # compared as it is read, for its numbers may be of other lengths
    packed = [entry for shown in (mine, ours) for entry in (*shown["tail"], *shown["show"]["entries"])]
    for entry in packed:
        body = entry[-1] if isinstance(entry, list) else entry["body"]
        body.update({name: b"" for name in ("card", "intent") if name in body})
    for shown in (mine, ours):
        shown["signed"]["intent"] = b""
        assert shown["tail"][0][0]["actor"] == shown["lineage"]["agent"]
    assert {path.rpartition(".")[2] for path in unlike(mine, ours)} <= ALWAYS | {"excluded"}


async def test_a_canary_that_everybody_approves_is_never_executed(stage: Any) -> None:
    agent = await stage.newcomer("agent")
    async with stage.cast("anna", "clara", "dora", "till") as (anna, clara, dora, till):
        before = (await anna.done("review.stats"))["readers"]
        case = (await anna.done("review.canary", **wanted(agent.name, stage.wish("orders.payout"))))["case"]
        assert (await clara.done("approve", **clara.member.statement(await clara.card(case))))["status"] == "held"
        assert (await dora.done("approve", **dora.member.statement(await dora.card(case))))["status"] == "missed"
        assert (await clara.story(case))[-2:] == ["approval.given", "canary.missed"]
        assert not [live for live in (await anna.done("warrant.list"))["warrants"] if live["case"] == case]
        assert not [live for live in (await till.done("warrant.list"))["warrants"] if live["case"] == case]
        missed = [{line["person"]: line["missed"] for line in lines} for lines in (before, (await anna.done("review.stats"))["readers"])]
        assert [missed[1][name] - missed[0].get(name, 0) for name in ("clara", "dora")] == [1, 1]
        letters = (await anna.done("dead_letter.list", limit=200))["letters"]
        assert case not in {letter["case"] for letter in letters}


async def test_a_canary_stays_one_when_the_node_is_started_again(fresh: Any) -> None:
    fresh.serve()
    await fresh.found_tenant("belvedere")
    async with fresh.cast("anna") as (anna,):
        case = (await anna.done("review.canary", **wanted("ada", fresh.wish("orders.refund"))))["case"]
    assert await trio.to_thread.run_sync(fresh.end) == 0
    await trio.to_thread.run_sync(fresh.serve)
    async with fresh.cast("hugo") as (hugo,):
        assert (await hugo.done("approve", **hugo.member.statement(await hugo.card(case))))["status"] == "missed"
        assert (await hugo.story(case))[-1] == "canary.missed"


async def test_a_canary_that_is_refused_leaves_no_entry(stage: Any) -> None:
    agent = await stage.newcomer("agent")
    async with stage.cast("anna", "clara") as (anna, clara):
        before = (await anna.done("status"))["entries"]
        for action, changed in (("notes.append", {}), ("orders.refund", {"params": {"amount": 5000}}), ("orders.none", {})):
            assert await anna.refused("review.canary", **wanted(agent.name, stage.wish(action, **changed))) == "policy_forbids"
        assert await anna.refused("review.canary", **wanted("nobody", stage.wish("orders.refund"))) == "unknown"
        assert await clara.refused("review.canary", **wanted(agent.name, stage.wish("orders.refund"))) == "not_allowed"
        assert (await anna.done("status"))["entries"] == before


async def test_a_key_that_an_agent_takes_from_a_canary_makes_none_of_another_case(stage: Any) -> None:
    agent, other = await stage.newcomer("agent"), await stage.newcomer("agent")
    async with stage.line(other) as mallory, stage.line(agent) as ada, stage.cast("anna", "clara") as (anna, clara):
        wish = stage.wish("orders.refund")
        case = (await anna.done("review.canary", **wanted(agent.name, wish)))["case"]
        key = (await clara.done("case.show", case=case))["entries"][0]["body"]["key"]
        taken = (await mallory.propose(**{**wish, "key": key}))["case"]
        assert (await clara.done("approve", **clara.member.statement(await clara.card(taken))))["status"] == "warranted"
        assert await ada.refused("propose", **stage.wish("orders.refund", key=key)) == "key_reused"
        assert (await mallory.ask("approval.answer", case=case, answer="x")).code == "unknown"


async def test_the_agent_sees_a_case_in_its_name_and_may_withdraw_it_or_say_that_it_is_none_of_its_own(stage: Any) -> None:
    agent = await stage.newcomer("agent")
    async with stage.line(agent) as ada, stage.cast("anna", "clara") as (anna, clara):
        first = (await anna.done("review.canary", **wanted(agent.name, stage.wish("orders.refund"))))["case"]
        await clara.done("approval.ask", case=first, question="which order?")
        assert intent.unpack((await ada.done("case.show", case=first))["entries"][0]["body"]["intent"]).action == "orders.refund"
        await ada.done("approval.answer", case=first, answer="I asked for nothing")
        assert (await anna.ask("approval.answer", case=first, answer="it did")).code == "unknown"
        assert (await clara.done("deny", **clara.member.statement(await clara.card(first), "deny")))["status"] == "denied"
        assert (await clara.story(first))[-2:] == ["approval.denied", "canary.caught"]
        second = (await anna.done("review.canary", **wanted(agent.name, stage.wish("orders.refund"))))["case"]
        assert (await ada.done("case.cancel", case=second, reason="not mine"))["status"] == "cancelled"
        assert (await clara.story(second))[-2:] == ["case.cancelled", "canary.ended"]
