from __future__ import annotations

from typing import Any

import attrs

from actors.governance import events as e
from actors.governance import views
from actors.governance.codec import encode_state
from actors.governance.evolve import SLACK, evolve
from actors.governance.ids import SECOND, Instant

CASES = 5_000


def test_thousands_of_closed_cases_leave_the_state_as_large_as_before(bench: Any) -> None:
    """One case is decided in earnest, and folded again and again under other names."""
    bench.done(bench.wish("notes.read", key="warm", run="r0"), "ada")
    bench.done(bench.report("r0", "ada"), "ada")
    start = len(bench.log)
    for number in range(70):  # more than a breaker remembers
        bench.done(bench.wish("notes.read", key=f"k{number}", run=f"r-{number}"), "ada")
        bench.done(bench.report(f"r-{number}", "ada"), "ada")
    pattern = [event for _, _, event, _ in bench.log[start : start + 6]]
    assert [type(event) for event in pattern] == [
        e.IntentProposed,
        e.CaseDecided,
        e.WarrantIssued,
        e.RunOpened,
        e.RunReported,
        e.RunVerified,
    ]
    before, state = len(encode_state(bench.state)), bench.state
    for number in range(CASES):
        now = Instant(bench.now + number * SECOND)
        for event in pattern:
            changed = {"case": f"c{number:020x}"}
            changed |= {"run": f"r{number}"} if hasattr(event, "run") else {}
            changed |= {"warrant": f"w{number:020x}"} if hasattr(event, "warrant") else {}
            evolve(state, attrs.evolve(event, **changed), now, state.size)
    assert not state.cases
    assert not state.warrants
    assert not state.runs
    assert len(encode_state(state)) - before < 64  # counters have a few more digits
    assert len(state.deadlines) <= SLACK + 3
    assert state.tally.proposed == CASES + 71


def test_a_tenant_counts_what_it_did(bench: Any) -> None:
    bench.done(bench.report(bench.running()), "till")
    held = bench.propose("orders.refund")
    shown = views.status(bench.state)
    assert (shown["held"], shown["open_cases"], shown["live_warrants"], shown["entries"]) == (1, 2, 1, len(bench.log))
    assert shown["tally"]["consistent"] == 1  # type: ignore[index,call-overload]
    assert [line["case"] for line in views.approvals(bench.state, bench.state.members["clara"])] == [held.case]  # type: ignore[index,call-overload]
    bench.done(bench.vote(held, "clara", "deny"), "clara")
    assert views.approvals(bench.state, bench.state.members["clara"]) == []


def test_a_story_is_told_in_one_word(bench: Any) -> None:
    def told(case: str) -> str:
        return views.story(event for _, _, event, _ in bench.log if getattr(event, "case", None) == case)

    run = bench.running("files.write")
    case = bench.state.runs[run].case
    assert told(case) == "running"
    bench.done(bench.report(run), "till")
    assert told(case) == "reported"
    bench.done(bench.attest(run), "emil")
    assert told(case) == "verified"
    held = bench.propose("orders.refund")
    assert told(held.case) == "held"
    bench.done(bench.vote(held, "clara", "deny"), "clara")
    assert told(held.case) == "denied"
