"""How a tenant is doing, as its node may see it: in numbers, for what is in its log is its own."""

from __future__ import annotations

from collections.abc import Mapping

from actors.governance import pauses
from actors.governance.recovery import told
from actors.tenant import Tenant


def status_of(tenant: Tenant) -> Mapping[str, object]:
    """One line of the operator's list."""
    state = tenant.state
    recovery = told(state)
    return {
        "tenant": tenant.name,
        "phase": state.phase,
        "entries": state.size,
        "suspended": pauses.suspension(state),
        "pauses": [pauses.told(known) for known in state.pauses.values() if known.side == pauses.OPERATORS and known.scope == "tenant"],
        "recovery": "" if not recovery else "agreed" if recovery["agreed"] else "announced",
        "frozen": tenant.frozen,
        "held": sum(case.status == "held" for case in state.cases.values()),
        "open_cases": len(state.cases),
        "dead_letters": state.tally.dead_letters - state.tally.resolved,
        "alerts": state.alerts.unheard,
    }
