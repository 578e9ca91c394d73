from __future__ import annotations

from typing import Any

import pytest

from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.decision import Operator
from actors.governance.ids import MINUTE

OTTO = Operator("otto")


def letter_of(bench: Any, action: str = "orders.refund") -> tuple[Any, str]:
    """A case that expired, and its dead letter."""
    case = bench.propose(action, deadline=bench.now + MINUTE)
    bench.pass_time(MINUTE)
    return case, bench.last(e.DeadLetterOpened).letter


def test_a_retry_is_a_new_case_of_the_same_agent_below_the_old_one(bench: Any) -> None:
    old, letter = letter_of(bench)
    answer = bench.done(c.RetryLetter(letter, "k"), "greta").answer
    new = bench.state.cases[answer["case"]]
    assert (new.agent, new.parent) == ("ada", old.case)
    assert new.case != old.case
    assert (new.wish.action, new.wish.params, new.wish.deadline) == (old.wish.action, old.wish.params, None)
    resolved = bench.last(e.DeadLetterResolved)
    assert (resolved.letter, resolved.retried_as) == (letter, new.case)


def test_whoever_tries_again_has_asked_and_fills_no_seat(bench: Any) -> None:
    old = bench.propose("orders.refund", by="ben", deadline=bench.now + MINUTE)
    bench.pass_time(MINUTE)
    answer = bench.done(c.RetryLetter(bench.last(e.DeadLetterOpened).letter, "k"), "greta").answer
    assert set(old.excluded) == {"ben", "clara"}
    assert set(bench.state.cases[answer["case"]].excluded) == {"ben", "clara", "greta"}


def test_the_same_retry_is_the_same_case_and_another_is_refused(bench: Any) -> None:
    _, letter = letter_of(bench)
    first = bench.done(c.RetryLetter(letter, "k"), "greta").answer["case"]
    assert bench.done(c.RetryLetter(letter, "k"), "greta").answer == {"case": first, "repeated": True}
    assert bench.refused(c.RetryLetter(letter, "other"), "greta") == "unknown"
    assert bench.tags().count("dead_letter.resolved") == 1


def test_an_unknown_effect_cannot_be_tried_again(bench: Any) -> None:
    bench.running("files.write")
    bench.pass_time(11 * MINUTE)
    assert bench.refused(c.RetryLetter(bench.last(e.DeadLetterOpened).letter, "k"), "greta") == "effect_blocked"


def test_the_intent_of_an_agent_that_left_is_not_proposed_again(bench: Any) -> None:
    _, letter = letter_of(bench)
    bench.done(c.RevokeMember("ada", "left", "k"), "greta")
    assert bench.refused(c.RetryLetter(letter, "k"), "greta") == "not_allowed"
    bench.done(c.ResolveLetter(letter, "read"), "greta")
    assert bench.done(c.ResolveLetter(letter, "read"), "greta").answer["repeated"]


@pytest.mark.parametrize(
    "scope",
    ["", "agent:", "agent:nobody", "action:", "node", "tenant:x", "Tenant", "agent:ada action:", "agent:nobody action:a.b", "agent:ada x"],
)
def test_a_scope_that_is_none_is_refused(bench: Any, scope: str) -> None:
    assert bench.refused(c.TripBreaker(scope, "x"), "greta") == "unknown"
    assert bench.refused(c.ResetBreaker(scope, "x"), "greta") == "unknown"


def test_an_operator_trips_and_cannot_reset(bench: Any) -> None:
    bench.done(c.TripBreaker("tenant", "halt"), OTTO)
    assert bench.last(e.BreakerTripped).by == "operator:otto"
    assert bench.ask(c.ResetBreaker("tenant", "on"), OTTO).code.value == "not_allowed"
    assert bench.refused(bench.wish(), "ada") == "breaker_open"
    bench.done(c.ResetBreaker("tenant", "on"), "greta")


def lied(bench: Any) -> Any:
    """A tenant that is sealed, and whose agent ada a mismatch shut out."""
    bench.running()
    bench.done(bench.report("r1", resource="book/other"), "till")
    assert bench.state.breakers["agent:ada"].mismatched
    return bench


def reset(reason: str = "looked") -> c.ResetBreaker:
    return c.ResetBreaker("agent:ada", reason)


def test_after_a_mismatch_one_person_records_a_word_and_another_closes_it(bench: Any, sealed: Any) -> None:
    lied(bench)
    assert bench.done(reset("the disk was full"), "clara").answer == {"scope": "agent:ada", "closed": False}
    assert bench.state.breakers["agent:ada"].status == "open"
    assert bench.refused(bench.wish(key="early"), "ada") == "breaker_open"
    for again in ("clara", "clara-two"):  # the same person, whoever speaks for it
        assert bench.refused(reset(), again) == "already_voted"
    assert bench.done(reset("so it was"), "dora").answer == {"scope": "agent:ada", "closed": True}
    assert bench.last(e.BreakerReset).reason == "clara: the disk was full; dora: so it was"
    bench.propose()
    assert bench.state.breakers["agent:ada"].votes == ()


