"""``vienna ledger archive`` against a real node: nothing is over yet, and what cannot be is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def test_a_month_that_is_not_over_stays(as_: Callable[..., Any]) -> None:
    said = as_("operator", "ledger", "archive", "--json")
    assert said.code == 0
    assert [(log["name"], log["segments"], log["archived"]) for log in said.json["logs"]] == [("", [], 0), ("belvedere", [], 0)]
    assert all(log["size"] > 0 for log in said.json["logs"])


def test_a_log_that_is_not_there_is_refused(as_: Callable[..., Any]) -> None:
    said = as_("operator", "ledger", "archive", "--tenant", "schoenbrunn")
    assert said.code == 1
    assert "schoenbrunn" in said.err


def test_only_operators_may(as_: Callable[..., Any]) -> None:
    for more in ([], ["--tenant", "belvedere"]):
        said = as_("rosa", "ledger", "archive", *more)
        assert said.code == 1
        assert "ledger.archive is not for admins; it is for operators" in said.err


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "november", "0000-01"])
def test_a_month_is_written_out(as_: Callable[..., Any], month: str) -> None:
    assert as_("operator", "ledger", "archive", "--before", month).code == 2
