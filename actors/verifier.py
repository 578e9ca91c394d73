"""The verifier: looks at the outcome of runs that are not its own work, where policy wants somebody to look."""

from __future__ import annotations

from collections.abc import Iterator

from actors.governance import kinds
from actors.governance.reporting import persons_behind
from actors.governance.state import Member, Run, State


def waiting(state: State, by: Member) -> list[str]:
    """Reported runs that ``by`` may look at."""
    return [run.run for run in state.runs.values() if run.status == "reported" and run.verify and by.member in concerned(state, run)]


def concerned(state: State, run: Run) -> Iterator[str]:
    """Who may look at this run's outcome: nobody whose person stands behind its agent or executor."""
    own = persons_behind(state, run)
    return (m.member for m in state.active(kinds.VERIFIER) if m.person not in own)


def item(run: Run, receipt: bytes) -> dict[str, object]:
    return {"kind": "verify", "case": run.case, "run": run.run, "fields": run.fields, "receipt": receipt}
