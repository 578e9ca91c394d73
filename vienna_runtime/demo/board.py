"""What was asked, what was to come of it, and what did: a tick only where the last two are equal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs
import trio
from rich.console import Console
from rich.table import Table
from rich.text import Text

from transport.errors import TransportError
from vienna_runtime.client.errors import Refused
from vienna_runtime.errors import ViennaError

TICK, CROSS = "✓", "✗"


@attrs.frozen
class Step:
    act: str
    who: str
    asked: str
    expected: str
    seen: str
    seconds: float

    @property
    def good(self) -> bool:
        return self.seen == self.expected


class Board:
    """Prints each step as it ends, and the table at the end."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.steps: list[Step] = []
        self._act = ""
        self._began = trio.current_time()

    @property
    def good(self) -> bool:
        return bool(self.steps) and all(step.good for step in self.steps)

    @property
    def seconds(self) -> float:
        return trio.current_time() - self._began

    def act(self, title: str, about: str) -> None:
        self._act = title
        self.console.print()
        self.console.print(Text(title, style="bold"))
        self.say(about)

    def say(self, line: str) -> None:
        self.console.print(Text(f"  {line}", style="dim"), soft_wrap=True)

    async def step(self, who: str, asked: str, expected: str, do: Callable[[], Awaitable[str]]) -> str:
        """Does it and notes what came of it; a refusal is an outcome like another, and so is an error."""
        began = trio.current_time()
        try:
            seen = await do()
        except Refused as refused:
            seen = f"refused: {refused.code}"
            self.say(f"“{refused.why}”")
        except (ViennaError, TransportError, OSError) as error:
            seen = f"error: {type(error).__name__}: {error}"
        done = Step(self._act, who, asked, expected, seen, trio.current_time() - began)
        self.steps.append(done)
        line = Text.assemble("  ", _mark(done), f" {who}: {asked} ", ("→ ", "dim"), (seen, "green" if done.good else "bold red"))
        if not done.good:
            line.append(f"  (it should have been: {expected})", "red")
        self.console.print(line, soft_wrap=True)
        return seen

    def table(self) -> Table:
        table = Table(title="What was asked, and what became of it", title_justify="left", pad_edge=False)
        for name in ("", "who", "asked for", "expected", "seen", "s"):
            table.add_column(name, justify="right" if name == "s" else "left", overflow="fold")
        act = ""
        for step in self.steps:
            if step.act != act:
                act = step.act
                table.add_section()
                table.add_row("", Text(act, style="bold"))
            style = "" if step.good else "bold red"
            cells = (step.who, step.asked, step.expected, step.seen)
            table.add_row(_mark(step), *(Text(cell, style=style) for cell in cells), f"{step.seconds:.1f}")
        return table


def _mark(step: Step) -> Text:
    return Text(TICK, style="green") if step.good else Text(CROSS, style="bold red")
