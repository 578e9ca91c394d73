"""What an executor believes that it ran, against what the ledger knows: no receipt is withheld without a hole that is seen."""

from __future__ import annotations

from typing import Any

import pytest

from actors.governance import canonical, inventory, reconciling, stocktaking
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.ids import HOUR, Instant, RunId
from actors.governance.inventory import MOST_ENTRIES, Inventory, Made
from actors.governance.signing import Purpose

NOTHING = b"n" * 32


def counted(number: int, journal: str = "j1") -> dict[str, Any]:
    return {"evidence": {inventory.COUNTED: {"journal": journal, "number": number}}}


def ran(bench: Any, number: int, journal: str = "j1") -> bytes:
    """A whole run whose receipt has this number; the receipt's digest."""
    run = bench.running(run=f"r{number}", key=f"k{number}", resource=f"book/{number}")
    command = bench.report(run, **counted(number, journal))
    bench.done(command, "till")
    return canonical.digest(command.receipt)


def stock(
    bench: Any, *made: Made, counter: int | None = None, since: int = 0, journal: str = "j1", by: str = "till", **changed: Any
) -> Any:
    top = counter if counter is not None else made[-1].number
    packed = inventory.pack(Inventory("belvedere", journal, top, since, made, Instant(changed.pop("signed", bench.now))))
    receipts = {run.run: (True, None) for run in made}
    command = c.TakeStock(packed, bench.sign(by, Purpose.INVENTORY, packed))
    return bench.ask(command, "till", **{"receipts": receipts, **changed})


def open_findings(bench: Any) -> list[tuple[str, str]]:
    return [(known.kind, known.about) for known in bench.state.findings.open.values()]


def test_receipts_that_came_in_any_order_leave_no_hole(bench: Any) -> None:
    digests = {number: ran(bench, number) for number in (2, 1, 3)}
    known = bench.state.findings.counted["till"]
    assert (known.upto, known.beyond) == (3, ())
    told = stock(bench, *(Made(n, RunId(f"r{n}"), digests[n], "told") for n in (1, 2, 3)))
    assert told.answer == {"upto": 3, "wanted": [], "counter": 3}
    assert open_findings(bench) == []


def test_a_receipt_that_is_withheld_is_a_hole_and_is_over_when_it_comes(bench: Any) -> None:
    ran(bench, 1)
    bench.running(run="r2", key="k2")
    ran(bench, 3)
    stock(
        bench,
        Made(1, RunId("r1"), NOTHING, "told"),
        Made(3, RunId("r3"), NOTHING, "told"),
        receipts={"r1": (True, None), "r3": (True, None)},
    )
    assert open_findings(bench) == [("receipt_withheld", "till j1 2")]
    bench.done(bench.report("r2", **counted(2)), "till")
    assert open_findings(bench) == []
    assert isinstance(bench.log[-1][2], e.FindingResolved)


def test_a_run_that_is_open_here_and_ended_there_is_asked_for_and_over_when_its_receipt_comes(bench: Any) -> None:
    bench.running(run="r1")
    told = stock(bench, Made(1, RunId("r1"), NOTHING, "told"))
    assert told.answer["wanted"] == ["r1"]
    assert open_findings(bench) == [("run_not_reported", "till r1")]
    bench.done(bench.report("r1", **counted(1)), "till")
    assert open_findings(bench) == []
    assert bench.state.runs.get("r1") is None


def test_what_is_on_its_way_is_waited_for_and_no_finding(bench: Any) -> None:
    bench.running(run="r1")
    told = stock(bench, Made(1, RunId("r1"), NOTHING, "pending"))
    assert (told.answer["upto"], told.answer["wanted"], open_findings(bench)) == (0, [], [])


def test_a_run_that_the_ledger_does_not_know_is_found(bench: Any) -> None:
    stock(bench, Made(1, RunId("rx"), NOTHING, "told"), receipts={"rx": (False, None)})
    assert open_findings(bench) == [("run_unknown_here", "till rx")]


def test_another_receipt_than_the_recorded_one_is_found(bench: Any) -> None:
    digest = ran(bench, 1)
    stock(bench, Made(1, RunId("r1"), NOTHING, "told"), receipts={"r1": (True, digest)})
    assert open_findings(bench) == [("receipt_differs", "till r1")]


