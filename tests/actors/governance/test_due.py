from __future__ import annotations

from typing import Any

from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.codec import decode_state, encode_state
from actors.governance.due import due, next_due
from actors.governance.facts import Past
from actors.governance.ids import DAY, HOUR, MINUTE


def busy(bench: Any) -> Any:
    """Something of each kind that falls due."""
    bench.running("files.write", run="r1")
    bench.done(bench.report(bench.running("files.write", by="ben", run="r2", params={"text": "y"})), "till")
    bench.propose("orders.refund")
    bench.propose()
    bench.done(c.Invite("eve", "auditor", "eve", (), "i-eve", b"t" * 32, bench.now + HOUR, "k"), "greta")
    return bench


def test_nothing_is_due_before_its_time_and_everything_after(bench: Any) -> None:
    busy(bench)
    assert due(bench.state, bench.moment(), bench.bundle, Past(), lambda _: None) == ()
    first = next_due(bench.state)
    assert first is not None
    assert bench.pass_time(first - bench.now - 1) == []
    bench.pass_time(1 + 2 * HOUR)
    assert set(bench.state.cases) == {bench.state.runs["r1"].case}
    assert bench.pass_time(0) == []
    assert [event.letters for event in bench.pass_time(DAY) if isinstance(event, e.DeadLettersAged)] == [4]
    assert next_due(bench.state) is None


def test_what_is_due_is_owed_again_until_it_is_recorded(bench: Any) -> None:
    busy(bench)
    bench.now += 2 * HOUR
    moment = bench.moment()
    once, again = (due(bench.state, moment, bench.bundle, Past(), lambda _: None) for _ in range(2))
    assert once == again != ()


def test_asking_what_is_due_changes_nothing_that_is_remembered(bench: Any) -> None:
    busy(bench)
    before = encode_state(bench.state)
    bench.now += 2 * HOUR
    due(bench.state, bench.moment(), bench.bundle, Past(), lambda _: None)
    assert encode_state(bench.state) == before


def test_a_restart_owes_what_was_owed(bench: Any) -> None:
    busy(bench)
    bench.state = decode_state(encode_state(bench.state))
    tags = [event.TAG for event in bench.pass_time(2 * HOUR)]
    assert sorted(set(tags)) == [
        "case.expired/1", "dead_letter.opened/1", "member.revoked/1", "run.unknown/1", "run.verified/1", "warrant.expired/1",
    ]  # fmt: skip


def test_a_trip_and_a_revocation_owe_the_same_warrant_once(bench: Any) -> None:
    bench.propose()
    bench.done(c.TripBreaker("tenant", "halt"), "greta")
    bench.done(c.RevokeMember("ada", "odd", "k"), "greta")
    bench.pass_time(10 * MINUTE)
    assert bench.tags().count("warrant.revoked") == 1
    assert "warrant.expired" not in bench.tags()
