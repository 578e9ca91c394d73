"""The traps that other governance products fell into, each tried on the law itself."""

from __future__ import annotations

import inspect
from typing import Any

import attrs
import pytest
from nacl.signing import SigningKey

from actors.governance import approval, attestation, canonical, intent, receipt, signing, warrant
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.calls import CALLS, parse
from actors.governance.decision import Decided
from actors.governance.enrolment import statement as enrolment
from actors.governance.ids import HOUR, MINUTE, SECOND
from actors.governance.kinds import MEMBER_KINDS
from actors.governance.refusals import Refusal
from actors.governance.signing import Purpose, signed_bytes

# --- signatures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made_for", Purpose)
@pytest.mark.parametrize("tried_as", Purpose)
def test_a_signature_serves_the_purpose_it_was_made_for_and_no_other(made_for: Purpose, tried_as: Purpose) -> None:
    key = SigningKey(b"k" * 32)
    signature = key.sign(signed_bytes(made_for, b"packed")).signature
    assert signing.verifies(tried_as, bytes(key.verify_key), b"packed", signature) == (made_for is tried_as)


def test_no_purpose_is_the_beginning_of_another() -> None:
    tags = [purpose.value + b"\0" for purpose in Purpose]
    assert not any(one != other and one.startswith(other) for one in tags for other in tags)


@pytest.mark.parametrize("signature", [b"", b"\0" * 64, b"s" * 63, b"s" * 65])
def test_an_absent_or_cut_signature_never_verifies(bench: Any, signature: bytes) -> None:
    assert not signing.verifies(Purpose.WARRANT, bytes(bench.issuer.verify_key), b"packed", signature)
    case = bench.propose("orders.refund")
    assert bench.refused(attrs.evolve(bench.vote(case, "clara"), signature=signature), "clara") == "signature_invalid"
    live = bench.warrant_of(bench.propose())
    assert bench.refused(bench.redemption(live.warrant, signature=signature), "till") == "warrant_forged"
    bench.done(bench.redemption(live.warrant), "till")
    assert bench.refused(attrs.evolve(bench.report("r1"), signature=signature), "till") == "signature_invalid"


def test_no_signed_thing_and_no_call_names_an_algorithm() -> None:
    names = {*warrant.FIELDS, *approval.FIELDS, *receipt.FIELDS, *attestation.FIELDS, *(f for call in CALLS.values() for f in call.fields)}
    assert not names & {"alg", "algorithm", "kid", "jku", "typ", "enc", "curve", "hash"}


def test_keys_of_low_order_cannot_be_registered() -> None:
    for point in (bytes(32), b"\x01" + bytes(31), bytes(31) + b"\x80"):
        assert not signing.is_sound_public_key(point)


def test_secrets_are_compared_in_constant_time() -> None:
    assert "compare_digest" in inspect.getsource(signing.same)
    assert signing.same(b"a", b"a")
    assert not signing.same(b"a", b"b")
    assert not signing.same(b"a", b"aa")


# --- what a digest binds ------------------------------------------------------------------------------------------------


def test_nested_keys_and_values_are_bound_by_the_digest() -> None:
    params = {"order": {"lines": [{"sku": "a", "amount": {"dec": "1.00"}}], "to": {"iban": "AT1"}}}
    digest = intent.args_digest("a.b", "r", params)
    for changed in (
        {"order": {"lines": [{"sku": "a", "amount": {"dec": "9.00"}}], "to": {"iban": "AT1"}}},
        {"order": {"lines": [{"sku": "a", "amount": {"dec": "1.00"}}], "to": {"iban": "AT2"}}},
        {"order": {"lines": [{"sku": "a"}], "to": {"iban": "AT1"}}},
        {"order": {"lines": [], "to": {"iban": "AT1"}}},
        {"order": {"to": {"iban": "AT1"}, "lines": [{"sku": "a", "amount": {"dec": "1.00"}, "x": None}]}},
    ):
        assert intent.args_digest("a.b", "r", changed) != digest
    assert intent.args_digest("a.b", "r", {"order": dict(reversed(params["order"].items()))}) == digest


