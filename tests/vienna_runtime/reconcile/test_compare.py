"""Records against runs: each run accounts for one record, what is there for what its newest run left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from vienna_runtime.reconcile import compare
from vienna_runtime.reconcile.mapping import Effects
from vienna_runtime.reconcile.record import Record
from vienna_runtime.reconcile.runs import SLACK, Runs, collecting

HOUR = 3_600_000_000
NOON = 20_000 * HOUR


@pytest.fixture
def runs() -> Iterator[Runs]:
    with collecting(Effects()) as made:
        yield made


def ran(
    runs: Runs,
    run: str,
    place: str = "a",
    digest: str = "d1",
    outcome: str = "succeeded",
    at: int = NOON,
    *,
    absent: bool = False,
    effect: str = "",
) -> None:
    row = (run, f"c-{run}", effect or f"e-{run}", "file.write", f"file/{place}", place, digest, absent, outcome, at, at + 1, 0)
    runs.database.execute(f"insert into runs values ({', '.join('?' * len(row))})", row)


def found(runs: Runs) -> list[tuple[str, str]]:
    return [(row["kind"], row["about"]) for row in runs.findings()]


def present(runs: Runs, *records: Record, begun: int = NOON + HOUR) -> list[tuple[str, str]]:
    compare.present(runs, records, begun, lambda _: None)
    return found(runs)


def happened(runs: Runs, *records: Record, actions: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    compare.happened(runs, records, frozenset(actions), None, None, lambda _: None)
    return found(runs)


def test_what_the_newest_run_left_is_there(runs: Runs) -> None:
    ran(runs, "r1", digest="d1")
    ran(runs, "r2", digest="d2", at=NOON + 2 * SLACK)
    assert present(runs, Record(place="a", digest="d2")) == []


def test_what_an_older_run_left_is_not_enough(runs: Runs) -> None:
    ran(runs, "r1", digest="d1")
    ran(runs, "r2", digest="d2", at=NOON + 2 * SLACK)
    assert present(runs, Record(place="a", digest="d1")) == [("effect_without_warrant", "a d1")]


def test_a_run_that_was_under_way_during_the_look_may_have_been_seen_or_not(runs: Runs) -> None:
    ran(runs, "r1", digest="d1")
    ran(runs, "r2", digest="d2", at=NOON + HOUR)
    assert present(runs, Record(place="a", digest="d1")) == []


def test_a_place_without_any_run_is_found(runs: Runs) -> None:
    assert present(runs, Record(place="b", digest="x")) == [("effect_without_warrant", "b x")]


def test_what_should_be_gone_and_is_there_is_found(runs: Runs) -> None:
    ran(runs, "r1")
    ran(runs, "r2", digest="", absent=True, at=NOON + 2 * SLACK)
    assert present(runs, Record(place="a", digest="d1")) == [("effect_without_warrant", "a d1")]


def test_what_is_gone_as_it_should_be_is_not_missing(runs: Runs) -> None:
    ran(runs, "r1")
    ran(runs, "r2", digest="", absent=True, at=NOON + 2 * SLACK)
    assert present(runs) == []


def test_what_is_gone_and_should_be_there_is_missing(runs: Runs) -> None:
    ran(runs, "r1")
    assert present(runs) == [("warrant_without_effect", "a by run r1")]


@pytest.mark.parametrize(("outcome", "kind"), [("unknown", "unknown_but_there"), ("failed", "failed_but_there")])
def test_a_run_that_did_not_succeed_and_whose_effect_is_there_is_a_finding(runs: Runs, outcome: str, kind: str) -> None:
    ran(runs, "r1", outcome=outcome)
    assert present(runs, Record(place="a", digest="d1")) == [(kind, "a d1")]


def test_a_run_accounts_for_one_record_and_no_second(runs: Runs) -> None:
    ran(runs, "r1")
    twice = Record(place="a", digest="d1", time=NOON)
    assert happened(runs, twice, twice) == [("effect_without_warrant", "a d1")]


def test_a_record_of_another_time_is_of_another_run(runs: Runs) -> None:
    ran(runs, "r1")
    assert happened(runs, Record(place="a", time=NOON + HOUR)) == [("effect_without_warrant", f"a at {NOON + HOUR}")]


def test_the_effects_id_tells_the_run_whatever_else_is_said(runs: Runs) -> None:
    ran(runs, "r1", effect="beef")
    assert happened(runs, Record(effect="beef", place="elsewhere", time=0)) == []


def test_a_run_of_which_the_provider_has_no_record_is_found_within_the_window(runs: Runs) -> None:
    ran(runs, "r1", place="a")
    ran(runs, "r2", place="b", at=NOON + SLACK)
    ran(runs, "r3", place="c", at=NOON + HOUR)  # after the last record
    last = Record(place="a", time=NOON + 2 * SLACK)
    ran(runs, "r4", place="d", at=NOON + 2 * SLACK - 10)
    assert happened(runs, Record(place="a", time=NOON), Record(place="d", time=last.time)) == [("warrant_without_effect", "b by run r2")]


def test_without_records_the_actions_that_are_named_are_looked_for(runs: Runs) -> None:
    ran(runs, "r1")
    assert happened(runs, actions=("file.write",)) == [("warrant_without_effect", "a by run r1")]
