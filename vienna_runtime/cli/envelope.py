"""``vienna envelope``: approvals that are signed in advance, and what is left of them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from actors.governance import bundle as bundles
from actors.governance import canonical, envelope
from actors.governance.constraints import Constraint, Exact, Prefix
from actors.governance.constraints.parse import parse_one
from actors.governance.envelope import Template
from actors.governance.finding import Malformed
from actors.governance.ids import MemberId
from vienna_runtime.cli.exits import BadEnd
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.kinds import AMOUNT, DURATION
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.phrases import counted, lasting, money, until
from vienna_runtime.cli.shown import shown
from vienna_runtime.client import Vienna
from vienna_runtime.client.vienna import now
from vienna_runtime.errors import VerificationError

ANYTHING = "anything"


@click.group("envelope", cls=Listing)
def group() -> None:
    """Approve in advance: so many cases of one kind, for so much at most, until then."""


@group.command()
@click.option("--action", required=True, help="The action, as in the catalogue.")
@click.option("--agent", required=True, help="The agent it is for; no other.")
@click.option("--resource", default="*", show_default=True, help="The resource; with a closing * how it begins.")
@click.option("-p", "--param", "params", multiple=True, help="A parameter: 'amount: range 0.01..20.00', 'note: anything'.")
@click.option("--count", type=click.IntRange(1, envelope.MOST_COUNT), required=True, help="How many cases at most, one use each.")
@click.option("--total", type=AMOUNT, help="What they may cost together at most; left out, their cost is not counted.")
@click.option("--until", "life", type=DURATION, required=True, help="How long from now, as in 8h; 31 days at most.")
@click.option("--tier", type=click.Choice(["T1", "T2"]), default="T1", show_default=True, help="The highest tier it counts in.")
@click.option("--reason", required=True, help="Why; it is signed with the rest.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_here
def sign(
    here: Here,
    action: str,
    agent: str,
    resource: str,
    params: tuple[str, ...],
    count: int,
    total: int | None,
    life: int,
    tier: str,
    reason: str,
    yes: bool,
) -> None:
    """Sign an approval in advance.  A case of this agent that is exactly as described, under the bundle that is active now, counts
    you as having approved; it ends with its time, its count, its total, the bundle, your membership, or when it is revoked.

    \b
    Example:
      vienna envelope sign --action payments.refund --agent ada --resource 'order/*' -p 'amount: range 0.01..25.00'
          -p 'reason: anything' --count 20 --total 500.00 --until 8h --reason "the price error of last night"
    """
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask at: repeat with --yes")
    bounds, opened = _bounds(params)
    try:
        bound: Constraint = Prefix(resource[:-1]) if resource.endswith("*") and len(resource) > 1 else Exact(resource)
    except canonical.NotCanonical as error:
        raise click.UsageError(f"--resource: {error}") from None
    if resource == "*":
        raise click.UsageError("--resource says which resources: as in order/8812, or 'order/*' for all that begin so")
    template = Template(MemberId(agent), action, bound, bounds, opened)
    credential = here.load()
    active = here.ask(_active, credential)
    if not here.as_json:
        what = (
            f"{counted(count, 'case')}, {'at any cost' if total is None else money(total) + ' together'}, for {lasting(life)}, up to {tier}"
        )
        here.say(described(template, [("gives", Text(what)), ("reason", shown(reason)), ("under bundle", Text(active.hex()))]))
    if not yes:
        click.confirm("Sign this, for cases that you will not see before they are granted?", abort=True, err=True)

    async def signed(vienna: Vienna) -> str:
        return await vienna.sign_envelope(template, count=count, total=total, life=life, bundle=active, tier=tier, reason=reason)

    name = here.ask(signed, credential)
    here.answer({"envelope": name}, f"signed: envelope {name}; to end it: vienna envelope revoke {name} --reason ...")


@group.command("list")
@json_option
@pass_here
def list_(here: Here) -> None:
    """The envelopes that still approve something.

    \b
    Example:
      vienna envelope list
    """
    found = here.ask(lambda vienna: vienna.envelopes())
    table = Table("envelope", "approver", "agent", "action", "tier", "used", "spent", "ends", "reason", box=None, pad_edge=False)
    for row in found:
        terms = _template(row)
        used, spent = (
            f"{row['used']} of {row['count']}",
            "not counted" if row["total"] is None else f"{money(row['spent'])} of {money(row['total'])}",
        )
        texts = (row["envelope"], row["person"], terms.agent, terms.action, row["tier"], used, spent)
        table.add_row(*map(shown, texts), until(row["until"], now()), shown(row["reason"]))
    here.answer({"envelopes": [_as_json(row) for row in found]}, table if found else "No envelope is in force.")


@group.command()
@click.argument("name", metavar="ENVELOPE")
@json_option
@pass_here
def show(here: Here, name: str) -> None:
    """What ENVELOPE approves, and what is left of it.

    \b
    Example:
      vienna envelope show e5be9a3a4cb4a1f2a7d10
    """
    row = next((row for row in here.ask(lambda vienna: vienna.envelopes()) if row["envelope"] == name), None)
    if row is None:
        raise BadEnd(f"no envelope {name} is in force; what became of one says: vienna tail --tag envelope.")
    spent = "not counted" if row["total"] is None else f"{money(row['spent'])} of {money(row['total'])}"
    more: list[tuple[str, Text]] = [
        ("signed by", shown(f"{row['person']} ({row['approver']})")),
        ("up to", Text(row["tier"])),
        ("used", Text(f"{row['used']} of {row['count']}")),
        ("spent", Text(spent)),
        ("ends", Text(until(row["until"], now()))),
        ("under bundle", Text(row["bundle"].hex())),
        ("reason", shown(row["reason"])),
    ]
    here.answer(_as_json(row), described(_template(row), more))


@group.command()
@click.argument("name", metavar="ENVELOPE")
@click.option("--reason", required=True, help="Why; it stands on the ledger.")
@json_option
@pass_here
def revoke(here: Here, name: str, reason: str) -> None:
    """End ENVELOPE at once.  Warrants that were granted under it stay: revoke those with `vienna warrant revoke`.

    \b
    Example:
      vienna envelope revoke e5be9a3a4cb4a1f2a7d10 --reason "the price error is corrected"
    """
    here.ask(lambda vienna: vienna.revoke_envelope(name, reason))
    here.answer({"envelope": name, "revoked": True}, f"{name} approves nothing any more.")


def described(template: Template, more: list[tuple[str, Text]]) -> RenderableType:
    """A template with all its bounds, and what else there is to say."""
    table = Table("", "", box=None, show_header=False, pad_edge=False)
    rows = [("agent", template.agent), ("action", template.action), ("resource", template.resource.words())]
    rows += [(f"  {name}", bound.words()) for name, bound in template.params.items()]
    rows += [(f"  {name}", ANYTHING.upper()) for name in template.open]
    for name, text in rows:
        table.add_row(shown(name), shown(text, cut=False))
    for name, said in more:
        table.add_row(Text(name), said)
    return Group(table)


def _bounds(params: tuple[str, ...]) -> tuple[dict[str, Constraint], tuple[str, ...]]:
    bounds: dict[str, Constraint] = {}
    opened: list[str] = []
    for param in params:
        name, colon, words = (part.strip() for part in param.partition(":"))
        if not colon or not name or name in bounds or name in opened:
            raise click.UsageError(f"-p {param!r}: as in 'amount: range 0.01..20.00', each parameter once")
        if words == ANYTHING:
            opened.append(name)
            continue
        made = parse_one(words)
        if isinstance(made, Malformed):
            raise click.UsageError(f"-p {param!r}: {made.message}" + (f"; {made.hint}" if made.hint else ""))
        bounds[name] = made
    return bounds, tuple(sorted(opened))


async def _active(vienna: Vienna) -> bytes:
    """The active bundle, by the digest of the files that the node shows."""
    told = await vienna.call("bundle.show")
    if told["bundle"] is None:
        raise BadEnd("no policy bundle is active: there is nothing to approve under")
    if bundles.digest(bundles.Source(told["files"])) != told["bundle"]:
        raise VerificationError("the node shows other files than those of the bundle it names: nothing was signed")
    return bytes(told["bundle"])


def _template(row: Mapping[str, Any]) -> Template:
    try:
        return envelope.unpack_template(row["template"])
    except canonical.NotCanonical as error:
        raise VerificationError(f"the template of {row['envelope']} cannot be read: {error}") from None


def _as_json(row: Mapping[str, Any]) -> dict[str, object]:
    terms = _template(row)
    said = {"agent": terms.agent, "action": terms.action, "resource": terms.resource.words(), "open": terms.open}
    return {**row, "template": {**said, "params": {name: bound.words() for name, bound in terms.params.items()}}}
