"""``vienna selftest`` says what it did, in a table or in JSON, and ends with 1 when a promise was broken."""

from __future__ import annotations

import json

import pytest

from vienna_runtime.cli.main import run
from vienna_runtime.selftest import killing
from vienna_runtime.selftest.keys import DerivedKeys
from vienna_runtime.selftest.killing import Killing


def test_crash_reports_rounds_and_entries(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["selftest", "crash", "--rounds", "2", "--seed", "5", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["rounds"], said["seed"], said["finding"]) == (2, 5, None)
    assert sum(said["kills"].values()) == 2


def test_a_broken_promise_ends_with_1_the_seed_and_the_directory(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = Killing(rounds=3, finding="acknowledged entries are lost", kept="there")
    monkeypatch.setattr(killing, "kill", lambda **_: found)
    assert run(["selftest", "crash", "--rounds", "9", "--seed", "7"]) == 1
    said = capsys.readouterr()
    assert "a promise of the ledger was broken: round 4: acknowledged entries are lost (kept in there, seed 7)" in said.err


@pytest.mark.usefixtures("strace")
@pytest.mark.slow
def test_states_and_faults_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["selftest", "crash-states", "--states", "20", "--json"]) == 0
    ledger, months, files = json.loads(capsys.readouterr().out)["subjects"]
    assert ledger["states"] >= 20  # at least one at each point
    assert (ledger["violations"], months["violations"], files["violations"]) == (0, 0, 0)
    assert run(["selftest", "inject", "--every", "200", "--json"]) == 0
    swept = json.loads(capsys.readouterr().out)
    assert swept["runs"] == sum(outcome["runs"] for outcome in swept["outcomes"]) > 0
    assert swept["violations"] == 0


@pytest.mark.parametrize("command", [["crash-states"], ["inject"]])
def test_without_strace_it_ends_with_2_and_says_what_to_install(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert run(["selftest", *command]) == 2
    assert "the package strace" in capsys.readouterr().err


def test_evidence_without_a_key_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["selftest", "flips", "--evidence", __file__]) == 2
    assert "belong together" in capsys.readouterr().err


def test_a_file_that_is_no_evidence_is_not_flipped(capsys: pytest.CaptureFixture[str]) -> None:
    key = DerivedKeys().verifier("").text
    assert run(["selftest", "flips", "--count", "1", "--evidence", __file__, "--key", key]) == 2
    assert "does not verify as it is" in capsys.readouterr().err
