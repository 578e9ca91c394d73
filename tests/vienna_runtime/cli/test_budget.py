from __future__ import annotations

import json
from pathlib import Path

import pytest

from vienna_runtime.cli.budget import _write
from vienna_runtime.cli.main import run as vienna
from vienna_runtime.spending import Spending

MANIFEST = '# ours\n[bundle]\nname = "b" # its name\n\n[actions."a.pay"]\nexecutor = "till"\ncost = "1"\n'


def put(*words: str) -> int:
    return vienna(["budget", "set", *words])


def test_a_budget_is_written_into_the_bundle_and_everything_else_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bundle.toml").write_text(MANIFEST)
    (tmp_path / "p.cedar").write_text('@id("p") @tier("T0") permit (principal, action == Action::"a.pay", resource);')
    for scope in ("tenant", "each_agent", "agent:ada", "action:a.pay", "each_agent_action:a.pay"):
        assert put(str(tmp_path), scope, "--cost", "12.5", "--per", "day") == 0
    capsys.readouterr()
    assert put(str(tmp_path), "agent:ada", "--cost", "20", "--per", "day", "--json") == 0
    assert json.loads(capsys.readouterr().out)["before"] == "12.5"
    assert put(str(tmp_path), "tenant", "--count", "3", "--per", "hour") == 0
    text = (tmp_path / "bundle.toml").read_text()
    assert text.startswith(MANIFEST)
    assert vienna(["policy", "check", str(tmp_path)]) == 0


@pytest.mark.parametrize(
    "words",
    [
        ("tenant:x", "--cost", "1", "--per", "day"),
        ("agent", "--cost", "1", "--per", "day"),
        ("agnt:ada", "--cost", "1", "--per", "day"),
        ("tenant", "--per", "day"),
        ("tenant", "--cost", "1", "--count", "1", "--per", "day"),
        ("tenant", "--cost", "-1", "--per", "day"),
        ("tenant", "--cost", "1", "--per", "week"),
    ],
)
def test_wrong_usage_changes_nothing(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "bundle.toml").write_text(MANIFEST)
    assert put(str(tmp_path), *words) == 2
    assert (tmp_path / "bundle.toml").read_text() == MANIFEST


def test_a_file_that_is_not_toml_is_left_alone_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bundle.toml").write_text("[bundle\n")
    assert put(str(tmp_path), "tenant", "--cost", "1", "--per", "day") == 1
    assert "cannot be read" in capsys.readouterr().err
    assert (tmp_path / "bundle.toml").read_text() == "[bundle\n"


def test_no_name_becomes_a_formula_in_a_spreadsheet(tmp_path: Path) -> None:
    _write(tmp_path / "costs.csv", "agent", [Spending("=cmd()", 1, 2_500_000)])
    assert (tmp_path / "costs.csv").read_text().splitlines() == ["agent,runs,cost,unknown,unknown_at_worst", "'=cmd(),1,2.5,0,0"]
