"""The executor: gets the warrants addressed to it, and is told to stop what has become worthless while it runs."""

from __future__ import annotations

from collections.abc import Iterator

from actors.governance import canonical, pauses
from actors.governance import events as e
from actors.governance.state import Ask, Member, Run, State, scopes


def waiting(state: State, by: Member) -> list[str]:
    """Warrants that ``by`` may still redeem."""
    return [live.warrant for live in state.warrants.values() if live.executor == by.member]


def item(event: e.WarrantIssued) -> dict[str, object]:
    return {"kind": "warrant", "fields": event.fields, "signature": event.signature, "mac": event.mac}


def use_item(event: e.WarrantIssued, asked: Ask) -> dict[str, object]:
    """A further use that the agent asked for, with its parameters where they are not the ones proposed."""
    return {**item(event), "use": asked.use, "params": None if asked.params is None else canonical.unpack(asked.params)}


def aborted(state: State) -> Iterator[Run]:
    """Open runs in a scope that is shut now: a tripped breaker's, or one that is paused."""
    return (run for run in state.runs.values() if run.status == "open" and _shut(state, run))


def abort_item(run: Run, why: str) -> dict[str, object]:
    return {"kind": "abort", "run": run.run, "why": why}


def _shut(state: State, run: Run) -> bool:
    if pauses.stops(state, run.agent, run.redeemer, *run.holders) is not None:
        return True
    handed = [scope for name in run.holders for scope in scopes(name, run.action)[:2]]
    guards = [state.breakers.get(scope) for scope in (*scopes(run.agent, run.action), *handed)]
    return any(guard is not None and guard.status == "open" for guard in guards)
