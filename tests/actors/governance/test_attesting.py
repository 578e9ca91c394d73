from __future__ import annotations

from typing import Any

import pytest

from actors.governance import attestation, codec, looking
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.ids import MINUTE
from actors.governance.signing import Purpose


@pytest.fixture
def watched(bench: Any) -> Any:
    """A run that two of three have to have seen, reported; four verifiers, two of one person."""
    for name, person in (("emma", "emma"), ("elsa", "elsa"), ("emil-two", "emil")):
        bench.joins(name, "verifier", person)
    bench.done(bench.report(bench.running("files.seal")), "till")
    return bench


def test_two_different_persons_who_saw_the_same_verify_it_and_each_look_is_an_entry(watched: Any) -> None:
    watched.done(watched.attest("r1", "emil"), "emil")
    assert "r1" in watched.state.runs
    watched.done(watched.attest("r1", "elsa"), "elsa")
    verified = watched.last(e.RunVerified)
    assert (verified.verdict, verified.basis, verified.verifier) == ("verified", "attested 2/3", None)
    assert watched.tags(verified.case)[-3:] == ["run.attested", "run.attested", "run.verified"]
    assert verified.case not in watched.state.cases


def test_one_mismatch_outweighs_whoever_agrees(watched: Any) -> None:
    watched.done(watched.attest("r1", "emil"), "emil")
    watched.done(watched.attest("r1", "emma", agrees=False), "emma")
    verified = watched.last(e.RunVerified)
    assert (verified.verdict, verified.basis) == ("mismatched", "attested 1/3")
    assert watched.last(e.BreakerTripped).scope == "agent:ada"


def test_one_person_behind_two_verifiers_is_counted_once(watched: Any) -> None:
    watched.done(watched.attest("r1", "emil"), "emil")
    assert watched.refused(watched.attest("r1", "emil-two"), "emil-two") == "already_voted"
    assert watched.refused(watched.attest("r1", "emil"), "emil") == "already_voted"


def test_one_who_cannot_see_is_made_up_for_and_two_are_not(watched: Any) -> None:
    blind = {"verdict": "inconclusive", "checks": (("listed", "an observation", "no route", False), ("sealed", "a", "a", True))}
    watched.done(watched.attest("r1", "emil", **blind), "emil")
    assert "r1" in watched.state.runs
    watched.done(watched.attest("r1", "emma", **blind), "emma")
    verified = watched.last(e.RunVerified)
    assert (verified.verdict, verified.basis) == ("inconclusive", "attested 0/3")


def test_it_is_inconclusive_at_once_where_too_few_persons_are_left_to_look(watched: Any) -> None:
    blind = {"verdict": "inconclusive", "checks": (("listed", "an observation", "no route", False), ("sealed", "a", "a", True))}
    for name in ("elsa", "emil-two"):
        watched.done(c.RevokeMember(name, "gone", f"k-{name}-gone"), "greta")
    watched.done(watched.attest("r1", "emma", **blind), "emma")
    assert watched.last(e.RunVerified).verdict == "inconclusive"


def test_what_is_missing_at_the_deadline_makes_it_inconclusive_and_says_how_many_looked(watched: Any) -> None:
    watched.done(watched.attest("r1", "emil"), "emil")
    watched.pass_time(11 * MINUTE)
    verified = watched.last(e.RunVerified)
    assert (verified.verdict, verified.basis) == ("inconclusive", "attested 1/3")
    assert "2 persons had to see it, and 1 did" in verified.checks[0][2]


@pytest.mark.parametrize("names", [("sealed",), ("sealed", "listed", "other"), ("sealed", "sealed"), ("digest", "other")])
def test_an_attestation_says_something_of_every_check_and_of_nothing_else(watched: Any, names: tuple[str, ...]) -> None:
    said = watched.attest("r1", "emil", checks=tuple((name, "a", "a", True) for name in names))
    assert watched.refused(said, "emil") == "statement_mismatch"


def test_a_lying_verifier_signs_by_no_other_hand_and_about_no_other_receipt(watched: Any) -> None:
    other = watched.attest("r1", "mallory")
    assert watched.refused(other, "emil") == "signature_invalid"
    assert watched.refused(watched.attest("r1", "emil", receipt=b"r" * 32), "emil") == "statement_mismatch"
    assert watched.refused(watched.attest("r1", "till"), "till") == "not_allowed"
    packed = watched.attest("r1", "emil").attestation
    for_another = c.Attest(packed, watched.sign("emil", Purpose.PROBE, packed))
    assert watched.refused(for_another, "emil") == "signature_invalid"


def test_what_was_attested_is_folded_again_from_the_log(watched: Any) -> None:
    watched.done(watched.attest("r1", "emil"), "emil")
    assert codec.encode_state(watched.refold()) == codec.encode_state(watched.state)
    assert [said.person for said in watched.state.runs["r1"].seen] == ["emil"]


def test_what_the_warrant_says_about_looking_is_what_policy_says(watched: Any) -> None:
    verify = watched.state.runs["r1"].terms.verify
    assert (looking.demanded(verify).needed, looking.demanded(verify).of) == (2, 3)
    assert looking.names(verify) == {"sealed", "listed"}
    assert len(looking.checks(verify)) <= attestation.MOST_ROWS
