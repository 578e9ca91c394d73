"""``vienna policy test``: each case by name, what came of it, and what no case looks at."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from vienna_runtime.cli.main import run
from vienna_runtime.cli.policy_templates import DIRECTORY

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DIRECTORY / "payments", tmp_path / "payments"))


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def answer(capsys: Capture, *arguments: str) -> tuple[int, Any]:
    code = run(["policy", "test", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_every_case_is_shown_with_what_decided_it(bundle: Path, capsys: Capture) -> None:
    assert run(["policy", "test", str(bundle)]) == 0
    said = capsys.readouterr().out
    assert f"{bundle}/tests/payouts.toml\n  pass  a known supplier is paid when two have looked: T2 by payout\n" in said
    assert "  pass  a stranger looks up nothing: deny by no policy\n" in said
    assert "policies that decide a case: 10 of 10; actions that are asked for: 3 of 3\n16 of 16 cases passed\n" in said


def test_a_failure_says_where_what_was_expected_and_what_came(bundle: Path, capsys: Capture) -> None:
    tests = bundle / "tests" / "refunds.toml"
    replaced(tests, 'expect = "T0"\n', 'expect = "T2"\n')
    assert run(["policy", "test", str(bundle)]) == 1
    said = capsys.readouterr()
    place = f"{tests}:1:1"
    assert f"  FAIL  looking up an order is free: T0 by look\n        {place}: expected T2, got T0; look should have decided\n" in said.out
    assert "15 of 16 cases passed" in said.out
    assert "1 case did not come out as expected" in said.err
    assert f"{bundle}/look.cedar:2: look decides no case" in said.out


def test_another_policy_than_the_expected_one_fails_the_case(bundle: Path, capsys: Capture) -> None:
    replaced(bundle / "tests" / "refunds.toml", 'policies = ["look"]', 'policies = ["refund"]')
    code, said = answer(capsys, str(bundle))
    assert code == 1
    (failed,) = [test for test in said["tests"] if not test["passed"]]
    assert failed["expected"] == {"outcome": "T0", "policies": ["refund"]}
    assert failed["got"] == {"outcome": "T0", "policies": ["look"]}
    assert said["coverage"]["policies_without_a_case"] == ["look"]
    assert not said["ok"]


def test_what_no_case_looks_at_is_named_and_fails_only_where_asked(bundle: Path, capsys: Capture) -> None:
    (bundle / "tests" / "payouts.toml").unlink()
    code, said = answer(capsys, str(bundle))
    assert (code, said["ok"]) == (0, True)
    untried = ["payout", "payout-never-above", "payout-needs-two", "payout-not-by-support"]
    assert said["coverage"]["policies_without_a_case"] == untried
    assert said["coverage"]["actions_without_a_case"] == ["payments.payout"]
    assert said["coverage"]["actions"] == {"payments.lookup": 2, "payments.refund": 9, "payments.payout": 0}
    assert run(["policy", "test", str(bundle), "--cover-all"]) == 1
    shown = capsys.readouterr()
    assert "no case asks for payments.payout" in shown.out
    assert "4 policies decide no case: payout, " in shown.err
    code, said = answer(capsys, str(bundle), "--cover-all")
    assert (code, said["ok"]) == (1, False)


def test_all_covered_is_well_with_cover_all(bundle: Path) -> None:
    assert run(["policy", "test", str(bundle), "--cover-all"]) == 0


def test_some_of_the_cases_are_chosen_by_a_part_of_their_name(bundle: Path, capsys: Capture) -> None:
    code, said = answer(capsys, str(bundle), "-k", "LARGE refund")
    assert code == 0
    assert [test["line"] for test in said["tests"]] == [68, 80]
    assert said["coverage"] is None
    assert run(["policy", "test", str(bundle), "-k", "refnud"]) == 1  # a misspelt choice is not a success
    assert "none of 16 cases has 'refnud' in its name" in capsys.readouterr().err
    assert run(["policy", "test", str(bundle), "-k", "refund", "--cover-all"]) == 2


def test_a_bundle_without_tests_passes_unless_all_must_be_covered(bundle: Path, capsys: Capture) -> None:
    shutil.rmtree(bundle / "tests")
    assert run(["policy", "test", str(bundle)]) == 0
    assert "0 of 0 cases passed" in capsys.readouterr().out
    assert run(["policy", "test", str(bundle), "--cover-all"]) == 1


def test_a_bundle_that_does_not_load_runs_nothing(bundle: Path, tmp_path: Path, capsys: Capture) -> None:
    replaced(bundle / "look.cedar", "permit", "prmit")
    report = tmp_path / "report.xml"
    assert run(["policy", "test", str(bundle), "--junit", str(report)]) == 1
    said = capsys.readouterr()
    assert f"{bundle}/look.cedar:6:1: invalid policy effect" in said.out
    assert "no case was run" in said.err
    (suite,) = ElementTree.parse(report).getroot()
    assert (suite.get("tests"), suite.get("errors"), suite.get("failures")) == ("1", "1", "0")
    assert suite[0].get("name") == "look.cedar:6:1"
    assert "did you mean permit" in (suite[0][0].text or "")


def test_the_report_for_build_servers_has_each_case_and_each_failure(bundle: Path, tmp_path: Path) -> None:
    tests = bundle / "tests" / "refunds.toml"
    replaced(tests, 'expect = "T0"\n', 'expect = "T2"\n')
    replaced(tests, "a stranger looks up nothing", 'a <stranger> & \\u0007 looks up \\"nothing\\"')
    report = tmp_path / "report.xml"
    assert run(["policy", "test", str(bundle), "--junit", str(report)]) == 1
    (suite,) = ElementTree.parse(report).getroot()
    assert suite.attrib == {"name": "payments", "tests": "16", "failures": "1", "errors": "0", "skipped": "0"}
    (failure,) = suite.iter("failure")
    assert failure.get("message") == "expected T2, got T0"
    assert failure.text == f"{tests}:1:1: expected T2, got T0"
    assert 'a <stranger> & <U+0007> looks up "nothing"' in [case.get("name") for case in suite]
    assert suite[5].attrib == {"classname": "tests/refunds", "name": "looking up an order is free", "file": str(tests), "line": "1"}


def test_a_report_inside_the_bundle_would_keep_it_from_loading(bundle: Path, capsys: Capture) -> None:
    assert run(["policy", "test", str(bundle), "--junit", str(bundle / "tests" / "report.xml")]) == 2
    assert "name a file elsewhere" in capsys.readouterr().err
    assert run(["policy", "check", str(bundle)]) == 0
