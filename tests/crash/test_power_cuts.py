"""No power cut loses what was acknowledged; and a disk that is told to be careless is found out by the same explorer."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from vienna_runtime.selftest import subjects
from vienna_runtime.selftest.explore import Exploration, explore
from vienna_runtime.selftest.subjects import WRITER

SEED = 7
CARELESS = (sys.executable, str(Path(__file__).with_name("careless_writer.py")))

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("strace")]


def explored(below: Path, *program: str, states: int, commits: int = 8) -> Exploration:
    return explore(subjects.ledger(below, seed=SEED, commits=commits, program=program), below, states=states, seed=SEED)


def test_every_state_that_a_power_cut_leaves_of_the_ledger_keeps_every_promise(tmp_path: Path) -> None:
    found = explored(tmp_path, *WRITER, states=160, commits=12)
    assert not found.findings
    assert (found.violations, found.outcomes["whole"]) == (0, found.states)
    assert found.states >= 150
    assert found.points > 40
    assert found.acknowledged > 20


@pytest.mark.parametrize("way", ["no metasync", "no sync", "no names"])
def test_a_writer_that_syncs_less_is_found_to_lose_what_it_acknowledged(tmp_path: Path, way: str) -> None:
    found = explored(tmp_path, *CARELESS, way, states=60)
    assert found.violations > 5
    assert any("lost" in finding.what for finding in found.findings), found.findings


def test_a_state_that_broke_a_promise_is_kept_to_be_looked_at(tmp_path: Path) -> None:
    below, kept = tmp_path / "below", tmp_path / "kept"
    below.mkdir()
    subject = subjects.ledger(below, seed=SEED, commits=4, program=[*CARELESS, "no sync"])
    found = explore(subject, below, states=40, seed=SEED, keep=kept)
    assert found.findings
    assert {str(path) for path in kept.iterdir()} == {finding.kept for finding in found.findings}


def test_the_small_files_beside_it_are_old_or_new_and_never_between(tmp_path: Path) -> None:
    found = explore(subjects.files(tmp_path, seed=SEED, rounds=24), tmp_path, states=200, seed=SEED)
    assert not found.findings
    assert (found.violations, found.outcomes["whole"] + found.outcomes["nothing yet"]) == (0, found.states)
