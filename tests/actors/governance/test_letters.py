"""How many dead letters are open, of which kind and how old: counted, never looked up, and of fixed size."""

from __future__ import annotations

from typing import Any

from actors.governance import commands as c
from actors.governance import events as e
from actors.governance import letters, views
from actors.governance.codec import decode_state, encode_state
from actors.governance.due import next_due
from actors.governance.ids import DAY, HOUR, CaseId, Instant


def opened(bench: Any, name: str, kind: str = "failed") -> None:
    bench.record(e.DeadLetterOpened(name, CaseId(""), kind, "x", bench.state.last_letter, closes=False))


def resolved(bench: Any, name: str, at: int, kind: str = "failed") -> None:
    bench.record(e.DeadLetterResolved(name, "greta", "x", None, kind, Instant(at)))


def said(bench: Any) -> Any:
    return views.status(bench.state)["letters"]


def test_the_open_ones_are_counted_by_kind_and_the_oldest_is_known(bench: Any) -> None:
    begun = bench.now
    opened(bench, "d1")
    bench.now = Instant(bench.now + 3 * HOUR)
    opened(bench, "d2", "denied")
    opened(bench, "d3")
    assert said(bench) == {"kinds": {"denied": 1, "failed": 2}, "oldest": begun}
    resolved(bench, "d1", begun)
    assert said(bench) == {"kinds": {"denied": 1, "failed": 1}, "oldest": begun + 3 * HOUR}
    resolved(bench, "d2", bench.now, "denied")
    resolved(bench, "d3", bench.now)
    assert said(bench) == {"kinds": {}, "oldest": None}


def test_letters_that_grow_old_are_said_once_an_hour_of_them(bench: Any) -> None:
    opened(bench, "d1")
    opened(bench, "d2")
    assert bench.pass_time(DAY - 1) == []
    aged = bench.pass_time(1)
    assert [(event.letters, event.oldest) for event in aged] == [(2, bench.now - DAY)]
    assert bench.pass_time(10 * DAY) == []
    assert bench.last(e.AlertRaised).kind == "dead_letter.old"


def test_what_is_resolved_in_time_does_not_grow_old(bench: Any) -> None:
    opened(bench, "d1")
    resolved(bench, "d1", bench.now)
    assert bench.pass_time(2 * DAY) == []


def test_after_a_snapshot_what_grows_old_is_still_owed(bench: Any) -> None:
    opened(bench, "d1")
    bench.state = decode_state(encode_state(bench.state))
    assert next_due(bench.state) is not None
    assert [type(event) for event in bench.pass_time(DAY)] == [e.DeadLettersAged]


def test_however_long_nobody_looks_the_memory_of_it_is_bounded(bench: Any) -> None:
    begun = bench.now
    for at in range(letters.MOST_HOURS + 50):
        opened(bench, f"d{at}")
        bench.now = Instant(bench.now + HOUR)
    assert len(bench.state.letters.hours) == letters.MOST_HOURS
    assert said(bench)["oldest"] == begun
    for at in range(letters.MOST_HOURS + 50):
        resolved(bench, f"d{at}", begun + at * HOUR)
    assert said(bench) == {"kinds": {}, "oldest": None}


def test_what_an_earlier_version_resolved_is_resolved(bench: Any) -> None:
    run = bench.running("files.write", run="r1")
    bench.pass_time(HOUR)
    letter = bench.state.runs[run].letter
    bench.record(e.DeadLetterResolvedBefore(letter, "greta", "x", None))
    assert bench.state.runs[run].letter == ""
    assert views.status(bench.state)["dead_letters"] == 0


def test_a_letter_that_is_resolved_says_which_and_since_when(bench: Any) -> None:
    bench.running("files.write", run="r1")
    bench.pass_time(HOUR)
    letter, at = bench.state.runs["r1"].letter, bench.state.runs["r1"].since
    bench.done(c.ResolveLetter(letter, "seen"), "greta", letter_at=at)
    assert (bench.last(e.DeadLetterResolved).kind, bench.last(e.DeadLetterResolved).opened) == ("unknown", at)
    assert said(bench)["kinds"] == {}
