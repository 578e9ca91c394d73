"""What a question about the state is answered with: plain maps for the wire."""

from __future__ import annotations

from collections.abc import Iterable

from . import events as e
from . import letters, pauses, reconciling
from .approving import may_fill_a_seat
from .canonical import Value
from .kinds import AGENT
from .recovery import told as told_of_recovery
from .signing import fingerprint
from .state import Case, Member, State

MOST_LISTED = 200  # held cases in one list: more than anybody reads at once, and they fit a message whatever agents wrote
LISTED_PURPOSE = 240  # characters
GOOD_ENDS = {"verified": "verified", "consistent": "consistent"}


def case_status(case: Case) -> dict[str, Value]:
    """An open case as it stands."""
    return {"case": case.case, "status": case.status, "tier": case.tier, "approvals": [g.person for g in case.given], "quorum": case.quorum}


def story(events: Iterable[e.Told], begun: str = "proposed") -> str:
    """What became of a case, in one word, from all its events so far, or from those since it was ``begun``."""
    outcome = begun
    for event in events:
        match event:
            case e.CaseDecided(permitted=False):
                outcome = "denied"
            case e.ApprovalRequested():
                outcome = "held"
            case e.ApprovalDenied():
                outcome = "denied"
            case e.CaseExpired() | e.WarrantExpired():
                outcome = "expired" if outcome not in GOOD_ENDS else outcome
            case e.CaseCancelled():
                outcome = "cancelled"
            case e.CanaryMissed():
                outcome = "missed"
            case e.ChangeApplied():
                outcome = "applied"
            case e.WarrantIssued():
                outcome = "warranted"
            case e.WarrantRevoked():
                outcome = "revoked" if outcome == "warranted" else outcome
            case e.TargetStale():
                outcome = "stale"
            case e.RunOpened():
                outcome = "running"
            case e.RunReported():
                outcome = "reported" if event.outcome == "succeeded" else event.outcome
            case e.RunUnknown() | e.RunReportedLate() | e.EffectProbed() | e.EffectVouched():
                outcome = "unknown"
            case e.RunVerified():
                outcome = event.verdict if outcome != "failed" else outcome
            case e.EffectSettled():
                outcome = "verified" if event.happened and event.basis != "person" else "settled"
            case _:
                pass
    return outcome


def approvals(state: State, by: Member) -> list[Value]:
    """The held cases this member may vote on, soonest deadline first."""
    waiting = [case for case in state.cases.values() if case.status == "held" and votes_on(state, by, case)]
    soonest = sorted(waiting, key=lambda case: case.expires_at)[:MOST_LISTED]
    return [{**_brief(approval_line(case)), "yours": True} for case in soonest]


def _brief(line: dict[str, Value]) -> dict[str, Value]:
    """A line of a list: the purpose's beginning.  All of it is on the card, which is what is signed."""
    return {**line, "purpose": short(str(line["purpose"]))}


def short(purpose: str) -> str:
    """A purpose's beginning, for lists."""
    return purpose if len(purpose) <= LISTED_PURPOSE else purpose[:LISTED_PURPOSE] + "…"


def votes_on(state: State, by: Member, case: Case) -> bool:
    """Whether a vote of this member on this held case could count; seats that were handed on are told by the newest entry's time."""
    seated = by.person not in case.barred and may_fill_a_seat(state, by, case, state.time)
    return seated and all(given.person != by.person for given in case.given)


def approval_line(case: Case) -> dict[str, Value]:
    wish = case.wish
    return {
        **case_status(case),
        "agent": case.agent,
        "action": wish.action,
        "resource": wish.resource,
        "purpose": wish.purpose,
        "expires_at": case.expires_at,
    }


def envelopes(state: State) -> list[Value]:
    """Those that still approve something, the soonest to end first."""
    live = sorted((known for known in state.envelopes.values() if not known.ended), key=lambda known: (known.until, known.envelope))
    return [
        {
            name: getattr(known, name)
            for name in (
                "envelope",
                "approver",
                "person",
                "template",
                "count",
                "total",
                "until",
                "bundle",
                "tier",
                "reason",
                "used",
                "spent",
            )
        }
        for known in live
    ]


def seats(state: State) -> list[Value]:
    """Those that are handed on, the soonest to end first; one whose time is over lies there until it is handed on again."""
    live = sorted((seat for seat in state.seats.values() if state.time < seat.until), key=lambda seat: (seat.until, seat.approver))
    return [{name: getattr(seat, name) for name in ("approver", "person", "to", "until", "reason")} for seat in live]


def members(state: State) -> list[Value]:
    return [
        {
            "member": m.member,
            "kind": m.kind,
            "person": m.person,
            "roles": sorted(m.roles),
            "owner": m.owner,
            "status": m.status,
            "paused": _pausing(state, m),
            "public_key": m.public_key or None,
            "fingerprint": fingerprint(m.public_key, m.key_hash) if m.public_key else None,
        }
        for m in sorted(state.members.values(), key=lambda m: (m.kind, m.member))
    ]


def _pausing(state: State, member: Member) -> str | None:
    """The scope of the pause that stops this member, the widest: an agent's own, its tenant's or its node's; others stop with the tenant
    where an operator paused it."""
    all_of_it = pauses.key("tenant", pauses.OPERATORS)
    known = pauses.stops(state, member.member) if member.kind == AGENT else state.pauses.get(all_of_it)
    return None if known is None else known.scope


def status(state: State) -> dict[str, Value]:
    """How the tenant is doing, in numbers."""
    tally = state.tally
    return {
        "tenant": state.tenant,
        "phase": state.phase,
        "suspended": pauses.suspension(state),
        "paused": [pauses.sentence(known) for known in state.pauses.values()],
        "pauses": [pauses.told(known) for known in state.pauses.values()],
        "recovery": told_of_recovery(state),
        "entries": state.size,
        "bundle": state.bundle,
        "held": sum(case.status == "held" for case in state.cases.values()),
        "open_cases": len(state.cases),
        "live_warrants": len(state.warrants),
        "open_runs": len(state.runs),
        "blocked_effects": len(state.blocked),
        "open_breakers": sum(b.status != "closed" for b in state.breakers.values()),
        "alerts": state.alerts.unheard,
        "letters": {"kinds": dict(sorted(state.letters.kinds.items())), "oldest": letters.oldest(state)},
        "dead_letters": tally.dead_letters - tally.resolved,
        "findings": reconciling.counted(state),
        "members": sum(1 for _ in state.active()),
        "tally": {name: getattr(tally, name) for name in tally.__slots__ if name != "__weakref__"},
    }