def test_whoever_stands_behind_the_agent_is_neither_of_the_two(bench: Any, sealed: Any) -> None:
    lied(bench)
    assert bench.refused(reset(), "greta") == "self_approval"  # ada's owner


def test_a_trip_by_hand_over_a_mismatch_does_not_make_one_person_enough(bench: Any, sealed: Any) -> None:
    lied(bench)
    bench.done(reset(), "clara")
    bench.done(c.TripBreaker("agent:ada", "halt"), OTTO)
    assert bench.state.breakers["agent:ada"].votes == ()  # that was about another trip
    assert bench.done(reset(), "dora").answer["closed"] is False
    assert bench.done(reset(), "clara").answer["closed"] is True


def test_while_the_tenant_is_founding_an_admin_is_enough_and_an_approver_is_not(bench: Any) -> None:
    lied(bench)
    assert bench.refused(reset(), "clara") == "not_allowed"
    assert bench.done(reset(), "greta").answer == {"scope": "agent:ada", "closed": True}


def test_what_no_mismatch_opened_takes_one_admin_also_when_the_tenant_is_sealed(bench: Any, sealed: Any) -> None:
    bench.done(c.TripBreaker("agent:ada action:notes.append", "halt"), "greta")
    assert bench.refused(c.ResetBreaker("agent:ada action:notes.append", "x"), "clara") == "not_allowed"
    bench.done(c.ResetBreaker("agent:ada action:notes.append", "looked"), "greta")


def test_an_agent_is_shut_out_from_one_action_alone(bench: Any) -> None:
    live = bench.warrant_of(bench.propose())
    bench.done(c.TripBreaker("agent:ada action:notes.append", "halt"), "greta")
    assert bench.refused(bench.redemption(live.warrant), "till") == "breaker_open"
    assert bench.refused(bench.wish(key="k2"), "ada") == "breaker_open"
    assert [type(event) for event in bench.pass_time(0)][:1] == [e.WarrantRevoked]
    bench.propose("files.write")
    bench.propose(by="mallory")


def test_an_operator_does_nothing_else_in_a_tenant(bench: Any) -> None:
    case = bench.propose("orders.refund")
    for command in (bench.wish(), bench.vote(case, "clara"), c.Seal(), c.Cancel(case.case, "x"), c.RevokeMember("ada", "x", "k")):
        assert bench.ask(command, OTTO).code.value == "not_allowed"


def test_suspending_and_resuming_twice_is_once(bench: Any) -> None:
    for command, tag in ((c.Pause("tenant", "halt"), "scope.paused"), (c.Resume("tenant", "on", "k"), "scope.resumed")):
        bench.done(command, OTTO)
        assert bench.done(command, OTTO).answer["repeated"]
        assert bench.tags().count(tag) == 1


@pytest.mark.parametrize("files", [{}, {"bundle.toml": "text"}, {"bundle.toml": b"["}, {"\ud800": b"x"}, {"big.md": b"x" * 600_000}])
def test_a_bundle_that_does_not_load_never_reaches_the_ledger(bench: Any, files: dict[str, Any]) -> None:
    assert bench.refused(c.PushBundle(files), "greta") in ("malformed", "bundle_invalid")
    assert bench.tags().count("bundle.pushed") == 1


def test_a_bundle_is_pushed_once(bench: Any) -> None:
    files = {"bundle.toml": b'[bundle]\nname = "empty"\n'}
    digest = bench.done(c.PushBundle(files), "greta").answer["bundle"]
    bench.bundles[digest] = bench.bundle
    assert bench.done(c.PushBundle(files), "greta").answer == {"bundle": digest, "repeated": True}


def test_a_push_says_who_pushed_and_from_which_commit(bench: Any) -> None:
    commit = "4f" * 20
    files = {"bundle.toml": b'[bundle]\nname = "empty"\n'}
    bench.done(c.PushBundle(files, commit=commit, dirty=True), "greta")
    pushed = bench.last(e.BundlePushed)
    assert (pushed.name, pushed.by, pushed.person, pushed.commit, pushed.dirty) == ("empty", "greta", "greta", commit, True)


@pytest.mark.parametrize("commit", ["HEAD", "4f", "G" * 40, "4F" * 20, "4f" * 20 + "\n"])
def test_a_commit_that_is_none_is_refused(bench: Any, commit: str) -> None:
    files = {"bundle.toml": b'[bundle]\nname = "empty"\n'}
    assert bench.refused(c.PushBundle(files, commit=commit), "greta") == "malformed"


def test_an_activation_names_who_asked_who_had_pushed_and_why(bench: Any) -> None:
    strict = bench.others["strict"]
    bench.bundles[strict.digest] = strict
    bench.done(c.ActivateBundle(strict.digest, "k", "too much went out"), "greta", author="Rosa")
    activated = bench.last(e.BundleActivated)
    assert (activated.by, activated.person, activated.author, activated.reason) == ("greta", "greta", "Rosa", "too much went out")
    assert bench.state.authors == ("Rosa", "greta")
