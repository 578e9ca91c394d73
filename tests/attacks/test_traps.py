"""Each trap that a shipped governance product fell into, tried against a running node.

``TRAPS`` is the list; a test belongs to a trap by its mark, and the last test holds the marks and what is pending to the list.
"""

from __future__ import annotations

import hashlib
import secrets
import signal
import subprocess
import sys
from typing import Any

import msgpack
import pytest
import trio

from actors.governance import intent, signed_time, warrant

TRAPS = (
    "an optional signature check (absent signature verifies)",
    "alg: none",
    "canonical JSON that drops nested keys, so amounts can be changed under a valid signature",
    "HMAC compare with ==",
    "a development key as the default",
    "a constraint that passes when the constrained parameter is missing or is a string",
    "a warrant usable again and again until it expires",
    "a scope that names the target but not the command",
    "the approver's name taken from the request body",
    "self-approval",
    "one person counted twice",
    "approving twice mints two warrants",
    "approving after a denial works",
    "a decision cache keyed without all inputs",
    "unknown operator or missing field means no match",
    "an unreachable database means completed",
    "hash chains that cover the insert but not the verdict, or that race",
    "nonces kept in memory only",
    "tenant filters by rewriting queries",
    "pause, breaker and dead-letter endpoints that answer without state",
    "retention as a status column",
)
PENDING: dict[str, str] = {}
TRIED: set[str] = set()


def trap(name: str) -> Any:
    """Marks a test as the one that walks into a trap."""
    assert name in TRAPS
    TRIED.add(name)
    return lambda test: test


ABSENT: tuple[Any, ...] = (None, b"", bytes(64), bytes(63), "none", 0, False, [])


@trap("an optional signature check (absent signature verifies)")
@pytest.mark.parametrize("what", ["approve", "deny", "report", "attest", "redeem", "redeem-mac", "enrol"])
async def test_what_is_not_signed_is_not_taken(stage: Any, what: str) -> None:
    agent = await stage.newcomer("agent")
    async with stage.line(agent) as ada, stage.cast("anna", "till", "clara", "emil") as (anna, till, clara, emil):
        asker, tag, name = anna, what, "signature"
        if what in ("approve", "deny"):
            case = (await ada.propose("orders.refund"))["case"]
            asker, fields = clara, clara.member.statement(await clara.card(case), what)
        elif what == "enrol":
            member = stage.Member.make("belvedere", f"m-{secrets.token_hex(4)}", "auditor")
            await stage.invite(anna, member)
            for absent in ABSENT:
                answer = await stage.enrol(member, proof=absent)
                assert answer.code in ("malformed", "signature_invalid"), absent
            return
        else:
            granted = await ada.granted("files.write" if what == "attest" else "notes.append")
            fields, run = stage.redemption(granted, "r" + secrets.token_hex(8)), ""
            asker, case = till, warrant.unverified_unpack(granted["fields"]).case
            if what == "redeem-mac":
                tag, name = "redeem", "mac"
            elif what != "redeem":
                run = (await till.done("redeem", **fields))["run"]
                fields = till.member.receipt(granted, run)
            if what == "attest":
                told = fields["receipt"]
                await till.done("report", **fields)
                asker, fields = emil, emil.member.attestation(case, run, told)
        before = await anna.story(case)
        for absent in ABSENT:
            code = await asker.refused(tag, **{**fields, name: absent})
            assert code in ("malformed", "signature_invalid", "warrant_forged"), absent
        assert await asker.refused(tag, **{key: value for key, value in fields.items() if key != name}) == "malformed"
        assert await anna.story(case) == before
        await asker.done(tag, **fields)  # and signed it is taken: nothing else was wrong with it


