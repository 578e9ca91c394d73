"""``vienna policy``: bundles as directories, checked here, pushed to the ledger, put in force."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from actors.governance import bundle as bundles
from actors.governance.bundle import Bundle, Findings, Source
from actors.governance.bundle_tests import TestResult, run_tests
from actors.governance.fact_notes import notes
from vienna_runtime.cli.exits import BadEnd
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.kinds import DIGEST
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.member import waiting
from vienna_runtime.cli.phrases import counted
from vienna_runtime.cli.policy_directory import DIRECTORY, source_of
from vienna_runtime.cli.policy_facts import facts
from vienna_runtime.cli.policy_replay import replay
from vienna_runtime.cli.policy_shadow import shadow
from vienna_runtime.cli.shown import shown
from vienna_runtime.client import Vienna
from vienna_runtime.errors import VerificationError


@click.group(cls=Listing)
def policy() -> None:
    """Policy as code: a directory with bundle.toml, *.cedar and tests/."""


policy.add_command(replay)
policy.add_command(facts)
policy.add_command(shadow)


@policy.command()
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
    loaded, results = _checked(source)
    if isinstance(loaded, Findings):
        lines = [f"{directory / finding.file}:{str(finding).removeprefix(finding.file + ':')}" for finding in loaded]
        here.answer({"ok": False, "findings": lines, "tests": []}, *map(shown, lines))
        raise BadEnd(f"{len(loaded)} finding{'s' if len(loaded) > 1 else ''}; the bundle does not load")
    failed = [result for result in results if not result.passed]
    tests = [{"name": r.name, "file": r.file, "line": r.line, "passed": r.passed, "why": r.why} for r in results]
    noted = [f"{directory / note.file}:{str(note).removeprefix(note.file + ':')}" for note in notes(loaded)]
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


def _checked(source: Source) -> tuple[Bundle | Findings, list[TestResult]]:
    loaded = bundles.load(source)
    return (loaded, []) if isinstance(loaded, Findings) else (loaded, run_tests(loaded, source))


@policy.command()
@click.argument("directory", type=DIRECTORY)
@click.option("--activate", "put_in_force", is_flag=True, help="Also put it in force.")
@click.option("--key", help="Idempotency key of the activation, to repeat it after an unknown outcome.")
@json_option
@pass_here
def push(here: Here, directory: Path, put_in_force: bool, key: str | None) -> None:
    """Put the bundle in DIRECTORY on the ledger; without effect until it is activated.  A bundle whose tests fail is not pushed.

    \b
    Example:
      vienna policy push ./policy --activate
    """
    source = source_of(directory)
    loaded, results = _checked(source)
    if isinstance(loaded, Findings) or not all(result.passed for result in results):
        raise BadEnd(f"the bundle has findings or failing tests, nothing was pushed; see them with: vienna policy check {directory}")

    async def both(vienna: Vienna) -> tuple[bytes, dict[str, object] | None]:
        digest = await vienna.admin.push(source.files)
        return digest, (await vienna.admin.activate(digest, key=key) if put_in_force else None)

    digest, activated = here.ask(both)
    pushed = f"pushed {digest.hex()}"
    if activated is None:
        here.answer({"bundle": digest}, pushed, f"Put it in force with: vienna policy activate {digest.hex()}")
    else:
        here.answer({**activated, "bundle": digest}, pushed, *waiting(activated, "It is in force."))


@policy.command()
@click.argument("digest", type=DIGEST)
@click.option("--key", help="Idempotency key, to repeat this after an unknown outcome.")
@json_option
@pass_here
def activate(here: Here, digest: bytes, key: str | None) -> None:
    """Put the pushed bundle DIGEST in force; in a sealed tenant once two persons have approved.

    \b
    Example:
      vienna policy activate 4f1c...e2
    """
    value = here.ask(lambda vienna: vienna.admin.activate(digest, key=key))
    here.answer({**value, "bundle": digest}, *waiting(value, "It is in force."))


@policy.command()
@click.option("--output", "-o", type=click.Path(path_type=Path, file_okay=False), help="Write the files into this new directory.")
@json_option
@pass_here
def show(here: Here, output: Path | None) -> None:
    """Show the bundle in force.

    \b
    Example:
      vienna policy show -o ./in-force
    """
    value = here.ask(lambda vienna: vienna.admin.bundle())
    if value["bundle"] is None:
        here.answer(value, "No bundle is in force: nothing is permitted. Push one with: vienna policy push DIRECTORY --activate")
        return
    source = Source(value["files"])
    seen = bundles.digest(source)
    if seen != value["bundle"]:
        raise VerificationError(f"the node calls this bundle {value['bundle'].hex()}, its files are {seen.hex()}")
    if output is not None:
        _write(output, source)
    lines: list[Text] = []
    for path, data in sorted(source.files.items()):
        lines += [Text(f"--- {path}", style="bold"), shown(data.decode(errors="replace"), lines=True, cut=False)]
    here.answer(value, f"bundle {seen.hex()}", *([f"written to {output}"] if output is not None else lines))


def _write(directory: Path, source: Source) -> None:
    if isinstance(bundles.load(source), Findings):
        raise VerificationError("the files the node shows are no bundle that could be in force; nothing was written")
    directory.mkdir()
    for path, data in source.files.items():
        target = directory / path  # a bundle's paths are plain relative names: load has checked them
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
