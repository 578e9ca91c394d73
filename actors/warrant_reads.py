"""What is told of live warrants: to people all of them, to agents and executors those that are theirs."""

from __future__ import annotations

from collections.abc import Iterator

from actors.drafting import sign
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance import kinds
from actors.governance.canonical import Value
from actors.governance.refusals import unknown
from actors.governance.revoking import stands_in
from actors.governance.state import LiveWarrant, Member, State, worthless
from actors.messages import Done, Outcome
from actors.signer import Signer

PEOPLE = (kinds.ADMIN, kinds.APPROVER, kinds.AUDITOR)


def listed(state: State, ask: c.ListWarrants, by: Member) -> Outcome:
    """One page, in the order of their issue; ``after`` is the last id of the page before."""
    found: list[Value] = []
    past = ask.after is None
    for live in _seen(state, by):
        if past and (ask.scope is None or stands_in(live, ask.scope)):
            if len(found) == ask.limit:
                return Done({"warrants": found, "more": True})
            found.append(line(state, live))
        past = past or live.warrant == ask.after
    return Done({"warrants": found, "more": False})


def shown(state: State, signer: Signer, ask: c.ShowWarrant, by: Member) -> Outcome:
    """Its signed bytes; what is needed beside them to redeem it goes to its holder and to nobody else."""
    live = state.warrants.get(ask.warrant)
    if live is None or live not in list(_seen(state, by)):
        return unknown("live warrant", ask.warrant)
    issued = sign(e.WarrantIssued(live.case, live.warrant, live.fields, b"", b""), state.tenant, signer)
    holder = live.executor == by.member
    return Done({**line(state, live), "fields": live.fields, "signature": issued.signature, "mac": issued.mac if holder else None})


def _seen(state: State, by: Member) -> Iterator[LiveWarrant]:
    return (live for live in state.warrants.values() if by.kind in PEOPLE or by.member in (live.agent, live.executor))


def line(state: State, live: LiveWarrant) -> dict[str, Value]:
    """One line of a list: what it is good for, and whether it still is."""
    terms = live.terms
    return {
        "warrant": live.warrant, "case": live.case, "agent": live.agent, "executor": live.executor, "action": live.action,
        "resource": terms.resource, "tier": terms.tier, "bundle": terms.bundle, "expires_at": live.expires_at, "uses": terms.uses,
        "uses_left": live.uses_left, "asked": len(live.waiting), "constraints": terms.constraints,
        "worthless": worthless(state, live) or "",
    }  # fmt: skip
