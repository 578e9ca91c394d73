"""A quorum that is lost for good, and everything that does not recover it."""

from __future__ import annotations

from typing import Any

import pytest

from actors.governance import commands as c
from actors.governance import events as e
from actors.governance import kinds, recovery, signing
from actors.governance.calls import CALLS
from actors.governance.codec import encode_state
from actors.governance.decision import Operator
from actors.governance.ids import HOUR, Instant

OTTO = Operator("otto")
LOST = ("clara", "clara-two", "dora", "hugo")
DAY = 24 * HOUR


def invited(bench: Any, name: str, lost: tuple[str, ...] = LOST, **changed: Any) -> c.InviteForRecovery:
    fields = {
        "member": name, "kind": "approver", "person": name, "roles": (), "invitation": f"i-{name}", "token_hash": b"t" * 32,
        "expires_at": bench.now + DAY, "lost": lost, "reason": "the house burnt down",
    }  # fmt: skip
    return c.InviteForRecovery(**{**fields, **changed})


def prints(bench: Any, *names: str) -> dict[str, str]:
    return {name: signing.fingerprint((m := bench.state.members[name]).public_key, m.key_hash) for name in names}


def announcement(bench: Any, lost: tuple[str, ...] = LOST, keys: dict[str, str] | None = None) -> c.AnnounceRecovery:
    return c.AnnounceRecovery(lost, prints(bench, "ida", "jan") if keys is None else keys, "the house burnt down")


@pytest.fixture
def burnt(sealed: Any) -> Any:
    """Greta is left of everybody who could approve; Ida and Jan have enrolled."""
    for name in ("ida", "jan"):
        sealed.done(invited(sealed, name), "greta")
        sealed.enrol(name)
    return sealed


@pytest.fixture
def announced(burnt: Any) -> Any:
    burnt.done(announcement(burnt), "greta")
    return burnt


def agree(bench: Any) -> bytes:
    digest: bytes = bench.state.recovery.digest
    bench.done(c.AgreeToRecovery(bench.tenant, digest), OTTO)
    return digest


def test_admin_and_operator_together_put_the_announced_keys_in_force_after_72_hours(announced: Any) -> None:
    digest = agree(announced)
    announced.pass_time(72 * HOUR)
    before = len(announced.log)
    announced.done(c.ApplyRecovery(digest), "greta")
    assert [event.TAG for _, _, event, _ in announced.log[before:]] == [
        "recovery.applied/1", *["member.confirmed/1"] * 2, *["member.revoked/1"] * 4,
    ]  # fmt: skip
    assert announced.log[before][2] == e.RecoveryApplied(digest, "greta", "greta", "otto")
    status = {name: announced.state.members[name].status for name in ("ida", "jan", *LOST)}
    assert status == {"ida": "active", "jan": "active", **dict.fromkeys(LOST, "revoked")}
    assert announced.state.recovery is None
    case = announced.done(c.Invite("zoe", "approver", "zoe", (), "i-zoe", b"t" * 32, announced.now + HOUR, "k-zoe"), "greta").answer["case"]
    for name in ("ida", "jan"):  # there is a quorum again
        announced.done(announced.vote(announced.state.cases[case], name), name)
    assert announced.state.members["zoe"].status == "invited"
    assert encode_state(announced.refold()) == encode_state(announced.state)


def test_the_state_while_it_is_announced_comes_from_the_log_alone_and_through_a_snapshot(announced: Any) -> None:
    agree(announced)
    for until in range(len(announced.log)):
        assert encode_state(announced.refold(start=announced.refold(until))) == encode_state(announced.state)


def test_what_is_announced_says_who_is_lost_and_which_keys_to_whom_it_concerns(announced: Any) -> None:
    shown = recovery.shown(announced.state, announced.now)
    assert [who["member"] for who in shown["lost"]] == list(LOST)  # type: ignore[union-attr,index,call-overload]
    assert {who["member"]: who["fingerprint"] for who in shown["keys"]} == prints(announced, "ida", "jan")  # type: ignore[union-attr,index,call-overload]
    assert shown["due"] == announced.now + 72 * HOUR
    assert recovery.shown(announced.state, Instant(announced.now + 18 * DAY)) == {"digest": None}


def test_nothing_happens_before_72_hours_have_passed(announced: Any) -> None:
    digest = agree(announced)
    assert announced.refused(c.ApplyRecovery(digest), "greta") == "too_early"
    announced.pass_time(72 * HOUR - 1)
    assert announced.refused(c.ApplyRecovery(digest), "greta") == "too_early"
    assert announced.state.members["ida"].status == "enrolled"


