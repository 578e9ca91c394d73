"""The supervision tree on a screen, once or as it changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import trio
from rich.console import Console
from rich.live import Live
from rich.text import Text
from rich.tree import Tree

from vienna_runtime.cli.here import Here
from vienna_runtime.cli.shown import shown
from vienna_runtime.client import OutcomeUnknown, Unreachable, connect

EVERY = 1.0  # s between two looks: a restart takes a tenth of that, and its number stays
_STYLES = {"running": "green", "starting": "yellow", "waiting": "yellow", "stopping": "yellow", "frozen": "bold red", "ended": "red"}
_COUNTED = ("refused", "lost", "quarantined")  # shown where there are any


def drawn(tree: Mapping[str, Any]) -> Tree:
    """The whole tree, a line for each who lives in it."""
    root = Tree(_label(tree), guide_style="dim")
    for child in tree.get("children", ()):
        _grow(root, child)
    return root


def watch(here: Here) -> None:
    """Until Ctrl-C.  A node that does not answer is said to be, and asked again."""
    trio.run(_watched, here)


async def _watched(here: Here) -> None:
    async with connect(here.load()) as vienna:
        with Live(Text("..."), console=Console(markup=False, highlight=False, emoji=False), auto_refresh=False) as live:
            while True:
                try:
                    live.update(drawn(await vienna.tree()), refresh=True)
                except (Unreachable, OutcomeUnknown) as error:
                    live.update(shown(f"the node does not answer: {error}", style="bold red"), refresh=True)
                await trio.sleep(EVERY)


def _grow(above: Tree, child: Mapping[str, Any]) -> None:
    here = above.add(_label(child))
    for one in child.get("children", ()):
        _grow(here, one)


def _label(line: Mapping[str, Any]) -> Text:
    state = str(line.get("state", ""))
    label = shown(line["name"], style="bold")
    if state:
        label = Text.assemble(label, " ", shown(state, style=_STYLES.get(state, "")))
    for part in _parts(line):
        label.append_text(Text("  "))
        label.append_text(part)
    return label


def _parts(line: Mapping[str, Any]) -> Iterator[Text]:
    if strategy := line.get("strategy"):
        yield shown(strategy.replace("_", " "), style="dim")
    if line.get("restarts"):
        yield shown(f"{line['restarts']} restarts", style="yellow")
    if line.get("crash"):
        yield shown(f"last crash {line['crash']}", style="red")
    if "waiting" in line:
        room = f" of {line['room']}" if "room" in line else ""
        urgent = f", {line['urgent']} urgent" if line.get("urgent") else ""
        yield shown(f"{line['waiting']}{room} waiting{urgent}")
    if "connections" in line:
        yield shown(f"{line['connections']} connections")
    for name in _COUNTED:
        if line.get(name):
            yield shown(f"{line[name]} {name}", style="yellow")
    for name in ("read_only", "why"):
        if line.get(name):
            yield shown(f"{name.replace('_', ' ')}: {line[name]}" if name == "read_only" else line[name], style="red")
