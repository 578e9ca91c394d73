"""``vienna tail``: the ledger's entries; with ``--verify`` not one of them is believed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import attrs
import click
import trio
from rich.text import Text

from actors.governance import codec
from actors.governance.canonical import NotCanonical
from ledger import Header, VerificationError
from ledger.header import parse
from vienna_runtime import known
from vienna_runtime.cli import steps
from vienna_runtime.cli.hanging import Hanging
from vienna_runtime.cli.here import Here, json_option, pass_here, plain
from vienna_runtime.cli.shown import escape
from vienna_runtime.client import Refused, Step, Vienna, connect
from vienna_runtime.client.vienna import log_of
from vienna_runtime.tail import Belief, Entry, VerifyingTail

SAVED_EVERY = 2.0  # s between two writings of what is believed; losing these costs a re-reading, nothing else


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes.")
@click.option("--from", "start", type=click.IntRange(0), default=0, help="The first entry to show.")
@click.option("--verify", is_flag=True, help="Recompute the tree and check every signed checkpoint; exit 3 if anything is not so.")
@click.option("--tag", "tags", multiple=True, help="Show only entries whose tag begins like this; repeat for several.")
@json_option
@pass_here
def tail(here: Here, follow: bool, start: int, verify: bool, tags: tuple[str, ...]) -> None:
    """Print the ledger's entries.  What you believed last is remembered beside your credential (NAME.known), so that --verify
    notices a log that was rolled back or forked since, also across reconnections.

    \b
    Example:
      vienna tail --verify
      vienna tail -f --from 120 --tag warrant. --tag run.
    """
    credential, path = here.load(), known.place(here.credential_path())

    async def whole() -> int:
        async with connect(credential) as vienna:
            printer = _Printer(here, start, tags)
            if verify:
                return await _verified(here, vienna, path, start, follow, printer)
            async with vienna.tail(start, follow=follow) as events:
                async for value in events:
                    if value["kind"] == "entry":
                        printer.show(parse(value["entry"]), value["body"], bool(value.get("removed")))
            return 0

    trio.run(whole)


async def _verified(here: Here, vienna: Vienna, path: Path, start: int, follow: bool, printer: _Printer) -> int:
    keys = await vienna.keys()
    remembered = known.settle(path, keys.log)
    belief = remembered.belief
    # From what is believed on, so that it is checked to continue; from the first entry where nothing is believed yet.
    begin = 0 if belief is None else min(start, belief.size)
    checking = VerifyingTail(log_of(vienna.credential), keys.log, belief, start=begin, bodies=log_of(vienna.credential) != "")
    saved = time.monotonic()
    try:
        async with vienna.tail(begin, follow=follow) as events:
            async for value in events:
                match checking.feed(value):
                    case Entry() as entry:
                        printer.show(entry.header, entry.body, entry.removed)
                    case Belief() as belief if time.monotonic() - saved > SAVED_EVERY:
                        known.write(path, known.Known(keys.log, belief))
                        saved = time.monotonic()
                    case _:
                        pass
    except Refused as error:
        if belief is not None and error.code == "unknown" and begin == belief.size:
            raise VerificationError(
                f"the log is shorter than what was signed and seen here before: {error.why}", log=keys.log.name
            ) from None
        raise
    finally:
        if checking.belief is not None and checking.belief != remembered.belief:
            known.write(path, known.Known(keys.log, checking.belief))
    if checking.belief is not None:
        root = checking.belief.root.hex()
        say = Text(f"verified: entries {begin} to {checking.belief.size - 1}, root {root}, signed by {keys.log.name}", style="green")
        here.answer({"verified": {"from": begin, "size": checking.belief.size, "root": root, "log": keys.log.text}}, say)
    return checking.at


class _Printer:
    """Shows the entries that were asked for."""

    def __init__(self, here: Here, start: int, tags: tuple[str, ...]) -> None:
        self._here = here
        self._start = start
        self._tags = tags

    def show(self, header: Header, body: bytes | None, removed: bool) -> None:
        if header.sequence < self._start or (self._tags and not header.tag.startswith(self._tags)):
            return
        fields = _fields(header.tag, body)
        if self._here.as_json:
            about = {"seq": header.sequence, "time": header.time, "tag": header.tag, "actor": header.actor, "case": header.case}
            self._here.json_line({**about, "step": header.step, "body": plain(fields), "removed": removed})
            return
        if fields is None:
            fields = {"why": "(the body was removed)" if removed else "(header only)"}
        line = steps.line(Step(seq=header.sequence, time=header.time, tag=header.tag, actor=header.actor, step=header.step, body=fields))
        # Cases are interleaved here, and every other command about one asks for its id.
        self._here.say(Hanging(Text.assemble(line, "  ", (escape(header.case), "dim")) if header.case else line))


def _fields(tag: str, body: bytes | None) -> dict[str, Any] | None:
    """The body's fields, where it is an event of the law."""
    if body is None:
        return None
    if tag not in codec.EVENTS:
        return {"why": f"(a body of {len(body)} bytes)"}
    try:
        event = codec.decode(tag, body)
    except NotCanonical as error:
        return {"why": f"(a body that cannot be read: {error})"}
    return {field.name: getattr(event, field.name) for field in attrs.fields(type(event))}
