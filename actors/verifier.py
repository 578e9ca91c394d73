"""The verifier: looks at the outcome of runs that are not its own work, where policy wants somebody to look.

What it is given it can check by itself: the warrant with its issuer's signature, the receipt with its executor's.
"""

from __future__ import annotations

from collections.abc import Iterator

from actors.governance import kinds, looking
from actors.governance.reporting import persons_behind
from actors.governance.settling import quiet_at
from actors.governance.state import Member, Run, State


def waiting(state: State, by: Member) -> list[str]:
    """Runs that ``by`` may look at and has not yet: reported ones, and those whose outcome is unknown where a probe can tell."""
    return [run.run for run in state.runs.values() if is_wanted(run) and by.member in concerned(state, run)]


def is_wanted(run: Run) -> bool:
    """Whether verifiers are asked about this run now."""
    match run.status:
        case "reported":
            return bool(looking.checks(run.verify))
        case "unknown":
            return looking.probe(run.verify) is not None
        case _:
            return False


def concerned(state: State, run: Run) -> Iterator[str]:
    """Who may look at this run's outcome: nobody whose person stands behind its agent or executor, and no person twice."""
    out = persons_behind(state, run) | {one.person for one in run.seen}
    return (m.member for m in state.active(kinds.VERIFIER) if m.person not in out)


def item(run: Run, signature: bytes, receipt: bytes, receipt_signature: bytes) -> dict[str, object]:
    """To be looked at after the report; ``signature`` is the issuer's over the warrant's fields."""
    told = {"receipt": receipt, "receipt_signature": receipt_signature}
    return {"kind": "verify", "case": run.case, "run": run.run, "fields": run.fields, "signature": signature, **told}


def probe_item(run: Run, signature: bytes) -> dict[str, object]:
    """To be looked at because nobody knows the outcome; ``quiet`` is when nobody can be acting for it any more."""
    return {
        "kind": "probe", "case": run.case, "run": run.run, "fields": run.fields, "signature": signature, "quiet": quiet_at(run)
    }  # fmt: skip
