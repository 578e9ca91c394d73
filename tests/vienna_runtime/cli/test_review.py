"""What a node says of people reaches no terminal as it stands."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from vienna_runtime.cli.here import Here
from vienna_runtime.cli.review import review

HOSTILE = "\x1b[2J[red]x"


def test_nothing_that_a_node_says_of_readers_moves_the_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    row: dict[str, Any] = dict.fromkeys(("person", "approved", "denied", "in_advance", "failed", "mismatched", "unopened"), HOSTILE)
    monkeypatch.setattr(Here, "ask", lambda _self, _what: [{**row, "took": {HOSTILE: HOSTILE}}])
    ended = CliRunner().invoke(review, ["stats"], obj=Here(), env={"COLUMNS": "400"})
    assert ended.exit_code == 0, ended.output
    assert "\x1b[2J" not in ended.output
    assert ended.output.count("<U+001B>[2J[red]x") == 9
