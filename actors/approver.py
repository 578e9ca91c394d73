"""The approver: what lies on a person's desk is what that person's vote could still decide."""

from __future__ import annotations

from collections.abc import Iterator

from actors.governance.state import Case, Member, State
from actors.governance.views import approval_line, votes_on


def waiting(state: State, by: Member) -> list[str]:
    """Held cases on which a vote of ``by`` could count."""
    return [case.case for case in state.cases.values() if case.status == "held" and votes_on(by, case)]


def concerned(state: State, case: Case) -> Iterator[str]:
    """The members whose desks a case that is now held belongs on."""
    return (member.member for member in state.active() if votes_on(member, case))


def item(case: Case) -> dict[str, object]:
    return {"kind": "approval", **approval_line(case)}