def test_action_resource_and_params_cannot_trade_places_in_a_digest() -> None:
    assert len({intent.args_digest(*parts) for parts in (("a", "bc", {}), ("ab", "c", {}), ("a", "b", {"c": ""}))}) == 3


# --- warrants -----------------------------------------------------------------------------------------------------------

CHANGED: dict[str, Any] = {
    "tenant": "schoenbrunn", "warrant": "w0", "case": "c0", "agent": "mallory", "executor": "mill", "holder": b"h" * 32,
    "action": "orders.payout", "resource": "book/two", "params": {"text": "y"}, "intent": b"i" * 32, "effect": "00", "state_digest": b"s",
    "tier": "T2", "approvals": ("mallory",), "envelopes": ("e0",), "bundle": b"b" * 32,
    "verify": {"kind": "none"}, "not_before": 0, "expires_at": 2**62,
    "uses": 99, "cost_cap": 1, "constraints": {"text": {"prefix": "y"}},
}  # fmt: skip


@pytest.mark.parametrize("field", warrant.FIELDS)
def test_a_warrant_with_any_field_changed_is_forged(bench: Any, field: str) -> None:
    live = bench.warrant_of(bench.propose())
    packed = warrant.pack(attrs.evolve(live.terms, **{field: CHANGED[field]}))
    assert packed != live.fields
    assert bench.refused(bench.redemption(live.warrant, warrant=packed), "till") == "warrant_forged"
    assert not bench.state.runs


def test_a_warrant_with_any_bit_flipped_is_refused_by_node_and_by_executor(bench: Any) -> None:
    live = bench.warrant_of(bench.propose())
    whole = bench.redemption(live.warrant)
    issuer, holder = bytes(bench.issuer.verify_key), bench.state.members["till"].public_key
    assert warrant.verify(whole.warrant, whole.signature, issuer, now=bench.now, holder=holder).warrant == live.terms
    for bit in range(0, len(whole.warrant) * 8, 7):
        flipped = bytearray(whole.warrant)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(warrant.WarrantInvalid):
            warrant.verify(bytes(flipped), whole.signature, issuer, now=bench.now, holder=holder)
        assert not bench.facts(attrs.evolve(whole, warrant=bytes(flipped)), bench.state.members["till"]).mac_ok


def test_a_used_warrant_cannot_be_used_again(bench: Any) -> None:
    live = bench.warrant_of(bench.propose("files.write"))
    bench.done(bench.redemption(live.warrant, "r1"), "till")
    assert bench.refused(bench.redemption(live.warrant, "r2"), "till") == "warrant_over"
    assert len(bench.state.runs) == 1


def test_a_warrant_of_three_uses_opens_three_runs_and_no_fourth(bench: Any) -> None:
    live = bench.warrant_of(bench.propose())
    for run in ("r1", "r2", "r3"):
        bench.done(bench.redemption(live.warrant, run), "till")
    assert bench.refused(bench.redemption(live.warrant, "r4"), "till") == "warrant_over"
    assert len(bench.state.runs) == 3


def test_a_warrant_is_worth_nothing_at_the_instant_it_expires(bench: Any) -> None:
    live = bench.warrant_of(bench.propose())
    bench.now = live.expires_at
    assert bench.refused(bench.redemption(live.warrant), "till") == "warrant_over"


def test_a_scope_names_the_command_and_not_only_the_target(bench: Any) -> None:
    live = bench.warrant_of(bench.propose("notes.append", resource="book/one"))
    other = intent.args_digest("notes.read", "book/one", {})
    assert bench.refused(bench.redemption(live.warrant, args_digest=other), "till") == "out_of_scope"
    assert "action" in (warrant.covers(live.terms, "notes.read", "book/one", {"text": "x"}) or "")


@pytest.mark.parametrize(
    "params", [{}, {"text": 1}, {"text": True}, {"text": None}, {"text": "x", "more": 1}, {"text": "x "}, {"text": 1.0}]
)
def test_a_constrained_parameter_that_is_missing_mistyped_or_extra_is_a_violation(bench: Any, params: dict[str, Any]) -> None:
    terms = bench.warrant_of(bench.propose()).terms
    assert warrant.covers(terms, "notes.append", "book/one", {"text": "x"}) is None
    assert warrant.covers(terms, "notes.append", "book/one", params) is not None


