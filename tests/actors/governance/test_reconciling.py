"""Findings: one entry for one difference, bounded, resolved by the law or with a reason, and never any authority."""

from __future__ import annotations

from typing import Any

import pytest

from actors.governance import commands as c
from actors.governance import events as e
from actors.governance import reconciling, views
from actors.governance.decision import Decided
from actors.governance.reconciling import FOR_LAW, MOST_AT_ONCE, MOST_OPEN, Observed


def rogue(about: str = "files.write file/x 00ff", **other: str) -> dict[str, Any]:
    return {"kind": "effect_without_warrant", "about": about, "expected": "a run", "observed": "a file", **other}


def brought(*rows: dict[str, Any], begin: int = 0) -> c.BringEvidence:
    return c.BringEvidence(
        source="directory", digest=bytes(32), records=3, matched=2, unmapped=0, since=0, until=0, size=9, total=len(rows), begin=begin,
        findings={"rows": list(rows)},
    )  # fmt: skip


def test_what_is_found_twice_is_one_finding_until_it_is_resolved(bench: Any) -> None:
    first = bench.done(brought(rogue()), "emil")
    assert [type(event) for event in first.events] == [e.FindingOpened, e.EvidenceCompared]
    again = bench.done(brought(rogue()), "emil")
    assert [type(event) for event in again.events] == [e.EvidenceCompared]
    (known,) = bench.state.findings.open.values()
    bench.done(c.ResolveFinding(known.finding, "it was our own backup"), "greta")
    assert not bench.state.findings.open
    assert isinstance(bench.done(brought(rogue()), "emil").events[0], e.FindingOpened)


def test_a_finding_names_who_brought_it_and_by_what(bench: Any) -> None:
    found = bench.done(brought(rogue()), "emil").events[0]
    assert isinstance(found, e.FindingOpened)
    assert (found.by, found.severity, found.resolution) == ("emil", "critical", "by hand")
    assert found.source == "evidence:" + "00" * 32


def test_evidence_changes_nothing_but_findings(bench: Any) -> None:
    case = bench.propose()
    before = (dict(bench.state.warrants), dict(bench.state.runs), dict(bench.state.cases), dict(bench.state.blocked))
    bench.done(brought(rogue(bench.warrant_of(case).warrant)), "emil")
    assert (bench.state.warrants, bench.state.runs, bench.state.cases, bench.state.blocked) == before


@pytest.mark.parametrize("kind", [*sorted(set(reconciling.KINDS) - reconciling.BROUGHT), "nonsense", ""])
def test_nobody_brings_a_finding_that_is_the_laws_own(bench: Any, kind: str) -> None:
    assert bench.refused(brought(rogue(kind=kind)), "emil") == "malformed"


@pytest.mark.parametrize(
    "rows", [[rogue()] * (MOST_AT_ONCE + 1), [{**rogue(), "by": "dora"}], [{**rogue(), "about": 5}], ["x"], [rogue("\x1b[2J")], [rogue("")]]
)
def test_a_row_of_another_form_is_refused(bench: Any, rows: list[Any]) -> None:
    assert bench.refused(brought(*rows), "emil") == "malformed"


def test_beyond_the_most_that_are_remembered_it_is_said_once_and_room_opens_again(bench: Any) -> None:
    for begin in range(0, MOST_OPEN + 2 * MOST_AT_ONCE, MOST_AT_ONCE):
        bench.done(brought(*(rogue(f"x{begin + at}") for at in range(MOST_AT_ONCE)), begin=begin), "emil")
    book = bench.state.findings
    assert len(book.open) == MOST_OPEN
    assert book.lost
    assert sum(isinstance(event, e.FindingsOverflowed) for _, _, event, _ in bench.log) == 1
    assert views.status(bench.state)["findings"] == {"critical": MOST_OPEN, "warning": 0, "notice": 0, "more": True}
    bench.done(c.ResolveFinding(next(iter(book.open.values())).finding, "looked at"), "greta")
    assert not book.lost
    assert isinstance(bench.done(brought(rogue("one more"), begin=1), "emil").events[0], e.FindingOpened)


def test_what_members_bring_leaves_room_for_what_the_law_finds_and_wakes_somebody(bench: Any) -> None:
    for begin in range(0, MOST_OPEN + MOST_AT_ONCE, MOST_AT_ONCE):
        bench.done(brought(*(rogue(f"x{begin + at}") for at in range(MOST_AT_ONCE)), begin=begin), "emil")
    assert [known.text for known in bench.state.alerts.known.values() if known.about == "tenant"] == [
        f"{MOST_OPEN} findings are open and there is no room for more, as for this: effect without warrant: x{MOST_OPEN}"
    ]
    for number in range(FOR_LAW + 1):
        own = Observed("reservation_differs", f"agent:a{number} cost hour", "1", "2")
        events = reconciling.found(bench.state, [own], reconciling.LAW, reconciling.LAW, bench.moment())
        bench.record(*events)
        assert [type(event) for event in events] == ([e.FindingOpened] if number < FOR_LAW else [])
    assert len(bench.state.findings.open) == MOST_OPEN + FOR_LAW


def test_two_findings_whose_long_names_begin_alike_are_two_and_two_alerts(bench: Any) -> None:
    bench.done(brought(rogue("d" * 350 + "/a"), rogue("d" * 350 + "/b"), rogue("d" * 350 + "/a")), "emil")
    assert len(bench.state.findings.open) == len(bench.state.alerts.known) == 2
    assert all(len(one.about) == reconciling.LONGEST_ABOUT for one in bench.state.findings.open.values())


def test_the_chain_leads_from_each_finding_to_the_one_before(bench: Any) -> None:
    bench.done(brought(rogue("a"), rogue("b")), "emil")
    bench.done(brought(rogue("c"), begin=1), "emil")
    at, abouts = bench.state.findings.last, []
    while at is not None:
        event = bench.log[at][2]
        abouts.append(event.about)
        at = event.previous
    assert abouts == ["c", "b", "a"]


def test_what_is_over_is_resolved_by_the_law(bench: Any) -> None:
    seen = Observed("receipt_withheld", "till 7", "number 7", "nothing")
    bench.record(*reconciling.found(bench.state, [seen], "law", "law", bench.moment()))
    bench.record(*reconciling.over(bench.state, "receipt_withheld", "till 7", "it came"))
    assert not bench.state.findings.open
    assert reconciling.over(bench.state, "receipt_withheld", "till 7", "it came") == ()


def test_what_is_no_finding_is_unknown_and_one_resolved_twice_is_said_to_be(bench: Any) -> None:
    bench.done(brought(rogue()), "emil")
    (known,) = bench.state.findings.open.values()
    bench.done(c.ResolveFinding(known.finding, "x"), "greta")
    again = bench.ask(c.ResolveFinding(known.finding, "x"), "greta", finding_known=True)
    assert isinstance(again, Decided)
    assert again.answer["repeated"]
    assert bench.refused(c.ResolveFinding("f00", "x"), "greta") == "unknown"
