"""Budgets as people say them."""

from __future__ import annotations

from .params import unscale
from .units import MICRO_PLACES


def amount(what: str, value: int) -> str:
    return unscale(value, MICRO_PLACES).rstrip("0").rstrip(".") if what == "cost" else f"{value} use{'s' if value != 1 else ''}"


def said(scope: str) -> str:
    """As people say it: ``agent:ada action:x`` is "agent ada for x"."""
    return scope.replace(" action:", " for ").replace("_", " ").replace(":", " ")
