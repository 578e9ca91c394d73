from __future__ import annotations

from typing import Any

import pytest

from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.codec import encode_state
from actors.governance.decision import Invitee, Operator
from actors.governance.ids import HOUR
from actors.governance.signing import fingerprint

DAY = 24 * HOUR


def invitation(bench: Any, name: str = "eve", kind: str = "approver", **changed: Any) -> c.Invite:
    fields = {
        "person": name,
        "roles": (),
        "invitation": f"i-{name}",
        "token_hash": b"t" * 32,
        "expires_at": bench.now + HOUR,
        "key": f"k-{name}",
    }
    return c.Invite(name, kind, **{**fields, **changed})


def agree(bench: Any, case_id: str) -> None:
    case = bench.state.cases[case_id]
    for name in ("clara", "dora"):
        bench.done(bench.vote(case, name), name)


def test_a_tenant_is_founded_once_and_its_first_admin_is_in_force_at_once(bench: Any) -> None:
    assert [event.TAG for _, _, event, _ in bench.log[:4]] == [
        "tenant.founded/1",
        "member.invited/1",
        "member.enrolled/1",
        "member.confirmed/1",
    ]
    assert bench.state.members["greta"].status == "active"
    assert bench.state.phase == "founding"
    assert bench.propose().founding


def first(bench: Any, admin: str, number: int) -> c.Found:
    return c.Found(bench.tenant, admin, admin, f"i-{number}", bytes([number]) * 32, bench.now + HOUR)


def test_a_tenant_whose_first_admin_never_came_can_be_asked_for_again(founded: Any, workshop: Any) -> None:
    bench = type(founded())("schoenbrunn", workshop)
    otto = Operator("otto")
    bench.done(first(bench, "rosa", 1), otto)
    bench.pass_time(HOUR)
    assert bench.state.members["rosa"].status == "revoked"
    bench.done(first(bench, "rosa", 2), otto)
    assert bench.tags() == ["tenant.founded", "member.invited", "member.revoked", "member.invited"]
    bench.enrol("rosa", "i-2")
    assert bench.state.members["rosa"].status == "active"
    assert bench.refused(first(bench, "rosa", 3), otto) == "name_taken"
    assert bench.refused(first(bench, "mallory", 3), otto) == "name_taken"


def test_an_invitation_of_another_first_admin_makes_the_one_before_worthless(founded: Any, workshop: Any) -> None:
    bench = type(founded())("schoenbrunn", workshop)
    bench.done(first(bench, "rosa", 1), Operator("otto"))
    bench.done(first(bench, "mitzi", 2), Operator("otto"))
    assert list(bench.state.invitations) == ["i-2"]
    assert bench.state.members["rosa"].status == "revoked"
    bench.enrol("mitzi", "i-2")
    assert [member.member for member in bench.state.active()] == ["mitzi"]


def test_a_founded_tenant_takes_no_admin_from_the_operator(sealed: Any) -> None:
    assert sealed.refused(first(sealed, "mallory", 1), Operator("otto")) == "name_taken"


def test_an_invitation_admits_once_and_not_after_its_time(bench: Any) -> None:
    bench.done(invitation(bench), "greta")
    bench.enrol("eve")
    again = c.Enrol(b"p" * 32, "id", b"h" * 32, b"s" * 64)
    assert bench.ask(again, Invitee("i-eve")).code.value == "invitation_over"
    bench.done(invitation(bench, "fred"), "greta")
    bench.now += HOUR
    assert bench.ask(again, Invitee("i-fred")).code.value == "invitation_over"


def test_an_expired_invitation_is_owed_once(bench: Any) -> None:
    bench.done(invitation(bench), "greta")
    assert [event.TAG for event in bench.pass_time(HOUR)] == ["member.revoked/1"]
    assert bench.pass_time(DAY) == []
    assert not bench.state.invitations


def test_a_newer_invitation_replaces_an_older_one(bench: Any) -> None:
    bench.done(invitation(bench), "greta")
    bench.done(invitation(bench, invitation="i-second", expires_at=bench.now + 2 * HOUR, key="k2"), "greta")
    assert bench.ask(c.Enrol(b"p" * 32, "id", b"h" * 32, b"s" * 64), Invitee("i-eve")).code.value == "invitation_over"
    assert bench.pass_time(HOUR) == []  # the older one's end is nobody's
    bench.enrol("eve", "i-second")
    assert bench.state.members["eve"].status == "enrolled"


def test_an_enrolment_without_possession_or_with_anothers_key_is_refused(bench: Any) -> None:
    bench.done(invitation(bench), "greta")
    ada = bench.state.members["ada"]
    assert bench.ask(c.Enrol(ada.public_key, "id", b"h" * 32, b"s" * 64), Invitee("i-eve")).code.value == "key_unsound"
    assert bench.ask(c.Enrol(bytes(32), "id", b"h" * 32, b"s" * 64), Invitee("i-eve")).code.value == "key_unsound"
    fresh = bytes(type(bench.issuer)(b"f" * 32).verify_key)
    assert bench.ask(c.Enrol(fresh, ada.key_id, b"h" * 32, b"s" * 64), Invitee("i-eve")).code.value == "name_taken"
    assert bench.ask(c.Enrol(fresh, "id", b"h" * 32, b"s" * 64), Invitee("i-eve")).code.value == "signature_invalid"


