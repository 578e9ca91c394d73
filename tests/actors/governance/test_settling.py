from __future__ import annotations

from typing import Any

import pytest

from actors.governance import codec, settling, views
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.ids import MINUTE
from actors.governance.signing import Purpose


@pytest.fixture
def unknown(bench: Any) -> Any:
    """A run that nobody reported, of an action with a probe; its warrant is over, so nobody can be acting any more."""
    for name in ("emma", "elsa"):
        bench.joins(name, "verifier", name)
    bench.running("files.note")
    bench.pass_time(11 * MINUTE)
    assert bench.state.runs["r1"].status == "unknown"
    return bench


@pytest.fixture
def of_three(bench: Any) -> Any:
    for name in ("emma", "elsa"):
        bench.joins(name, "verifier", name)
    bench.running("files.seal")
    bench.pass_time(11 * MINUTE)
    return bench


def test_a_probe_that_finds_the_effect_settles_it_like_a_verified_run(unknown: Any) -> None:
    case = unknown.state.runs["r1"].case
    unknown.done(unknown.probe("r1"), "emil")
    settled = unknown.last(e.EffectSettled)
    assert (settled.happened, settled.basis, settled.by, settled.closes) == (True, "observed", "emil", True)
    assert unknown.tags(case)[-2:] == ["effect.probed", "effect.settled"]
    assert (unknown.state.runs, unknown.state.blocked, case in unknown.state.cases) == ({}, {}, False)
    assert views.story([event for _, _, event, _ in unknown.log if getattr(event, "case", "") == case]) == "verified"


def test_a_probe_that_does_not_find_it_frees_the_effect_and_executes_nothing(unknown: Any) -> None:
    unknown.done(unknown.probe("r1", found="did_not_happen"), "emil")
    assert not unknown.last(e.EffectSettled).happened
    assert (unknown.state.blocked, unknown.state.warrants, unknown.state.runs) == ({}, {}, {})
    unknown.propose("files.note", by="ben")


@pytest.mark.parametrize("by_probe", [True, False])
def test_the_dead_letter_of_an_unknown_outcome_is_resolved_by_what_settles_it(unknown: Any, by_probe: bool) -> None:
    letter = unknown.last(e.DeadLetterOpened).letter
    before = (unknown.state.tally.dead_letters, unknown.state.tally.resolved)
    if by_probe:
        unknown.done(unknown.probe("r1"), "emil")
    else:
        unknown.done(c.SettleEffect("r1", True, "I looked"), "greta")
    settled, resolved = unknown.last(e.EffectSettled), unknown.last(e.DeadLetterResolved)
    assert (resolved.letter, resolved.by, resolved.retried_as) == (letter, settled.by, None)
    assert resolved.reason == f"r1 is settled, it happened: {settled.reason}"
    assert (unknown.state.tally.dead_letters, unknown.state.tally.resolved) == (before[0], before[1] + 1)
    assert codec.encode_state(unknown.refold()) == codec.encode_state(unknown.state)


def test_a_dead_letter_that_a_person_resolved_before_is_not_resolved_again(unknown: Any) -> None:
    letter = unknown.last(e.DeadLetterOpened)
    unknown.done(c.ResolveLetter(letter.letter, "we wait for the provider"), "greta", letter=letter)
    unknown.done(unknown.probe("r1"), "emil")
    assert unknown.tags()[-1] == "effect.settled"
    assert unknown.state.tally.resolved == 1


def test_each_run_of_a_warrant_resolves_its_own_dead_letter_and_no_other(unknown: Any) -> None:
    first = unknown.running("notes.append", run="r2")
    warrant = unknown.state.runs[first].warrant
    unknown.done(unknown.redemption(warrant, "r3"), "till")
    unknown.pass_time(11 * MINUTE)  # both are overdue in the same sweep
    letters = {run: unknown.state.runs[run].letter for run in ("r1", "r2", "r3")}
    assert len(set(letters.values())) == 3
    for run in ("r3", "r1", "r2"):
        unknown.done(c.SettleEffect(run, False, "I looked"), "greta")
        assert unknown.last(e.DeadLetterResolved).letter == letters[run]


