"""The budgets of a ``bundle.toml``: hard limits on exposure, and from where on it is said.

[budgets.tenant]                                # all of it
cost_per_month = "50000"
[budgets.each_agent]                            # every agent by itself
cost_per_day = "500"
count_per_hour = 60
warn_at = 90                                    # percent; 80 where nothing is said
[budgets.agent.ada]                             # in place of each_agent's, of the same measure and window
cost_per_day = "2000"
[budgets.action."payments.refund"]              # whoever does it
[budgets.each_agent_action."payments.refund"]   # every agent by itself, by that action
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .catalogue import Action
from .finding import did_you_mean
from .names import NAME
from .policies import Policy
from .state import Limit
from .toml_table import Table
from .windows import PERS

MOST = 64  # lines of a bundle: each that applies is looked at in every decision
LARGEST = 10**12  # uses; amounts have a limit of their own
WARN_AT = 80  # percent: early enough to do something about it
_WHAT = ("cost", "count")
_KEYS = (*(f"{what}_per_{per}" for what in _WHAT for per in PERS), "warn_at")


def read(root: Table) -> tuple[Limit, ...]:
    """What is wrong becomes findings."""
    table = root.table("budgets")
    table.only(("tenant", "each_agent", "agent", "action", "each_agent_action"))
    found: list[Limit] = []
    for name in ("tenant", "each_agent"):
        if name in table.data:
            found += _limits(table.table(name), name)
    for kind in ("agent", "action", "each_agent_action"):
        named = table.table(kind)
        for name in named.data:
            if kind == "agent" and NAME.fullmatch(name) is None:
                named.fault(name, f"{name[:64]!r} cannot be an agent's name")
            elif kind != "agent" and name not in (actions := root.table("actions").data):
                named.fault(name, f"no action is called {name[:64]!r}", did_you_mean(name, actions))
            else:
                found += _limits(named.table(name), f"{kind}:{name}")
    if len(found) > MOST:
        table.fault(None, f"{len(found)} limits are too many", f"at most {MOST}")
    return tuple(found)


def _limits(table: Table, scope: str) -> list[Limit]:
    table.only(_KEYS)
    percent = table.integer("warn_at", WARN_AT, 1, 100)
    found = []
    for what in _WHAT:
        for per in PERS:
            key = f"{what}_per_{per}"
            if key in table.data:
                most = (table.amount(key) or 0) if what == "cost" else table.integer(key, 0, 0, LARGEST)
                found.append(Limit(scope=scope, what=what, per=per, most=most, warn=max(1, most * percent // 100)))
    if not found:
        table.fault(None, f"the budget of {scope} limits nothing", 'as in cost_per_day = "500" or count_per_hour = 60')
    return found


def unpriced(root: Table, limits: Sequence[Limit], catalogue: Mapping[str, Action], policies: Iterable[Policy]) -> None:
    """A finding for each action that a limit on cost covers although nobody says what it may cost: it could never be granted."""
    costs = [limit.scope for limit in limits if limit.what == "cost"]
    everything = any(not scope.startswith(("action:", "each_agent_action:")) for scope in costs)
    uncapped = {action for policy in policies if policy.terms is not None and policy.terms.cost_cap is None for action in policy.actions}
    for name, action in catalogue.items():
        covered = everything or f"action:{name}" in costs or f"each_agent_action:{name}" in costs
        if covered and action.cost is None and name in uncapped:
            what = f"a budget limits the cost of {name}, and neither its catalogue nor every permit says what it may cost"
            root.table("actions").fault(name, what, 'add cost = "0" or what one use costs at worst, or @cost_cap to each permit')
