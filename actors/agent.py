"""The agent: proposes, redeems and reports for itself where a policy passes T0 work back, and sees its own cases."""

from __future__ import annotations

from collections.abc import Sequence

from actors.governance import events as e
from actors.governance import kinds


def sees(member: str, kind: str, events: Sequence[e.Told]) -> bool:
    """Whether a case may be shown: to people of the tenant all, to machines what they had a part in."""
    if kind in (kinds.ADMIN, kinds.APPROVER, kinds.AUDITOR):
        return True
    for event in events:
        match event:
            case e.IntentProposed(agent=agent) if agent == member:
                return True
            case e.CaseDecided(executor=executor) if executor == member:
                return True
            case e.RunOpened(redeemer=redeemer) if redeemer == member:
                return True
            case e.RunReported() | e.RunUnknown() if kind == kinds.VERIFIER:
                return True
            case _:
                pass
    return False