def test_nothing_happens_while_the_clock_is_in_doubt(announced: Any) -> None:
    digest = agree(announced)
    announced.pass_time(72 * HOUR)
    assert announced.refused(c.ApplyRecovery(digest), "greta", clock_ok=False) == "clock_in_doubt"


def test_where_witnesses_are_asked_the_nodes_clock_alone_does_not_say_that_the_time_has_come(announced: Any) -> None:
    digest, due = agree(announced), announced.state.recovery.due
    announced.pass_time(72 * HOUR)
    for witnessed in (0, due - 1):
        assert announced.refused(c.ApplyRecovery(digest), "greta", witnessed_size=7, witnessed=Instant(witnessed)) == "too_early"
    announced.done(c.ApplyRecovery(digest), "greta", witnessed_size=7, witnessed=due)


def test_an_admin_alone_puts_nothing_in_force(announced: Any) -> None:
    digest = announced.state.recovery.digest
    assert announced.refused(c.AgreeToRecovery(announced.tenant, digest), "greta") == "not_allowed"
    announced.pass_time(100 * HOUR)
    assert announced.refused(c.ApplyRecovery(digest), "greta") == "not_allowed"


def test_an_operator_alone_puts_nothing_in_force(burnt: Any) -> None:
    for command in (invited(burnt, "kurt"), announcement(burnt), c.ApplyRecovery(bytes(32)), c.ObjectToRecovery("no")):
        assert burnt.refused(command, OTTO) == "not_allowed"
    assert burnt.refused(c.AgreeToRecovery(burnt.tenant, bytes(32)), OTTO) == "unknown"
    burnt.done(announcement(burnt), "greta")
    digest = agree(burnt)
    burnt.pass_time(72 * HOUR)
    assert burnt.refused(c.ApplyRecovery(digest), OTTO) == "not_allowed"


def test_only_an_admin_announces_and_applies_and_only_an_operator_agrees() -> None:
    who = {tag: call.who for tag, call in CALLS.items() if tag.startswith("recovery.")}
    assert {tag for tag in who if who[tag] == {kinds.ADMIN}} == {"recovery.invite", "recovery.announce", "recovery.apply"}
    assert who["recovery.agree"] == {kinds.OPERATOR}
    assert who["recovery.object"] == {kinds.ADMIN, kinds.APPROVER}


@pytest.mark.parametrize("lost", [(), ("clara",), ("clara", "dora"), ("clara", "clara-two")])
def test_a_quorum_that_can_be_met_without_whoever_is_called_lost_is_not_recovered(burnt: Any, lost: tuple[str, ...]) -> None:
    """Clara counts once for her two members; Hugo and she, or Dora, are enough."""
    assert burnt.refused(announcement(burnt, lost), "greta") == "not_allowed"
    assert burnt.refused(invited(burnt, "kurt", lost), "greta") == "not_allowed"


def test_nobody_calls_lost_who_is_not_there_or_oneself(burnt: Any) -> None:
    assert burnt.refused(announcement(burnt, (*LOST, "greta")), "greta") == "malformed"
    for name in ("ada", "ida", "nobody"):
        assert burnt.refused(announcement(burnt, (*LOST, name)), "greta") == "unknown"


def test_a_founding_tenant_recovers_nothing(bench: Any) -> None:
    assert bench.refused(invited(bench, "ida"), "greta") == "not_allowed"
    assert bench.refused(announcement(bench, keys={"ida": "0"}), "greta") == "not_allowed"


def test_another_fingerprint_than_the_enrolled_keys_is_not_announced(burnt: Any) -> None:
    keys = prints(burnt, "ida", "jan")
    assert burnt.refused(announcement(burnt, keys={**keys, "jan": keys["ida"]}), "greta") == "fingerprint_differs"
    assert burnt.refused(announcement(burnt, keys={**keys, "mallory": keys["ida"]}), "greta") == "unknown"
    assert burnt.refused(announcement(burnt, keys={**keys, "jan": 7}), "greta") == "malformed"  # type: ignore[dict-item]


def test_fewer_keys_than_make_a_quorum_are_not_announced(burnt: Any) -> None:
    assert burnt.refused(announcement(burnt, keys=prints(burnt, "ida")), "greta") == "too_few_persons"
    assert burnt.refused(announcement(burnt, keys={}), "greta") == "malformed"


