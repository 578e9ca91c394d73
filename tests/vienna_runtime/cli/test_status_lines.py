"""What a status says to whoever was woken by it."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from vienna_runtime.cli.status_lines import told

QUIET: dict[str, Any] = {
    "tenant": "belvedere",
    "paused": [],
    "alerts": 0,
    "dead_letters": 0,
    "letters": {"kinds": {}, "oldest": None},
    "findings": {"critical": 0, "warning": 0, "notice": 0, "more": False},
}


def printed(value: dict[str, Any]) -> list[str]:
    console = Console(file=io.StringIO(), width=160)
    for part in told(value):
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def test_where_nothing_waits_nothing_is_to_be_looked_at() -> None:
    assert printed(QUIET) == ["tenant belvedere", "paused -", "alerts 0", "dead letters 0", "findings 0"]


def test_what_waits_is_said_once_with_the_command_that_shows_it() -> None:
    said = printed(
        QUIET
        | {"paused": ["agent ada is paused by rosa: it loops"], "alerts": 2, "dead_letters": 3}
        | {"letters": {"kinds": {"denied": 2, "failed": 1}, "oldest": 1_795_392_044_000_000}}
        | {"findings": {"critical": 1, "warning": 0, "notice": 0, "more": True}}
    )
    assert said == [
        "tenant belvedere",
        "paused agent ada is paused by rosa: it loops",
        "alerts 2",
        "dead letters 3: 2 denied, 1 failed, the oldest since 2026-11-23 00:00:44 UTC",
        "findings 1 critical, and more than are remembered",
        "",
        "paused vienna pause list",
        "alerts vienna alert list --open",
        "dead letters vienna dead-letters list",
        "findings vienna reconcile list",
    ]


def test_an_operator_sees_the_tenants_below_the_node() -> None:
    said = printed({"node": "vienna.local", "alerts": 0, "tenants": [{"tenant": "belvedere", "alerts": 4, "frozen": ""}]})
    assert said == ["node vienna.local", "alerts 0", "", "tenant alerts frozen", "belvedere 4 -"]