@trap("alg: none")
async def test_no_field_chooses_how_a_signature_is_checked(stage: Any) -> None:
    async with stage.cast("ada", "till", "clara") as (ada, till, clara):
        for more in ({"alg": "none"}, {"algorithm": "none"}, {"verify": False}, {"kid": "none"}):
            assert await till.refused("redeem", **stage.redemption(await ada.granted()), **more) == "malformed"
        fields = stage.redemption(await ada.granted())
        terms = msgpack.unpackb(fields["warrant"])
        assert isinstance(terms, dict)
        for alg in ({"alg": "none", **terms}, {**terms, "alg": "none"}):
            assert await till.refused("redeem", **{**fields, "warrant": msgpack.packb(alg), "signature": bytes(64)}) == "warrant_forged"
        case = (await ada.propose("orders.refund"))["case"]
        statement = clara.member.statement(await clara.card(case))
        said = msgpack.unpackb(statement["statement"])
        assert isinstance(said, dict)
        odd = msgpack.packb({**said, "alg": "none"})
        assert await clara.refused("approve", statement=odd, signature=bytes(64)) == "malformed"


@trap("canonical JSON that drops nested keys, so amounts can be changed under a valid signature")
async def test_a_nested_amount_cannot_be_changed_under_a_valid_warrant(stage: Any) -> None:
    async with stage.cast("ada", "till") as (ada, till):
        wish = stage.wish("orders.charge")
        granted = (await ada.done("propose", **wish))["warrant"]
        terms = warrant.unverified_unpack(granted["fields"])
        for amount in ({"dec": "92.50"}, {"dec": "12.5"}, {"dec": "12.50", "more": 1}, {}, {"DEC": "12.50"}, 1250, "12.50", None):
            changed: Any = {"amount": amount}
            packed = msgpack.packb({**msgpack.unpackb(granted["fields"]), "params": changed})
            args = hashlib.sha256(msgpack.packb({"action": terms.action, "resource": terms.resource, "params": changed})).digest()
            fields = stage.redemption(granted, args_digest=args)
            assert await till.refused("redeem", **{**fields, "warrant": packed}) == "warrant_forged"
            assert await till.refused("redeem", **fields) == "out_of_scope"
            assert await ada.refused("propose", **{**wish, "params": changed}) in ("key_reused", "malformed")
        for byte in range(0, len(granted["fields"]), 23):
            flipped = bytearray(granted["fields"])
            flipped[byte] ^= 1
            assert await till.refused("redeem", **{**stage.redemption(granted), "warrant": bytes(flipped)}) == "warrant_forged"
        await till.done("redeem", **stage.redemption(granted))


@trap("HMAC compare with ==")
async def test_a_mac_that_is_right_but_for_one_bit_is_as_wrong_as_any(stage: Any) -> None:
    async with stage.cast("ada", "till") as (ada, till):
        granted = await ada.granted()
        mac, answers = granted["mac"], set()
        for wrong in (bytes(32), mac[:-1] + bytes([mac[-1] ^ 1]), bytes([mac[0] ^ 128]) + mac[1:], mac[::-1]):
            answers.add(repr(await till.ask("redeem", **stage.redemption(granted, mac=wrong))))
        for wrong in (mac[:31], mac + b"\0", mac.hex()):
            assert await till.refused("redeem", **stage.redemption(granted, mac=wrong)) == "malformed"
        assert len(answers) == 1
        assert "warrant_forged" in answers.pop()


