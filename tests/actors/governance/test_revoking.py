"""Warrants taken back: all of a scope by one entry that counts at once, the entry of each after it."""

from __future__ import annotations

from typing import Any

import pytest

from actors.governance import codec
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.due import due
from actors.governance.facts import Past


def two_of_ada_and_one_of_ben(bench: Any) -> list[Any]:
    return [
        bench.warrant_of(bench.propose("notes.append", by, params={"text": f"{by} {number}"}))
        for number, by in enumerate(("ada", "ada", "ben"))
    ]


def test_one_entry_makes_all_of_an_agent_worthless_before_any_of_them_has_its_own(bench: Any) -> None:
    first, second, other = two_of_ada_and_one_of_ben(bench)
    done = bench.done(c.RevokeWarrants("agent:ada", "she was phished"), "greta")
    assert done.answer == {"scope": "agent:ada", "warrants": 2}
    assert [type(event) for event in done.events] == [e.WarrantsRevoked]
    assert {first.warrant, second.warrant} <= set(bench.state.warrants)
    for live in (first, second):
        assert bench.refused(bench.redemption(live.warrant), "till") == "warrant_over"
    bench.done(bench.redemption(other.warrant, "r9"), "till")


def test_the_entry_of_each_follows_and_its_case_ends(bench: Any) -> None:
    first, second, other = two_of_ada_and_one_of_ben(bench)
    bench.done(c.RevokeWarrants("agent:ada", "she was phished"), "greta")
    owed = bench.pass_time(0)
    revoked = [event for event in owed if isinstance(event, e.WarrantRevoked)]
    assert {event.warrant for event in revoked} == {first.warrant, second.warrant}
    assert all(event.why == "greta, with all of agent ada: she was phished" for event in revoked)
    assert set(bench.state.warrants) == {other.warrant}
    assert first.case not in bench.state.cases


def test_a_crash_between_the_one_entry_and_the_others_leaves_none_of_them_usable(bench: Any) -> None:
    """The state as a restart finds it: from the log, and from a snapshot made in between."""
    first, second, _ = two_of_ada_and_one_of_ben(bench)
    bench.done(c.RevokeWarrants("agent:ada", "x"), "greta")
    bench.record(*owed_next(bench))  # one of two is written, then the node falls
    for state in (bench.refold(), codec.decode_state(codec.encode_state(bench.state))):
        bench.state = state
        assert len({first.warrant, second.warrant} & set(state.warrants)) == 1
        for live in (first, second):
            assert bench.refused(bench.redemption(live.warrant), "till") == "warrant_over"
    bench.pass_time(0)
    assert not {first.warrant, second.warrant} & set(bench.state.warrants)


def owed_next(bench: Any) -> Any:
    return due(bench.state, bench.moment(), bench.bundle, Past(), lambda _: None)


def test_all_under_a_bundle_are_revoked_and_those_under_another_live(bench: Any) -> None:
    before = bench.warrant_of(bench.propose("files.write"))
    bench.activate("loose")
    after = bench.warrant_of(bench.propose("files.write", params={"text": "y"}))
    bench.done(c.RevokeWarrants(f"bundle:{bench.bundle.digest.hex()}", "it was wrong"), "greta")
    assert bench.refused(bench.redemption(before.warrant), "till") == "warrant_over"
    bench.done(bench.redemption(after.warrant, "r2"), "till")


def test_a_warrant_issued_after_the_entry_is_not_touched_by_it(bench: Any) -> None:
    two_of_ada_and_one_of_ben(bench)
    bench.done(c.RevokeWarrants("agent:ada", "x"), "greta")
    later = bench.warrant_of(bench.propose("notes.append", params={"text": "later"}))
    bench.done(bench.redemption(later.warrant, "r5"), "till")


@pytest.mark.parametrize("scope", ["ada", "agent:", "tenant", "action:notes.append", ":ada"])
def test_another_scope_is_malformed(bench: Any, scope: str) -> None:
    two_of_ada_and_one_of_ben(bench)
    assert bench.refused(c.RevokeWarrants(scope, "x"), "greta") == "malformed"


def test_a_scope_without_a_live_warrant_is_said_so_and_writes_nothing(bench: Any) -> None:
    two_of_ada_and_one_of_ben(bench)
    assert bench.refused(c.RevokeWarrants("agent:mallory", "x"), "greta") == "unknown"
    bench.done(c.RevokeWarrants("agent:ada", "x"), "greta")
    assert bench.refused(c.RevokeWarrants("agent:ada", "again"), "greta") == "unknown"
