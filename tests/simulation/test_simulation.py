"""Whole nodes on simulated machines: some seeds of what ``vienna selftest simulate`` plays by the thousand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from actors import supervisor
from actors.governance import pauses
from actors.governance.events import MemberRevoked
from actors.governance.halt import Pause
from actors.governance.state import State
from actors.recall import Recall
from ledger import memory
from tests.simulation.hunt import hunt
from tests.simulation.mutants import MUTANTS, mutated
from vienna_runtime.selftest.simulation.account import Account
from vienna_runtime.selftest.simulation.acts import ACTS, WEIGHTS
from vienna_runtime.selftest.simulation.entries import Entry
from vienna_runtime.selftest.simulation.many import Tally, simulate
from vienna_runtime.selftest.simulation.quorums import is_filled
from vienna_runtime.selftest.simulation.run import play
from vienna_runtime.selftest.simulation.schedule import schedule
from vienna_runtime.selftest.simulation.shrink import replay, shrink, write

FOUND = sorted((Path(__file__).parent / "found").glob("*.json"))
QUICK = (
    "a reply before it is durable",
    "uses are not counted down",
    "no look at earlier idempotency keys",
    "an expiry without its dead letter",
)
STEPS, SEEDS = 150, range(8)  # within which each of these is found


def test_seeds_break_no_promise_and_much_happens_in_them() -> None:
    tally = simulate(range(8), 500, jobs=1)
    assert not tally.found, tally.found
    assert (tally.seeds, tally.steps) == (8, 8 * 500)
    for event in ("intent.proposed", "approval.given", "approval.denied", "warrant.issued", "warrant.revoked", "run.opened", "run.unknown",
                  "run.verified", "effect.settled", "breaker.tripped", "scope.paused", "dead_letter.opened", "snapshot.made",
                  "run.opened by way of others", "envelope.used", "executor.inventory", "reconcile.found", "reconcile.resolved",
                  "reconcile.compared", "dead_letter.resolved", "change.applied", "seat.delegated", "canary.ended"):  # fmt: skip
        assert tally.events[event], event
    assert min(tally.acts[kind] for kind in ("executed", "power", "kill", "disk fails", "disk hangs", "cut", "one of several settled")) > 0


def test_a_seed_does_the_same_in_every_process() -> None:
    command = [sys.executable, "-m", "vienna_runtime.cli.main", "selftest", "simulate", "--seed", "3", "--steps", "150", "--json"]
    runs = [
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert json.loads(runs[0])["digest"] == play(3, 150).digest


def test_another_seed_does_something_else() -> None:
    assert play(3, 40).digest != play(4, 40).digest
    assert schedule(3, 40, WEIGHTS) == schedule(3, 40, WEIGHTS) != schedule(4, 40, WEIGHTS)


@pytest.mark.parametrize("file", FOUND, ids=lambda file: file.stem)
def test_what_was_found_once_is_mended(file: Path) -> None:
    result = replay(file)
    assert result.finding is None, result.finding


@pytest.mark.parametrize(
    ("name", "file"),
    [("the node answers a repeat with another run", "a-repeat-names-another-run"),
     ("the heads go before what was queued", "heads-before-older-entries"),
     ("a receipt that is not durable yet is none", "a-lie-between-a-report-and-its-commit")],
)  # fmt: skip
def test_what_was_found_once_would_be_found_again(name: str, file: str) -> None:
    with mutated(name):
        assert replay(Path(__file__).parent / "found" / f"{file}.json").finding is not None


def test_a_letter_that_is_not_resolved_yet_would_be_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recall, "durable", property(lambda self: self))
    assert replay(Path(__file__).parent / "found" / "what-is-told-of-a-letter-is-durable.json").finding is not None


def test_two_stops_in_one_moment_would_be_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    noted, times = pauses.of_node, dict[int, int]()

    def by_their_time(now: State, side: str, stop: Pause | None, last: Pause | None) -> Any:
        if last is not None:
            times[last.number] = last.since
            if times.get(known := now.noted.get(side, 0)) == last.since:
                last = attrs.evolve(last, number=known)
        return noted(now, side, stop, last)

    monkeypatch.setattr(pauses, "of_node", by_their_time)
    assert replay(Path(__file__).parent / "found" / "two-stops-of-the-node-in-one-moment.json").finding is not None


def test_a_vote_that_stays_when_its_voter_has_left_would_be_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def stays(self: Account, event: MemberRevoked, at: int, entry: Entry) -> None:
        self.members[event.member].status = "revoked"

    monkeypatch.setattr(Account, "_gone", stays)
    assert replay(Path(__file__).parent / "found" / "second-account-votes-when-the-first-has-left.json").finding is not None


@pytest.mark.parametrize("name", QUICK)
def test_a_fault_in_the_product_is_found(name: str) -> None:
    with mutated(name):
        assert any(play(seed, STEPS).finding is not None for seed in SEEDS)


@pytest.mark.parametrize("name", MUTANTS)
def test_the_code_of_a_mutant_is_run_and_does_not_fall_by_itself(name: str) -> None:
    with mutated(name) as mutation:
        for seed in range(40):
            play(seed, STEPS)
            if mutation.ran:
                break
        assert not mutation.wrong()


def test_a_mutant_that_is_never_run_or_falls_by_itself_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MUTANTS, "never run", lambda put: put(memory, "any", lambda: None))
    monkeypatch.setitem(MUTANTS, "of one argument", lambda put: put(supervisor, "fold_node", lambda scribe: 0))
    assert hunt("never run", most=2, steps=20).wrong == "inert: its code is never run"
    assert hunt("of one argument", most=2, steps=20).wrong.startswith("broken: it falls by itself, TypeError")
    assert hunt("a reply before it is durable", most=1, steps=60).wrong == ""


def test_a_node_that_does_not_live_again_breaks_a_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    async def falls(self: object) -> None:
        raise OSError("it falls at its start")

    play(0, 0)  # everybody is founded
    monkeypatch.setattr(supervisor.Supervisor, "start", falls)
    found = play(0, 10).finding
    assert found is not None
    assert found.promise == "a node lives again after a start"


def test_a_schedule_that_breaks_a_promise_is_shrunk_and_played_again_from_its_file(tmp_path: Path) -> None:
    with mutated("a reply before it is durable"):
        shrunk = next(found for seed in SEEDS if (found := shrink(seed, 60, tries=25)) is not None)
        file = write(tmp_path, shrunk)
        again = replay(file).finding
        assert again is not None
        assert again.promise == shrunk.promise
        assert again.step == len(shrunk.steps) < 40
    assert replay(file).finding is None
    assert shrink(shrunk.seed, 20) is None


def test_a_run_goes_on_from_what_is_noted(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    first = simulate(range(5), 20, jobs=1, resume=notes)
    notes.write_text(notes.read_text() + '{"first": 5, "seeds"')  # cut off
    told: list[Tally] = []
    whole = simulate(range(10), 20, jobs=1, resume=notes, progress=lambda tally: told.append(Tally(seeds=tally.seeds)))
    assert [tally.seeds for tally in told] == [5, 10]
    assert (first.seeds, whole.seeds, whole.steps) == (5, 10, 200)
    assert len(notes.read_text().splitlines()) == 3


def test_every_kind_of_step_has_its_act() -> None:
    assert {kind for kind, _ in WEIGHTS} == ACTS.keys()
    assert len(MUTANTS) >= 12


@pytest.mark.parametrize(
    ("quorum", "persons", "filled"),
    [
        ("any 2", {"clara": {"lead"}}, False),
        ("any 2", {"clara": {"lead"}, "dora": set()}, True),
        ("1 of role:lead and 1 of role:finance", {"hugo": {"lead", "finance"}}, False),
        ("1 of role:lead and 1 of role:finance", {"hugo": {"lead", "finance"}, "dora": {"finance"}}, True),
        ("1 of role:lead or 2 of role:finance", {"dora": {"finance"}}, False),
        ("1 of role:lead or 2 of role:finance", {"dora": {"finance"}, "hugo": {"finance"}}, True),
        ("(1 of role:lead or 1 of person:dora) and any 1", {"dora": set(), "emil": set()}, True),
    ],
)
def test_a_quorum_is_counted_by_persons(quorum: str, persons: dict[str, set[str]], filled: bool) -> None:
    assert is_filled(quorum, {name: frozenset(roles) for name, roles in persons.items()}) is filled
