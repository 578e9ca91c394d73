"""The tree a case belongs to, drawn: who asked for what, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree as Drawn

from vienna_runtime.cli.phrases import clock, outcome_style
from vienna_runtime.cli.shown import escape, shown
from vienna_runtime.client.lineage import MOST, Tree


def drawn(tree: Tree) -> RenderableType:
    """From the topmost case down; the one that was asked for is marked."""
    branches: dict[int, Drawn] = {}
    for depth, line in tree.walk():
        said = _said(line, here=line["case"] == tree.asked)
        branches[depth] = Drawn(said, guide_style="dim") if depth == 0 else branches[depth - 1].add(said)
    top = tree.lines[tree.root]
    notes: list[RenderableType] = []
    if top["parent"] is not None:
        notes.append(Text.assemble("above it is a case that is not shown to you: ", shown(str(top["parent"]))))
    if tree.cut:
        notes.append(Text(f"only {MOST} cases are shown; name one of them to see what is below it"))
    return Group(branches[0], *notes)


def _said(line: Mapping[str, Any], *, here: bool) -> Text:
    outcome = escape(str(line["outcome"]))
    tier = f" {line['tier']}" if line["tier"] else ""
    return Text.assemble(
        shown(str(line["case"]), style="bold" if here else ""),
        (f"  {clock(line['time'])}  ", "dim"),
        shown(f"{line['agent']}: {line['action']} {line['resource']}"),
        shown(tier),
        "  ",
        (outcome, outcome_style(outcome)),
        *([("  ← this case", "bold")] if here else []),
    )