@pytest.mark.parametrize("by", ["clara", "greta"])
def test_whoever_could_approve_ends_it_also_who_is_called_lost_and_after_the_operator_agreed(announced: Any, by: str) -> None:
    digest = agree(announced)
    announced.pass_time(72 * HOUR)
    announced.done(c.ObjectToRecovery("my key is here"), by)
    assert announced.last(e.RecoveryEnded).why == "my key is here"
    assert announced.refused(c.ApplyRecovery(digest), "greta") == "unknown"
    assert announced.refused(c.AgreeToRecovery(announced.tenant, digest), OTTO) == "unknown"
    assert announced.refused(c.ObjectToRecovery("again"), by) == "unknown"


def test_who_is_called_lost_and_votes_all_the_same_has_been_seen(announced: Any) -> None:
    agree(announced)
    case = announced.propose("orders.refund")
    assert announced.state.recovery is not None
    announced.done(announced.vote(case, "clara"), "clara")
    assert announced.state.recovery is None
    assert announced.last(e.RecoveryEnded).by == "clara"


def test_an_objection_is_heard_while_the_tenant_is_suspended(announced: Any) -> None:
    announced.done(c.Pause("tenant", "trouble"), OTTO)
    announced.pass_time(72 * HOUR)
    assert announced.refused(c.ApplyRecovery(announced.state.recovery.digest), "greta") == "paused"
    announced.done(c.ObjectToRecovery("no"), "dora")


def test_the_operator_agrees_to_exactly_what_is_announced_now(announced: Any) -> None:
    digest = announced.state.recovery.digest
    announced.done(c.ObjectToRecovery("a mistake"), "greta")
    announced.pass_time(HOUR)
    announced.done(announcement(announced), "greta")  # the same words, at another time
    assert announced.state.recovery.digest != digest
    assert announced.refused(c.AgreeToRecovery(announced.tenant, digest), OTTO) == "statement_mismatch"
    agree(announced)
    announced.pass_time(72 * HOUR)
    assert announced.refused(c.ApplyRecovery(digest), "greta") == "statement_mismatch"


def test_what_is_digested_names_the_tenant_and_every_field(announced: Any) -> None:
    known, by = announced.state.recovery, announced.state.members["greta"]
    said = (announced.tenant, known.lost, known.keys, by, known.reason, known.due, known.until)
    assert recovery.digest_of(*said) == known.digest
    for at, other in enumerate(("schoenbrunn", (), (), announced.state.members["clara"], "x", 1, 1)):
        assert recovery.digest_of(*said[:at], other, *said[at + 1 :]) != known.digest  # type: ignore[arg-type]


def test_one_is_announced_at_a_time_and_the_same_again_is_a_repetition(announced: Any) -> None:
    again = announced.done(announcement(announced), "greta")
    assert (again.events, again.answer["repeated"]) == ((), True)
    assert announced.refused(c.AnnounceRecovery(LOST, prints(announced, "ida", "jan"), "for another reason"), "greta") == "too_many"
    agree(announced)
    assert announced.done(c.AgreeToRecovery(announced.tenant, announced.state.recovery.digest), OTTO).events == ()


def test_what_nobody_put_in_force_lapses_after_a_fortnight(announced: Any) -> None:
    digest = agree(announced)
    announced.pass_time(17 * DAY)
    assert announced.refused(c.ApplyRecovery(digest), "greta") == "unknown"
    assert recovery.told(announced.state) == {}
    announced.done(announcement(announced), "greta")  # it can be announced again
    assert recovery.told(announced.state)["agreed"] == ""
    assert announced.state.recovery.agreed == ""


def test_what_was_announced_is_looked_at_again_when_its_time_has_come(announced: Any) -> None:
    """Jan's key ends in the meantime: what is left would be no quorum."""
    digest = agree(announced)
    announced.pass_time(72 * HOUR)
    announced.record(e.MemberRevoked("jan", "gone"))
    assert announced.refused(c.ApplyRecovery(digest), "greta") == "unknown"
    assert announced.state.members["ida"].status == "enrolled"


def test_an_invitation_for_a_recovery_gives_no_rights(sealed: Any) -> None:
    assert sealed.refused(invited(sealed, "kurt", kind="executor"), "greta") == "malformed"
    assert sealed.refused(invited(sealed, "clara"), "greta") == "name_taken"
    sealed.done(invited(sealed, "ida"), "greta")
    assert [event.TAG for _, _, event, _ in sealed.log[-2:]] == ["recovery.invited/1", "member.invited/1"]
    sealed.enrol("ida")
    assert sealed.state.members["ida"].status == "enrolled"
    assert sealed.confirm("ida").answer["applied"] is False  # that takes the quorum, as ever
    for name in ("jan", "karl", "lena", "mia"):
        sealed.done(invited(sealed, name), "greta")
    assert sealed.refused(invited(sealed, "nora"), "greta") == "too_many"
