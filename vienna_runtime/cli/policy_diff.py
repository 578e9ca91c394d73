"""``vienna policy diff``: what another bundle would change, in terms of policy and not of text."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
import click
from click.shell_completion import CompletionItem
from rich.text import Text

from actors.governance.bundle import Bundle
from actors.governance.bundle_diff import Change, Difference, Item, Section, difference
from vienna_runtime.cli.exits import BAD_END, BadEnd
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.policy_digest import SHORTEST, fetched, is_named, read, resolved
from vienna_runtime.cli.policy_directory import loaded, source_of
from vienna_runtime.cli.shown import shown
from vienna_runtime.client import Vienna

ACTIVE = "active"


class _Side(click.ParamType["Path | str"]):
    """A directory; ``active`` and digests always mean what is on the ledger, so that no directory can stand in for it."""

    name = "bundle"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path | str:
        text = str(value)
        if text == ACTIVE or is_named(text):
            return text.lower()
        if not Path(text).is_dir():
            self.fail(f"{text!r} is no directory, no digest (its first {SHORTEST} digits or more), and not {ACTIVE}", param, ctx)
        return Path(text)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        words = [CompletionItem(ACTIVE, help="the bundle in force")] if ACTIVE.startswith(incomplete) else []
        return [*words, CompletionItem(incomplete, type="dir")]


@attrs.frozen
class _Found:
    told: str  # how it was named
    bundle: Bundle


@click.command()
@click.argument("before", type=_Side(), metavar="A")
@click.argument("after", type=_Side(), metavar="B")
@click.option("--exit-code", is_flag=True, help="Exit 1 where there is a difference.")
@json_option
@pass_here
@click.pass_context
def diff(ctx: click.Context, here: Here, before: Path | str, after: Path | str, exit_code: bool) -> None:
    """Show what bundle B changes of bundle A: actions, policies and their annotations, facts, settings, budgets.

    Each is a directory, the first digits of a pushed bundle's digest, or "active" for the one in force (a directory of such a name is
    ./active).  Comments, notes, tests and the files in which things stand make no difference.

    \b
    Example:
      vienna policy diff active ./policy
      vienna policy diff 4f1c09e2 ./policy --exit-code
    """
    one, other = _both(here, before, after)
    found = difference(one.bundle, other.bundle)
    value = {
        "same": not found,
        "before": {"from": one.told, "name": one.bundle.name, "bundle": one.bundle.digest},
        "after": {"from": other.told, "name": other.bundle.name, "bundle": other.bundle.digest},
        "actions": _section_value(found.actions),
        "policies": _section_value(found.policies),
        "facts": _section_value(found.facts),
        "settings": [attrs.asdict(change) for change in found.settings],
        "budgets": [attrs.asdict(change) for change in found.budgets],
    }
    here.answer(value, *(_lines(found) if found else [_same(one.bundle, other.bundle)]))
    if found and exit_code:
        ctx.exit(BAD_END)


def _both(here: Here, before: Path | str, after: Path | str) -> tuple[_Found, _Found]:
    """Directories need no node; what is on the ledger is asked for in one connection."""
    known: dict[Path | str, _Found] = {
        side: _Found(str(side), loaded(side, source_of(side))) for side in (before, after) if isinstance(side, Path)
    }
    pushed = {side for side in (before, after) if isinstance(side, str)}

    async def asked(vienna: Vienna) -> None:
        for side in pushed:
            known[side] = await _pushed(vienna, side)

    if pushed:
        here.ask(asked)
    return known[before], known[after]


async def _pushed(vienna: Vienna, named: str) -> _Found:
    found = await fetched(vienna, None if named == ACTIVE else await resolved(vienna, named))
    if found is None:
        raise BadEnd("no bundle is in force to compare with; push one with: vienna policy push DIRECTORY --activate")
    return _Found(named, read(found[1]))


def _same(one: Bundle, other: Bundle) -> str:
    if one.digest == other.digest:
        return f"Both are the bundle {one.digest.hex()}."
    return "No difference in policy: only tests, notes, comments, layout or file names are others."


def _section_value(section: Section) -> dict[str, Any]:
    return {how: [_item_value(item) for item in getattr(section, how)] for how in ("added", "removed", "changed")}


def _item_value(item: Item) -> dict[str, Any]:
    return {"name": item.name, "changes": [attrs.asdict(change) for change in item.changes]}


def _lines(found: Difference) -> Iterator[Text]:
    for title, section in (("actions", found.actions), ("policies", found.policies), ("facts", found.facts)):
        if section:
            yield Text(title, style="bold")
            yield from _items("+", "green", section.added)
            yield from _items("-", "red", section.removed)
            yield from _items("~", "yellow", section.changed)
    for title, changes in (("settings", found.settings), ("budgets", found.budgets)):
        if changes:
            yield Text(title, style="bold")
            for change in changes:
                yield shown(f"  {change.what}: {_short(change.before)} -> {_short(change.after)}")


def _items(sign: str, colour: str, items: Iterable[Item]) -> Iterator[Text]:
    for item in items:
        yield Text.assemble("  ", (sign, colour), " ", shown(item.name))
        for change in item.changes:
            yield from _change(sign, change)


def _change(sign: str, change: Change) -> Iterator[Text]:
    said = change.before if sign == "-" else change.after
    if change.what == "rule":
        yield Text("      rule")
        rows = (said or "").splitlines() if sign != "~" else _compared(change.before or "", change.after or "")
        for row in rows:
            yield shown(f"        {row}")
    elif sign == "~":
        yield shown(f"      {change.what}: {_short(change.before)} -> {_short(change.after)}")
    else:
        yield shown(f"      {change.what}: {said}")


def _compared(before: str, after: str) -> Iterator[str]:
    for row in difflib.ndiff(before.splitlines(), after.splitlines()):
        if not row.startswith("?"):
            yield row


def _short(text: str | None) -> str:
    return "nothing" if text is None else text
