"""No word of the protocol tells a member of one tenant whether something exists in another.

Every call that names a thing is asked twice, by every kind of member that may ask it: for a thing of the other tenant, and for
one that is nowhere.  The two answers must be the same but for the name itself.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Any

import attrs
import pytest
import trio

from actors.governance import probe, seat, warrant
from actors.governance.calls import CALLS
from actors.governance.signing import Purpose
from transport.answers import Indeterminate, Refused, Reply
from transport.errors import SubscriptionRefused

HERE, THERE = "belvedere", "schoenbrunn"
ASKERS = {"admin": "anna", "agent": "ada", "approver": "clara", "executor": "till", "verifier": "emil", "auditor": "otto"}


@attrs.frozen(kw_only=True)
class Things:
    """One of everything that a call can name."""

    case: str
    held: str
    warrant: str
    granted: dict[str, bytes] = attrs.field(eq=False)
    run: str
    letter: str
    member: str
    bundle: bytes
    card: bytes
    receipt: bytes
    hold: str
    finding: str

    @classmethod
    def nowhere(cls, like: Things) -> Things:
        """Names of the same form for things that are nowhere."""

        def other(name: str) -> str:
            return name[:1] + secrets.token_hex(len(name))[: len(name) - 1]

        granted = {"fields": like.granted["fields"][::-1], "signature": secrets.token_bytes(64), "mac": secrets.token_bytes(32)}
        return cls(
            case=other(like.case), held=other(like.held), warrant=other(like.warrant), granted=granted, run=other(like.run),
            letter=other(like.letter), member=other(like.member), bundle=secrets.token_bytes(32), card=secrets.token_bytes(32),
            receipt=secrets.token_bytes(32), hold=other(like.hold), finding=other(like.finding),
        )  # fmt: skip

    def names(self) -> list[str]:
        return [self.case, self.held, self.warrant, self.run, self.letter, self.member, self.bundle.hex()[:16], self.hold, self.finding]


BROUGHT = {
    "source": "records", "digest": bytes(32), "records": 1, "matched": 0, "unmapped": 0, "since": 0, "until": 0, "size": 0, "total": 1,
    "begin": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def theirs(node: Any) -> Things:
    """One of everything, made in the other tenant."""

    async def make() -> Things:
        member = f"xaver-{secrets.token_hex(3)}"
        async with node.cast("ada", "till", "clara", "anna", tenant=THERE) as (ada, till, clara, anna):
            await node.join(anna, member, "approver")
            granted = await ada.granted("files.write")
            terms = warrant.unverified_unpack(granted["fields"])
            run = (await till.done("redeem", **node.redemption(granted)))["run"]
            told = till.member.receipt(granted, run)
            await till.done("report", **told)  # it waits for a verifier now
            held = (await ada.propose("orders.refund"))["case"]
            card = await clara.card(held)
            assert (await ada.propose("orders.wipe", params={}))["status"] == "denied"
            rogue = {"kind": "effect_without_warrant", "about": secrets.token_hex(8), "expected": "a run", "observed": "x"}
            await anna.done("reconcile.evidence", **BROUGHT, findings={"rows": [rogue]})
            finding = (await anna.done("reconcile.list"))["findings"][0]["finding"]
            letter = (await anna.done("dead_letter.list"))["letters"][0]["letter"]
            more = b'@id("more") @tier("T1") permit (principal, action == Action::"notes.read", resource);'
            bundle = (await anna.done("bundle.push", files={**node.BUNDLE, "more.cedar": more}))["bundle"]
            live = await ada.granted()
            hold = (await anna.done("hold.place", scope=f"case:{held}", reason="a court asks"))["hold"]
        return Things(
            case=terms.case, held=held, warrant=warrant.unverified_unpack(live["fields"]).warrant, granted=live, run=run, letter=letter,
            member=member, bundle=bundle, card=hashlib.sha256(card["card"]).digest(), receipt=hashlib.sha256(told["receipt"]).digest(),
            hold=hold,
            finding=finding,
        )  # fmt: skip

    return trio.run(make)


def _redeem(stage: Any, _: Any, things: Things) -> dict[str, Any]:
    return {
        "warrant": things.granted["fields"], "signature": things.granted["signature"], "mac": things.granted["mac"], "run": "r",
        "args_digest": bytes(32),
    }  # fmt: skip


def _report(stage: Any, line: Any, things: Things) -> dict[str, Any]:
    terms = warrant.Warrant(
        **{**dict.fromkeys(warrant.FIELDS), "params": {}, "approvals": (), "envelopes": (), "verify": {}, "action": "a", "resource": "r"}
    )  # type: ignore[arg-type]
    changed = attrs.evolve(terms, warrant=things.warrant)  # type: ignore[arg-type]
    fields: dict[str, Any] = line.member.receipt({"fields": None}, things.run, terms=changed)
    return fields


def _vote(decision: str) -> Callable[[Any, Any, Things], dict[str, Any]]:
    def fields(stage: Any, line: Any, things: Things) -> dict[str, Any]:
        made: dict[str, Any] = line.member.statement(None, decision, case=things.held, card=things.card)
        return made

    return fields


def _attest(stage: Any, line: Any, things: Things) -> dict[str, Any]:
    made: dict[str, Any] = line.member.attestation(things.case, things.run, b"", receipt=things.receipt)
    return made


def _probe(stage: Any, line: Any, things: Things) -> dict[str, Any]:
    seen = probe.Probe(things.case, things.run, things.card, "happened", (("digest", "a", "a", True),), stage.now())  # type: ignore[arg-type]
    packed = probe.pack(seen)
    return {"statement": packed, "signature": line.member.sign(Purpose.PROBE, packed)}


def _seat(stage: Any, line: Any, things: Things) -> dict[str, Any]:
    now = stage.now()
    said = seat.Statement(line.member.tenant, things.member, now + 60_000_000, "away", secrets.token_bytes(16), now)
    packed = seat.pack(said)
    return {"statement": packed, "signature": line.member.sign(Purpose.SEAT, packed)}


PROBES: dict[str, tuple[Callable[[Any, Any, Things], dict[str, Any]], ...]] = {
    "propose": (lambda stage, _, things: stage.wish("orders.refund", parent=things.case),),
    "case.cancel": (lambda *a: {"case": a[2].held, "reason": "x"},),
    "redeem": (_redeem,),
    "report": (_report,),
    "approve": (_vote("approve"),),
    "deny": (_vote("deny"),),
    "review.canary": (
        lambda *a: {
            "whose": a[2].member, "action": "orders.refund", "resource": "book/x", "params": {"amount": 5}, "purpose": "x", "reason": "x",
            "key": "k",
        },
    ),
    "attest": (_attest,),
    "probe": (_probe,),
    "envelope.revoke": (lambda *a: {"envelope": a[2].warrant, "reason": "x"},),
    "seat.delegate": (_seat,),
    "seat.return": (lambda *a: {"whose": a[2].member, "reason": "x"},),
    "approval.open": (lambda *a: {"case": a[2].held},),
    "approval.ask": (lambda *a: {"case": a[2].held, "question": "x"},),
    "approval.answer": (lambda *a: {"case": a[2].held, "answer": "x"},),
    "member.invite": (
        lambda stage, _, things: {
            "member": "zita", "kind": "agent", "person": "zita", "roles": [], "owner": things.member, "invitation": "0" * 16,
            "token_hash": bytes(32), "expires_at": stage.now() + 10**9, "key": "k",
        },
    ),
    "member.confirm": (lambda *a: {"member": a[2].member, "fingerprint": "0", "key": "k"},),
    "member.change": (lambda *a: {"member": a[2].member, "roles": ["lead"], "key": "k"},),
    "member.revoke": (lambda *a: {"member": a[2].member, "reason": "x", "key": "k"},),
    "bundle.activate": (lambda *a: {"bundle": a[2].bundle, "key": "k"},),
    "shadow.start": (lambda *a: {"bundle": a[2].bundle},),
    "warrant.revoke": (lambda *a: {"warrant": a[2].warrant, "reason": "x"},),
    "warrant.use": (lambda *a: {"warrant": a[2].warrant, "key": "k"},),
    "warrant.show": (lambda *a: {"warrant": a[2].warrant},),
    "warrants.revoke": (lambda *a: {"scope": f"agent:{a[2].member}", "reason": "x"},),
    "breaker.trip": (
        lambda *a: {"scope": f"agent:{a[2].member}", "reason": "x"},
        lambda *a: {"scope": f"{THERE if a[2].member.startswith('xaver') else 'nowhere'}/tenant", "reason": "x"},
        lambda *a: {"scope": "node", "reason": "x"},
    ),
    "breaker.reset": (
        lambda *a: {"scope": f"agent:{a[2].member}", "reason": "x"},
        lambda *a: {"scope": f"{THERE if a[2].member.startswith('xaver') else 'nowhere'}/tenant", "reason": "x"},
        lambda *a: {"scope": "node", "reason": "x"},
    ),
    "pause": (
        lambda *a: {"scope": f"agent:{a[2].member}", "reason": "x"},
        lambda *a: {"scope": f"{THERE if a[2].member.startswith('xaver') else 'nowhere'}/tenant", "reason": "x"},
        lambda *a: {"scope": "node", "reason": "x"},
    ),
    "resume": (
        lambda *a: {"scope": f"agent:{a[2].member}", "reason": "x", "key": "k"},
        lambda *a: {"scope": f"{THERE if a[2].member.startswith('xaver') else 'nowhere'}/tenant", "reason": "x", "key": "k"},
        lambda *a: {"scope": "node", "reason": "x", "key": "k"},
    ),
    "alert.ack": (lambda *a: {"alert": 3, "note": "x"},),
    "hold.release": (lambda *a: {"hold": a[2].hold, "reason": "x", "key": "k"},),
    "retention.erase": (
        lambda *a: {"what": [a[2].case], "reason": "x", "key": "k"},
        lambda *a: {"what": [a[2].held], "reason": "x", "key": "k"},
    ),
    "recovery.invite": (
        lambda stage, _, things: {
            "member": "zita", "kind": "approver", "person": "zita", "roles": [], "invitation": "0" * 16, "token_hash": bytes(32),
            "expires_at": stage.now() + 10**9, "lost": [things.member], "reason": "x",
        },
    ),
    "recovery.announce": (lambda *a: {"lost": [a[2].member], "keys": {a[2].member: "0"}, "reason": "x"},),
    "recovery.apply": (lambda *a: {"digest": a[2].card},),
    "dead_letter.retry": (lambda *a: {"letter": a[2].letter, "key": "k"},),
    "dead_letter.resolve": (lambda *a: {"letter": a[2].letter, "reason": "x"},),
    "reconcile.show": (lambda *a: {"finding": a[2].finding},),
    "reconcile.resolve": (lambda *a: {"finding": a[2].finding, "reason": "x"},),
    "dead_letter.show": (lambda *a: {"letter": a[2].letter},),
    "effect.settle": (lambda *a: {"run": a[2].run, "happened": False, "reason": "x"},),
    "case.show": (lambda *a: {"case": a[2].case}, lambda *a: {"case": a[2].held}),
    "case.lineage": (lambda *a: {"case": a[2].case}, lambda *a: {"case": a[2].held}),
    "case.watch": (lambda *a: {"case": a[2].case}, lambda *a: {"case": a[2].held}),
    "case.evidence": (lambda *a: {"case": a[2].case}, lambda *a: {"case": a[2].held}),
    "approval.card": (lambda *a: {"case": a[2].held},),
    "ledger.wait": (lambda *a: {"state": "durable", "timeout": 1, "case": a[2].case},),
}  # fmt: skip
NAMES_NOTHING = {
    "enrol": "its invitation is its connection's; the gate is tried below",
    "bundle.push": "brings what it is about",
    "hold.place": "looks nothing up: a hold keeps whatever bears the name in the connection's own tenant",
    "retention.run": "is about the connection's own tenant",
    "retention.show": "is about the connection's own tenant",
    "shadow.stop": "is about the connection's own tenant",
    "shadow.show": "is about the connection's own tenant",
    "tenant.seal": "is about the connection's own tenant",
    "recovery.object": "is about the connection's own tenant",
    "recovery.show": "is about the connection's own tenant",
    "recovery.look": "is the operator's, who knows every tenant",
    "recovery.agree": "is the operator's, who knows every tenant",
    "tenant.create": "is the operator's, who knows every tenant",
    "ledger.archive": "is the operator's, who knows every tenant",
    "executor.inventory": "says what its own sender has done; runs are looked up in the tenant of its connection",
    "reconcile.list": "is about the connection's own tenant",
    "reconcile.run": "is about the connection's own tenant",
    "reconcile.evidence": "brings what it is about, and looks nothing up",
    "dead_letter.list": "is about the connection's own tenant",
    "approval.list": "is about the connection's own tenant",
    "member.list": "is about the connection's own tenant",
    "bundle.show": "is about the connection's own tenant",
    "bundle.history": "is about the connection's own tenant",
    "effect.list": "is about the connection's own tenant",
    "alert.list": "is about the connection's own tenant",
    "alert.tail": "is about the connection's own tenant",
    "breaker.list": "is about the connection's own tenant",
    "breaker.show": "looks at the connection's own tenant, where nothing was ever seen of other names",
    "policy.facts": "counts in the connection's own tenant, where other names have done nothing",
    "seat.list": "is about the connection's own tenant",
    "review.stats": "is about the connection's own tenant",
    "envelope.list": "is about the connection's own tenant",
    "envelope.sign": "is about the connection's own tenant, which its statement names",
    "budget.show": "is about the connection's own tenant",
    "warrant.list": "is about the connection's own tenant",
    "tenant.list": "is the operator's, who knows every tenant",
    "status": "is about the connection's own tenant",
    "tree.show": "is about the connection's own tenant",
    "whoami": "is about the connection itself",
    "keys.chain": "is about the connection's own tenant",
    "keys.list": "is the operator's, who knows every tenant",
    "keys.rotate": "is the operator's, who knows every tenant",
    "keys.retire": "is the operator's, who knows every tenant",
    "tail": "is about the connection's own tenant",
    "inbox": "is about the connection's own tenant",
}


def test_every_call_of_the_protocol_is_tried_or_names_nothing() -> None:
    assert set(PROBES) | set(NAMES_NOTHING) == set(CALLS)
    assert not set(PROBES) & set(NAMES_NOTHING)


async def answer_of(line: Any, tag: str, fields: dict[str, Any]) -> Any:
    if tag not in ("case.watch", "case.evidence"):
        return await line.ask(tag, **fields)
    try:
        async with line.link.subscribe(tag, fields, credit=4) as events:
            return Reply(dict(events.reply.value))
    except SubscriptionRefused as refused:
        return Refused(code=refused.code, why=refused.why)


@pytest.mark.parametrize("tag", PROBES)
async def test_a_thing_of_the_other_tenant_and_a_thing_that_is_nowhere_are_the_same(stage: Any, theirs: Things, tag: str) -> None:
    nowhere = Things.nowhere(theirs)
    for kind in sorted(CALLS[tag].who & set(ASKERS)):
        async with stage.cast(ASKERS[kind], tenant=HERE) as (line,):
            for probe in PROBES[tag]:
                heard = []
                for things in (theirs, nowhere):
                    answer = await answer_of(line, tag, probe(stage, line, things))
                    assert isinstance(answer, Refused), (kind, answer)
                    why = answer.why
                    for name in things.names():
                        why = why.replace(name, "NAME")
                    heard.append((answer.code, why, answer.retry_after, answer.detail))
                assert heard[0] == heard[1], kind


@pytest.mark.parametrize("tag", sorted(CALLS))
async def test_who_may_not_ask_learns_nothing_but_that(stage: Any, theirs: Things, tag: str) -> None:
    """Asked with nothing at all and with their things alike: the kind of asker is looked at before any field."""
    for kind, name in ASKERS.items():
        if kind in CALLS[tag].who:
            continue
        async with stage.cast(name) as (line,):
            fields = PROBES[tag][0](stage, line, theirs) if tag in PROBES else {}
            for given in ({}, fields):
                answer = await line.ask(tag, **given)
                assert isinstance(answer, Refused)
                assert answer.code == "not_allowed", (kind, answer)


async def test_what_is_listed_is_ones_own(stage: Any, theirs: Things) -> None:
    here = {}
    async with stage.cast("anna", "clara", "otto", tenant=HERE) as lines:
        for line in lines:
            for tag in (
                "member.list",
                "dead_letter.list",
                "reconcile.list",
                "approval.list",
                "breaker.list",
                "alert.list",
                "status",
                "tree.show",
                "whoami",
                "bundle.show",
                "bundle.history",
            ):
                if line.member.kind in CALLS[tag].who:
                    here[tag] = repr(await line.done(tag))
                    for name in (*theirs.names(), THERE):
                        assert name not in here[tag], tag
        async with lines[2].link.subscribe("tail", {"start": 0, "follow": False}, credit=4096) as events:
            async for event in events:
                assert THERE.encode() not in (event.value.get("entry") or b"")


async def test_an_operator_sees_no_body_of_a_tenant_and_asks_nothing_of_its_people(stage: Any, theirs: Things) -> None:
    async with stage.as_operator() as operator:
        for tag, call in CALLS.items():
            if "operator" in call.who:
                continue
            answer = await operator.ask(tag)
            assert isinstance(answer, Refused)
            assert answer.code == "not_allowed", tag
        assert await operator.refused("bundle.show") == "not_allowed"
        for tag in ("status", "tree.show", "tenant.list", "breaker.list", "whoami"):
            said = repr(await operator.done(tag))
            assert not any(name in said for name in theirs.names()), tag
        async with operator.link.subscribe("tail", {"start": 0, "follow": False}, credit=4096) as events:
            async for event in events:
                assert event.value.get("body") is None
                assert event.value.get("salt") is None
        assert await operator.refused("breaker.trip", scope="nowhere/tenant", reason="x") == "unknown"
        assert await operator.refused("pause", scope="nowhere/tenant", reason="x") == "unknown"
        for odd in ("", "a" * 41, "node", "../x", "Belvedere", "a_b"):
            answer = await operator.ask(
                "tenant.create", tenant=odd, admin="anna", person="anna", invitation="0" * 16, token_hash=bytes(32),
                expires_at=stage.now() + 10**9,
            )  # fmt: skip
            assert isinstance(answer, Refused), odd
            assert answer.code == "malformed"


def test_at_the_gate_every_wrong_key_is_the_same_wrong(stage: Any, theirs: Things) -> None:
    near, far = stage.who("ada", HERE).token, stage.who("ada", THERE).token
    invitation = stage.who("ada", THERE).invitation
    wrong = [
        f"vk_{HERE}_{far.id}_{far.secret.hex()}",  # their key, under our name
        f"vk_{THERE}_{near.id}_{near.secret.hex()}",  # our key, under theirs
        f"vk_{THERE}_{far.id}_{near.secret.hex()}",  # their key's name with a guess
        f"vk_{THERE}_{'0' * 16}_{near.secret.hex()}",  # a key that is nowhere
        f"vk_nowhere_{'0' * 16}_{near.secret.hex()}",  # a tenant that is nowhere
        f"vi_{THERE}_{invitation.id}_{invitation.secret.hex()}",  # an invitation that was used
        f"vi_{THERE}_{far.id}_{far.secret.hex()}",  # a key as an invitation
        f"vk_node_{near.id}_{near.secret.hex()}",
    ]
    answers = set()
    for number, bearer in enumerate(wrong):
        with stage.raw(f"127.0.1.{number + 1}") as raw:
            answers.add(raw.upgrade(bearer))
    assert len(answers) == 1
    assert answers.pop().startswith(b"HTTP/1.1 401 ")


async def test_no_call_may_end_in_doubt_here(stage: Any) -> None:
    """Nothing failed on this node: an answer that is in doubt would be a leak of somebody else's trouble."""
    async with stage.cast("ada") as (ada,):
        assert not isinstance(await ada.ask("status"), Indeterminate)
