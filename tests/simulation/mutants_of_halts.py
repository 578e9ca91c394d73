"""Faults in what stops a tenant, an agent or the node: breakers, pauses, and who lets them go on."""

from __future__ import annotations

from typing import Any

from actors import supervisor
from actors.governance import breaker, pauses, pausing
from actors.governance import events as e
from actors.governance.ids import Instant
from actors.governance.node_law import NodeState
from actors.governance.state import State, epoch
from tests.simulation.mutating import Put, mutant


@mutant("the node forgets what stops it when it starts")
def _(put: Put) -> None:
    async def forgets(self: Any) -> None:
        self._fold_anew()
        self.state = NodeState(operators=self.state.operators, alerts=self.state.alerts)
        self._show()

    put(supervisor.Supervisor, "start", forgets)


def overlooked(put: Put, unseen: str) -> None:
    noted = pauses.of_node
    put(pauses, "of_node", lambda now, side, stop, last: () if side == unseen else noted(now, side, stop, last))


@mutant("a pause of the node that tenants do not note")
def _(put: Put) -> None:
    overlooked(put, pauses.OPERATORS)


@mutant("a trip of the node that tenants do not note")
def _(put: Put) -> None:
    overlooked(put, pauses.BREAKER)


@mutant("a pause that leaves the warrants it saw")
def _(put: Put) -> None:
    before = pauses.folded

    def leaves(now: State, event: pauses.Pauses, at: Instant) -> None:
        whole = [live for live in now.warrants.values() if not live.revoked and live.epoch == epoch(now, live.agent, live.action)]
        before(now, event, at)
        if isinstance(event, e.ScopePaused):
            for live in whole:
                live.revoked, live.epoch = "", epoch(now, live.agent, live.action)

    put(pauses, "folded", leaves)


@mutant("whoever answers for an agent lets it go on alone")
def _(put: Put) -> None:
    put(pausing, "answerable", lambda now, scope: frozenset())


@mutant("one person opens what a mismatch shut")
def _(put: Put) -> None:
    put(breaker, "takes_two", lambda now, guard: False)


@mutant("two cases probe at once")
def _(put: Put) -> None:
    admits = breaker.admits

    def of_any(now: State, agent: str, action: str, case: Any, at: Instant) -> Any:
        probing = {guard.scope: guard.probe for guard in now.breakers.values() if guard.status == "probing"}
        for scope in probing:
            now.breakers[scope].probe = case
        try:
            return admits(now, agent, action, case, at)
        finally:
            for scope, probe in probing.items():
                now.breakers[scope].probe = probe

    put(breaker, "admits", of_any)


@mutant("a probe of several uses")
def _(put: Put) -> None:
    put(breaker, "one_probe", lambda now, agent, action, case: None)


@mutant("a probe before the cool-down is over")
def _(put: Put) -> None:
    admits = breaker.admits

    def early(now: State, agent: str, action: str, case: Any, at: Instant) -> Any:
        ends = [guard.until for guard in now.breakers.values() if guard.status == "open" and guard.until is not None]
        return admits(now, agent, action, case, max([at, *ends]))

    put(breaker, "admits", early)
