"""A ledger that is archived, forgotten, witnessed and handed over loses nothing by a crash in any of it, and nothing comes back."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import attrs
import pytest

from ledger.forgetting import Step
from vienna_runtime.selftest import aging, culling, outlived, subjects
from vienna_runtime.selftest.aging import Life, Told
from vienna_runtime.selftest.errors import Broken
from vienna_runtime.selftest.explore import Exploration, explore

SEED = 7
CARELESS = (sys.executable, str(Path(__file__).with_name("careless_ager.py")))


def explored(below: Path, *, states: int, steps: int, program: tuple[str, ...] | None = None) -> Exploration:
    subject = subjects.aged(below, seed=SEED, steps=steps)
    if program is not None:
        subject = attrs.evolve(subject, program=[*program, *subject.program[-3:]])
    return explore(subject, below, states=states, seed=SEED)


@pytest.mark.slow
@pytest.mark.usefixtures("strace")
def test_every_state_that_a_power_cut_leaves_of_a_long_life_keeps_every_promise(tmp_path: Path) -> None:
    found = explored(tmp_path, states=150, steps=40)
    assert not found.findings
    assert found.outcomes["whole"] == found.states >= 150
    assert found.calls["renamed"] > 20  # files of the archive, and the keystore


@pytest.mark.slow
@pytest.mark.usefixtures("strace")
def test_files_beside_the_database_that_nobody_waited_for_are_found_to_be_lost(tmp_path: Path) -> None:
    assert explored(tmp_path, states=100, steps=40, program=CARELESS).violations > 5


@pytest.mark.slow
def test_one_life_after_another_goes_on_from_where_the_last_was_killed(tmp_path: Path) -> None:
    found = culling.cull(lives=8, seed=SEED, place=tmp_path)
    assert found.finding is None
    assert (found.lives, found.kills.total()) == (8, 8)
    assert found.steps > 50
    assert not list(tmp_path.iterdir())


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """What a whole life said last; its directory is ``tmp_path / "aged"``."""
    said: list[Told] = []
    directory = tmp_path / "aged"
    directory.mkdir()
    Life(directory, random.Random(SEED), lambda one: said.append(attrs.evolve(one))).live(60)
    return said[-1]


def test_a_life_that_ended_in_order_is_as_it_said(told: Told, tmp_path: Path) -> None:
    assert sum(map(len, told.gone.values())) > 5
    assert sum(told.archived.values()) > 10
    assert any(told.destroyed.values())
    outlived.check(tmp_path / "aged", told)


@pytest.mark.parametrize("what", ["gone", "destroyed", "archived", "witnessed", "keys", "at"])
def test_whatever_is_not_as_it_was_said_is_found(told: Told, tmp_path: Path, what: str) -> None:
    log = max(told.gone, key=lambda name: len(told.gone[name]))
    match what:
        case "gone":
            told.gone[log] = told.gone[log][1:]
        case "destroyed":
            keystore, ledger = aging.opened(tmp_path / "aged", lambda: 0)
            ledger.close()
            (month, *_) = [key for of, key in keystore._ring.data if of == log]
            told.destroyed[log] = [keystore.data_key_ids(log, month)[0].hex()]
        case "archived":
            told.archived[log] += 1
        case "witnessed":
            told.witnessed[log] += 1000
        case "keys":
            told.keys[log] = told.node_key
        case _:
            told.at[log][0] += 1
    with pytest.raises(Broken):
        outlived.check(tmp_path / "aged", told)


def test_forgetting_that_was_left_undone_is_gone_on_with(told: Told, tmp_path: Path) -> None:
    outlived.check(tmp_path / "aged", told)
    _, ledger = aging.opened(tmp_path / "aged", lambda: 0)
    assert all(ledger.forget(log) is Step.DONE and ledger.owes_forgetting(log) == () for log in aging.LOGS)
    ledger.close()