def test_a_counter_that_goes_back_and_another_journal_are_found(bench: Any) -> None:
    for number in (1, 2):
        ran(bench, number)
    bench.pass_time(1)
    stock(bench, Made(1, RunId("r1"), NOTHING, "told"), counter=1)
    bench.pass_time(1)
    stock(bench, Made(1, RunId("r1"), NOTHING, "told"), journal="j2")
    assert open_findings(bench) == [("counter_went_back", "till j1 1"), ("counter_went_back", "till j2")]


def test_a_journal_forgets_what_it_has_told_and_nobody_calls_that_withheld(bench: Any) -> None:
    digests = {number: ran(bench, number) for number in (1, 2, 3)}
    stock(bench, *(Made(n, RunId(f"r{n}"), digests[n], "told") for n in (1, 2, 3)))
    told = stock(bench, Made(3, RunId("r3"), digests[3], "told"))
    assert (told.answer["upto"], open_findings(bench)) == (3, [])
    stock(bench, Made(5, RunId("r3"), digests[3], "told"))
    assert open_findings(bench) == [("receipt_withheld", "till j1 4")]


@pytest.mark.parametrize("journal", ["j1", "j0"])
def test_an_inventory_that_was_overtaken_by_what_was_signed_after_it_says_nothing(bench: Any, journal: str) -> None:
    digest, signed = ran(bench, 1), bench.now
    bench.pass_time(1)
    ran(bench, 2)
    late = stock(bench, Made(1, RunId("r1"), digest, "told"), journal=journal, signed=signed)
    assert (late.events, open_findings(bench)) == ((), [])
    bench.pass_time(1)
    stock(bench, Made(1, RunId("r1"), digest, "told"), journal=journal)
    assert [kind for kind, _ in open_findings(bench)] == ["counter_went_back"]


def test_an_executor_that_lies_without_end_fills_no_room_that_others_need(bench: Any) -> None:
    for number in range(reconciling.MOST_OF_ONE + 5):
        bench.pass_time(1)
        stock(bench, Made(1, RunId("r1"), NOTHING, "told"), journal=f"j{number}", receipts={"r1": (False, None)})
    assert len(open_findings(bench)) == reconciling.MOST_OF_ONE
    assert bench.state.findings.lost
    assert sum(isinstance(event, e.FindingsOverflowed) for _, _, event, _ in bench.log) == 1


def test_one_number_for_two_receipts_is_found(bench: Any) -> None:
    ran(bench, 1)
    run = bench.running(run="r2", key="k2")
    bench.done(bench.report(run, **counted(1)), "till")
    assert open_findings(bench) == [("number_twice", "till j1 1")]


def bare(bench: Any, number: int) -> None:
    """A whole run whose receipt has no number."""
    run = bench.running(run=f"b{number}", key=f"kb{number}", resource=f"book/b{number}")
    bench.done(bench.report(run), "till")


def test_whoever_has_numbered_and_stops_is_found_once_until_somebody_has_looked(bench: Any) -> None:
    bare(bench, 1)  # it has never counted: nothing to find
    assert open_findings(bench) == []
    ran(bench, 1)
    bare(bench, 2)
    bare(bench, 3)
    assert open_findings(bench) == [("receipt_unnumbered", "till j1")]
    (opened,) = [event for _, _, event, _ in bench.log if isinstance(event, e.FindingOpened)]
    assert (opened.severity, opened.resolution) == ("warning", "by hand")
    assert (opened.expected, opened.observed) == ("a number beyond 1 of j1", "none, in the receipt of run b2")
    ran(bench, 2)  # it counts again, and what it withheld meanwhile nobody knows
    assert open_findings(bench) == [("receipt_unnumbered", "till j1")]
    bench.done(c.ResolveFinding(opened.finding, "an old program, replaced"), "greta")
    assert open_findings(bench) == []
    bare(bench, 4)
    assert open_findings(bench) == [("receipt_unnumbered", "till j1")]


def test_an_inventory_counts_as_having_numbered_and_a_number_that_is_none_as_none(bench: Any) -> None:
    stock(bench, counter=0)
    run = bench.running(run="r1")
    bench.done(bench.report(run, evidence={inventory.COUNTED: {"journal": "j1", "number": True}}), "till")
    assert open_findings(bench) == [("receipt_unnumbered", "till j1")]


def test_a_receipt_that_was_asked_for_has_come_also_without_a_number(bench: Any) -> None:
    bench.running(run="r1")
    stock(bench, Made(1, RunId("r1"), NOTHING, "told"))
    assert open_findings(bench) == [("run_not_reported", "till r1")]
    bench.done(bench.report("r1"), "till")
    assert open_findings(bench) == [("receipt_unnumbered", "till j1")]


