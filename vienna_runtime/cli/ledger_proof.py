"""``vienna ledger proof``: one entry with everything that proves it, in one C2SP tlog-proof file."""

from __future__ import annotations

from pathlib import Path

import click

from ledger import NODE, Checkpoint
from ledger.note import unverified_note
from ledger.proof_file import SUFFIX
from ledger.published import opened
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.ledger_place import ledger_in, named
from vienna_runtime.cli.shown import escape
from vienna_runtime.errors import FileTakenError


@click.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True, file_okay=False), default=".")
@click.option("--tenant", metavar="NAME", help="The tenant whose log it is.  Default: the node's own log.")
@click.option("--index", type=click.IntRange(min=0), required=True, help="The entry's place in the log, from 0.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help=f"The file, named *{SUFFIX} by custom."
)
@click.option("--latest", is_flag=True, help="Under the newest checkpoint, where a cosigned one is behind it.")
@json_option
@pass_here
def proof(here: Here, path: Path, tenant: str | None, index: int, output: Path, latest: bool) -> None:
    """Write one entry of a log of the node in PATH with its proof; `vienna verify FILE --key KEY` checks it by the log's key.

    Reads only, beside a running node.  The file holds the entry's header, no body.

    \b
    Example:
      vienna ledger proof ./node --tenant belvedere --index 12 -o 12.tlog-proof
    """
    with opened(ledger_in(path)) as logs:
        log = named(logs, NODE if tenant is None else tenant)
        try:
            found = log.prove(index, latest=latest)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    checkpoint = Checkpoint.parse(unverified_note(found.note).text)
    try:
        with output.open("xb") as file:
            file.write(found.compose())
    except FileExistsError:
        raise FileTakenError(output) from None
    here.answer(
        {"origin": checkpoint.origin, "index": index, "size": checkpoint.size, "file": output},
        f"{escape(str(output))} proves entry {index} of {escape(checkpoint.origin)} under its checkpoint of {checkpoint.size} entries.",
        f"Anyone checks it by that log's key: vienna verify {escape(str(output))} --key ...",
    )
