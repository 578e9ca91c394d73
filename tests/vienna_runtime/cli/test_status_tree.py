"""The supervision tree on a screen."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from vienna_runtime.cli.main import run
from vienna_runtime.cli.status_tree import drawn

TREE = {
    "name": "node",
    "strategy": "rest_for_one",
    "children": [
        {"name": "scribe", "state": "running", "restarts": 0, "crash": "", "waiting": 3, "read_only": "the disk is full"},
        {
            "name": "tenants",
            "state": "running",
            "restarts": 1,
            "crash": "KeyError",
            "strategy": "one_for_one",
            "children": [
                {"name": "belvedere", "state": "running", "restarts": 2, "crash": "ZeroDivisionError", "waiting": 5, "room": 4096,
                 "urgent": 1, "urgent_room": 256, "handled": 9, "refused": 7, "lost": 0, "quarantined": 1},
                {"name": "schoenbrunn", "state": "frozen", "restarts": 5, "crash": "Odd", "why": "it fell too often: \x1b[2J"},
            ],
        },
        {"name": "gateway", "state": "waiting", "restarts": 0, "crash": "", "connections": 2},
    ],
}  # fmt: skip


def printed(tree: dict[str, Any]) -> list[str]:
    console = Console(file=io.StringIO(), width=200)
    console.print(drawn(tree))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_a_line_says_who_lives_how_often_it_fell_over_what_and_what_waits_for_it() -> None:
    assert [line.lstrip("│├└─ ").rstrip() for line in printed(TREE)] == [
        "node  rest for one",
        "scribe running  3 waiting  read only: the disk is full",
        "tenants running  one for one  1 restarts  last crash KeyError",
        "belvedere running  2 restarts  last crash ZeroDivisionError  5 of 4096 waiting, 1 urgent  7 refused  1 quarantined",
        "schoenbrunn frozen  5 restarts  last crash Odd  it fell too often: <U+001B>[2J",
        "gateway waiting  2 connections",
    ]


def test_watching_is_for_people_and_for_the_tree(capsys: pytest.CaptureFixture[str]) -> None:
    for more in (["--watch"], ["--tree", "--watch", "--json"]):
        assert run(["status", *more]) == 2
        assert "--watch goes with --tree" in capsys.readouterr().err
