"""Faults in who looks: seats that are handed on, and canaries."""

from __future__ import annotations

from actors import canaries
from actors.governance import events as e
from actors.governance import seating, seats
from actors.governance.ids import Instant
from tests.simulation.mutating import Put, fold, mutant, not_at_all


@mutant("a seat that is handed on for ever")
def _(put: Put) -> None:
    held = seats.held
    put(seats, "held", lambda state, by, case, now: held(state, by, case, Instant(0)))


@mutant("a seat that nobody can take back")
def _(put: Put) -> None:
    fold(put, e.SeatReturned, not_at_all)


@mutant("a seat of whoever could fill none")
def _(put: Put) -> None:
    class Open:
        barred: frozenset[str] = frozenset()

    held = seats.held
    put(seats, "held", lambda state, by, case, now: held(state, by, Open(), now))  # type: ignore[arg-type]  # it asks for no more


@mutant("a seat that somebody else hands on")
def _(put: Put) -> None:
    put(seating, "verifies", lambda purpose, key, packed, signature: True)


@mutant("a canary that becomes real")
def _(put: Put) -> None:
    put(canaries.Canaries, "of", lambda self, state, case: None)
