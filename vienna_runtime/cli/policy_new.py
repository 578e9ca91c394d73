"""``vienna policy new``: a directory with a bundle that loads, to be changed from there."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path

import click
from rich.table import Table

from actors.governance.bundle import Source
from actors.governance.source import MANIFEST
from vienna_runtime.cli.exits import BadEnd
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.phrases import counted
from vienna_runtime.cli.policy_directory import loaded
from vienna_runtime.cli.policy_templates import TemplateName, named, templates
from vienna_runtime.cli.shown import shown

NEXT = ("check", "test", "push")


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option("--template", type=TemplateName(), help="What to begin with; see --list.")
@click.option("--name", "bundle", help="What the bundle is called; the template's name where it is not said.")
@click.option("--list", "listing", is_flag=True, help="Show the templates and write nothing.")
@json_option
@pass_here
def new(here: Here, directory: Path | None, template: str | None, bundle: str | None, listing: bool) -> None:
    """Begin a bundle in DIRECTORY, which is new or empty, as a copy of a template; needs no node.

    It is written whole or not at all, loads as it is, and its tests pass.  Roles, executors and limits in it are examples: README.md
    in it says which.

    \b
    Example:
      vienna policy new --list
      vienna policy new ./policy --template payments --name refunds
    """
    if listing:
        if directory is not None or template is not None or bundle is not None:
            raise click.UsageError("--list stands by itself: it writes nothing")
        _list(here)
        return
    if directory is None or template is None:
        missing = "name a DIRECTORY and a template" if directory is None else "name a template"
        raise click.UsageError(f"{missing}, as in --template payments; see them with: vienna policy new --list")
    if bundle is not None and not (bundle.strip() and bundle.isprintable()):
        raise click.UsageError("--name takes letters that can be seen; leave it out for the template's own name")
    source = named(template, bundle)
    made = loaded(directory, source)  # a name that no bundle can have is found before anything is written
    _write(directory, source)
    where = shlex.quote(str(directory))
    size = f"{counted(len(made.policies), 'policy', 'policies')}, {counted(len(made.catalogue), 'action')}"
    here.answer(
        {"directory": directory, "template": template, "name": made.name, "bundle": made.digest, "files": sorted(source.files)},
        shown(f"{made.name} is in {directory}: {size}."),
        shown(f"Read {directory / 'README.md'} first: it says what is only an example.  Then:"),
        *(shown(f"  vienna policy {word} {where}") for word in NEXT),
    )


def _list(here: Here) -> None:
    table = Table("template", "for", "actions", box=None, pad_edge=False)
    for one in templates().values():
        table.add_row(one.name, one.description, ", ".join(one.actions))
    value = [{"name": one.name, "description": one.description, "actions": one.actions} for one in templates().values()]
    here.answer({"templates": value}, table, "Begin with one: vienna policy new DIRECTORY --template NAME")


def _write(directory: Path, source: Source) -> None:
    """All files at once by one rename.  An empty directory that is there keeps its place, since a shell may stand in it."""
    there = directory.is_dir()
    if there and any(directory.iterdir()):
        raise BadEnd(f"{directory} is not empty, nothing was written; name a new directory")
    if not directory.absolute().parent.is_dir():
        raise BadEnd(f"{directory.absolute().parent} is no directory, nothing was written; make it first")
    # Where the target is there it holds the stage, since whoever may write into it need not be able to beside it.
    with tempfile.TemporaryDirectory(prefix=".new-", dir=directory if there else directory.absolute().parent) as made:
        stage = Path(made, "bundle")
        for path, data in source.files.items():
            target = stage / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        if there:
            _move(stage, directory)
        else:
            stage.rename(directory)


def _move(stage: Path, directory: Path) -> None:
    """One by one, bundle.toml last: without it no part of a bundle loads.  What was moved is taken back when one fails."""
    moved: list[Path] = []
    try:
        for path in sorted(stage.iterdir(), key=lambda path: path.name == MANIFEST):
            if (directory / path.name).exists():
                raise BadEnd(f"{directory / path.name} appeared meanwhile, nothing was written; name a new directory")
            path.rename(directory / path.name)
            moved.append(directory / path.name)
    except BaseException:
        for path in moved:
            path.rename(stage / path.name)
        raise
