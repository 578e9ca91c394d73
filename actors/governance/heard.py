"""Saying that somebody has heard of an alert: it is theirs from then on, and nobody else need be woken."""

from __future__ import annotations

from . import commands as c
from . import events as e
from .decision import Decided, Decision
from .refusals import unknown
from .state import Member, State


def acknowledge(state: State, command: c.AcknowledgeAlert, by: Member) -> Decision:
    """Once; who comes later is told who has it."""
    known = next((alert for alert in state.alerts.known.values() if alert.number == command.alert), None)
    if known is None:
        return unknown("remembered alert", str(command.alert))
    if known.acknowledged:
        return Decided(answer={"alert": known.number, "by": known.acknowledged, "note": known.note, "repeated": True})
    return Decided((e.AlertAcknowledged(command.alert, by.member, by.person, command.note),), {"alert": command.alert, "by": by.member})
