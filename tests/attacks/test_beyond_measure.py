"""Too much of everything, too early, too late and all at once: bounded, answered, and nobody else notices."""

from __future__ import annotations

import secrets
import threading
from contextlib import ExitStack
from typing import Any

import msgpack
import pytest
import trio

from transport.answers import Refused, Reply

FAR = 2**63 - 1
FOX = "\U0001f98a"  # four bytes


@pytest.mark.parametrize("size", [70_000, 250_000, 900_000])
async def test_params_larger_than_a_case_keeps_are_refused_and_leave_no_case(stage: Any, size: int) -> None:
    agent = await stage.newcomer("agent")
    async with stage.line(agent) as ada:
        params = {f"p{at}": "x" * 50_000 for at in range(size // 50_000)} | {"text": "x" * (size % 50_000)}
        answer = await ada.ask("propose", **stage.wish(params=params))
        assert isinstance(answer, Refused)
        assert answer.code == "too_large"


async def test_params_as_large_as_a_case_keeps_are_decided_and_can_be_looked_at(stage: Any) -> None:
    agent = await stage.newcomer("agent")
    async with stage.line(agent) as ada, stage.cast("anna") as (anna,):
        wish = stage.wish(params={"text": "x" * 60_000})
        answer = await ada.ask("propose", **wish)
        assert type(answer).__name__ in ("Reply", "Indeterminate"), answer
        case = (await ada.done("propose", **wish))["case"]  # asking again is answered, however large the case
        shown = await anna.ask("case.show", case=case)
        assert isinstance(shown, Reply) or shown.code == "too_large"
        with trio.fail_after(60):
            async with anna.link.subscribe("case.watch", {"case": case}, credit=4) as events:
                assert (await anext(aiter(events))).value["tag"].startswith("intent.proposed/")


async def test_an_agent_cannot_hide_what_waits_for_people_under_long_words(stage: Any) -> None:
    agent = await stage.newcomer("agent")
    async with stage.line(agent) as ada, stage.cast("clara", "ada") as (clara, other):
        mine = (await other.propose("orders.refund"))["case"]
        async with trio.open_nursery() as nursery:
            for number in range(120):  # the same a hundred times would trip a breaker
                target = f"{number:04}{FOX * 508}"
                nursery.start_soon(lambda target=target: ada.propose("orders.refund", purpose=FOX * 4096, resource=target))
        listed = (await clara.done("approval.list"))["cases"]
        assert mine in [line["case"] for line in listed]
        assert len(listed) >= 100
        seen = set()
        with trio.fail_after(60):
            async with clara.link.subscribe("inbox", {}, credit=4) as inbox:
                while len(seen) < 121:
                    seen.add((await anext(aiter(inbox))).value["case"])
        async with trio.open_nursery() as nursery:
            for line in listed:
                nursery.start_soon(lambda case=line["case"]: ada.ask("case.cancel", case=case, reason=FOX * 1024))
    async with stage.cast("anna") as (anna,):
        answer = await anna.ask("dead_letter.list", limit=200)
        assert isinstance(answer, Reply) or answer.code == "too_large"


async def test_times_and_numbers_at_the_end_of_what_can_be_written(stage: Any) -> None:
    agent = await stage.newcomer("agent")
    async with stage.line(agent) as ada, stage.cast("till", "clara", "anna") as (till, clara, anna):
        await ada.done("propose", **stage.wish(cost=FAR))
        await ada.done("propose", **stage.wish(deadline=FAR))
        for deadline in (0, 1, stage.now()):
            assert await ada.refused("propose", **stage.wish(deadline=deadline)) == "malformed"
        for cost in (-1, 2**63, "1", True):
            assert await ada.refused("propose", **stage.wish(cost=cost)) == "malformed"
        case = (await ada.propose("orders.refund"))["case"]
        card = await clara.card(case)
        for narrowing in ({"cost_cap": -1}, {"ttl": True}, {"ttl": 1, "x": 1}, {"uses": 0}, {"uses": "1"}, {"ttl": -FAR}):
            assert await clara.refused("approve", **clara.member.statement(card, narrowing=narrowing)) == "statement_mismatch"
        for time in (0, -FAR, FAR):
            assert await clara.refused("approve", **clara.member.statement(card, time=time)) == "time_skewed"
        assert await clara.refused("approve", **clara.member.statement(card, nonce=b"short")) == "statement_mismatch"
        assert (await clara.done("approve", **clara.member.statement(card, narrowing={"ttl": FAR, "uses": FAR})))["status"] == "warranted"
        granted = await ada.granted()
        run = (await till.done("redeem", **stage.redemption(granted)))["run"]
        assert await till.refused("report", **till.member.receipt(granted, run, ended=FAR)) == "time_skewed"
        told = await till.done("report", **till.member.receipt(granted, run, cost=FAR, started=-FAR))
        assert told["status"] == "mismatched"
        assert await ada.refused("propose", **stage.wish()) == "breaker_open"
        for breaker in (await anna.done("breaker.list"))["breakers"]:
            if breaker["status"] != "closed":
                await anna.done("breaker.reset", scope=breaker["scope"], reason="it was a test")


NAMES = ("Clara", "clara ", "cl\u0430ra", "clara\u200b", "node", "law", "", "a" * 41, "../x", "-a", "a/b", "vk_x")
PERSONS = ("clara ", " clara", "clara\u200b", "cl\u200dara", "\u202eclara", "clara\u00a0", "CLARA", "\uff43lara", "e\u0301", "a  b")


async def test_names_that_are_not_what_they_look_like_are_refused(stage: Any) -> None:
    async with stage.cast("anna") as (anna,):
        for name, person in [*((name, "new") for name in NAMES), *((f"m-{secrets.token_hex(4)}", person) for person in PERSONS)]:
            fields = {
                "member": name, "kind": "approver", "person": person, "roles": [], "invitation": secrets.token_hex(8),
                "token_hash": bytes(32), "expires_at": stage.now() + 10**9, "key": secrets.token_hex(4),
            }  # fmt: skip
            assert await anna.refused("member.invite", **fields) == "malformed", (name, person)
            tenant = {
                "tenant": f"t-{secrets.token_hex(3)}", "admin": "anna", "person": person, "invitation": secrets.token_hex(8),
                "token_hash": bytes(32), "expires_at": stage.now() + 10**9,
            }  # fmt: skip
            if "\u200b" in person:
                async with stage.as_operator() as operator:
                    assert await operator.refused("tenant.create", **tenant) == "malformed"


async def test_ids_that_collide_harm_nobody_who_had_them_first(stage: Any) -> None:
    async with stage.cast("anna") as (anna,):
        first = stage.Member.make("belvedere", f"m-{secrets.token_hex(4)}", "auditor")
        await stage.invite(anna, first)
        fields = {
            "member": "zita", "kind": "admin", "person": "zita", "roles": [], "invitation": first.invitation.id,
            "token_hash": bytes(32), "expires_at": stage.now() + 10**9, "key": "collide",
        }  # fmt: skip
        assert await anna.refused("member.invite", **fields) == "name_taken"
        ada = stage.who("ada")
        assert (await stage.enrol(first, key_id=ada.token.id)).code == "name_taken"
        assert (await stage.enrol(first, public_key=ada.public)).code in ("key_unsound", "signature_invalid")
        for unsound in (bytes(32), b"\x01" + bytes(31), b"\xff" * 32):  # of low order, or no point at all
            assert (await stage.enrol(first, public_key=unsound)).code == "key_unsound"
        assert isinstance(await stage.enrol(first), Reply)
        async with stage.line(ada) as line:
            await line.done("whoami")


async def test_confirming_at_once_with_two_fingerprints_confirms_the_true_one_once(stage: Any) -> None:
    async with stage.cast("anna") as (anna,):
        member = stage.Member.make("belvedere", f"m-{secrets.token_hex(4)}", "auditor")
        await stage.invite(anna, member)
        true = (await stage.enrol(member)).value["fingerprint"]
        answers: list[Any] = []

        async def confirm(fingerprint: str, key: str) -> None:
            answers.append(await anna.ask("member.confirm", member=member.name, fingerprint=fingerprint, key=key))

        async with trio.open_nursery() as nursery:
            for number in range(6):
                nursery.start_soon(confirm, (true, true[::-1])[number % 2], f"confirm-{number}")
        assert sorted(answer.code for answer in answers if isinstance(answer, Refused)) == ["fingerprint_differs"] * 3
        assert sum(bool(answer.value.get("repeated")) for answer in answers if isinstance(answer, Reply)) == 2


async def test_an_agent_or_executor_revoked_in_mid_run_grants_nothing_more_and_its_report_is_not_lost_silently(stage: Any) -> None:
    agent, executor = await stage.newcomer("agent"), await stage.newcomer("executor")
    async with stage.line(agent) as ada, stage.cast("till", "anna", "clara") as (till, anna, clara):
        running, waiting = await ada.granted(), await ada.granted()
        held = (await ada.propose("orders.refund"))["case"]
        card = await clara.card(held)
        run = (await till.done("redeem", **stage.redemption(running)))["run"]
        await anna.done("member.revoke", member=agent.name, reason="gone", key=agent.name)
        assert await till.refused("redeem", **stage.redemption(waiting)) == "warrant_over"
        assert await clara.refused("approve", **clara.member.statement(card)) in ("policy_forbids", "unknown", "not_held")
        assert (await till.done("report", **till.member.receipt(running, run)))["status"] == "consistent"
        for name in (executor.name, "ada-nobody"):
            answer = await anna.ask("member.revoke", member=name, reason="gone", key=name)
            assert isinstance(answer, Reply) is (name == executor.name)


async def test_the_last_admin_and_the_last_approvers_stay(stage: Any) -> None:
    tenant = f"last-{secrets.token_hex(3)}"
    people = [("clara", "approver", "clara", (), None), ("dora", "approver", "dora", (), None), ("till", "executor", "till", (), None)]
    twins = [("anna-two", "approver", "anna", (), None), ("emil", "verifier", "emil", (), None)]
    await stage.found_tenant(tenant, cast=twins)
    async with stage.cast("anna", tenant=tenant) as (anna,):
        assert await anna.refused("member.revoke", member="anna", reason="x", key="a") == "last_one"
        assert await anna.refused("tenant.seal") == "too_few_persons"  # herself again, and a verifier
        for name, kind, person, roles, owner in people:
            assert await anna.refused("tenant.seal") == "too_few_persons"
            await stage.join(anna, name, kind, person=person, roles=list(roles), owner=owner)
            if name == "dora":
                break
        await anna.done("tenant.seal")
        for name in ("clara", "dora", "anna"):
            assert await anna.refused("member.revoke", member=name, reason="x", key=name) == "last_one"
        for tag, fields in (("bundle.activate", {"bundle": b"x" * 32, "key": "k"}), ("tenant.seal", {})):
            assert await anna.refused(tag, **fields) in ("unknown", "already_sealed")


def test_connections_that_never_speak_keep_nobody_else_out(stage: Any) -> None:
    with ExitStack() as stack:
        for _ in range(80):  # more than one address may have that nobody has let in
            stack.enter_context(stage.plain("127.0.7.1"))
        silent = [stack.enter_context(stage.raw(f"127.0.7.{number}")) for number in range(2, 12)]
        assert silent
        with stage.raw("127.0.7.99").open(stage.who("otto").token.reveal()) as raw:
            raw.say({"t": "status", "id": 1})
            assert raw.until("reply")["id"] == 1


def test_wrong_secrets_for_a_real_key_from_everywhere_do_not_keep_its_owner_out(stage: Any) -> None:
    token = stage.who("otto").token
    wrong = f"vk_belvedere_{token.id}_{'0' * 64}"
    heads: list[bytes] = []

    def knock(number: int) -> None:
        with stage.raw(f"127.0.8.{number}") as raw:
            heads.append(raw.upgrade(wrong))

    threads = [threading.Thread(target=knock, args=(number,)) for number in range(1, 41)]
    for thread in threads:
        thread.start()
    with stage.raw("127.0.8.99").open(token.reveal()) as raw:
        raw.say({"t": "whoami", "id": 1})
        assert raw.until("reply")["value"]["member"] == "otto"
    for thread in threads:
        thread.join(60)
    assert len(heads) == 40
    assert {head.split(b" ")[1] for head in heads} == {b"401"}


def test_a_subscriber_gets_no_event_beyond_its_credit_and_all_of_them_with_it(stage: Any) -> None:
    with stage.raw("127.0.9.1").open(stage.who("otto").token.reveal()) as raw:
        raw.say({"t": "tail", "id": 1, "start": 0, "credit": 3, "follow": False}, {"t": "ping", "n": 7})
        got: list[dict[str, Any]] = []
        while len(got) < 3:
            got += [message for message in raw.more() if message["t"] == "event"]
        raw.say({"t": "status", "id": 2})
        raw.until("reply")
        raw.say({"t": "credit", "sub": 1, "more": 4000})
        ended = False
        while not ended:
            for message in raw.more():
                ended |= message["t"] == "ceased"
                got += [message] if message["t"] == "event" else []
        positions = [message["at"] for message in got if message["value"]["kind"] == "entry"]
        assert positions == list(range(len(positions)))
        raw.say({"t": "cease", "sub": 1}, {"t": "credit", "sub": 1, "more": 5}, {"t": "status", "id": 3})
        assert raw.until("reply")["id"] == 3


def test_subscriptions_begun_and_given_up_a_thousand_times_leave_nothing(stage: Any) -> None:
    with stage.raw("127.0.9.2").open(stage.who("otto").token.reveal()) as raw:
        number = 0
        for _ in range(20):
            messages = []
            for _ in range(50):
                number += 1
                messages += [{"t": "tail", "id": number, "start": 0, "credit": 1}, {"t": "cease", "sub": number}]
            raw.say(*messages)
            ceased = 0
            while ceased < 50:
                ceased += sum(message["t"] == "ceased" for message in raw.more())
        raw.say(*({"t": "tail", "id": number + at, "start": 0, "credit": 1} for at in range(1, 80)))
        while heard := raw.hear():
            last = heard[-1]
        assert last["why"].startswith("more than 64 subscriptions")


def test_the_same_frame_of_calls_as_fast_as_it_can_be_sent_is_answered_in_full(stage: Any) -> None:
    """One peer with all the calls it may have in flight, again and again; every one gets its answer."""
    with stage.raw("127.0.9.3").open(stage.who("otto").token.reveal()) as raw:
        for round_ in range(10):
            numbers = range(round_ * 200 + 1, round_ * 200 + 201)
            raw.send(b"".join(msgpack.packb({"t": "member.list", "id": number}) for number in numbers))
            answered = set()
            while len(answered) < 200:
                answered |= {message["id"] for message in raw.more() if message["t"] in ("reply", "refused")}
            assert answered == set(numbers)