def test_a_member_is_in_force_only_after_its_fingerprint_was_confirmed(bench: Any) -> None:
    bench.done(invitation(bench, kind="agent", owner="greta"), "greta")
    bench.enrol("eve")
    assert bench.refused(bench.wish(), "eve") == "not_allowed"
    assert bench.refused(c.Confirm("eve", "0000 " * 8, "k"), "greta") == "fingerprint_differs"
    bench.confirm("eve")
    bench.propose(by="eve")
    assert bench.confirm("eve").answer["repeated"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"name": "No"}, "malformed"), ({"name": "law"}, "malformed"), ({"kind": "king"}, "malformed"), ({"roles": ("a b",)}, "malformed"),
        ({"expires_at": 0}, "malformed"), ({"expires_at": 2**62}, "malformed"), ({"kind": "agent"}, "malformed"),
        ({"kind": "agent", "owner": "nobody"}, "malformed"), ({"name": "ada"}, "name_taken"),
    ],
)  # fmt: skip
def test_an_invitation_that_makes_no_sense_is_refused(bench: Any, changed: dict[str, Any], code: str) -> None:
    assert bench.refused(invitation(bench, **changed), "greta") == code


def test_the_last_admin_stays(bench: Any) -> None:
    assert bench.refused(c.RevokeMember("greta", "gone", "k"), "greta") == "last_one"


def test_sealing_needs_two_other_persons_and_a_bundle_and_is_final(bench: Any) -> None:
    for name in ("dora", "hugo", "clara-two"):
        bench.done(c.RevokeMember(name, "left", f"k-{name}"), "greta")
    assert bench.refused(c.Seal(), "greta") == "too_few_persons"
    bench.done(invitation(bench), "greta")
    bench.enrol("eve")
    assert bench.refused(c.Seal(), "greta") == "too_few_persons"  # not confirmed
    bench.confirm("eve")
    bench.done(c.Seal(), "greta")
    assert bench.last(e.TenantSealed).persons == ("clara", "eve")
    assert bench.refused(c.Seal(), "greta") == "already_sealed"


def test_after_sealing_a_change_waits_for_two_persons_other_than_its_author(sealed: Any) -> None:
    answer = sealed.done(invitation(sealed), "greta").answer
    assert answer["applied"] is False
    assert "eve" not in sealed.state.members
    case = sealed.state.cases[answer["case"]]
    assert sealed.refused(sealed.vote(case, "greta"), "greta") == "self_approval"
    sealed.done(sealed.vote(case, "clara"), "clara")
    assert sealed.refused(sealed.vote(case, "clara-two"), "clara-two") == "already_voted"
    assert sealed.done(sealed.vote(case, "dora"), "dora").answer["applied"] is True
    assert sealed.state.members["eve"].status == "invited"
    assert sealed.tags()[-3:] == ["approval.given", "member.invited", "change.applied"]
    assert case.case not in sealed.state.cases
    assert sealed.steps[case.case] == [(0, False), (1, False), (2, False), (3, False), (4, False), (5, True)]


def test_the_same_change_under_the_same_key_is_the_same_case(sealed: Any) -> None:
    asked = invitation(sealed)
    first = sealed.done(asked, "greta").answer["case"]
    assert sealed.done(asked, "greta").answer == {"case": first, "repeated": True}
    assert sealed.refused(invitation(sealed, person="other"), "greta") == "key_reused"


def test_a_change_that_is_over_stays_the_one_of_its_key(sealed: Any) -> None:
    asked = invitation(sealed)
    first = sealed.done(asked, "greta").answer["case"]
    sealed.done(sealed.vote(sealed.state.cases[first], "clara", "deny"), "clara")
    entries = len(sealed.log)
    assert sealed.done(asked, "greta").answer == {"case": first, "repeated": True}
    assert len(sealed.log) == entries
    assert sealed.refused(invitation(sealed, person="other"), "greta") == "key_reused"


def test_a_change_nobody_agrees_to_expires(sealed: Any) -> None:
    sealed.done(invitation(sealed, expires_at=sealed.now + 10 * DAY), "greta")
    sealed.pass_time(3 * DAY)
    assert sealed.last(e.DeadLetterOpened).kind == "expired"
    assert "eve" not in sealed.state.members


def test_a_confirmation_people_agreed_to_does_not_confirm_another_key(sealed: Any) -> None:
    agree(sealed, sealed.done(invitation(sealed, expires_at=sealed.now + 10 * DAY), "greta").answer["case"])
    sealed.enrol("eve")
    eve = sealed.state.members["eve"]
    seen = fingerprint(eve.public_key, eve.key_hash)
    case = sealed.state.cases[sealed.done(c.Confirm("eve", seen, "k-confirm"), "greta").answer["case"]]
    sealed.done(sealed.vote(case, "clara"), "clara")
    agree(sealed, sealed.done(c.RevokeMember("eve", "lost", "k-revoke"), "greta").answer["case"])
    agree(sealed, sealed.done(invitation(sealed, invitation="i-thief", key="k-thief"), "greta").answer["case"])
    sealed.enrol("eve", "i-thief")
    assert sealed.refused(sealed.vote(case, "dora"), "dora") == "fingerprint_differs"
    assert sealed.state.members["eve"].status == "enrolled"