@trap("a development key as the default")
def test_development_keys_are_asked_for_by_name_and_refused_beyond_loopback(stage: Any, fresh: Any) -> None:
    command = [sys.executable, "-m", "vienna_runtime.cli.serve", str(fresh.home), "--json", "--listen"]
    for listen in ("0.0.0.0:0", "[::]:0", "vienna.example.org:0"):
        ended = subprocess.run([*command, listen], capture_output=True, text=True, timeout=120)
        assert ended.returncode != 0, listen
        assert "ready" not in ended.stdout
        assert "insecure" in ended.stderr or "loopback" in ended.stderr
    home = fresh.home.parent / "other"
    plain = [sys.executable, "-m", "vienna_runtime.cli.main", "init", str(home)]
    ended = subprocess.run(plain, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    assert ended.returncode != 0  # without a passphrase there is no key, and none is made up
    assert not home.exists() or not any(home.iterdir())


@trap("a constraint that passes when the constrained parameter is missing or is a string")
async def test_a_constrained_parameter_that_is_missing_or_of_another_type_is_never_taken(stage: Any) -> None:
    agent = await stage.newcomer("agent")
    async with stage.line(agent) as ada, stage.cast("till") as (till,):
        for amount in ({}, {"amount": "5"}, {"amount": None}, {"amount": True}, {"amount": [5]}, {"amount": {"dec": "5.00"}}):
            outcome = await ada.propose("orders.refund", params=amount)
            assert outcome["status"] == "denied", amount
        assert (await ada.propose("orders.refund", params={"amount": 5000}))["status"] == "denied"
        granted = await ada.granted("notes.append", params={"text": "x", "count": 5})
        terms = warrant.unverified_unpack(granted["fields"])
        wrong: tuple[dict[str, Any], ...] = ({"text": "x"}, {"text": "x", "count": "5"}, {"text": "x", "count": True}, {"count": 5}, {})
        for params in wrong:
            args = intent.args_digest(terms.action, terms.resource, params)
            assert await till.refused("redeem", **stage.redemption(granted, args_digest=args)) == "out_of_scope"
        assert await till.refused("redeem", **stage.redemption(granted, args_digest=None)) == "malformed"
        await till.done("redeem", **stage.redemption(granted))


@trap("a warrant usable again and again until it expires")
async def test_a_used_warrant_is_over_even_for_many_at_once(stage: Any) -> None:
    async with stage.cast("ada", "till") as (ada, till):
        granted = await ada.granted()
        answers: list[Any] = []

        async def redeem() -> None:
            answers.append(await till.ask("redeem", **stage.redemption(granted)))

        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(redeem)
        assert sorted(getattr(answer, "code", "done") for answer in answers) == ["done", *["warrant_over"] * 19]
        await till.done("report", **till.member.receipt(granted, next(a.value["run"] for a in answers if hasattr(a, "value"))))
        assert await till.refused("redeem", **stage.redemption(granted)) == "warrant_over"


@trap("a scope that names the target but not the command")
async def test_a_warrant_for_one_command_opens_no_other_on_the_same_target(stage: Any) -> None:
    async with stage.cast("ada", "till") as (ada, till):
        granted = await ada.granted()
        terms = warrant.unverified_unpack(granted["fields"])
        for action, resource in (
            ("orders.wipe", terms.resource),
            ("notes.read", terms.resource),
            (terms.action, "book/other"),
            (terms.action, terms.resource + "/.."),
        ):
            args = intent.args_digest(action, resource, terms.params)
            assert await till.refused("redeem", **stage.redemption(granted, args_digest=args)) == "out_of_scope"
        run = (await till.done("redeem", **stage.redemption(granted)))["run"]
        told = await till.done("report", **till.member.receipt(granted, run, action="orders.wipe"))
        assert told["status"] == "mismatched"
    async with stage.cast("anna") as (anna,):  # one lie of an executor shut these out, for every later test
        for breaker in (await anna.done("breaker.list"))["breakers"]:
            if breaker["status"] != "closed":
                await anna.done("breaker.reset", scope=breaker["scope"], reason="it was a test")


@trap("the approver's name taken from the request body")
async def test_nobody_can_say_who_it_is(stage: Any) -> None:
    async with stage.cast("mallory", "clara", "dora", "anna") as (mallory, clara, dora, anna):
        case = (await mallory.propose("orders.refund"))["case"]
        fields = clara.member.statement(await clara.card(case))
        for name in ("approver", "by", "person", "principal", "actor", "tenant", "member", "role", "on_behalf_of"):
            assert await clara.refused("approve", **fields, **{name: "dora"}) == "malformed"
        assert await dora.refused("approve", **fields) == "signature_invalid"
        assert await mallory.refused("approve", **fields) == "not_allowed"
        forged = stage.who("mallory").statement(await clara.card(case))
        assert await clara.refused("approve", **forged) == "signature_invalid"
        said = msgpack.unpackb(fields["statement"])
        assert isinstance(said, dict)
        assert (
            await clara.refused("approve", statement=msgpack.packb({**said, "approver": "dora"}), signature=fields["signature"])
            == "malformed"
        )
        await clara.done("approve", **fields)
        given = await anna.until(case, "approval.given")
        assert (given["actor"], given["body"]["approver"], given["body"]["person"]) == ("clara", "clara", "clara")


@trap("self-approval")
async def test_nobody_approves_for_an_agent_it_owns_or_stands_behind(stage: Any) -> None:
    person = f"person-{secrets.token_hex(4)}"
    agent = await stage.newcomer("agent", person=person)
    double = await stage.newcomer("approver", person=person, roles=["lead", "finance"])
    async with stage.cast("ben", "clara", "clara-two", "hugo") as (ben, clara, clara_two, hugo):
        case = (await ben.propose("orders.refund"))["case"]  # clara owns ben
        for owner in (clara, clara_two):
            assert await owner.refused("approve", **owner.member.statement(await hugo.card(case))) == "self_approval"
        async with stage.line(agent) as own, stage.line(double) as behind:
            other = (await own.propose("orders.refund"))["case"]
            assert await behind.refused("approve", **double.statement(await hugo.card(other))) == "self_approval"
            child = (await own.propose("orders.refund", parent=case))["case"]
            if child:  # the chain above excludes as well
                assert await clara.refused("approve", **clara.member.statement(await hugo.card(child))) == "self_approval"
        assert (await hugo.done("approve", **hugo.member.statement(await hugo.card(case))))["status"] == "warranted"


@trap("one person counted twice")
async def test_two_principals_of_one_person_are_one_person(stage: Any) -> None:
    async with stage.cast("ada", "clara", "clara-two", "dora") as (ada, clara, clara_two, dora):
        case = (await ada.propose("orders.payout"))["case"]
        card = await clara.card(case)
        assert (await clara.done("approve", **clara.member.statement(card)))["status"] == "held"
        assert await clara_two.refused("approve", **clara_two.member.statement(card)) == "already_voted"
        assert await clara.refused("approve", **clara.member.statement(card)) == "already_voted"
        assert "warrant.issued" not in await ada.story(case)
        assert (await dora.done("approve", **dora.member.statement(card)))["status"] == "warranted"


@trap("approving twice mints two warrants")
async def test_ten_approvals_at_once_mint_one_warrant(stage: Any) -> None:
    async with stage.cast("ada", "clara", "hugo") as (ada, clara, hugo):
        case = (await ada.propose("orders.refund"))["case"]
        card, codes = await clara.card(case), []

        async def vote(line: Any) -> None:
            codes.append(getattr(await line.ask("approve", **line.member.statement(card)), "code", "done"))

        async with trio.open_nursery() as nursery:
            for line in (clara, hugo) * 5:
                nursery.start_soon(vote, line)
        assert sorted(codes) == ["done", *["not_held"] * 9]
        assert (await ada.story(case)).count("warrant.issued") == 1


@trap("approving after a denial works")
async def test_an_approval_after_a_denial_or_the_deadline_changes_nothing(stage: Any) -> None:
    async with stage.cast("ada", "clara", "hugo") as (ada, clara, hugo):
        case = (await ada.propose("orders.refund"))["case"]
        card = await clara.card(case)
        await hugo.done("deny", **hugo.member.statement(card, "deny"))
        before = await ada.story(case)
        for tag, decision in (("approve", "approve"), ("approve", "deny"), ("deny", "deny")):
            code = await clara.refused(tag, **clara.member.statement(card, decision))
            assert code in ("unknown", "not_held", "statement_mismatch")
        assert await ada.story(case) == before
        assert "warrant.issued" not in before
    tenant = f"late-{secrets.token_hex(3)}"
    await stage.found_tenant(tenant, stage.HASTY, [("clara", "approver", "clara", (), None), ("till", "executor", "till", (), None)])
    agent = await stage.newcomer("agent", tenant)
    async with stage.line(agent) as late, stage.cast("clara", tenant=tenant) as (clara,):
        case = (await late.propose("orders.refund"))["case"]
        card = await clara.card(case)
        await late.until(case, "case.expired")
        assert await clara.refused("approve", **clara.member.statement(card)) == "unknown"
        assert "warrant.issued" not in await late.story(case)


@trap("a decision cache keyed without all inputs")
async def test_the_same_request_of_two_agents_is_judged_for_each(stage: Any) -> None:
    async with stage.cast("ada", "mallory") as (ada, mallory):
        wish = stage.wish("notes.read")
        for _ in range(3):  # whatever is remembered of one must not serve the other
            assert (await ada.propose("notes.read", params=wish["params"], resource=wish["resource"]))["status"] == "warranted"
            assert (await mallory.propose("notes.read", params=wish["params"], resource=wish["resource"]))["status"] == "denied"
        for resource, status in (("holiday/1", "denied"), ("book/1", "warranted"), ("holiday/1", "denied")):
            assert (await ada.propose("notes.append", resource=resource))["status"] == status
        for amount, status in ((5, "held"), (1000, "denied"), (999, "held"), (1000, "denied")):
            assert (await ada.propose("orders.refund", params={"amount": amount}))["status"] == status


@trap("unknown operator or missing field means no match")
async def test_what_policy_does_not_know_is_denied_and_what_it_cannot_read_does_not_load(stage: Any) -> None:
    async with stage.cast("ada", "anna") as (ada, anna):
        for action in ("orders.wipe", "no.such", "Orders.refund", "notes.append "):
            assert (await ada.propose(action, params={}))["status"] == "denied"
        assert (await ada.propose("notes.append", params={"text": "x", "more": 1}))["status"] == "denied"
        for policy in (
            b'@id("x") permit (principal, action == Action::"notes.read", resource);',  # no tier
            b'@id("x") @tier("T9") permit (principal, action == Action::"notes.read", resource);',
            b'@id("x") @tier("T0") @quorumm("any 2") permit (principal, action == Action::"notes.read", resource);',
            b'@id("x") @tier("T0") permit (principal, action == Action::"notes.read", resource) when { context.params.missing == 1 };',
            b'@id("x") @tier("T0") permit (principal, action == Action::"notes.read", resource) when { context.params.path almost 1 };',
        ):
            answer = await anna.ask("bundle.push", files={**stage.BUNDLE, "more.cedar": policy})
            assert answer.code == "bundle_invalid", policy
            assert "more.cedar:1" in " ".join(answer.detail["findings"]), answer


@trap("an unreachable database means completed")
async def test_a_run_nobody_heard_of_again_is_unknown_and_blocks_its_effect(stage: Any) -> None:
    tenant = f"quiet-{secrets.token_hex(3)}"
    await stage.found_tenant(tenant, stage.HASTY, [("till", "executor", "till", (), None)])
    agent = await stage.newcomer("agent", tenant)
    async with stage.line(agent) as ada, stage.cast("till", "anna", tenant=tenant) as (till, anna):
        wish = stage.wish()
        granted = (await ada.done("propose", **wish))["warrant"]
        run = (await till.done("redeem", **stage.redemption(granted)))["run"]
        case = warrant.unverified_unpack(granted["fields"]).case
        assert (await ada.until(case, "run.unknown"))["outcome"] == "unknown"
        late = await till.done("report", **till.member.receipt(granted, run))  # kept as evidence, and it settles nothing
        assert (late["late"], late["status"]) == (True, "unknown")
        for key in ("another", "a third"):
            assert await ada.refused("propose", **{**wish, "key": key}) == "effect_blocked"
        assert (await anna.done("status"))["blocked_effects"] == 1
        await anna.done("effect.settle", run=run, happened=False, reason="looked")
        await ada.done("propose", **{**wish, "key": "another"})


@trap("hash chains that cover the insert but not the verdict, or that race")
async def test_every_entry_of_a_case_is_under_the_root_also_when_many_race(stage: Any) -> None:
    async with stage.cast("ada", "till", "otto") as (ada, till, otto):
        cases: list[str] = []

        async def whole() -> None:
            granted = await ada.granted()
            run = (await till.done("redeem", **stage.redemption(granted)))["run"]
            cases.append((await till.done("report", **till.member.receipt(granted, run)))["case"])

        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(whole)
        seen: dict[str, list[str]] = {}
        leaves = 0
        async with otto.link.subscribe("tail", {"start": 0, "follow": False}, credit=512) as events:
            async for event in events:
                value = event.value
                if value["kind"] == "entry":
                    header: Any = msgpack.unpackb(value["entry"])
                    assert header["sequence"] == leaves
                    assert header["commitment"] == hashlib.sha256(value["salt"] + value["body"]).digest()
                    seen.setdefault(header.get("case") or "", []).append(header["tag"].partition("/")[0])
                    leaves += 1
        for case in cases:
            assert seen[case] == ["intent.proposed", "case.decided", "warrant.issued", "run.opened", "run.reported", "run.verified"]
    assert stage.verify()["belvedere"] >= leaves


GONE = ("breaker_open", "warrant_over")  # shut out by its epoch, and revoked as soon as the law comes to it


async def _cast_of(stage: Any) -> None:
    cast = [(*row,) for row in (("clara", "approver", "clara", (), None), ("till", "executor", "till", (), None))]
    await stage.found_tenant("belvedere", cast=[*cast, ("ada", "agent", "ada", ("reader",), "anna")])


@trap("nonces kept in memory only")
@trap("pause, breaker and dead-letter endpoints that answer without state")
def test_what_was_used_paused_and_mourned_is_so_after_a_kill_and_a_restart(fresh: Any) -> None:
    fresh.serve()
    kept: dict[str, Any] = {}

    async def before() -> None:
        await _cast_of(fresh)
        async with fresh.cast("ada", "till", "clara", "anna") as (ada, till, clara, anna):
            granted = await ada.granted()
            kept["redeem"] = fresh.redemption(granted)
            kept["run"] = (await till.done("redeem", **kept["redeem"]))["run"]
            kept["report"] = till.member.receipt(granted, kept["run"])
            await till.done("report", **kept["report"])
            kept["wish"] = fresh.wish()
            kept["case"] = (await ada.done("propose", **kept["wish"]))["case"]
            held = (await ada.propose("orders.refund"))["case"]
            kept["vote"] = clara.member.statement(await clara.card(held))
            await clara.done("approve", **kept["vote"])
            kept["spare"] = await ada.granted()
            denied = await ada.propose("orders.wipe", params={})
            assert denied["status"] == "denied"
            kept["letters"] = (await anna.done("dead_letter.list"))["letters"]
            await anna.done("dead_letter.resolve", letter=kept["letters"][0]["letter"], reason="seen")
            await anna.done("breaker.trip", scope="agent:ada", reason="halt")
            async with fresh.as_operator() as operator:
                await operator.done("pause", scope="belvedere/tenant", reason="pause")

    async def after() -> None:
        async with fresh.cast("ada", "till", "clara", "anna") as (ada, till, clara, anna):
            assert await ada.refused("propose", **fresh.wish()) == "paused"
            async with fresh.as_operator() as operator:
                (line,) = (await operator.done("tenant.list"))["tenants"]
                assert line["suspended"] == "pause"
                await operator.done("resume", scope="belvedere/tenant", reason="go on", key="k")
            (breaker,) = [b for b in (await anna.done("breaker.list"))["breakers"] if b["status"] != "closed"]
            assert breaker["scope"] == "agent:ada"
            assert await ada.refused("propose", **fresh.wish()) == "breaker_open"
            assert await till.refused("redeem", **fresh.redemption(kept["spare"])) in GONE
            await anna.done("breaker.reset", scope="agent:ada", reason="looked")
            assert await till.refused("redeem", **fresh.redemption(kept["spare"])) in GONE  # of an epoch that is over
            *_, letter = (await anna.done("dead_letter.list"))["letters"]
            assert (letter["letter"], letter["resolved"]) == (kept["letters"][0]["letter"], True)
            assert (await anna.done("dead_letter.resolve", letter=letter["letter"], reason="again"))["repeated"]
            assert (await till.done("redeem", **kept["redeem"]))["repeated"]
            assert await till.refused("redeem", **{**kept["redeem"], "run": "another"}) == "warrant_over"
            other = fresh.redemption(await ada.granted(), kept["run"])
            assert await till.refused("redeem", **other) == "run_reused"
            assert await till.refused("report", **kept["report"]) == "run_closed"
            assert await clara.refused("approve", **kept["vote"]) in ("unknown", "not_held")
            again = await ada.done("propose", **kept["wish"])
            assert (again["case"], again["repeated"]) == (kept["case"], True)
            assert await ada.refused("propose", **{**kept["wish"], "resource": "book/other"}) == "key_reused"

    trio.run(before)
    assert fresh.end(signal.SIGKILL) == -signal.SIGKILL
    fresh.serve()
    trio.run(after)
    assert fresh.end() == 0
    fresh.verify()


@trap("tenant filters by rewriting queries")
async def test_a_warrant_a_card_and_a_key_of_one_tenant_are_nothing_in_the_other(stage: Any) -> None:
    here, there = "belvedere", "schoenbrunn"
    async with stage.cast("ada", "till", "clara", tenant=here) as (ada, _, clara), stage.cast("till", "clara", "ada", tenant=there) as far:
        far_till, far_clara, far_ada = far
        granted = await ada.granted()
        assert await far_till.refused("redeem", **stage.redemption(granted)) == "warrant_forged"
        case = (await ada.propose("orders.refund"))["case"]
        card = await clara.card(case)
        assert await far_clara.refused("approve", **far_clara.member.statement(card)) == "unknown"
        own = (await far_ada.propose("orders.refund"))["case"]
        carried = far_clara.member.statement(card, case=own)
        assert await far_clara.refused("approve", **carried) == "statement_mismatch"
        wish = stage.wish()
        assert (await ada.done("propose", **wish))["case"] != (await far_ada.done("propose", **wish))["case"]
        await clara.done("approve", **clara.member.statement(card))


@trap("retention as a status column")
def test_what_was_erased_opens_with_no_key_that_a_killed_node_leaves_behind(fresh: Any) -> None:
    secret, kept = f"forget {secrets.token_hex(8)}", f"keep {secrets.token_hex(8)}"
    cases: dict[str, str] = {}

    async def before() -> None:
        await _cast_of(fresh)
        async with fresh.cast("ada") as (ada,):
            for purpose in (secret, kept):
                cases[purpose] = (await ada.propose("orders.wipe", params={}, purpose=purpose))["case"]

    def sealed() -> dict[str, list[bytes]]:
        ledger = fresh.ledger()
        try:
            found = {}
            for purpose, case in cases.items():
                records = [ledger.read("belvedere", seq, seq + 1)[0] for seq in ledger.case_entries("belvedere", case)]
                found[purpose] = [record.sealed for record in records if record.sealed is not None]
                if found[purpose]:
                    assert any(purpose.encode() in ledger.open_body("belvedere", record) for record in records)
            return found
        finally:
            ledger.close()

    async def erase() -> None:
        async with fresh.cast("anna", "ada") as (anna, ada):
            assert await ada.refused("retention.erase", what=[cases[secret]], reason="mine", key="k") == "not_allowed"
            await anna.done("retention.erase", what=[cases[secret]], reason="the customer asked", key="k")
            with trio.fail_after(60):
                while (shown := await anna.done("retention.show"))["erasing"] or shown["owed"]:
                    await anna.ask("status")
            assert (await anna.done("case.show", case=cases[secret]))["outcome"] == "removed"
            assert (await anna.done("case.show", case=cases[kept]))["outcome"] == "denied"

    fresh.serve()
    trio.run(before)
    assert fresh.end() == 0
    copied = sealed()  # what somebody may have kept of the disk, or of a page that LMDB has freed
    assert len(copied[secret]) >= 3
    fresh.serve()
    trio.run(erase)
    assert fresh.end(signal.SIGKILL) == -signal.SIGKILL
    left = sealed()
    assert left[secret] == []
    opened = {purpose: [body for body in copied[purpose] + left[purpose] if fresh.opens(body)] for purpose in cases}
    assert opened[secret] == []
    assert opened[kept] == left[kept]
    fresh.verify()


def test_every_trap_is_tried_or_pending_with_its_reason() -> None:
    assert TRIED | set(PENDING) == set(TRAPS)
    assert not TRIED & set(PENDING)
    assert all(PENDING.values())
    assert signed_time.ALLOWED_SKEW == 60_000_000