@pytest.mark.parametrize(("exact", "alike"), [(1, True), (0, False), (1, "1"), ("1", b"1"), (0, None), ({"dec": "1.0"}, {"dec": "1.00"})])
def test_types_count_where_a_parameter_is_compared(bench: Any, exact: Any, alike: Any) -> None:
    terms = attrs.evolve(bench.warrant_of(bench.propose()).terms, params={"amount": exact})
    assert warrant.covers(terms, terms.action, terms.resource, {"amount": exact}) is None
    assert warrant.covers(terms, terms.action, terms.resource, {"amount": alike}) is not None


def test_another_executor_cannot_redeem_what_it_holds_in_its_hands(bench: Any) -> None:
    live = bench.warrant_of(bench.propose())
    for thief in ("mill", "ada", "mallory"):
        assert bench.refused(bench.redemption(live.warrant), thief) == "not_yours"


# --- approvals ----------------------------------------------------------------------------------------------------------


def test_no_call_has_a_field_for_who_asks() -> None:
    who = {
        "approver",
        "by",
        "agent",
        "actor",
        "user",
        "principal",
        "on_behalf_of",
        "requester",
        "executor",
        "verifier",
        "role",
        "tenant_id",
    }
    for call in CALLS.values():
        assert not who & set(call.fields), call.tag
        if "tenant" in call.fields:
            assert call.who == {"operator"}, f"{call.tag}: a member's tenant is its connection's"


def test_an_extra_field_in_any_call_is_refused() -> None:
    for call in CALLS.values():
        for kind in call.who:
            refusal = parse(call.tag, {"approver": "clara"}, kind)
            assert isinstance(refusal, Refusal)
            assert "no field" in refusal.why


def test_kinds_that_are_not_listed_cannot_ask() -> None:
    for call in CALLS.values():
        for kind in (MEMBER_KINDS | {"operator", "invitee", "root", ""}) - call.who:
            refusal = parse(call.tag, {}, kind)
            assert isinstance(refusal, Refusal)
            assert refusal.code.value == "not_allowed"


def test_nobody_approves_the_wish_of_an_agent_it_owns_or_stands_behind(bench: Any) -> None:
    case = bench.propose("orders.refund", by="ben")  # owned by clara
    assert bench.refused(bench.vote(case, "clara"), "clara") == "self_approval"
    assert bench.refused(bench.vote(case, "clara-two"), "clara-two") == "self_approval"
    bench.done(bench.vote(case, "hugo"), "hugo")
    assert bench.warrant_of(case).terms.approvals == ("hugo",)


def test_the_owner_of_a_parent_case_fills_no_seat_below_it(bench: Any) -> None:
    above = bench.propose("orders.refund", by="ben")
    below = bench.propose("orders.refund", by="ada", parent=above.case)
    assert set(below.excluded) == {"ben", "clara", "greta"}
    assert bench.refused(bench.vote(below, "clara"), "clara") == "self_approval"


def test_the_owner_of_an_owner_fills_no_seat(bench: Any) -> None:
    bench.done(c.Invite("cog", "agent", "cog", (), "i-cog", b"t" * 32, bench.now + HOUR, "k-cog", "ben"), "greta")
    bench.enrol("cog")
    bench.confirm("cog")
    assert set(bench.propose("orders.refund", by="cog").excluded) == {"cog", "ben", "clara"}


def test_one_person_behind_two_principals_is_counted_once(bench: Any) -> None:
    case = bench.propose("orders.payout")
    bench.done(bench.vote(case, "clara"), "clara")  # lead
    assert bench.refused(bench.vote(case, "clara-two"), "clara-two") == "already_voted"  # finance, and the same person
    assert not bench.state.warrants
    bench.done(bench.vote(case, "dora"), "dora")
    assert bench.warrant_of(case).terms.approvals == ("clara", "dora")


def test_nobody_fills_two_seats_with_two_roles(bench: Any) -> None:
    case = bench.propose("orders.payout")
    bench.done(bench.vote(case, "hugo"), "hugo")  # lead and finance
    assert not bench.state.warrants
    assert bench.refused(bench.vote(case, "hugo", nonce=b"m" * 16), "hugo") == "already_voted"


