"""``vienna policy check``: whether a directory is a bundle whose own tests pass."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from actors.governance.bundle import Findings
from actors.governance.fact_notes import notes
from vienna_runtime.cli.exits import BadEnd
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.phrases import counted
from vienna_runtime.cli.policy_directory import DIRECTORY, checked, placed, source_of
from vienna_runtime.cli.shown import shown


@click.command()
@click.argument("directory", type=DIRECTORY)
@json_option
@pass_here
def check(here: Here, directory: Path) -> None:
    """Check the bundle in DIRECTORY and run its tests; needs no node.

    Findings are printed as file:line:column: what is wrong.  Exit code 1 if there are any or a test fails.

    \b
    Example:
      vienna policy check ./policy
    """
    source = source_of(directory)
    loaded, results = checked(source)
    if isinstance(loaded, Findings):
        lines = placed(directory, loaded)
        here.answer({"ok": False, "findings": lines, "tests": []}, *map(shown, lines))
        raise BadEnd(f"{counted(len(loaded), 'finding')}; the bundle does not load")
    failed = [result for result in results if not result.passed]
    noted = [f"{directory / note.file}:{str(note).removeprefix(note.file + ':')}" for note in notes(loaded)]
    tests = [{"name": r.name, "file": r.file, "line": r.line, "passed": r.passed, "why": r.why} for r in results]
    here.answer(
        {"ok": not failed, "bundle": loaded.digest, "name": loaded.name, "findings": [], "notes": noted, "tests": tests},
        *(shown(f"note: {note}") for note in noted),
        *(shown(f"{directory / result.file}:{result.line}:1: {result.name}: {result.why}") for result in failed),
        Text.assemble(
            shown(loaded.name), f": {counted(len(loaded.policies), 'policy', 'policies')}, {counted(len(loaded.catalogue), 'action')}, ",
            f"{len(results) - len(failed)} of {len(results)} tests pass",
        ),
        f"bundle {loaded.digest.hex()}",
    )  # fmt: skip
    if failed:
        raise BadEnd(f"{len(failed)} of the bundle's tests fail")