def test_a_bundle_of_a_sealed_tenant_is_activated_by_quorum(sealed: Any) -> None:
    sealed.bundles[b"n" * 32] = sealed.bundle
    answer = sealed.done(c.ActivateBundle(b"n" * 32, "k"), "greta").answer
    assert sealed.state.bundle == sealed.bundle.digest
    agree(sealed, answer["case"])
    assert sealed.state.bundle == b"n" * 32
    assert sealed.refused(c.ActivateBundle(b"x" * 32, "k2"), "greta") == "unknown"


def test_roles_change_at_once_while_founding_and_by_quorum_afterwards(bench: Any) -> None:
    assert bench.done(c.ChangeMember("clara", ("lead", "finance", "lead"), "k1"), "greta").answer["applied"] is True
    assert bench.state.members["clara"].roles == {"lead", "finance"}
    assert bench.last(e.MemberChanged).roles == ("finance", "lead")
    bench.done(c.Seal(), "greta")
    for number, name in enumerate(("clara", "ada")):  # a machine's too: policy permits by roles
        before = bench.state.members[name].roles
        answer = bench.done(c.ChangeMember(name, ("lead",), f"k-{number}"), "greta").answer
        assert bench.state.members[name].roles == before
        agree(bench, answer["case"])
        assert bench.state.members[name].roles == {"lead"}
    assert bench.done(c.ChangeMember("clara", ("lead",), "k9"), "greta").events == ()  # as it is already
    assert encode_state(bench.refold()) == encode_state(bench.state)


def test_roles_are_changed_of_members_alone_and_into_names_alone(sealed: Any) -> None:
    assert sealed.refused(c.ChangeMember("nobody", ("lead",), "k1"), "greta") == "unknown"
    assert sealed.refused(c.ChangeMember("clara", ("lead or",), "k2"), "greta") == "malformed"
    answer = sealed.done(c.ChangeMember("ada", ("reader",), "k3"), "greta").answer
    case = sealed.state.cases[answer["case"]]
    sealed.done(sealed.vote(case, "clara"), "clara")
    sealed.done(c.RevokeMember("ada", "odd", "k4"), "greta")
    assert sealed.refused(sealed.vote(case, "dora"), "dora") == "unknown"  # what was approved can no longer be so


def test_an_approval_counts_with_the_roles_that_its_approver_has_when_the_quorum_is_counted(bench: Any) -> None:
    case = bench.propose("orders.payout")  # 1 of role:lead and 1 of role:finance
    bench.done(bench.vote(case, "clara"), "clara")
    bench.done(c.ChangeMember("clara", ("finance",), "k1"), "greta")
    bench.done(bench.vote(case, "dora"), "dora")
    assert case.status == "held"
    bench.done(bench.vote(case, "hugo"), "hugo")
    assert bench.last(e.WarrantIssued).case == case.case


def test_a_warrant_is_worth_nothing_to_an_agent_whose_role_has_gone(bench: Any) -> None:
    bench.put_in_force(
        "",
        "",
        """@id("r") @tier("T0") @executor("till")
permit (principal in Role::"writer", action == Action::"review.pass", resource);""",
    )
    bench.done(c.ChangeMember("ada", ("writer",), "k1"), "greta")
    case = bench.propose("review.pass", params={"commit": "c"})
    bench.done(c.ChangeMember("ada", (), "k2"), "greta")
    assert bench.refused(bench.redemption(bench.warrant_of(case).warrant), "till") == "policy_forbids"
    assert bench.denied(action="review.pass", resource="r/2", params={"commit": "d"}).policies == ()


def test_a_machine_is_revoked_at_once_and_a_person_by_quorum(sealed: Any) -> None:
    sealed.done(c.RevokeMember("ada", "odd", "k1"), "greta")
    assert sealed.state.members["ada"].status == "revoked"
    answer = sealed.done(c.RevokeMember("hugo", "odd", "k2"), "greta").answer
    assert sealed.state.members["hugo"].status == "active"
    agree(sealed, answer["case"])
    assert sealed.state.members["hugo"].status == "revoked"


def test_no_agent_proposes_a_change_of_the_tenant_itself(sealed: Any) -> None:
    assert sealed.refused(sealed.wish("vienna.member.invite", params={"changes": []}), "ada") == "not_allowed"


def test_a_policy_cannot_pass_for_the_built_in_one(bench: Any) -> None:
    case = bench.propose("orders.refund")
    case.policies = ("vienna.governed",)  # a name that any bundle may use
    assert bench.refused(bench.vote(case, "greta"), "greta") == "self_approval"
    bench.done(bench.vote(case, "clara"), "clara")
    assert bench.last(e.WarrantIssued).case == case.case  # a warrant, and no change
