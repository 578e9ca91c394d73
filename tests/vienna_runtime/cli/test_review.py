"""What a node says of people reaches no terminal as it stands."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from vienna_runtime.cli.here import Here
from vienna_runtime.cli.review import review

HOSTILE = "\x1b[2J[red]x"


def test_nothing_that_a_node_says_of_readers_moves_the_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    row: dict[str, Any] = dict.fromkeys(
        ("person", "approved", "denied", "in_advance", "failed", "mismatched", "unopened", "caught", "missed"), HOSTILE
    )
    monkeypatch.setattr(Here, "ask", lambda _self, _what: [{**row, "took": {HOSTILE: HOSTILE}}])
    ended = CliRunner().invoke(review, ["stats"], obj=Here(), env={"COLUMNS": "400"})
    assert ended.exit_code == 0, ended.output
    assert "\x1b[2J" not in ended.output
    assert ended.output.count("<U+001B>[2J[red]x") == 11


def test_a_canary_is_asked_for_as_it_was_typed_and_its_number_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    class Admin:
        def canary(self, *what: Any, **more: Any) -> dict[str, str]:
            asked.append((what, more))
            return {"case": HOSTILE, "status": "held", "tier": "T1"}

    monkeypatch.setattr(Here, "ask", lambda _self, what: what(SimpleNamespace(admin=Admin())))
    typed = ["--agent", "ada", "--action", "a.b", "--resource", "r/1", "--purpose", "p", "--reason", "r", "--cost", "2.50"]
    ended = CliRunner().invoke(review, ["canary", *typed, "-p", "amount:=9.00", "-p", "note=x"], obj=Here(), env={"COLUMNS": "400"})
    assert ended.exit_code == 0, ended.output
    assert "\x1b[2J" not in ended.output
    params = {"amount": {"dec": "9.00"}, "note": "x"}
    assert asked == [(("ada", "a.b", "r/1", params), {"purpose": "p", "reason": "r", "cost": 2_500_000, "deadline": None})]
    again = CliRunner().invoke(review, ["canary", *typed, "-p", "note=x", "-p", "note=y"], obj=Here())
    assert again.exit_code == 2
    assert len(asked) == 1
