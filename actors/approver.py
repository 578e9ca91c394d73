"""The approver: what lies on a person's desk is what that person's vote could still decide."""

from __future__ import annotations

from collections.abc import Iterator

from actors.governance import recovery
from actors.governance.persons import ELIGIBLE
from actors.governance.state import Case, Member, State
from actors.governance.views import approval_line, votes_on

RECOVERY = "recovery"  # among the names of what waits; no case, warrant or run is called so


def waiting(state: State, by: Member) -> list[str]:
    """Held cases on which a vote of ``by`` could count, and the recovery that ``by`` could object to."""
    held = [case.case for case in state.cases.values() if case.status == "held" and votes_on(state, by, case)]
    return [*([RECOVERY] if recovery.told(state) and by.kind in ELIGIBLE else []), *held]


def concerned(state: State, case: Case) -> Iterator[str]:
    """The members whose desks a case that is now held belongs on."""
    return (member.member for member in state.active() if votes_on(state, member, case))


def concerned_by_recovery(state: State) -> Iterator[str]:
    """Whoever may object to what is announced."""
    return (member.member for member in state.active() if member.kind in ELIGIBLE)


def recovery_item(state: State) -> dict[str, object]:
    return {"kind": RECOVERY, **recovery.told(state)}


def item(case: Case) -> dict[str, object]:
    return {"kind": "approval", **approval_line(case)}