def test_the_run_that_blocks_an_effect_is_the_same_after_a_snapshot(unknown: Any) -> None:
    """Whose names sort otherwise than they were opened: a snapshot keeps no order."""
    case = unknown.propose("notes.append")
    warrant = unknown.warrant_of(case).warrant
    for run in ("r-9", "r-10", "r-11"):
        unknown.done(unknown.redemption(warrant, run), "till")
    unknown.pass_time(11 * MINUTE)
    kept = codec.decode_state(codec.encode_state(unknown.state))
    unknown.done(c.SettleEffect("r-11", False, "I looked"), "greta")
    assert codec.encode_state(unknown.refold(start=kept)) == codec.encode_state(unknown.refold()) == codec.encode_state(unknown.state)


def test_that_it_did_not_happen_cannot_be_said_while_the_executor_may_still_be_acting(bench: Any) -> None:
    bench.running("files.note")
    bench.record(e.RunUnknown(bench.state.runs["r1"].case, "r1", bench.state.runs["r1"].effect, "told so"))
    assert bench.refused(bench.probe("r1", found="did_not_happen"), "emil") == "too_early"
    bench.pass_time(6 * MINUTE)
    bench.done(bench.probe("r1", found="did_not_happen"), "emil")


def test_an_executor_that_does_not_know_itself_acts_no_more_and_the_probe_may_say_so_at_once(bench: Any) -> None:
    bench.running("files.note")
    bench.done(bench.report("r1", outcome="unknown"), "till")
    bench.done(bench.probe("r1", found="did_not_happen"), "emil")
    assert not bench.last(e.EffectSettled).happened


def test_a_probe_that_cannot_tell_settles_nothing_and_a_person_does(unknown: Any) -> None:
    unknown.done(unknown.probe("r1", found="cannot_tell"), "emil")
    assert unknown.state.runs["r1"].status == "unknown"
    unknown.done(c.SettleEffect("r1", True, "I looked"), "greta")
    assert unknown.last(e.EffectSettled).basis == "person"


def test_as_many_persons_as_policy_asks_for_have_to_find_the_same(of_three: Any) -> None:
    of_three.done(of_three.probe("r1"), "emil")
    assert of_three.state.runs["r1"].status == "unknown"
    assert of_three.refused(of_three.probe("r1"), "emil") == "already_voted"
    of_three.done(of_three.probe("r1", "elsa"), "elsa")
    assert (of_three.last(e.EffectSettled).basis, of_three.state.runs) == ("attested 2/3", {})


def test_verifiers_that_contradict_each_other_settle_nothing(of_three: Any) -> None:
    of_three.done(of_three.probe("r1"), "emil")
    of_three.done(of_three.probe("r1", "elsa", found="did_not_happen"), "elsa")
    of_three.done(of_three.probe("r1", "emma"), "emma")
    assert of_three.state.runs["r1"].status == "unknown"


def test_a_late_report_is_recorded_settles_nothing_and_is_repeated_in_the_same_words_only(unknown: Any) -> None:
    told = unknown.report("r1")
    assert unknown.done(told, "till").answer["late"] is True
    assert unknown.state.runs["r1"].status == "unknown"
    assert unknown.done(told, "till").events == ()
    assert unknown.refused(unknown.report("r1", outcome="failed"), "till") == "run_closed"


@pytest.mark.parametrize(("outcome", "found", "settles"), [
    ("succeeded", "happened", True), ("failed", "did_not_happen", True), ("unknown", "happened", True),
    ("succeeded", "did_not_happen", False), ("failed", "happened", False),
])  # fmt: skip
def test_a_late_report_that_contradicts_the_probe_leaves_it_to_a_person(unknown: Any, outcome: str, found: str, settles: bool) -> None:
    unknown.done(unknown.report("r1", outcome=outcome), "till")
    unknown.done(unknown.probe("r1", found=found), "emil")
    assert ("r1" not in unknown.state.runs) is settles


