"""What the node says of itself, as a terminal shows it."""

from __future__ import annotations

import io

from rich.console import Console

from vienna_runtime.cli.status_rows import rows


def printed(value: dict[str, object]) -> list[str]:
    console = Console(file=io.StringIO(), width=160)
    console.print(rows(value))
    assert isinstance(console.file, io.StringIO)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def test_tenants_are_a_row_each_under_the_names_of_the_fields() -> None:
    tenants = [
        {"tenant": "belvedere", "entries": 31, "suspended": "", "open_cases": 2},
        {"tenant": "schoenbrunn", "entries": 7, "suspended": "a key has leaked", "open_cases": 0},
    ]
    said = printed({"node": "vienna.local", "tenants": tenants})
    assert said == [
        "node vienna.local",
        "tenants tenant entries suspended open cases",
        "belvedere 31 - 2",
        "schoenbrunn 7 a key has leaked 0",
    ]


def test_a_witness_says_when_it_cosigned_last_and_what_nobody_refused_is_a_dash() -> None:
    asked = [{"witness": "emil", "last": 1_795_392_044, "reached": True}, {"witness": "fritz", "last": 0, "reached": False}]
    said = printed({"witnesses": {"asked": asked, "refused": []}})
    assert said[1:] == ["asked witness last reached", "emil 2026-11-23 00:00:44 true", "fritz - false", "refused -"]
