"""``vienna policy check``: places and tests, without a node."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from vienna_runtime.cli.main import run

BUNDLE = Path(__file__).parents[3] / "examples" / "bundles" / "payments"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BUNDLE, tmp_path / "payments"))


def test_a_sound_bundle_names_its_digest(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--json", "policy", "check", str(bundle)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["ok"]
    assert len(said["bundle"]) == 64
    assert all(test["passed"] for test in said["tests"])


def test_a_finding_has_file_line_and_column(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = bundle / "refund.cedar"
    policy.write_text(policy.read_text().replace("permit", "prmit", 1))
    assert run(["policy", "check", str(bundle)]) == 1
    said = capsys.readouterr()
    assert f"{policy}:" in said.out
    line, column = said.out.split(f"{policy}:")[1].split(":")[:2]
    assert policy.read_text().splitlines()[int(line) - 1][int(column) - 1 :].startswith("prmit")


def test_a_failing_test_of_the_bundle_fails_the_check(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tests = bundle / "tests" / "refunds.toml"
    tests.write_text(tests.read_text().replace('expect = "T0"', 'expect = "T2"', 1))
    assert run(["policy", "check", str(bundle)]) == 1
    assert "expected T2, got T0" in capsys.readouterr().out


def test_hidden_files_are_no_part_of_a_bundle_and_unknown_ones_are_findings(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (bundle / ".git").mkdir()
    (bundle / ".git" / "HEAD").write_text("ref")
    assert run(["policy", "check", str(bundle)]) == 0
    (bundle / "policy.cedra").write_text("permit(principal, action, resource);")
    assert run(["policy", "check", str(bundle)]) == 1
    assert "nothing reads this file" in capsys.readouterr().out