def test_approving_twice_mints_one_warrant(bench: Any) -> None:
    case = bench.propose("orders.refund")
    vote = bench.vote(case, "clara")
    bench.done(vote, "clara")
    assert bench.refused(vote, "clara") == "not_held"
    assert bench.refused(bench.vote(case, "dora"), "dora") == "not_held"
    assert bench.tags(case.case).count("warrant.issued") == 1


def test_an_approval_after_a_denial_changes_nothing(bench: Any) -> None:
    case = bench.propose("orders.refund")
    bench.done(bench.vote(case, "dora", "deny"), "dora")
    assert bench.refused(bench.vote(case, "clara"), "clara") == "unknown"
    assert bench.tags(case.case)[-2:] == ["approval.denied", "dead_letter.opened"]


def test_an_approval_after_the_deadline_changes_nothing_even_before_anybody_noticed(bench: Any) -> None:
    case = bench.propose("orders.refund")
    bench.now = case.expires_at
    assert bench.refused(bench.vote(case, "clara"), "clara") == "not_held"
    bench.pass_time(0)
    assert bench.refused(bench.vote(case, "clara"), "clara") == "unknown"
    assert "warrant.issued" not in bench.tags(case.case)


def test_an_approval_cannot_be_carried_to_another_case(bench: Any) -> None:
    one, other = bench.propose("orders.refund"), bench.propose("orders.refund")
    assert bench.refused(bench.vote(other, "clara", card=one.card), "clara") == "statement_mismatch"
    assert bench.refused(bench.vote(one, "clara", case=other.case), "clara") == "statement_mismatch"


def test_an_approval_by_somebody_elses_hand_does_not_count(bench: Any) -> None:
    case = bench.propose("orders.refund")
    assert bench.refused(bench.vote(case, "clara"), "dora") == "signature_invalid"


def test_a_denial_cannot_be_handed_in_as_an_approval(bench: Any) -> None:
    case = bench.propose("orders.refund")
    denial = bench.vote(case, "clara", "deny")
    assert bench.refused(attrs.evolve(denial, decision="approve"), "clara") == "statement_mismatch"


# --- outcomes -----------------------------------------------------------------------------------------------------------


def test_an_unknown_outcome_is_not_completion_and_blocks_its_effect_for_everybody(bench: Any) -> None:
    bench.running("files.write", run="r1")
    bench.pass_time(11 * MINUTE)
    assert bench.last(e.RunUnknown).run == "r1"
    assert bench.refused(bench.wish("files.write", key="another key"), "ben") == "effect_blocked"
    bench.done(bench.report("r1"), "till")  # evidence, and it settles nothing
    assert bench.state.runs["r1"].status == "unknown"
    bench.pass_time(100 * HOUR)
    assert bench.refused(bench.wish("files.write", key="a third key"), "ada") == "effect_blocked"
    bench.done(c.SettleEffect("r1", False, "looked: nothing was written"), "greta")
    bench.propose("files.write", by="ben")


def test_an_effect_stays_blocked_until_every_unknown_run_of_it_is_settled(bench: Any) -> None:
    live = bench.warrant_of(bench.propose())
    for run in ("r1", "r2"):
        bench.done(bench.redemption(live.warrant, run), "till")
    bench.pass_time(11 * MINUTE)
    bench.done(c.SettleEffect("r2", False, "looked"), "greta")
    assert bench.refused(bench.wish(key="again"), "ada") == "effect_blocked"
    bench.done(c.SettleEffect("r1", False, "looked"), "greta")
    bench.propose()


def test_a_dead_letter_resolved_does_not_unblock_its_effect(bench: Any) -> None:
    bench.running("files.write")
    bench.pass_time(11 * MINUTE)
    bench.done(c.ResolveLetter(bench.last(e.DeadLetterOpened).letter, "seen"), "greta")
    assert bench.refused(bench.wish("files.write", key="again"), "ada") == "effect_blocked"


def test_a_receipt_alone_is_never_called_verified(bench: Any) -> None:
    bench.done(bench.report(bench.running()), "till")
    assert bench.last(e.RunVerified).verdict == "consistent"
    assert bench.last(e.RunVerified).basis == "receipt"