def test_nobody_probes_its_own_work_nor_by_another_hand_nor_about_another_warrant(unknown: Any) -> None:
    unknown.joins("dorian", "verifier", "dora")  # who runs the executor
    assert unknown.refused(unknown.probe("r1", "dorian"), "dorian") == "not_allowed"
    assert unknown.refused(unknown.probe("r1", "mallory"), "emil") == "signature_invalid"
    assert unknown.refused(unknown.probe("r1", warrant=b"w" * 32), "emil") == "statement_mismatch"
    assert unknown.refused(unknown.probe("r1", checks=(("other", "a", "a", True),)), "emil") == "statement_mismatch"
    packed = unknown.probe("r1").statement
    assert unknown.refused(c.Probe(packed, unknown.sign("emil", Purpose.ATTESTATION, packed)), "emil") == "signature_invalid"
    assert unknown.refused(unknown.probe("r1", time=unknown.now - 2 * MINUTE), "emil") == "time_skewed"


def test_without_a_probe_only_persons_settle(bench: Any) -> None:
    bench.running("files.write")
    bench.pass_time(11 * MINUTE)
    assert bench.refused(bench.probe("r1"), "emil") == "unknown"
    assert bench.refused(c.SettleEffect("r1", True, "seen"), "clara") == "not_allowed"
    bench.done(c.SettleEffect("r1", True, "seen"), "greta")


def paid(sealed: Any) -> Any:
    sealed.running("orders.payout")
    sealed.pass_time(11 * MINUTE)
    return sealed


def test_what_two_had_to_approve_takes_two_to_settle(sealed: Any) -> None:
    bench = paid(sealed)
    assert bench.refused(c.SettleEffect("r1", False, "nothing there"), "greta") == "self_approval"  # she answers for the agent
    assert bench.done(c.SettleEffect("r1", False, "nothing there"), "clara").answer["settled"] is False
    assert bench.refused(c.SettleEffect("r1", False, "as I said"), "clara") == "already_voted"
    assert bench.refused(c.SettleEffect("r1", False, "as I said"), "clara-two") == "already_voted"
    bench.done(c.SettleEffect("r1", True, "no, it is there"), "dora")  # another word takes its place
    assert bench.state.runs["r1"].status == "unknown"
    bench.done(c.SettleEffect("r1", True, "I see it too"), "hugo")
    settled = bench.last(e.EffectSettled)
    assert (settled.happened, settled.basis, settled.reason) == (True, "person", "dora and hugo: I see it too")


def test_the_list_says_of_each_effect_whose_it_is_since_when_and_what_was_said(of_three: Any) -> None:
    of_three.done(of_three.probe("r1"), "emil")
    of_three.done(of_three.report("r1", outcome="failed"), "till")
    (line,) = settling.listed(of_three.state)
    run = of_three.state.runs["r1"]
    assert (line["run"], line["case"], line["agent"], line["executor"]) == ("r1", run.case, "ada", "till")
    assert (line["action"], line["resource"], line["since"]) == ("files.seal", "book/one", run.since)
    assert (line["late"], line["seen"], line["probe"], line["takes_two"]) == (
        "failed", [{"person": "emil", "found": "happened"}], True, False,
    )  # fmt: skip


def test_the_list_says_who_vouched_where_it_takes_two(sealed: Any) -> None:
    bench = paid(sealed)
    bench.done(c.SettleEffect("r1", False, "nothing there"), "clara")
    (line,) = settling.listed(bench.state)
    assert (line["vouched"], line["takes_two"]) == ([{"person": "clara", "found": "did_not_happen"}], True)


def test_the_list_is_of_unknown_outcomes_alone_oldest_first_and_bounded(unknown: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (2, 3):
        unknown.running("files.write", run=f"r{number}", resource=f"book/{number}")
        unknown.pass_time(11 * MINUTE)
    unknown.running("files.write", run="r4", resource="book/4")  # its report may still come
    assert [line["run"] for line in settling.listed(unknown.state)] == ["r1", "r2", "r3"]  # type: ignore[index, call-overload]
    monkeypatch.setattr(settling, "MOST_LISTED", 2)
    assert [line["run"] for line in settling.listed(unknown.state)] == ["r1", "r2"]  # type: ignore[index, call-overload]


def test_what_was_said_of_an_unknown_outcome_is_folded_again_from_the_log(of_three: Any, sealed: Any) -> None:
    of_three.done(of_three.probe("r1"), "emil")
    of_three.done(of_three.report("r1"), "till")
    assert codec.encode_state(of_three.refold()) == codec.encode_state(of_three.state)
