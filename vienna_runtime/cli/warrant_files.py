"""``vienna warrant export | inspect | attenuate | redeem``: a warrant in a file, by its holder and by whoever has the node's key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from actors.governance import canonical, links
from actors.governance import warrant as warrants
from actors.governance.canonical import Value
from actors.governance.constraints import Constraint
from actors.governance.constraints.parse import parse
from actors.governance.finding import Malformed
from actors.governance.ids import Instant
from actors.governance.intent import args_digest
from ledger import VerifierKey
from vienna_runtime import private_file, warrant_file
from vienna_runtime.cli import exits
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.kinds import AMOUNT, DIGEST, DURATION, PARAM, VERIFIER_KEY
from vienna_runtime.cli.phrases import clock, money
from vienna_runtime.cli.shown import shown
from vienna_runtime.client.vienna import new_key, now
from vienna_runtime.errors import CredentialError, VerificationError

FILE = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
OUT = click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write.")
NOT_SAID = "This does not say that it is live: uses left, budgets, breakers and revocation are known to the node alone, at redemption."


def terms(shown_warrant: Mapping[str, Any]) -> warrants.Warrant:
    return warrants.unverified_unpack(shown_warrant["fields"])


@click.command()
@click.argument("name", metavar="WARRANT")
@OUT
@json_option
@pass_here
def export(here: Here, name: str, out: Path) -> None:
    """Write live WARRANT to a file, with what proves the key of its issuer.  What redeems it goes into its holder's file only.

    \b
    Example:
      vienna warrant export w41d09c... -o errand.warrant
    """

    async def ask(vienna: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return await vienna.call("warrant.show", warrant=name), await vienna.call("keys.chain")

    value, keys = here.ask(ask)
    chain = {"checkpoint": keys["checkpoint"], "entries": [{"entry": e["entry"], "proof": list(e["proof"])} for e in keys["entries"]]}
    file = warrant_file.WarrantFile(value["fields"], value["signature"], value["mac"], None, chain)
    private_file.create(out, file.packed())
    what = "Its holder can hand it on: vienna warrant attenuate" if value["mac"] is not None else "It can be looked at, not redeemed."
    here.answer({"warrant": name, "file": str(out), "redeemable": value["mac"] is not None}, shown(f"{name} is in {out}. {what}"))


@click.command()
@FILE
@click.option("--key", type=VERIFIER_KEY, help="The node's verifier key; left out, that of your credential.")
@click.option("--at", type=click.DateTime(["%Y-%m-%dT%H:%M:%SZ"]), help="Ask about this time (UTC) instead of now.")
@click.option("-p", "--param", "params", type=PARAM, multiple=True, help="Ask whether it covers these; others stay as proposed.")
@json_option
@pass_here
def inspect(here: Here, file: Path, key: VerifierKey | None, at: datetime | None, params: tuple[tuple[str, Value], ...]) -> int:
    """Whether the warrant in FILE is authentic and within its own terms, without asking the node.

    Exit code 0 if it is, 1 where it is authentic and of no use at that time or for those parameters, 3 where it is not authentic.

    \b
    Example:
      vienna warrant inspect errand.warrant --key vienna.local+8ce88a58+Acp3zachS/nB...
    """
    known = warrant_file.read(file)
    root = key.text if key is not None else here.load().node_key
    moment = Instant(now() if at is None else int(at.replace(tzinfo=UTC).timestamp()) * 1_000_000)
    asked = {**_proposed(known), **dict(params)} if params else None
    found = warrant_file.inspect(known, node_key=root, at=moment, params=asked)
    told = found.terms
    table = Table(show_header=False, box=None, pad_edge=False)
    rows = [
        ("warrant", told.warrant), ("tenant", told.tenant), ("case", told.case), ("agent", told.agent), ("executor", told.executor),
        ("action", told.action), ("resource", told.resource), *((f"  {name}", bound.words()) for name, bound in found.bounds.items()),
        ("uses", f"at most {found.uses}"), ("cost cap", money(found.cost_cap)),
        ("valid", f"{clock(told.not_before)} to {clock(found.expires_at)} UTC"),
        ("approved by", ", ".join(told.approvals) or f"nobody ({told.tier})"), ("handed on", f"{found.links} times"),
        ("holder's key", found.holder.hex()),
    ]  # fmt: skip
    for name, text in rows:
        table.add_row(shown(name), shown(str(text)))
    verdict = Text(found.verdict + (": " if found.outside else "."), style="bold")
    value = {
        "verdict": found.verdict, "within_terms": not found.outside, "outside": list(found.outside), "warrant": told.warrant,
        "tenant": told.tenant, "case": told.case, "agent": told.agent, "executor": told.executor, "action": told.action,
        "resource": told.resource, "params": told.params, "bounds": {name: bound.words() for name, bound in found.bounds.items()},
        "uses": found.uses, "cost_cap": found.cost_cap, "not_before": told.not_before, "expires_at": found.expires_at,
        "links": found.links, "holder": found.holder, "live": None,
    }  # fmt: skip
    here.answer(value, table, Text.assemble(verdict, shown("; ".join(found.outside))), NOT_SAID)
    return exits.BAD_END if found.outside else exits.DONE


@click.command()
@FILE
@click.option("--to", type=DIGEST, required=True, help="The next holder's public signing key, in hex (`vienna member list --json`).")
@click.option("--only", multiple=True, help='What it is narrowed to, as in "path: under drafts/b".')
@click.option("--life", type=DURATION, help="How long from now, as in 10m.")
@click.option("--uses", type=click.IntRange(1), help="How often.")
@click.option("--cost-cap", type=AMOUNT, help="The most that one use may cost.")
@OUT
@json_option
@pass_here
def attenuate(
    here: Here, file: Path, to: bytes, only: tuple[str, ...], life: int | None, uses: int | None, cost_cap: int | None, out: Path
) -> None:
    """Hand the warrant in FILE on to another holder, narrowed, signed by your key.  Needs no node.

    \b
    Example:
      vienna warrant attenuate errand.warrant --to 5f3c... --only "path: under drafts/b" --uses 1 -o for-mill.warrant
    """
    bounds: dict[str, Constraint] = {}
    for text in only:
        said = parse(text)
        if isinstance(said, Malformed):
            raise click.UsageError(f"--only: {said.message}" + (f" ({said.hint})" if said.hint else ""))
        bounds.update(said)
    known = warrant_file.read(file)
    credential = here.load()
    if credential.signing_key is None:
        raise CredentialError(f"{credential.principal}'s credential has no signing key: it cannot hand anything on")
    until = None if life is None else min(known.unverified_terms().expires_at, now() + life)
    try:
        made = warrant_file.attenuate(
            known, credential.signing_key.reveal(), to, only=bounds, expires_at=until, uses=uses, cost_cap=cost_cap
        )
    except (links.LinkInvalid, canonical.NotCanonical) as error:
        raise VerificationError(f"it cannot be handed on like this: {error}") from None
    private_file.create(out, made.packed())
    count = len(links.unpack_chain(made.chain or b""))
    here.answer({"file": str(out), "links": count}, shown(f"{out} holds the warrant with {count} link{'s' if count != 1 else ''}."))


@click.command()
@FILE
@click.option("-p", "--param", "params", type=PARAM, multiple=True, help="name=text, or name:=json; others stay as proposed.")
@click.option("--run", help="The run's id: the same id again is the same run.  Made for you if left out.")
@json_option
@pass_here
def redeem(here: Here, file: Path, params: tuple[tuple[str, Value], ...], run: str | None) -> None:
    """Burn one use of the warrant in FILE, as its last holder, and open a run.  What then acts, and reports, is yours.

    \b
    Example:
      vienna warrant redeem for-mill.warrant -p path=drafts/b/one.md
    """
    known = warrant_file.read(file)
    if known.mac is None:
        raise click.UsageError("this file was exported to be looked at: what redeems a warrant is in its holder's own export")
    told = known.unverified_terms()
    used = {**told.params, **dict(params)}
    fields: dict[str, Any] = {
        "warrant": known.fields, "signature": known.signature, "mac": known.mac, "run": run or f"r-{new_key()}",
        "args_digest": args_digest(told.action, told.resource, used), "params": used, "chain": known.chain,
    }  # fmt: skip
    value = here.ask(lambda vienna: vienna.call("redeem", **fields))
    lines = Text.assemble("run ", shown(str(value["run"])), " is open; its effect is ", shown(str(value["effect"])))
    here.answer(value, lines)


def _proposed(file: warrant_file.WarrantFile) -> dict[str, Value]:
    return dict(file.unverified_terms().params)


COMMANDS = (export, inspect, attenuate, redeem)
