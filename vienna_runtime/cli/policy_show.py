"""``vienna policy show``: the files of a bundle, checked against its digest."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from actors.governance.bundle import Source
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.policy_digest import NAMED, fetched, read, resolved
from vienna_runtime.cli.shown import shown
from vienna_runtime.client import Vienna


@click.command()
@click.argument("digest", type=NAMED, required=False)
@click.option("--output", "-o", type=click.Path(path_type=Path, file_okay=False), help="Write the files into this new directory.")
@json_option
@pass_here
def show(here: Here, digest: str | None, output: Path | None) -> None:
    """Show the bundle in force, or the pushed bundle DIGEST.

    \b
    Examples:
      vienna policy show -o ./in-force
      vienna policy show 4f1c09e2
    """

    async def asked(vienna: Vienna) -> tuple[bytes, Source] | None:
        return await fetched(vienna, None if digest is None else await resolved(vienna, digest))

    found = here.ask(asked)
    if found is None:
        nothing = "No bundle is in force: nothing is permitted. Push one with: vienna policy push DIRECTORY --activate"
        here.answer({"bundle": None, "files": {}}, nothing)
        return
    seen, source = found
    if output is not None:
        _write(output, source)
    lines: list[Text] = []
    for path, data in sorted(source.files.items()):
        lines += [Text.assemble(("--- ", "bold"), shown(path, style="bold")), shown(data.decode(errors="replace"), lines=True, cut=False)]
    value = {"bundle": seen, "files": source.files}
    here.answer(value, f"bundle {seen.hex()}", *([f"written to {output}"] if output is not None else lines))


def _write(directory: Path, source: Source) -> None:
    read(source)
    directory.mkdir()
    for path, data in source.files.items():
        target = directory / path  # a bundle's paths are plain relative names: load has checked them
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
