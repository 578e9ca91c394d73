"""``vienna tail``: the ledger's entries; with ``--verify`` not one of them is believed."""

from __future__ import annotations

from typing import Any

import attrs
import click
import trio
from rich.text import Text

from actors.governance import codec
from actors.governance.canonical import NotCanonical
from ledger import Header
from ledger.header import parse
from ledger.witness_policy import Policy
from vienna_runtime import known
from vienna_runtime.cli import steps
from vienna_runtime.cli.hanging import Hanging
from vienna_runtime.cli.here import Here, json_option, pass_here, plain
from vienna_runtime.cli.kinds import DURATION, POLICY
from vienna_runtime.cli.shown import escape
from vienna_runtime.client import Step, connect
from vienna_runtime.client.verified import VerifiedTail


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes.")
@click.option("--from", "start", type=click.IntRange(0), default=0, help="The first entry to show.")
@click.option("--verify", is_flag=True, help="Recompute the tree and check every signed checkpoint; exit 3 if anything is not so.")
@click.option("--case", help="Show only the entries of this case.")
@click.option("--tag", "tags", multiple=True, help="Show only entries whose tag begins like this; repeat for several.")
@click.option("--policy", type=POLICY, help="With --verify: whose cosignatures are needed (a C2SP tlog-policy file).")
@click.option("--lag", type=DURATION, default="60s", show_default=True, help="How long cosignatures may take.")
@json_option
@pass_here
def tail(
    here: Here, follow: bool, start: int, verify: bool, case: str | None, tags: tuple[str, ...], policy: Policy | None, lag: int
) -> None:
    """Print the entries of your log: all of them for admins, approvers and auditors, those of their own cases for others, headers
    for operators.  What you believed last is remembered beside your credential (NAME.known), so that --verify notices a log that
    was rolled back or forked since, also across reconnections.  What you may not see, and what --case and --tag leave out, comes
    as hashes: its place is verified, what it says is not shown.

    \b
    Example:
      vienna tail --verify
      vienna tail -f --from 120 --tag warrant. --tag run.
      vienna tail --verify --policy witnesses.policy --lag 5m
    """
    if policy is not None and not verify:
        raise click.UsageError("--policy goes with --verify: without it nothing that is said is checked")
    credential, path = here.load(), known.place(here.credential_path())

    async def whole() -> None:
        async with connect(credential) as vienna:
            printer = _Printer(here)
            if verify:
                asked = vienna.verified_tail(start, follow=follow, case=case, tags=tags, known=path, policy=policy, patience=lag)
                await _verified(here, asked, start, printer)
                return
            async with vienna.tail(start, follow=follow, case=case, tags=tags) as events:
                async for value in events:
                    if value["kind"] == "entry":
                        printer.show(parse(value["entry"]), value["body"], bool(value.get("removed")))

    trio.run(whole)


async def _verified(here: Here, entries: VerifiedTail, start: int, printer: _Printer) -> None:
    async with entries:
        async for entry in entries:
            printer.show(entry.header, entry.body, entry.removed)
    belief, keys = entries.belief, entries.known
    if belief is not None:
        root, covered = belief.root.hex(), entries.cosigned
        say = [f"verified: entries {start} to {belief.size - 1}, root {root}, signed by {keys.log.name}"]
        if entries.hidden:
            say.append(f"{entries.hidden} of them by their hashes alone: not for you, or not asked for")
        if covered is not None:
            say.append(f"a quorum of witnesses has cosigned the first {covered}")
        about = {"from": start, "size": belief.size, "root": root, "log": keys.log.text, "hidden": entries.hidden, "cosigned": covered}
        here.answer({"verified": about}, *(Text(line, style="green") for line in say))


class _Printer:
    """Shows entries."""

    def __init__(self, here: Here) -> None:
        self._here = here

    def show(self, header: Header, body: bytes | None, removed: bool) -> None:
        fields = _fields(header.tag, body)
        if self._here.as_json:
            about = {"seq": header.sequence, "time": header.time, "tag": header.tag, "actor": header.actor, "case": header.case}
            self._here.json_line({**about, "step": header.step, "body": plain(fields), "removed": removed})
            return
        instead = "" if fields is not None else "(the body was removed)" if removed else "(header only)"
        step = Step(seq=header.sequence, time=header.time, tag=header.tag, actor=header.actor, step=header.step, body=fields or {})
        line = steps.line(step, instead=instead)
        # Cases are interleaved here, and every other command about one asks for its id.
        self._here.say(Hanging(Text.assemble(line, "  ", (escape(header.case), "dim")) if header.case else line))


def _fields(tag: str, body: bytes | None) -> dict[str, Any] | None:
    """The body's fields, where there is one and it is an event of the law."""
    if body is None:
        return None
    if tag not in codec.EVENTS:
        return {"why": f"(a body of {len(body)} bytes)"}
    try:
        event = codec.decode(tag, body)
    except NotCanonical as error:
        return {"why": f"(a body that cannot be read: {error})"}
    return {field.name: getattr(event, field.name) for field in attrs.fields(type(event))}