def test_no_person_verifies_their_own_work_behind_another_name_and_nobody_verifies_another_receipt(bench: Any) -> None:
    bench.done(bench.report(bench.running("files.write")), "till")
    assert bench.refused(bench.attest("r1", "till"), "till") == "not_allowed"
    for twin, person in (("dorian", "dora"), ("adele", "greta")):  # dora runs the executor, greta answers for the agent
        bench.done(c.Invite(twin, "verifier", person, (), f"i-{twin}", b"t" * 32, bench.now + HOUR, f"k-{twin}"), "greta")
        bench.enrol(twin)
        bench.confirm(twin)
        assert bench.refused(bench.attest("r1", twin), twin) == "not_allowed"
    assert bench.refused(bench.attest("r1", receipt=b"o" * 32), "emil") == "statement_mismatch"
    assert bench.refused(bench.attest("r1", "emil"), "till") == "signature_invalid"
    bench.done(bench.attest("r1"), "emil")
    assert bench.last(e.RunVerified).verdict == "verified"


# --- state --------------------------------------------------------------------------------------------------------------


def test_breaker_and_dead_letter_commands_change_the_state_they_answer_about(bench: Any) -> None:
    bench.done(c.TripBreaker("agent:ada", "halt"), "greta")
    assert bench.refused(bench.wish(), "ada") == "breaker_open"
    bench.done(c.ResetBreaker("agent:ada", "looked"), "greta")
    bench.propose()
    assert bench.refused(c.ResolveLetter("d" * 21, "seen"), "greta") == "unknown"


def test_a_policy_that_knows_nothing_of_an_action_denies(bench: Any) -> None:
    for action in ("orders.wipe", "no.such_action"):
        decided = bench.done(bench.wish(action, key=action, params={}), "ada")
        assert decided.answer["case"] not in bench.state.cases
        assert not bench.last(e.CaseDecided).permitted


def test_an_idempotency_key_is_remembered_by_the_log_and_not_by_memory(bench: Any) -> None:
    first = bench.done(bench.wish(key="once"), "ada").answer["case"]
    bench.state = bench.refold()
    bench.pass_time(HOUR)
    assert first not in bench.state.cases
    again = bench.done(bench.wish(key="once"), "ada")
    assert again == Decided(answer={"case": first, "repeated": True})
    assert bench.refused(bench.wish(key="once", params={"text": "other"}), "ada") == "key_reused"
    assert bench.done(bench.wish(key="once"), "ben").answer["case"] != first  # keys belong to their principal


def test_an_enrolment_cannot_be_replayed_for_another_invitation(bench: Any) -> None:
    key = SigningKey(b"e" * 32)
    public = bytes(key.verify_key)
    packed = enrolment("belvedere", "eve", "i-eve", public, "id", b"h" * 32)
    signature = key.sign(signed_bytes(Purpose.ENROLMENT, packed)).signature
    for changed in (("schoenbrunn", "eve", "i-eve"), ("belvedere", "ada", "i-eve"), ("belvedere", "eve", "i-other")):
        other = enrolment(*changed, public, "id", b"h" * 32)
        assert not signing.verifies(Purpose.ENROLMENT, public, other, signature)
    assert signing.verifies(Purpose.ENROLMENT, public, packed, signature)


def test_signed_times_beyond_a_minute_are_refused(bench: Any) -> None:
    case = bench.propose("orders.refund")
    for skew in (-61 * SECOND, 61 * SECOND):
        assert bench.refused(bench.vote(case, "clara", time=bench.now + skew), "clara") == "time_skewed"
    bench.done(bench.report(bench.running("files.write")), "till")
    assert bench.refused(bench.attest("r1", time=bench.now - 61 * SECOND), "emil") == "time_skewed"


def test_bytes_that_are_not_canonical_are_refused_even_when_well_signed(bench: Any) -> None:
    case = bench.propose("orders.refund")
    packed = approval.pack(bench.statement(case))
    wide = packed.replace(b"\xa2T1", b"\xd9\x02T1")  # the same text, in a longer encoding
    assert wide != packed
    with pytest.raises(canonical.NotCanonical):
        approval.unverified_unpack(wide)
    assert bench.refused(c.Vote("approve", wide, bench.sign("clara", Purpose.APPROVAL, wide)), "clara") == "malformed"
