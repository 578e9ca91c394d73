"""What the node answers of itself as rows: names and values, and lists as tables of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from vienna_runtime.cli.phrases import clock, lasting
from vienna_runtime.cli.shown import shown, value_text

_TIMES = frozenset({"uptime"})
_INSTANTS = frozenset({"due", "until", "oldest"})  # of a recovery that is announced
_SECONDS = frozenset({"last"})  # of a cosignature, which counts seconds since 1970


def rows(value: Mapping[str, Any], indent: str = "") -> Table:
    """Names and values, maps as indented rows of their own."""
    table = Table("", "", box=None, show_header=False, pad_edge=False)
    _fill(table, value, indent)
    return table


def _fill(table: Table, value: Mapping[str, Any], indent: str) -> None:
    for name, item in value.items():
        label = Text.assemble(indent, shown(name.replace("_", " ")))
        match item:
            case Mapping() if item:
                table.add_row(label, "")
                _fill(table, item, indent + "  ")
            case [Mapping(), *_]:
                table.add_row(label, listed(item))
            case [str(), *_]:  # who paused what, and keys, which people copy
                for key in item:
                    table.add_row(label, shown(key))
                    label = Text()
            case []:
                table.add_row(label, "-")
            case Mapping():
                table.add_row(label, "-")
            case int() if name in _INSTANTS:
                table.add_row(label, f"{clock(item)} UTC")
            case int() if name in _TIMES:
                table.add_row(label, lasting(item))
            case str():
                table.add_row(label, shown(item or "-"))  # suspended, frozen, read only: the reason, where there is one
            case _:
                table.add_row(label, shown(value_text(item)))


def listed(items: Sequence[Mapping[str, Any]]) -> Table:
    """Tenants or witnesses: a row each, under the names of the fields."""
    names = list(dict.fromkeys(name for item in items for name in item))
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(shown(name.replace("_", " ")), overflow="fold")
    for item in items:
        table.add_row(*(_cell(name, item.get(name, "")) for name in names))
    return table


def _cell(name: str, value: object) -> Text:
    if isinstance(value, int) and name in _SECONDS:
        return Text(clock(value * 1_000_000) if value else "-")
    return shown(value or "-" if isinstance(value, str) else value_text(value))
