"""``vienna retention``: what is kept how long, what may be forgotten, and what keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from rich.console import RenderableType
from rich.table import Table

from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.member import waiting
from vienna_runtime.cli.phrases import clock, counted
from vienna_runtime.cli.shown import shown
from vienna_runtime.client import Refused, Vienna

KEY = click.option("--key", help="Idempotency key, to repeat this after an unknown outcome.")
REALLY = click.option("--really", is_flag=True, help="Do it.  Without this nothing happens, and what would is shown.")


@click.group(cls=Listing)
def retention() -> None:
    """Keep bodies as long as they must be kept, and forget them for good after that.

    Headers, proofs and checkpoints stay for ever; what is forgotten are the bodies: what was asked, decided and done.
    """


@retention.command()
@json_option
@pass_here
def status(here: Here) -> None:
    """The months, what they hold, when it is due, and what is kept why.

    \b
    Example:
      vienna retention status
    """
    value = here.ask(lambda vienna: vienna.admin.retention())
    here.answer(value, *_status(value))


def _status(value: Mapping[str, Any]) -> list[RenderableType]:
    table = Table("month", "entries", "bodies", "bytes", "due (UTC)", "state", box=None, pad_edge=False)
    for month in value["months"]:
        cells = (str(month["entries"]), str(month["bodies"]), str(month["bytes"]), clock(month["due"])[:10])
        table.add_row(shown(month["month"]), *cells, shown(_state(month)))
    lines: list[RenderableType] = [f"Bodies are kept {counted(value['days'], 'day')} from the end of their month.", table]
    if value["holds"]:
        holds = Table("hold", "of", "since (UTC)", "by", "reason", box=None, pad_edge=False)
        for hold in value["holds"]:
            holds.add_row(shown(hold["hold"]), shown(hold["scope"]), clock(hold["since"]), shown(hold["by"]), shown(hold["reason"]))
        lines.append(holds)
    lines += [shown(f"ordered to be erased: {', '.join(one['what'])} ({one['erasure']})") for one in value["erasing"]]
    if value["owed"]:
        lines.append(shown(f"old keys still to be destroyed: {', '.join(value['owed'])}"))
    lines.append(_date(value))
    return lines


def _state(month: Mapping[str, Any]) -> str:
    if month["going_on"]:
        return "being forgotten"
    if not month["over"]:
        return "kept"
    kept = ", ".join(f"{count} {why}" for why, count in sorted(month["kept"].items()))
    if not month["going"]:
        return f"forgotten; kept: {kept}" if kept else "forgotten"
    said = f"{month['going']} may go" + (", the date is confirmed" if month["confirmed"] else ", the date is not confirmed")
    return f"{said}; kept: {kept}" if kept else said


def _date(value: Mapping[str, Any]) -> str:
    seen = f"{clock(value['witnessed'])} UTC" if value["witnessed"] else "no date"
    return f"The node's clock says {clock(value['now'])} UTC; witnesses confirm {seen}."


@retention.command()
@REALLY
@KEY
@json_option
@pass_here
def run(here: Here, really: bool, key: str | None) -> None:
    """Forget the bodies whose retention is over, by a date that witnesses or two persons confirm.

    \b
    Example:
      vienna retention run
      vienna retention run --really
    """
    if not really:
        value = here.ask(lambda vienna: vienna.admin.retention())
        going = [month for month in value["months"] if month["over"] and month["going"]]
        lines = [shown(f"{month['month']}: {_state(month)}") for month in going] or [shown("Nothing is over its retention.")]
        more = ["Nothing was done. To do it: vienna retention run --really"] if going else []
        here.answer({"really": False, "months": going}, *lines, _date(value), *more)
        return
    done = here.ask(lambda vienna: vienna.admin.run_retention(key=key))
    if not done["months"]:
        here.answer({"really": True, **done}, "Nothing is over its retention by a date that anybody confirms.")
        return
    what = f"{counted(done['bodies'], 'body', 'bodies')} of {', '.join(done['months'])} will be forgotten within minutes"
    here.answer({"really": True, **done}, *map(shown, waiting(done, f"{what}; vienna retention status shows how far it is.")))


@retention.command()
@click.option("--tenant", "whole", is_flag=True, help="Everything.")
@click.option("--case", "case_", metavar="CASE", help="One case.")
@click.option("--months", metavar="FIRST[..LAST]", help="Months, as in 2026-01..2026-03, and every case with entries in them.")
@click.option("--reason", required=True, help="Why; it stands on the ledger.")
@json_option
@pass_here
def hold(here: Here, whole: bool, case_: str | None, months: str | None, reason: str) -> None:
    """Keep bodies from being forgotten, whatever their age.  At once.

    \b
    Example:
      vienna retention hold --months 2026-01..2026-03 --reason "audit of the first quarter"
    """
    chosen = [*(["tenant"] if whole else []), *([f"case:{case_}"] if case_ else []), *([f"months:{months}"] if months else [])]
    if len(chosen) != 1:
        raise click.UsageError("hold one thing: --tenant, --case CASE or --months FIRST[..LAST]")
    value = here.ask(lambda vienna: vienna.admin.place_hold(chosen[0], reason))
    here.answer(value, shown(f"Held: {value['hold']}"), shown(f"To end it: vienna retention release {value['hold']} --reason ..."))


@retention.command()
@click.argument("name", metavar="HOLD")
@click.option("--reason", required=True, help="Why; it stands on the ledger.")
@KEY
@json_option
@pass_here
def release(here: Here, name: str, reason: str, key: str | None) -> None:
    """End HOLD.  In a sealed tenant it waits for two approvals.

    \b
    Example:
      vienna retention release h0f3b... --reason "the audit is over"
    """
    value = here.ask(lambda vienna: vienna.admin.release_hold(name, reason, key=key))
    here.answer(value, *map(shown, waiting(value, f"{name} holds nothing any more.")))


@retention.command()
@click.argument("what", metavar="CASE|NUMBER...", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why; it stands on the ledger.")
@REALLY
@KEY
@json_option
@pass_here
def erase(here: Here, what: tuple[str, ...], reason: str, really: bool, key: str | None) -> None:
    """Forget bodies before their time: of closed cases by their ids, or of entries by their numbers; at most 16 at once.

    The other bodies of their months are sealed again under new keys.  In a sealed tenant it waits for two approvals.

    \b
    Example:
      vienna retention erase c2e56ef79592c87eb5fa5 --reason "the customer asked for it" --really
    """
    if not really:
        found = here.ask(lambda vienna: _bodies(vienna, what))
        lines = [
            shown(f"{name}: {counted(found[name], 'body', 'bodies')}" if name in found else f"entry {name}: its body") for name in what
        ]
        more = "Nothing was done. To forget this for good, say it again with --really."
        here.answer({"really": False, "what": list(what), "bodies": found}, *lines, more)
        return
    done = here.ask(lambda vienna: vienna.admin.erase(what, reason, key=key))
    said = "it will be forgotten within minutes; vienna retention status shows how far it is."
    here.answer({"really": True, **done}, *map(shown, waiting(done, said)))


async def _bodies(vienna: Vienna, what: tuple[str, ...]) -> dict[str, int]:
    """How many entries each case among them has.  Refuses what is not there, as the order itself would be."""
    found = dict[str, int]()
    for name in what:
        if not name.isdecimal():
            found[name] = len((await vienna.case(name))["entries"])
    numbers = [name for name in what if name not in found]
    size = sum(month["entries"] for month in (await vienna.admin.retention())["months"]) if numbers else 0
    for name in numbers:
        if int(name) >= size:
            raise Refused("unknown", f"there is no entry {name}: the log has {size}")
    return found
