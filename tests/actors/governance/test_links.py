"""Chains of links: what is handed on never allows more than what it was made from, and nothing fits where it was not made."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from actors.governance import commands as c
from actors.governance import constraints, intent, links, warrant
from actors.governance import events as e
from actors.governance.canonical import NotCanonical
from actors.governance.ids import MINUTE, Instant
from actors.governance.links import DEEPEST, Link, LinkInvalid
from actors.governance.signing import Purpose, signed_bytes

PROPOSED: Any = {"path": "drafts/a", "text": "x", "amount": {"dec": "1.00"}}


@pytest.fixture
def live(bench: Any) -> Any:
    return bench.warrant_of(bench.propose("drafts.write", params=PROPOSED))


def follow(bench: Any, live: Any, chain: bytes, after: int = 0) -> Any:
    whole = bench.redemption(live.warrant)
    above = links.digest(whole.warrant, whole.signature)
    return links.follow(live.terms, above, links.unpack_chain(chain), now=Instant(bench.now + after))


def under(root: str) -> dict[str, Any]:
    return {"constraints": {"path": {"under": root}}}


def redeem(bench: Any, live: Any, chain: bytes, run: str = "r1", **changed: Any) -> Any:
    params = {**PROPOSED, **changed}
    args = intent.args_digest("drafts.write", live.terms.resource, params)
    return bench.redemption(live.warrant, run, params=params, args_digest=args, chain=chain)


def test_the_last_holder_redeems_and_the_run_records_the_chain(bench: Any, live: Any) -> None:
    chain = bench.handed_on(live, ("till", "mill", under("drafts/b")), ("mill", "ada", {"uses": 2}))
    bench.done(redeem(bench, live, chain, path="drafts/b/c"), "ada")
    opened = bench.last(e.RunOpened)
    assert (opened.redeemer, opened.holders, opened.chain) == ("ada", ("mill", "ada"), chain)
    bench.done(bench.report("r1", "ada"), "ada")
    assert bench.last(e.RunVerified).verdict == "consistent"


def test_a_link_narrows_and_what_it_left_out_stays_out(bench: Any, live: Any) -> None:
    chain = bench.handed_on(live, ("till", "mill", under("drafts/b")))
    assert bench.refused(redeem(bench, live, chain, path="drafts/c"), "mill") == "out_of_scope"
    bench.done(redeem(bench, live, chain, path="drafts/b/c"), "mill")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"constraints": {"path": {"under": "."}}}, "link 1 widens the parameter path"),
        ({"constraints": {"path": {"under": "other"}}}, "link 1 widens the parameter path"),
        ({"constraints": {"path": {"matching": "drafts/.*"}}}, "link 1 widens the parameter path"),
        ({"constraints": {"amount": {"range": {"low": 1, "high": 2001, "places": 2}}}}, "link 1 widens the parameter amount"),
        ({"constraints": {"amount": {"range": {"low": 1, "high": 20, "places": None}}}}, "link 1 widens the parameter amount"),
        ({"constraints": {"text": {"prefix": "x"}}}, "link 1 widens the parameter text"),
        ({"constraints": {"other": {"prefix": "x"}}}, "is no parameter"),
        ({"uses": 6}, "widens the uses"),
        ({"cost_cap": None}, "widens the cost cap"),
        ({"cost_cap": 16_000_000}, "widens the cost cap"),
        ({"expires_at": 2**62}, "widens the life"),
        ({"holder": bytes(32)}, "a key that no holder can have"),
        ({"uses": 0}, "malformed"),
        ({"parent": bytes(32)}, "spliced"),
    ],
)
def test_a_link_that_widens_anything_is_refused_by_name(bench: Any, live: Any, changed: Any, why: str) -> None:
    chain = bench.handed_on(live, ("till", "mill", changed))
    with pytest.raises(LinkInvalid, match=why):
        follow(bench, live, chain)
    assert bench.refused(redeem(bench, live, chain), "mill") == "chain_invalid"
    assert not bench.state.runs


def test_a_second_link_cannot_take_back_what_the_first_narrowed(bench: Any, live: Any) -> None:
    for wider in (under("drafts"), {"uses": 3}, {"cost_cap": 9_000_000}, {"expires_at": live.expires_at}):
        first = {**under("drafts/b"), "uses": 2, "cost_cap": 8_000_000, "expires_at": Instant(bench.now + MINUTE)}
        chain = bench.handed_on(live, ("till", "mill", first), ("mill", "ada", wider))
        with pytest.raises(LinkInvalid, match="link 2 widens"):
            follow(bench, live, chain)


def test_a_link_of_another_root_is_spliced(bench: Any, live: Any) -> None:
    other = bench.warrant_of(bench.propose("drafts.write", params={**PROPOSED, "path": "drafts/other"}))
    chain = bench.handed_on(other, ("till", "mill", {}))
    with pytest.raises(LinkInvalid, match="link 1 belongs to another parent"):
        follow(bench, live, chain)
    assert bench.refused(redeem(bench, live, chain), "mill") == "chain_invalid"


def test_links_in_another_order_or_without_the_middle_one_do_not_hold(bench: Any, live: Any) -> None:
    whole = links.unpack_chain(bench.handed_on(live, ("till", "mill", {}), ("mill", "till", {}), ("till", "ada", {})))
    for forged in ((whole[1], whole[0], whole[2]), (whole[0], whole[2]), (whole[2],), (whole[1],), (*whole, whole[2])):
        with pytest.raises(LinkInvalid, match=r"link . (is not signed by the holder before it|belongs to another parent)"):
            follow(bench, live, links.pack_chain(forged))
    assert follow(bench, live, links.pack_chain(whole)).holder == bench.state.members["ada"].public_key
    assert follow(bench, live, links.pack_chain(whole[:1])).holder == bench.state.members["mill"].public_key


def test_a_link_signed_by_anybody_but_the_holder_before_it_is_refused(bench: Any, live: Any) -> None:
    for chain in (
        bench.handed_on(live, ("mallory", "mallory", {})),
        bench.handed_on(live, ("till", "mill", {}), ("mallory", "ada", {})),
        bench.handed_on(live, ("till", "mill", {}), ("till", "ada", {})),
    ):
        with pytest.raises(LinkInvalid, match="is not signed by the holder before it"):
            follow(bench, live, chain)


def test_a_link_with_any_bit_flipped_is_refused(bench: Any, live: Any) -> None:
    chain = bench.handed_on(live, ("till", "mill", under("drafts/b")))
    for bit in range(0, len(chain) * 8, 5):
        flipped = bytearray(chain)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises((LinkInvalid, NotCanonical)):
            follow(bench, live, bytes(flipped))


def test_a_warrants_signature_is_no_links_and_the_other_way_round(bench: Any, live: Any) -> None:
    whole = bench.redemption(live.warrant)
    packed = links.pack(Link(links.digest(whole.warrant, whole.signature), live.terms.holder, {}, live.expires_at, 1, None))
    for purpose in set(Purpose) - {Purpose.LINK}:
        forged = links.pack_chain(((packed, bench.sign("till", purpose, packed)),))
        with pytest.raises(LinkInvalid, match="not signed"):
            follow(bench, live, forged)


def test_a_link_that_is_over_is_refused_though_its_root_lives(bench: Any, live: Any) -> None:
    chain = bench.handed_on(live, ("till", "mill", {"expires_at": Instant(bench.now + MINUTE)}))
    follow(bench, live, chain, after=MINUTE - 1)
    with pytest.raises(LinkInvalid, match="link 1 has expired"):
        follow(bench, live, chain, after=MINUTE)
    bench.now = Instant(bench.now + MINUTE)
    assert bench.refused(redeem(bench, live, chain), "mill") == "chain_invalid"


def test_a_holder_on_the_way_cannot_redeem_with_the_whole_chain_and_a_stranger_not_at_all(bench: Any, live: Any) -> None:
    chain = bench.handed_on(live, ("till", "mill", {}), ("mill", "ada", {}))
    assert bench.refused(redeem(bench, live, chain), "mill") == "not_yours"
    assert bench.refused(redeem(bench, live, chain), "mallory") == "not_yours"
    assert bench.refused(bench.redemption(live.warrant), "ada") == "not_yours"


def test_uses_are_counted_at_every_link_and_at_the_root(bench: Any, live: Any) -> None:
    two = bench.handed_on(live, ("till", "mill", {"uses": 2}))
    bench.done(redeem(bench, live, two, "r1"), "mill")
    bench.done(redeem(bench, live, two, "r2"), "mill")
    assert bench.refused(redeem(bench, live, two, "r3"), "mill") == "warrant_over"
    assert live.uses_left == 3
    for number in range(4, 7):
        bench.done(bench.redemption(live.warrant, f"r{number}"), "till")
    assert bench.refused(bench.redemption(live.warrant, "r9"), "till") == "warrant_over"


def test_a_lower_cap_of_a_link_holds_at_redemption_and_in_the_receipt(bench: Any, live: Any) -> None:
    chain = bench.handed_on(live, ("till", "mill", {"cost_cap": 5_000_000}))
    assert bench.refused(redeem(bench, live, chain, amount={"dec": "5.01"}), "mill") == "out_of_scope"
    bench.done(redeem(bench, live, chain, amount={"dec": "5.00"}), "mill")
    bench.done(bench.report("r1", "mill", cost=5_000_001), "mill")
    assert bench.last(e.RunVerified).verdict == "mismatched"


def test_a_chain_falls_with_its_root_and_with_any_holder(bench: Any, live: Any) -> None:
    chain = bench.handed_on(live, ("till", "mill", {}), ("mill", "ada", {}))
    bench.record(e.MemberRevoked("mill", "gone"))
    assert bench.refused(redeem(bench, live, chain), "ada") == "chain_invalid"
    straight = bench.handed_on(live, ("till", "ada", {}))
    bench.done(c.RevokeWarrant(live.warrant, "no"), "greta")
    assert bench.refused(redeem(bench, live, straight), "ada") == "warrant_over"


def test_who_approved_cannot_be_handed_the_warrant(bench: Any) -> None:
    case = bench.propose("orders.refund")
    bench.done(bench.vote(case, "dora"), "dora")
    live = bench.warrant_of(case)
    chain = bench.handed_on(live, ("till", "mill", {}))  # dora stands behind mill
    assert bench.refused(bench.redemption(live.warrant, chain=chain), "mill") == "not_allowed"


def test_an_agent_cannot_be_handed_what_people_had_to_approve(bench: Any) -> None:
    case = bench.propose("orders.refund")
    bench.done(bench.vote(case, "clara"), "clara")
    live = bench.warrant_of(case)
    chain = bench.handed_on(live, ("till", "ada", {}))
    assert bench.refused(bench.redemption(live.warrant, chain=chain), "ada") == "not_allowed"


def test_nobody_who_handed_it_on_verifies_the_outcome(bench: Any) -> None:
    case = bench.propose("files.write")
    live = bench.warrant_of(case)
    chain = bench.handed_on(live, ("till", "emil", {}), ("emil", "mill", {}))
    bench.done(bench.redemption(live.warrant, chain=chain), "mill")
    bench.done(bench.report("r1", "mill"), "mill")
    assert bench.refused(bench.attest("r1"), "emil") == "not_allowed"


def test_a_chain_is_bounded_in_length_and_size(bench: Any, live: Any) -> None:
    names = ["till", "mill"] * DEEPEST
    steps = [(names[n], names[n + 1], {}) for n in range(DEEPEST + 1)]
    follow(bench, live, bench.handed_on(live, *steps[:DEEPEST]))
    with pytest.raises(NotCanonical):
        follow(bench, live, bench.handed_on(live, *steps))
    with pytest.raises(NotCanonical):
        links.unpack_chain(bytes(links.LARGEST + 1))
    for odd in (b"", b"\x90", b"\x91\x90", b"\x91\x92\xa1a\xa1b", b"\xc1"):
        with pytest.raises(NotCanonical):
            links.unpack_chain(odd)


# --- whatever a chain admits, its root admits -----------------------------------------------------------------------------------

KEYS = [SigningKey(bytes([n]) * 32) for n in range(1, 6)]
FORMS = st.sampled_from(
    [
        {"under": "drafts"}, {"under": "drafts/a"}, {"under": "."}, {"prefix": "drafts/"}, {"prefix": "d"}, {"matching": "drafts/[a-z/]+"},
        {"one_of": ["drafts/a", "drafts/b"]}, {"exact": "drafts/a"}, {"all": [{"under": "drafts"}, {"prefix": "drafts/a"}]},
    ]
)  # fmt: skip
PATHS = st.sampled_from(["drafts/a", "drafts/b", "drafts/a/b", "other", "d", "drafts/../x", "drafts", "drafts/A", 1, None])


@given(root=FORMS, steps=st.lists(st.tuples(st.none() | FORMS, st.integers(1, 6), st.integers(0, 3)), max_size=4), path=PATHS)
@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_a_chain_admits_its_root_admits(bench: Any, root: Any, steps: Any, path: Any) -> None:
    base = bench.state.warrants.get("w") or _base(bench)
    made = attrs.evolve(base, params={"path": "drafts/a"}, constraints={"path": root}, holder=bytes(KEYS[0].verify_key), uses=4, cost_cap=2)
    above, chain = bytes(32), []
    for number, (form, uses, cap) in enumerate(steps):
        link = Link(above, bytes(KEYS[number + 1].verify_key), {} if form is None else {"path": form}, made.expires_at, uses, cap)
        packed = links.pack(link)
        signature = KEYS[number].sign(signed_bytes(Purpose.LINK, packed)).signature
        chain.append((packed, signature))
        above = links.digest(packed, signature)
    try:
        left = links.follow(made, bytes(32), tuple(chain), now=made.not_before)
    except LinkInvalid:
        return
    assert left.limits[-1][1] <= made.uses
    assert left.cost_cap is not None
    assert left.cost_cap <= 2
    if warrant.within(left.bounds, {"path": path}) is None:
        assert warrant.allows(made, {"path": path}) is None
        for form, _, _ in steps:
            assert form is None or constraints.read_one(form).problem(path) is None


def _base(bench: Any) -> Any:
    for live in bench.state.warrants.values():
        return live.terms
    return bench.warrant_of(bench.propose("drafts.write", params=PROPOSED)).terms
