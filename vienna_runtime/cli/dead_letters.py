"""``vienna dead-letters``: what did not end well waits here until somebody has looked."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import click
import trio
from rich.table import Table

from actors.governance.refusals import Code
from vienna_runtime.cli.case import lineage
from vienna_runtime.cli.exits import BadEnd
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.kinds import DURATION
from vienna_runtime.cli.phrases import clock, counted, lasting
from vienna_runtime.cli.progress import watching
from vienna_runtime.cli.shown import shown
from vienna_runtime.client import Vienna
from vienna_runtime.client.errors import Refused

F = TypeVar("F", bound=Callable[..., Any])
BULK = "bulk"  # the idempotency key of a retry by filter: of one letter it makes one case, however often it is run
PAGE = 200
KINDS = ("denied", "expired", "cancelled", "revoked", "failed", "unknown", "mismatched", "inconclusive", "poison")


@click.group("dead-letters")
def dead_letters() -> None:
    """Denied, expired, failed, unknown, mismatched: nothing is dropped in silence."""


def filtered(command: F) -> F:
    """The options that say which letters are meant."""
    for option in (
        click.option("--case", help="Of this case."),
        click.option("--older", type=DURATION, help="Opened longer ago than this, as in 24h."),
        click.option("--action", help="Whose wish was this action."),
        click.option("--agent", help="Of this agent."),
        click.option("--kind", type=click.Choice(KINDS), metavar="KIND", help=f"{', '.join(KINDS)}."),
    ):
        command = option(command)
    return command


def _asked(older: int | None, **named: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    return found if older is None else {**found, "older": time.time_ns() // 1000 - older}


@dead_letters.command("list")
@filtered
@click.option("--state", type=click.Choice(["open", "resolved", "all"]), default="open", show_default=True)
@click.option("--all", "everything", is_flag=True, help="The same as --state all.")
@click.option("--before", type=int, help="Continue an earlier list from here.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
@pass_here
def list_(here: Here, /, state: str, everything: bool, before: int | None, limit: int, **named: Any) -> None:
    """Dead letters, newest first.

    \b
    Example:
      vienna dead-letters list
      vienna dead-letters list --kind failed --agent ada --older 24h
    """
    fields = _asked(**named) | ({} if everything or state == "all" else {"state": state})

    async def whole(vienna: Vienna) -> tuple[list[dict[str, Any]], int | None]:
        rows: list[dict[str, Any]] = []
        at = before
        while True:
            page = await vienna.admin.letters(before=at, limit=min(PAGE, limit - len(rows)), **fields)
            rows += page["letters"]
            at = page["next"]
            watch("looking", len(rows), 0)
            if at is None or len(rows) >= limit:
                return rows, at

    with watching(here) as watch:
        letters, following = here.ask(whole)
    now = time.time_ns() // 1000
    table = Table("letter", "case", "kind", "agent", "action", "when (UTC)", "age", "state", "why", box=None, pad_edge=False)
    for row in letters:
        told = (shown(row.get(name, "")) for name in ("letter", "case", "kind", "agent", "action"))
        ended = "resolved" if row["resolved"] else "open"
        table.add_row(*told, clock(row["time"]), lasting(max(0, now - row["time"])), ended, shown(row["why"]))
    more = [] if following is None else [f"Older ones: vienna dead-letters list --before {following}"]
    if any(not row["resolved"] for row in letters):
        more.append("How it came about: vienna dead-letters show LETTER.  Then retry it, or resolve it.")
    here.answer({"letters": letters, "next": following}, table if letters else "There are none.", *more)


@dead_letters.command()
@click.argument("letter")
@json_option
@pass_here
def show(here: Here, letter: str) -> None:
    """LETTER with the whole lineage of its case.

    \b
    Example:
      vienna dead-letters show d81c0a...
    """
    value = here.ask(lambda vienna: vienna.admin.letter(letter))
    head = shown(f"{letter}: {value['kind']}: {value['why']} ({'resolved' if value['resolved'] else 'open'})", style="bold")
    here.answer(value, head, lineage(value), *([] if value["resolved"] else [_next(letter, value["kind"])]))


def _next(letter: str, kind: str) -> str:
    if kind == "unknown":
        return "Look whether it happened, then: vienna effect list, vienna effect settle RUN --happened|--did-not --reason ..."
    again = "" if kind == "poison" else f"Again: vienna dead-letters retry {letter}.  "
    return f"{again}Not again: vienna dead-letters resolve {letter} --reason ..."


def bulk(command: F) -> F:
    """The options of what is done to many."""
    pace = click.option("--pace", type=click.FloatRange(0.1, 100), default=5.0, show_default=True, help="At most so many a second.")
    most = click.option("--most", type=click.IntRange(1, 10_000), default=100, show_default=True, help="At most so many in this run.")
    return most(pace(command))


@dead_letters.command()
@click.argument("letter", required=False)
@filtered
@bulk
@click.option("--key", help="Idempotency key, to repeat this after an unknown outcome.")
@json_option
@pass_here
def retry(here: Here, /, letter: str | None, key: str | None, most: int, pace: float, **named: Any) -> None:
    """Propose the case of LETTER again, as its child; or those of all open letters that the options name.

    Run again, a retry by options goes on where it ended, and proposes nothing twice.

    \b
    Example:
      vienna dead-letters retry d81c0a...
      vienna dead-letters retry --kind expired --agent ada --most 20
    """
    fields = _asked(**named)
    if letter is not None:
        if fields:
            raise click.UsageError("name a LETTER, or options that say which are meant")
        value = here.ask(lambda vienna: vienna.admin.retry(letter, key=key))
        here.answer(value, shown(f"proposed again as case {value['case']}: {value.get('status', 'proposed')}"))
        return
    if key is not None:
        raise click.UsageError("--key is for one LETTER: a retry by options has keys of its own")
    _each(here, fields, most, pace, "proposed again", lambda vienna, name: vienna.admin.retry(name, key=BULK))


@dead_letters.command()
@click.argument("letter", required=False)
@filtered
@bulk
@click.option("--reason", required=True, help="Why nothing more is to be done; it stands on the ledger.")
@json_option
@pass_here
def resolve(here: Here, /, letter: str | None, reason: str, most: int, pace: float, **named: Any) -> None:
    """Close LETTER, or all open letters that the options name.

    \b
    Example:
      vienna dead-letters resolve d81c0a... --reason "settled with the customer"
      vienna dead-letters resolve --kind denied --older 7d --reason "nobody asked again"
    """
    fields = _asked(**named)
    if letter is not None:
        if fields:
            raise click.UsageError("name a LETTER, or options that say which are meant")
        here.answer(here.ask(lambda vienna: vienna.admin.resolve(letter, reason)), shown(f"{letter} is closed."))
        return
    _each(here, fields, most, pace, "closed", lambda vienna, name: vienna.admin.resolve(name, reason))


def _each(here: Here, fields: dict[str, Any], most: int, pace: float, said: str, act: Callable[[Vienna, str], Any]) -> None:
    """One after the other, at a pace; a letter that is refused is told and the next one is taken."""
    if not fields:
        raise click.UsageError("name a LETTER, or options that say which are meant (--kind, --agent, --action, --older, --case)")
    done: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []

    async def whole(vienna: Vienna) -> None:
        begun = trio.current_time()
        async for row in _open(vienna, fields, most):
            await trio.sleep_until(begun + (len(done) + len(refused)) / pace)
            try:
                answer = await _patiently(act, vienna, row["letter"])
                done.append({"letter": row["letter"], **({"case": answer["case"]} if "case" in answer else {})})
            except Refused as no:
                refused.append({"letter": row["letter"], "code": no.code, "why": no.why})
            watch(said, len(done) + len(refused), most)

    with watching(here) as watch:
        here.ask(whole)
    lines = [shown(f"{row['letter']}: refused: {row['why']}") for row in refused]
    here.answer({"done": done, "refused": refused}, *lines, f"{counted(len(done), 'letter')} {said}")
    if refused:
        raise BadEnd(f"{counted(len(refused), 'letter')} refused; the others were {said}")


async def _open(vienna: Vienna, fields: dict[str, Any], most: int) -> AsyncIterator[dict[str, Any]]:
    """The open letters that are meant, all listed before the first is touched: what a retry makes is not among them."""
    rows: list[dict[str, Any]] = []
    at: int | None = None
    while len(rows) < most:
        page = await vienna.admin.letters(before=at, limit=min(PAGE, most - len(rows)), state="open", **fields)
        rows += page["letters"]
        at = page["next"]
        if at is None:
            break
    for row in rows:
        yield row


async def _patiently(act: Callable[[Vienna, str], Any], vienna: Vienna, letter: str) -> dict[str, Any]:
    """Waits where the node says that it is too often."""
    while True:
        try:
            answer: dict[str, Any] = await act(vienna, letter)
            return answer
        except Refused as no:
            if no.code not in (Code.RATE_LIMITED.value, Code.BUSY.value) or no.retry_after is None:
                raise
            await trio.sleep(no.retry_after / 1000)