def test_an_inventory_that_begins_beyond_what_is_accounted_for_is_asked_for_again(bench: Any) -> None:
    told = stock(bench, counter=9, since=5)
    assert (told.events, told.answer["upto"]) == ((), 0)
    assert open_findings(bench) == []
    stock(bench, counter=9)
    assert open_findings(bench) == [("receipt_withheld", "till j1 1..9")]


def test_an_inventory_that_says_nothing_new_is_no_entry(bench: Any) -> None:
    ran(bench, 1)
    made = Made(1, RunId("r1"), NOTHING, "told")
    assert [type(event) for event in stock(bench, made).events] == [e.InventoryTaken]
    assert stock(bench, counter=1, since=1).events == ()


def test_only_its_executors_own_signature_for_this_tenant_counts(bench: Any) -> None:
    assert stock(bench, counter=1, by="emil").code.value == "signature_invalid"
    packed = inventory.pack(Inventory("schoenbrunn", "j1", 0, 0, (), Instant(bench.now)))
    assert bench.refused(c.TakeStock(packed, bench.sign("till", Purpose.INVENTORY, packed)), "till") == "signature_invalid"
    packed = inventory.pack(Inventory("belvedere", "j1", 0, 0, (), Instant(bench.now)))
    assert bench.refused(c.TakeStock(packed, bench.sign("till", Purpose.RECEIPT, packed)), "till") == "signature_invalid"


def test_more_holes_than_are_remembered_are_found_and_memory_stays_small(bench: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(stocktaking, "MOST_RANGES", 3)  # 64 runs of one agent in a moment would trip its breaker
    for at in range(stocktaking.MOST_RANGES + 1):
        bench.now = Instant(bench.now + HOUR)  # the same intent again and again is a loop, and shuts its agent out
        ran(bench, 2 * at + 2)
    known = bench.state.findings.counted["till"]
    assert len(known.beyond) <= stocktaking.MOST_RANGES
    assert ("receipt_withheld", "till j1 1..1") in open_findings(bench)


def test_a_fold_gives_the_same_counts(bench: Any) -> None:
    ran(bench, 2)
    stock(bench, Made(2, RunId("r2"), NOTHING, "told"))
    assert bench.refold() == bench.state


@pytest.mark.parametrize(
    "changed",
    [
        {"since": 5},
        {"counter": -1},
        {"journal": ""},
        {"journal": "x" * 33},
        {"entries": (Made(0, RunId("r"), NOTHING, "told"),)},
        {"entries": (Made(1, RunId("r"), b"", "told"),)},
        {"entries": (Made(1, RunId("r"), NOTHING, "lost"),)},
        {"entries": (Made(2, RunId("r"), NOTHING, "told"), Made(1, RunId("r"), NOTHING, "told"))},
        {"entries": (Made(1, RunId("r"), NOTHING, "told"),)},
        {"entries": tuple(Made(n, RunId("r"), NOTHING, "told") for n in range(1, MOST_ENTRIES + 2)), "counter": 99},
    ],
)
def test_an_inventory_of_another_form_is_malformed(bench: Any, changed: dict[str, Any]) -> None:
    fields = {"tenant": "belvedere", "journal": "j1", "counter": 2, "since": 0, "entries": (), "time": Instant(bench.now), **changed}
    packed = inventory.pack(Inventory(**fields))
    assert bench.refused(c.TakeStock(packed, bench.sign("till", Purpose.INVENTORY, packed)), "till") == "malformed"


@pytest.mark.parametrize("evidence", [{}, {"counted": 5}, {"counted": {"journal": "j"}}, {"counted": {"journal": "j", "number": 0}}])
def test_a_receipt_that_is_not_counted_is_a_receipt_as_ever(bench: Any, evidence: dict[str, Any]) -> None:
    run = bench.running()
    bench.done(bench.report(run, evidence=evidence), "till")
    assert bench.state.findings.counted == {}


def test_a_receipt_that_counts_in_another_journal_is_found_as_the_inventory_of_one_is(bench: Any) -> None:
    """An executor that withholds could else count anew, in a journal of its own invention, and leave no hole."""
    ran(bench, 1)
    for number in (2, 3):
        run = bench.running(run=f"o{number}", key=f"o{number}", resource=f"book/o{number}")
        bench.done(bench.report(run, evidence={inventory.COUNTED: {"journal": "other", "number": 7}}), "till")
    assert open_findings(bench) == [("counter_went_back", "till other")]
