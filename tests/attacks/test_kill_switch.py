"""The kill switch on a served node: in force when it answers, after a kill -9 right after the answer, and against ordinary load."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest
import trio

from transport.answers import Refused

CAST = (
    ("ada", "agent", "ada", (), "anna"),
    ("ben", "agent", "ben", (), "anna"),
    ("clara", "approver", "clara", ("lead",), None),
    ("till", "executor", "till", (), None),
)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from tests.attacks.conftest import Stage

    made = Stage(tmp_path_factory.mktemp("stopped") / "node").found_node().serve()
    try:
        trio.run(made.found_tenant, "belvedere", None, CAST)
        yield made
        assert made.end() == 0
        made.verify()
    finally:
        made.end(signal.SIGKILL)


def again(stage: Any) -> None:
    """Killed in this very moment, and served anew."""
    stage.end(signal.SIGKILL)
    stage.serve()


async def refusal(line: Any, tag: str, **fields: Any) -> Refused:
    answer = await line.ask(tag, **fields)
    assert isinstance(answer, Refused), answer
    return answer


def test_an_agent_that_is_paused_stays_so_through_a_kill_right_after_the_answer(stage: Any) -> None:
    async def before() -> tuple[dict[str, Any], str, dict[str, Any]]:
        async with stage.cast("ada", "anna") as (ada, anna):
            granted = await ada.granted()
            held = (await ada.propose("orders.refund"))["case"]
            told = await anna.done("pause", scope="agent:ada", reason="it deletes")
            return granted, held, told

    async def after(granted: dict[str, Any], held: str, told: dict[str, Any]) -> None:
        async with stage.cast("ada", "ben", "till", "clara", "anna") as (ada, ben, till, clara, anna):
            no = await refusal(ada, "propose", **stage.wish())
            assert no.code == "paused"
            assert no.why.startswith("agent ada is paused by anna since 20")
            assert no.why.endswith("UTC: it deletes")
            assert (await refusal(till, "redeem", **stage.redemption(granted))).code == "paused"
            card = await clara.card(held)
            assert (await refusal(clara, "approve", **clara.member.statement(card))).code == "paused"
            await ben.granted()
            again = await anna.done("pause", scope="agent:ada", reason="once more")
            assert (again["repeated"], again["reason"], again["since"]) == (True, "it deletes", told["since"])
            assert await ada.refused("resume", scope="agent:ada", reason="it is me", key="k") == "not_allowed"
            assert (await anna.done("resume", scope="agent:ada", reason="fixed", key="k"))["applied"]
            await clara.done("approve", **clara.member.statement(card))
            assert await till.refused("redeem", **stage.redemption(granted)) == "warrant_over"  # it stays worthless
            await ada.granted()

    granted, held, told = trio.run(before)
    again(stage)
    trio.run(after, granted, held, told)


def test_a_paused_tenant_is_lifted_by_whose_pause_it_is(stage: Any) -> None:
    async def whole() -> None:
        async with stage.as_operator() as operator, stage.cast("ada", "anna") as (ada, anna):
            await anna.done("pause", scope="tenant", reason="which one is it")
            assert await operator.refused("resume", scope="belvedere/tenant", reason="x", key="k") == "not_allowed"
            await operator.done("pause", scope="belvedere/tenant", reason="an incident")
            assert await anna.refused("resume", scope="tenant", reason="x", key="k1") == "paused"
            (row,) = (await operator.done("tenant.list"))["tenants"]
            assert row["suspended"] == "an incident"
            await operator.done("resume", scope="belvedere/tenant", reason="over", key="k")
            assert "which one is it" in (await refusal(ada, "propose", **stage.wish())).why
            await anna.done("resume", scope="tenant", reason="found it", key="k2")
            await ada.granted()

    trio.run(whole)


@pytest.mark.parametrize(
    ("stop", "go_on", "code", "said"),
    [("pause", "resume", "paused", "paused"), ("breaker.trip", "breaker.reset", "breaker_open", "shut out")],
)
def test_the_node_is_stopped_for_every_tenant_also_after_a_kill_and_what_runs_is_aborted(
    stage: Any, stop: str, go_on: str, code: str, said: str
) -> None:
    key = {"key": "k"} if go_on == "resume" else {}

    async def before() -> dict[str, Any]:
        async with stage.as_operator() as operator, stage.cast("ada", "till") as (ada, till):
            granted, running = await ada.granted(), await ada.granted()
            async with till.link.subscribe("inbox", {}, credit=64) as inbox:
                await till.done("redeem", **stage.redemption(running, run=f"r-{stop}"))
                await operator.done(stop, scope="node", reason="a host is compromised")
                with trio.fail_after(60):
                    async for item in inbox:
                        if (item.value["kind"], item.value.get("run")) == ("abort", f"r-{stop}"):
                            break
            return granted

    async def after(granted: dict[str, Any]) -> None:
        async with stage.as_operator() as operator, stage.cast("ada", "till", "anna") as (ada, till, anna):
            for line, tag, fields in ((ada, "propose", stage.wish()), (till, "redeem", stage.redemption(granted))):
                no = await refusal(line, tag, **fields)
                assert no.code == code, no
                assert f"the node is {said} by operator:operator since 20" in no.why
                assert "a host is compromised" in no.why
            async with till.link.subscribe("inbox", {}, credit=64) as inbox:  # whoever was away hears of it on coming back
                with trio.fail_after(60):
                    async for item in inbox:
                        if (item.value["kind"], item.value.get("run")) == ("abort", f"r-{stop}"):
                            break
            status = await operator.done("status")
            assert "a host is compromised" in (status["paused"] if stop == "pause" else status["breaker"]["why"])
            assert await anna.refused(go_on, scope="node", reason="x", **key) == ("not_allowed" if stop == "pause" else "unknown")
            await operator.done(go_on, scope="node", reason="replaced", **key)
            assert await till.refused("redeem", **stage.redemption(granted)) == "warrant_over"
            await ada.granted()

    granted = trio.run(before)
    again(stage)
    trio.run(after, granted)


def test_ordinary_load_does_not_keep_a_pause_out(stage: Any) -> None:
    async def whole() -> None:
        async with stage.cast("ada", "anna") as (ada, anna), trio.open_nursery() as nursery:
            codes: list[str] = []
            granted, enough = trio.Event(), trio.Event()
            most = 10_000

            async def hammer() -> None:
                while True:
                    answer = await ada.ask("propose", **stage.wish())
                    codes.append(answer.code if isinstance(answer, Refused) else "granted")
                    if codes[-1] == "granted":
                        granted.set()
                    if len(codes) > most:
                        enough.set()

            with trio.fail_after(240):
                for _ in range(64):
                    nursery.start_soon(hammer)
                await granted.wait()
                await anna.done("pause", scope="agent:ada", reason="it floods")
                most = len(codes) + 256  # those under way, and those asked since
                await enough.wait()
            assert "granted" not in codes[-64:]
            nursery.cancel_scope.cancel()

    trio.run(whole)


def test_alerts_reach_subscribers_in_order_and_none_is_lost_over_a_kill(stage: Any) -> None:
    async def heard(line: Any, start: int | None, follow: bool = False) -> list[dict[str, Any]]:
        fields = {"follow": follow} if start is None else {"follow": follow, "start": start}
        async with line.link.subscribe("alert.tail", fields, credit=64) as items:
            return [dict(item.value) async for item in items if hasattr(item, "value")]

    async def before() -> list[dict[str, Any]]:
        async with stage.cast("anna", "clara") as (anna, clara):
            async with clara.link.subscribe("alert.tail", {}, credit=64) as live:
                await anna.done("pause", scope="agent:ben", reason="it asks for everything")
                with trio.fail_after(60):
                    now = await anext(live)
            assert (now.value["kind"], now.value["about"], now.at) == ("scope.paused", "agent:ben", now.value["alert"])
            await anna.done("alert.ack", alert=now.at, note="mine")
            again = await clara.done("alert.ack", alert=now.at, note="no, mine")
            assert (again["by"], again["repeated"]) == ("anna", True)
            return await heard(clara, 0)

    async def after(known: list[dict[str, Any]]) -> None:
        notifier = await stage.newcomer("notifier")
        async with stage.line(notifier) as line, stage.cast("anna", "ada") as (anna, ada), stage.as_operator() as operator:
            assert await heard(line, 0) == known
            middle = known[len(known) // 2]
            assert await heard(line, middle["alert"]) == known[len(known) // 2 :]
            assert await heard(line, known[-1]["alert"] + 1) == []
            for tag, fields in (("status", {}), ("tail", {"start": 0}), ("alert.list", {}), ("alert.ack", {"alert": 1, "note": "x"})):
                assert await line.refused(tag, **fields) == "not_allowed"  # it hears of alerts, and of nothing else
            assert await ada.refused("alert.list") == "not_allowed"
            first = (await anna.done("alert.list"))["alerts"][0]
            assert (first["alert"], first["acknowledged"], first["note"]) == (known[-1]["alert"], "anna", "mine")
            nodes = await heard(operator, 0)
            assert [one["kind"] for one in nodes] == ["node.paused", "node.resumed", "node.tripped"]
            await operator.done("alert.ack", alert=nodes[0]["alert"], note="seen")
            assert (await operator.done("alert.list"))["alerts"][-1]["acknowledged"] == "operator:operator"

    known = trio.run(before)
    assert [one["alert"] for one in known] == sorted({one["alert"] for one in known})
    again(stage)
    trio.run(after, known)
