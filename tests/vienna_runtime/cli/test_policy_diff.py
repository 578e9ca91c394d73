"""``vienna policy diff``: two bundles compared as policy, from directories or from the ledger."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest
from click.shell_completion import ShellComplete

from vienna_runtime.cli.main import run, vienna
from vienna_runtime.cli.policy_templates import DIRECTORY

Capture = pytest.CaptureFixture[str]


class Said(Protocol):
    code: int
    out: str
    err: str
    json: dict[str, Any]


As = Callable[..., Said]


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """The payments template with one policy, one action and one setting moved."""
    copy = Path(shutil.copytree(DIRECTORY / "payments", tmp_path / "other"))
    for file, old, new in (
        ("refunds.cedar", '@cost_cap("500")', '@cost_cap("300")'),
        ("refunds.cedar", "context.params.amount <= 50000", "context.params.amount <= 30000"),
        ("bundle.toml", 'approval_deadline = "1h"', 'approval_deadline = "2h"'),
        ("bundle.toml", 'effect = "read"', 'effect = "read"\nwitnessed = true'),
    ):
        text = (copy / file).read_text()
        assert old in text
        (copy / file).write_text(text.replace(old, new, 1))
    with (copy / "bundle.toml").open("a") as manifest:
        manifest.write("\n[budgets.tenant]\ncost_per_month = 1000\n".replace("1000", '"1000"'))
    return copy


def test_two_directories_are_compared_without_a_node(other: Path, capsys: Capture) -> None:
    assert run(["policy", "diff", str(DIRECTORY / "payments"), str(other)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "actions",
        "  ~ payments.lookup",
        "      witnessed: nothing -> true",
        "policies",
        "  ~ refund",
        "      @cost_cap: 500 -> 300",
        "      rule",
        "          permit (",
        '            principal in Role::"support",',
        '            action == Action::"payments.refund",',
        "            resource",
        "          )",
        '        - when { resource.kind == "order" && context.params.amount <= 50000 };',
        '        + when { resource.kind == "order" && context.params.amount <= 30000 };',
        "settings",
        "  tiers.T1.approval_deadline: 1h -> 2h",
        "budgets",
        "  tenant cost_per_month: nothing -> 1000, warned at 800",
    ]


def test_what_is_new_and_what_is_gone_is_told_whole(tmp_path: Path, capsys: Capture) -> None:
    assert run(["policy", "diff", str(DIRECTORY / "payments"), str(DIRECTORY / "research")]) == 0
    said = capsys.readouterr().out
    assert "  - payments.refund\n      description: pay back part or all of an order\n" in said
    assert "  + web.search\n" in said
    assert "  - look\n      effect: permit\n      @executor: agent\n      @tier: T0\n      @ttl: 1m\n      rule\n        permit (\n" in said


def test_the_exit_code_tells_only_where_asked(other: Path, tmp_path: Path, capsys: Capture) -> None:
    payments = str(DIRECTORY / "payments")
    assert run(["policy", "diff", payments, str(other), "--exit-code"]) == 1
    assert capsys.readouterr().err == ""
    assert run(["policy", "diff", payments, payments, "--exit-code"]) == 0
    assert "Both are the bundle " in capsys.readouterr().out
    noted = Path(shutil.copytree(DIRECTORY / "payments", tmp_path / "noted"))
    (noted / "README.md").write_text("other words")
    assert run(["policy", "diff", payments, str(noted), "--exit-code"]) == 0
    assert "No difference in policy" in capsys.readouterr().out


def test_in_json_everything_has_its_old_and_new_value(other: Path, capsys: Capture) -> None:
    assert run(["policy", "diff", str(DIRECTORY / "payments"), str(other), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["same"] is False
    assert said["after"]["from"] == str(other)
    assert said["before"]["bundle"] != said["after"]["bundle"]
    assert said["settings"] == [{"what": "tiers.T1.approval_deadline", "before": "1h", "after": "2h"}]
    (refund,) = said["policies"]["changed"]
    assert refund["changes"][0] == {"what": "@cost_cap", "before": "500", "after": "300"}
    assert said["policies"]["added"] == said["policies"]["removed"] == []


def test_a_bundle_that_does_not_load_is_compared_with_nothing(other: Path, capsys: Capture) -> None:
    (other / "look.cedar").write_text("permit")
    assert run(["policy", "diff", str(DIRECTORY / "payments"), str(other)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert f"{other}: 1 finding; the bundle does not load" in said.err
    assert f"{other}/look.cedar:1:" in said.err


def test_what_is_neither_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "active").mkdir()
    assert run(["policy", "diff", "activ", "active"]) == 2
    assert "'activ' is no directory, no digest" in capsys.readouterr().err
    assert run(["policy", "diff", "./active", "active"]) == 1  # a directory of that name is only meant where it is named as one
    assert "bundle has no bundle.toml" in capsys.readouterr().err


def test_the_shell_completes_the_bundle_in_force_and_directories() -> None:
    shell = ShellComplete(vienna, {}, "vienna", "_VIENNA_COMPLETE")
    assert [(item.value, item.type) for item in shell.get_completions(["policy", "diff"], "ac")] == [("active", "plain"), ("ac", "dir")]


@pytest.mark.slow
def test_what_is_on_the_ledger_is_named_by_digits_or_as_the_one_in_force(as_: As, other: Path) -> None:
    shutil.rmtree(other / "tests")  # what they expect has been moved, and a bundle is not pushed against its tests
    pushed = as_("rosa", "policy", "push", str(other), json=True).json["bundle"]
    there = as_("clara", "policy", "diff", "active", pushed[:8], json=True).json
    assert (there["before"]["name"], there["after"]["bundle"]) == ("git-workshop", pushed)
    assert "payments.refund" in [item["name"] for item in there["actions"]["added"]]
    same = as_("clara", "policy", "diff", pushed[:12], str(other), "--exit-code", json=True)
    assert (same.code, same.json["same"]) == (0, True)
    unknown = as_("clara", "policy", "diff", "0123456789", str(other))
    assert (unknown.code, "no bundle on the ledger begins with 0123456789" in unknown.err) == (1, True)
