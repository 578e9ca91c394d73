"""Flips of verdicts as people read them: what a replay found, and what a shadow has seen so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from actors.governance.flip import MEANING
from vienna_runtime.cli.phrases import clock, counted, money
from vienna_runtime.cli.shown import shown, value_text

_STYLES = {"allowed": "red", "denied": "yellow", "tier": "", "quorum": "", "terms": "dim", "error": "red"}
_MOST_NAMED = 3  # agents, and policies, in one row


def table(groups: Sequence[Mapping[str, Any]]) -> Table:
    """A row for each kind of flip of each action."""
    found = Table("flip", "action", "intents", "worst cost", "approvals", "agents", "decided by", box=None, pad_edge=False)
    for group in groups:
        found.add_row(
            Text(
                f"{group['from']} → {group['to']}" + (f" ({group['kind']})" if group["from"] == group["to"] else ""), _STYLES[group["kind"]]
            ),
            shown(group["action"]),
            str(group["count"]) + (f" ({group['expected']} expected)" if group["expected"] else ""),
            money(group["money"]),
            f"{group['approvals']:+d}" if group["approvals"] else "",
            shown(_most(group["agents"])),
            shown(_most(group["policies"])),
        )
    return found


def examples(groups: Sequence[Mapping[str, Any]]) -> Iterator[RenderableType]:
    """The first of each group, with what both bundles say."""
    for group in groups:
        yield ""
        kind = f"{group['from']} → {group['to']}"
        yield Text.assemble(
            (kind, "bold"), "  ", shown(group["action"]), f": {MEANING[group['kind']]}, {counted(group['count'], 'intent')}"
        )
        for example in group["examples"]:
            params = ", ".join(f"{name}={value_text(value)}" for name, value in example["params"].items())
            yield Text.assemble(
                "  ",
                shown(example["case"]),
                (f"  {clock(example['time'])}  ", "dim"),
                shown(f"{example['agent']}: {example['resource']} ({params})"),
            )
            yield Text.assemble("    then  ", shown(example["before"]))
            yield Text.assemble("    now   ", shown(example["after"]))


def _most(counts: Mapping[str, int]) -> str:
    named = [f"{name} {count}" for name, count in list(counts.items())[:_MOST_NAMED]]
    return ", ".join([*named, f"{len(counts) - _MOST_NAMED} more"] if len(counts) > _MOST_NAMED else named)
