"""Faults in what is approved in advance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from actors.governance import envelope, enveloping
from actors.governance import events as e
from actors.governance.ids import Cost, Instant
from actors.governance.state import State
from tests.simulation.mutating import Put, fold, mutant, not_at_all


@mutant("an envelope that is used for ever")
def _(put: Put) -> None:
    fold(put, e.EnvelopeUsed, not_at_all)


@mutant("an envelope for whatever is asked")
def _(put: Put) -> None:
    put(envelope, "mismatch", lambda template, agent, wish: None)


@mutant("an envelope whose total is not counted")
def _(put: Put) -> None:
    def uncounted(before: Callable[..., None]) -> Callable[..., None]:
        def folded(now: State, event: e.EnvelopeUsed, case: Any, at: Instant) -> None:
            before(now, event, case, at)
            if event.envelope in now.envelopes:
                now.envelopes[event.envelope].spent = Cost(0)

        return folded

    fold(put, e.EnvelopeUsed, uncounted)


@mutant("an envelope for one's own agent")
def _(put: Put) -> None:
    put(enveloping, "behind", lambda now, agent: frozenset())


@mutant("an envelope up to any tier")
def _(put: Put) -> None:
    put(envelope, "covers", lambda tier, of_case: True)


@mutant("an envelope that a revocation leaves")
def _(put: Put) -> None:
    fold(put, e.EnvelopeRevoked, not_at_all)
