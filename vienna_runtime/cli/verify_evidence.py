"""``vienna verify FILE``: every check of one case's evidence by its name, and whether all of them hold."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table
from rich.text import Text

from ledger import VerifierKey
from ledger.witness_policy import Policy
from vienna_runtime.cli import exits
from vienna_runtime.cli.here import Here
from vienna_runtime.cli.shown import escape, shown
from vienna_runtime.evidence.checks import NAMES
from vienna_runtime.evidence.form import LARGEST
from vienna_runtime.verify_evidence import Report, verify_evidence

_STYLE = {"pass": "green", "fail": "bold red", "open": "yellow", "none": "dim"}
_WORD = {"pass": "pass", "fail": "FAIL", "open": "open", "none": "–"}


def verify_evidence_file(here: Here, path: Path, key: VerifierKey, policy: Policy | None = None) -> int:
    """Looks at everything, shows all of it, and gives the exit code: 3 where anything fails."""
    with path.open("rb") as file:
        report = verify_evidence(file.read(LARGEST + 1), key, policy)
    table = Table("check", "", "found", box=None, pad_edge=False)
    unreadable = all(check.outcome == "none" for check in report.checks[1:])  # then the first says why, and the others that
    for check in report.checks[: 1 if unreadable else None]:
        table.add_row(check.name, Text(_WORD[check.outcome], style=_STYLE[check.outcome]), shown(check.said or NAMES[check.name]))
    here.answer(_plain(report), table, _verdict(report))
    return exits.DONE if report.good else exits.UNVERIFIED


def _verdict(report: Report) -> Text:
    failure = report.first_failure
    if failure is not None:
        return Text(f"NOT verified: {failure.name}: {escape(failure.said)}", style="bold red")
    what = f"case {escape(report.case)} of {escape(report.tenant)}: {report.outcome or 'its outcome is not known'}"
    end = "" if report.closed else ", and not closed as far as this file shows"
    gone = f"; bodies removed: {', '.join(map(str, report.removed))}" if report.removed else ""
    return Text(f"verified: {what}{end}{gone}", style="green")


def _plain(report: Report) -> dict[str, object]:
    return {
        "verified": report.good,
        "tenant": report.tenant,
        "case": report.case,
        "outcome": report.outcome,
        "closed": report.closed,
        "size": report.size,
        "removed": list(report.removed),
        "checks": [{"name": check.name, "outcome": check.outcome, "said": check.said} for check in report.checks],
    }
