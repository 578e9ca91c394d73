"""The executor: gets the warrants addressed to it, and is told to stop what has become worthless while it runs."""

from __future__ import annotations

from actors.governance import canonical
from actors.governance import events as e
from actors.governance.state import Ask, Member, Run, State


def waiting(state: State, by: Member) -> list[str]:
    """Warrants that ``by`` may still redeem."""
    return [live.warrant for live in state.warrants.values() if live.executor == by.member]


def item(event: e.WarrantIssued) -> dict[str, object]:
    return {"kind": "warrant", "fields": event.fields, "signature": event.signature, "mac": event.mac}


def use_item(event: e.WarrantIssued, asked: Ask) -> dict[str, object]:
    """A further use that the agent asked for, with its parameters where they are not the ones proposed."""
    return {**item(event), "use": asked.use, "params": None if asked.params is None else canonical.unpack(asked.params)}


def abort_item(run: Run) -> dict[str, object]:
    return {"kind": "abort", "run": run.run, "why": run.aborted}
