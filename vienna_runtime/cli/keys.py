"""``vienna keys``: which keys sign, and a new one in place of an old one, on a running node."""

from __future__ import annotations

from typing import Any

import click
from rich.table import Table
from rich.text import Text

from ledger import VerifierKey
from ledger.rotation import Kind
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.kinds import DURATION
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.phrases import clock, lasting
from vienna_runtime.cli.shown import shown
from vienna_runtime.client import Vienna
from vienna_runtime.rotating import OVERLAP

_STYLES = {"signs": "green", "signs beside": "cyan", "compromised": "red", "prepared": "yellow"}
_LOG = "A tenant's log.  Default: the node's own."


@click.group(cls=Listing)
def keys() -> None:
    """The keys by which logs are signed and warrants issued (operators)."""


@keys.command("list")
@click.option("--log", help="One tenant's keys.  Default: the node's and every tenant's.")
@click.option("--verifiers", is_flag=True, help="Nothing but the logs' verifier keys, one a line, as others are given them.")
@json_option
@pass_here
def list_(here: Here, log: str | None, verifiers: bool) -> None:
    """What each key does, since when and until when, and what checks its signatures.

    \b
    Example:
      vienna --credential operator.vienna keys list
      vienna --credential operator.vienna keys list --log belvedere
      vienna --credential operator.vienna keys list --verifiers
    """

    async def whole(vienna: Vienna) -> list[dict[str, Any]]:
        found = [{"log": log or "", **key} for key in await _keys(vienna, log)]  # first: who may not ask is told so of what they asked
        names = [] if log is not None else [tenant["tenant"] for tenant in await vienna.admin.tenants()]
        return found + [{"log": name, **key} for name in names for key in await _keys(vienna, name)]

    found = here.ask(whole)
    if verifiers:
        bare = [key["verifier"] for key in found if key.get("verifier")]
        here.answer({"verifiers": bare}, *map(shown, bare))
        return
    table = Table("log", "does", "state", "since", "until", "key", box=None, pad_edge=False)
    for key in found:
        ends = clock(key["until"]) if key["until"] else ""
        state = shown(key["state"], style=_STYLES.get(key["state"], "dim"))
        public = key.get("verifier") or key["key"].hex() or "(never leaves the node)"
        table.add_row(shown(key["log"] or "(the node's)"), shown(key["purpose"]), state, clock(key["created"]), ends, shown(public))
    here.answer({"keys": found}, table)


@keys.command()
@click.option("--log", help=_LOG)
@click.option("--issuer", is_flag=True, help="The key that signs the tenant's warrants, instead of the one that signs its log.")
@click.option(
    "--compromised", is_flag=True, help="Others may have the old key: it signs nothing from now on, and no live warrant of its counts."
)
@click.option(
    "--overlap", type=DURATION, help=f"How long both sign the log.  Default: {lasting(OVERLAP)}; none with --compromised or --issuer."
)
@json_option
@pass_here
def rotate(here: Here, log: str | None, issuer: bool, compromised: bool, overlap: int | None) -> None:
    """Have a new key take over.  The node's log records it, signed by both keys, before the new one signs anything.

    Whoever holds the old verifier key, or any before it, is led to the new one by the log itself; members, executors and verifiers
    follow by themselves.  After --compromised tell auditors and witnesses the new verifier key by another way too: to somebody who
    sees no log but a thief's, the thief's rotation looks like yours.

    \b
    Example:
      vienna --credential operator.vienna keys rotate
      vienna --credential operator.vienna keys rotate --log belvedere --issuer --compromised
    """
    if overlap is not None and (compromised or issuer):
        raise click.UsageError("--overlap is for a log's key that only takes over: a compromised one has none, an issuer's needs none")
    if issuer and log is None:
        raise click.UsageError("--issuer needs --log TENANT: the node itself issues no warrants")
    kind = _kind(issuer)

    async def whole(vienna: Vienna) -> dict[str, Any]:
        (newest,) = (key for key in await _keys(vienna, log) if key["purpose"] == kind and key["state"] == "signs")
        fields = {"replaces": newest["key"], "overlap": OVERLAP if overlap is None else overlap, "compromised": compromised}
        done = await vienna.call("keys.rotate", kind=kind, **fields, **_tenant(log))
        return {**done, **({} if issuer else {"verifier": _after(newest["verifier"], done["key"])})}

    value = here.ask(whole)
    if issuer:
        before = "its warrants are worthless now" if compromised else "its live warrants still count"
        here.answer(
            value, f"A new key signs the warrants of {log}: {value['key'].hex()}", f"The one before signs nothing any more; {before}."
        )
        return
    both = (
        "signs nothing any more"
        if compromised or overlap == 0
        else f"signs beside it for {lasting(OVERLAP if overlap is None else overlap)}"
    )
    whose = "the node's log" if log is None else f"the log of {log}"
    here.answer(value, Text(f"A new key signs {whose}:"), Text(f"  {value['verifier']}"), f"The one before {both}.")


@keys.command()
@click.option("--log", help=_LOG)
@click.option("--issuer", is_flag=True, help="The keys of the tenant's warrants, instead of those of its log.")
@json_option
@pass_here
def retire(here: Here, log: str | None, issuer: bool) -> None:
    """End an overlap before its time: the newest key signs alone, the secrets of those before it are destroyed.

    \b
    Example:
      vienna --credential operator.vienna keys retire --log belvedere
    """
    value = here.ask(lambda vienna: vienna.call("keys.retire", kind=_kind(issuer), **_tenant(log)))
    count = value["retired"]
    here.answer(value, f"{count} retired: the newest key signs alone." if count else "There was nothing to retire: one key signs already.")


async def _keys(vienna: Vienna, log: str | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await vienna.call("keys.list", **_tenant(log)))["keys"]
    return found


def _tenant(log: str | None) -> dict[str, str]:
    return {} if log is None else {"tenant": log}


def _kind(issuer: bool) -> str:
    kind = Kind.ISSUER if issuer else Kind.CHECKPOINT
    return str(kind.value)


def _after(verifier: str, public: bytes) -> str:
    """The new key's text, under the name of the one before."""
    return VerifierKey(VerifierKey.parse(verifier).name, public).text
