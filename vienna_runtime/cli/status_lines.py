"""How a tenant or a node is doing, as whoever is woken by it reads it: what is wrong on a line each, and where to look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from vienna_runtime.cli.phrases import clock
from vienna_runtime.cli.shown import shown
from vienna_runtime.cli.status_rows import listed, rows

# What is counted, where there is any of it: the command that shows it.
_LOOK = {
    "paused": "vienna pause list",
    "alerts": "vienna alert list --open",
    "held": "vienna approvals list",
    "open_breakers": "vienna breaker list",
    "blocked_effects": "vienna effect list",
    "dead_letters": "vienna dead-letters list",
    "findings": "vienna reconcile list",
}


def told(value: Mapping[str, Any]) -> Iterator[RenderableType]:
    """The numbers; of an operator the tenants below them; and for what waits for somebody the command that shows it."""
    counted = {name: item for name, item in value.items() if name not in ("letters", "tenants", "pauses")}
    if "letters" in value:
        counted["dead_letters"] = _letters(value["dead_letters"], value["letters"])
    if "findings" in value:
        counted["findings"] = _findings(value["findings"])
    yield rows(counted)
    if value.get("tenants"):
        yield Text()
        yield listed([{name: item for name, item in row.items() if name != "pauses"} for row in value["tenants"]])
    look = [(name, command) for name, command in _LOOK.items() if _any(value.get(name))]
    if look:
        yield Text()
        wide = max(len(name) for name, _ in look)
        yield Text("\n").join(shown(f"{name.replace('_', ' '):{wide}}  {command}") for name, command in look)


def _any(item: object) -> bool:
    return any(item.values()) if isinstance(item, Mapping) else bool(item)


def _letters(number: int, open_: Mapping[str, Any]) -> str:
    if not number:
        return "0"
    kinds = ", ".join(f"{count} {kind}" for kind, count in open_["kinds"].items())
    since = "" if open_["oldest"] is None else f", the oldest since {clock(open_['oldest'])} UTC"
    return f"{number}{': ' if kinds else ''}{kinds}{since}"


def _findings(found: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{found[name]} {name}" for name in ("critical", "warning", "notice") if found.get(name))
    return (counts or "0") + (", and more than are remembered" if found.get("more") else "")
