"""``vienna policy test``: a bundle's own tests, case by case, and what none of them looks at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

import click
from rich.text import Text

from actors.governance.bundle import Bundle, Findings
from actors.governance.bundle_tests import Coverage, TestResult, coverage
from vienna_runtime.cli import junit
from vienna_runtime.cli.exits import BadEnd
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.phrases import counted
from vienna_runtime.cli.policy_directory import DIRECTORY, checked, placed, source_of
from vienna_runtime.cli.shown import shown


@click.command("test")
@click.argument("directory", type=DIRECTORY)
@click.option("-k", "text", help="Only the cases whose name holds TEXT, in large or small letters.", metavar="TEXT")
@click.option("--junit", "report", type=click.Path(path_type=Path, dir_okay=False), help="Write the results to FILE as well, as JUnit XML.")
@click.option("--cover-all", is_flag=True, help="Exit 1 also where a policy decides no case.")
@json_option
@pass_here
def test(here: Here, directory: Path, text: str | None, report: Path | None, cover_all: bool) -> None:
    """Run the cases in tests/*.toml of the bundle in DIRECTORY one by one; needs no node.

    Each is shown with what came of it and the policies that decided it.  At the end stand the policies that decided no case as it was
    expected, and the actions that no case asks for.  Exit code 1 if a case fails or the bundle does not load.

    \b
    Example:
      vienna policy test ./policy -k refund
      vienna policy test ./policy --cover-all --junit policy.xml
    """
    if text is not None and cover_all:
        raise click.UsageError("--cover-all looks at all cases: leave -k out")
    if report is not None and report.resolve().is_relative_to(directory.resolve()):
        raise click.UsageError(f"--junit {report} lies in the bundle, which would not load with it: name a file elsewhere")
    loaded, every = checked(source_of(directory))
    if isinstance(loaded, Findings):
        if report is not None:
            report.write_bytes(junit.findings(directory, loaded))
        lines = placed(directory, loaded)
        here.answer({"ok": False, "findings": lines, "tests": [], "coverage": None}, *map(shown, lines))
        raise BadEnd(f"{counted(len(loaded), 'finding')}; the bundle does not load, and no case was run")
    results = [one for one in every if text is None or text.casefold() in one.name.casefold()]
    if text is not None and not results:
        raise BadEnd(f"none of {counted(len(every), 'case')} has {text!r} in its name, and no case was run")
    if report is not None:
        report.write_bytes(junit.tests(loaded.name, directory, results))
    covered = coverage(loaded, results) if text is None else None  # some of the cases say nothing of what all of them leave out
    failed = [result for result in results if not result.passed]
    untried = covered.untried() if covered is not None and cover_all else ()
    value = {
        "ok": not failed and not untried,
        "bundle": loaded.digest,
        "name": loaded.name,
        "findings": [],
        "tests": [_value(result) for result in results],
        "coverage": None if covered is None else _coverage_value(covered),
    }
    left_out = () if covered is None else _coverage_lines(directory, loaded, covered)
    here.answer(value, *_lines(directory, results), *left_out, f"{len(results) - len(failed)} of {counted(len(results), 'case')} passed")
    if failed:
        raise BadEnd(f"{counted(len(failed), 'case')} did not come out as expected")
    if untried:
        raise BadEnd(f"{counted(len(untried), 'policy decides', 'policies decide')} no case: {', '.join(untried)}")


def _value(result: TestResult) -> dict[str, object]:
    return {
        "name": result.name,
        "file": result.file,
        "line": result.line,
        "action": result.action,
        "passed": result.passed,
        "expected": {"outcome": result.expected, "policies": result.deciding},
        "got": {"outcome": result.got, "policies": result.policies},
        "why": result.why,
    }


def _coverage_value(covered: Coverage) -> dict[str, object]:
    return {
        "policies": covered.policies,
        "actions": covered.actions,
        "policies_without_a_case": covered.untried(),
        "actions_without_a_case": covered.unasked(),
    }


def _lines(directory: Path, results: Iterable[TestResult]) -> Iterator[Text]:
    for file, cases in groupby(results, key=lambda result: result.file):
        yield shown(f"{directory / file}", style="bold")
        for case in cases:
            mark = ("pass", "green") if case.passed else ("FAIL", "bold red")
            yield Text.assemble("  ", mark, "  ", shown(f"{case.name}: {_outcome(case.got, case.policies)}"))
            if not case.passed:
                deciding = f"; {', '.join(case.deciding)} should have decided" if case.deciding and case.got != case.expected else ""
                yield shown(f"        {directory / file}:{case.line}:1: {case.why}{deciding}")


def _outcome(label: str, policies: Iterable[str]) -> str:
    return f"{label} by {', '.join(policies) or 'no policy'}"


def _coverage_lines(directory: Path, bundle: Bundle, covered: Coverage) -> Iterator[Text]:
    place = {policy.id: f"{directory / policy.file}:{policy.line}" for policy in bundle.policies}
    untried, unasked = covered.untried(), covered.unasked()
    most, whole = len(covered.policies), len(covered.actions)
    yield Text(
        f"policies that decide a case: {most - len(untried)} of {most}; actions that are asked for: {whole - len(unasked)} of {whole}"
    )
    for name in untried:
        yield shown(f"  {place[name]}: {name} decides no case")
    for name in unasked:
        yield shown(f"  no case asks for {name}")
