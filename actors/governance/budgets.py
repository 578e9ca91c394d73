"""What may be spent, how often may be acted: limits on *exposure*, kept by the grant itself.

    exposure = spent + outstanding + unknown

    outstanding  every use of every warrant that may still be redeemed, at its worst; counts in every current window
    spent        from its redemption on, in the window of that moment: at its worst until the report says what it was
    unknown      the worst of every run whose outcome nobody knows, or what its executor says it cost where that is more, until
                 that is settled; counts in every current window

A grant adds its worst in the same decision that checks it, so grants that race cannot add up to more than the limit.  Uses
that nobody redeemed are given back when their warrant is over.  Under a limit on cost every warrant has a cap: policy's, else
the worst by the action's own model, which the agent's estimate can only raise.

Exposure is remembered for scopes with a limit, from the activation of the bundle that sets it; a limit that the next bundle
moves goes on with what was spent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

from . import events as e
from . import kinds
from . import warrant as warrants
from .budget_words import amount, said
from .canonical import MAX_INTEGER, Value
from .ids import Instant
from .refusals import Code, Refusal
from .state import Budget, Limit, LiveWarrant, Member, Run, Spent, State
from .windows import PERS, begun, ends

MOST_SCOPES = 1_024  # remembered before those in which nothing counts any more are looked for
EACH_AGENT, EACH_AGENT_ACTION = "each_agent", "each_agent_action:"


def definition(limit: Limit) -> dict[str, Value]:
    """As the activation records it."""
    return {"scope": limit.scope, "what": limit.what, "per": limit.per, "most": limit.most, "warn": limit.warn}


def applicable(limits: Sequence[Limit], agent: str, action: str) -> list[tuple[Limit, str]]:
    """The limits on what this agent does by this action, each with the scope it is counted in.

    An agent's own limit stands in place of the one on each agent of the same measure and window.
    """
    own = {(limit.what, limit.per) for limit in limits if limit.scope == f"agent:{agent}"}
    found = []
    for limit in limits:
        if limit.scope in ("tenant", f"agent:{agent}", f"action:{action}"):
            found.append((limit, limit.scope))
        elif limit.scope == EACH_AGENT and (limit.what, limit.per) not in own:
            found.append((limit, f"agent:{agent}"))
        elif limit.scope == EACH_AGENT_ACTION + action:
            found.append((limit, f"agent:{agent} action:{action}"))
    return found


def exposure(state: State, scope: str, limit: Limit, now: Instant) -> int:
    """In the window that ``now`` lies in."""
    budget = state.budgets.get(scope)
    if budget is None:
        return 0
    spent = _current(budget, state.zone, limit.per, now)
    if limit.what == "cost":
        return budget.cost + budget.unknown_cost + (0 if spent is None else spent.cost)
    return budget.count + budget.unknown_count + (0 if spent is None else spent.count)


def _current(budget: Budget, zone: str, per: str, now: Instant) -> Spent | None:
    spent = budget.spent.get(per)
    return spent if spent is not None and spent.begun == begun(zone, now, per) else None


def admits(state: State, terms: warrants.Warrant, now: Instant, instead: LiveWarrant | None = None) -> tuple[e.BudgetWarned, ...] | Refusal:
    """Whether this warrant may be issued, and what is to be said of it.

    ``instead`` is the warrant that ends in the same decision: what it holds is free for this one.
    """
    found: list[e.BudgetWarned] = []
    uses, cost = (0, 0) if instead is None else (instead.uses_left, instead.uses_left * worst(instead.terms))
    for limit, scope in applicable(state.limits, terms.agent, terms.action):
        if limit.what == "cost" and terms.cost_cap is None:
            why = f"the budget of {said(scope)} limits its cost, and neither the action's model nor a policy says what it may cost at worst"
            return Refusal(Code.BUDGET_EXCEEDED, why, about=scope[:64])
        before = exposure(state, scope, limit, now) - (uses if limit.what == "count" else cost)
        after = before + (terms.uses if limit.what == "count" else terms.uses * (terms.cost_cap or 0))
        if after > limit.most:
            return _exceeded(state, scope, limit, before, after, now)
        spent = state.budgets.get(scope, Budget()).spent.get(limit.per)
        start = begun(state.zone, now, limit.per)
        told = spent is not None and spent.begun == start and limit.what in spent.warned
        if after >= limit.warn and not told:
            found.append(e.BudgetWarned(scope, limit.what, limit.per, start, after, limit.most, terms.case))
    return tuple(found)


def _exceeded(state: State, scope: str, limit: Limit, before: int, after: int, now: Instant) -> Refusal:
    """With the wait until the window ends, where that alone would help."""
    budget = state.budgets.get(scope, Budget())
    spent = _current(budget, state.zone, limit.per, now)
    gone = 0 if spent is None else spent.cost if limit.what == "cost" else spent.count
    end = ends(state.zone, now, limit.per)
    why = (
        f"the budget of {said(scope)} is {amount(limit.what, limit.most)} a {limit.per}; {amount(limit.what, before)} of it are spent or"
        f" promised, and this needs {amount(limit.what, after - before)}"
    )
    return Refusal(Code.BUDGET_EXCEEDED, why, (end - now) // 1000 + 1 if after - gone <= limit.most else None, about=scope[:64])


def left(state: State, agent: str, action: str, now: Instant) -> list[dict[str, Value]]:
    """What is left of every limit on what this agent does by this action: for cards and tables."""
    return [_line(state, limit, scope, now) for limit, scope in applicable(state.limits, agent, action)]


def lines(state: State, now: Instant) -> list[dict[str, Value]]:
    """Every limit with every scope that it is counted in so far."""
    found = []
    for limit in state.limits:
        scopes = sorted(scope for scope in state.budgets if _counts_in(state.limits, limit, scope)) or [limit.scope]
        found += [_line(state, limit, scope, now) for scope in scopes]
    return found


def seen_by(state: State, by: object, now: Instant) -> list[dict[str, Value]]:
    """The lines that somebody may see: an agent those that are its own alone."""
    found = lines(state, now)
    if not isinstance(by, Member) or by.kind != kinds.AGENT:
        return found
    mine = f"agent:{by.member}"
    return [line for line in found if line["scope"] == mine or str(line["scope"]).startswith(f"{mine} ")]


def _counts_in(limits: Sequence[Limit], limit: Limit, scope: str) -> bool:
    agent, _, action = scope.partition(" action:")
    if not agent.startswith("agent:"):
        return limit.scope == scope
    pairs = applicable(limits, agent.removeprefix("agent:"), action or "")
    return any(one is limit and where == scope for one, where in pairs)


def _line(state: State, limit: Limit, scope: str, now: Instant) -> dict[str, Value]:
    budget = state.budgets.get(scope, Budget())
    spent = _current(budget, state.zone, limit.per, now) or Spent()
    cost = limit.what == "cost"
    used = exposure(state, scope, limit, now)
    return {
        "scope": scope,
        "what": limit.what,
        "per": limit.per,
        "most": limit.most,
        "spent": spent.cost if cost else spent.count,
        "outstanding": budget.cost if cost else budget.count,
        "unknown": budget.unknown_cost if cost else budget.unknown_count,
        "left": max(0, limit.most - used),
        "ends": ends(state.zone, now, limit.per),
    }


# --- what evolve does -------------------------------------------------------------------------------------------------


def declare(state: State, zone: str, limits: Iterable[Mapping[str, object]]) -> None:
    """From now on exactly these hold.  Scopes that go on keep what was spent in them, new ones begin with what is promised now."""
    before, zone_before = state.budgets, state.zone
    state.zone = zone
    state.limits = tuple(
        Limit(
            scope=cast(str, said_["scope"]),
            what=cast(str, said_["what"]),
            per=cast(str, said_["per"]),
            most=cast(int, said_["most"]),
            warn=cast(int, said_["warn"]),
        )
        for said_ in limits
    )
    state.budgets = {}
    for live in state.warrants.values():
        for budget in _budgets(state, live.agent, live.action):
            _promise(budget, live.terms, live.uses_left)
    running: dict[str, list[Run]] = {}
    for run in sorted(state.runs.values(), key=lambda run: (run.opened, run.run)):
        for budget in _budgets(state, run.agent, run.action):
            if run.status == "unknown":
                _doubt(budget, held(run), 1)
            else:
                _spend(state, budget, run.opened, _so_far(run), 1, opens=True)
        if run.status != "unknown":
            for scope in {scope for _, scope in applicable(state.limits, run.agent, run.action)}:
                running.setdefault(scope, []).append(run)
    for scope, known in before.items():
        if scope in state.budgets or any(_counts_in(state.limits, limit, scope) for limit in state.limits):
            budget = state.budgets.setdefault(scope, Budget())
            budget.spent = known.spent if zone == zone_before else _moved(known.spent, zone_before, state, running.get(scope, ()))


def _moved(spent: Mapping[str, Spent], zone_before: str, state: State, running: Sequence[Run]) -> dict[str, Spent]:
    """What was spent in the windows of another zone, in those of this one.

    What counted a moment ago goes on counting until the new window ends: when each part of a sum was spent is not remembered, and a
    change of zone must not give anything back.  What runs now and lies in the new window alone is added, since its report will
    correct that window.
    """
    found: dict[str, Spent] = {}
    for per in PERS:
        start, start_before = begun(state.zone, state.time, per), begun(zone_before, state.time, per)
        kept, old = Spent(begun=start), spent.get(per)
        if old is not None and old.begun == start_before:
            kept.cost, kept.count, kept.warned = old.cost, old.count, old.warned
        for run in running:
            if begun(state.zone, run.opened, per) == start and begun(zone_before, run.opened, per) != start_before:
                kept.cost, kept.count = min(kept.cost + _so_far(run), MAX_INTEGER), kept.count + 1
        found[per] = kept
    return found


def _so_far(run: Run) -> int:
    return run.cost if run.status == "reported" else worst(run.terms)


def note(state: State, event: e.Event, at: Instant) -> None:
    """Counts the event, before it is folded: what it ends is still there."""
    match event:
        case e.WarrantIssued():
            terms = warrants.unpack_own(event.fields)
            for budget in _budgets(state, terms.agent, terms.action):
                _promise(budget, terms, terms.uses)
        case e.WarrantRevoked() | e.WarrantExpired() | e.TargetStale():
            if (live := state.warrants.get(event.warrant)) is not None:
                for budget in _budgets(state, live.agent, live.action):
                    _promise(budget, live.terms, -live.uses_left)
        case e.RunOpened():
            live = state.warrants[event.warrant]
            for budget in _budgets(state, live.agent, live.action):
                _promise(budget, live.terms, -1)
                _spend(state, budget, at, worst(live.terms), 1, opens=True)
        case e.RunReported() if event.outcome != "unknown" and (run := state.runs.get(event.run)) is not None:
            for budget in _budgets(state, run.agent, run.action):
                _spend(state, budget, run.opened, charged(run.terms, event.cost) - worst(run.terms), 0)
        case e.RunUnknown() if (run := state.runs.get(event.run)) is not None:
            for budget in _budgets(state, run.agent, run.action):
                _spend(state, budget, run.opened, -worst(run.terms), -1)
                _doubt(budget, held(run), 1)
        case e.RunReportedLate() if (run := state.runs.get(event.run)) is not None:
            for budget in _budgets(state, run.agent, run.action):
                _doubt(budget, held(run, event.cost) - held(run), 0)
        case e.EffectSettled() if (run := state.runs.get(event.run)) is not None:
            for budget in _budgets(state, run.agent, run.action):
                _doubt(budget, -held(run), -1)
                if event.happened:
                    _spend(state, budget, run.opened, held(run), 1)
        case e.BudgetWarned():
            budget = state.budgets.setdefault(event.scope, Budget())
            spent = _window(budget, event.per, event.begun)
            if spent is not None:
                spent.warned = (*spent.warned, event.what)
        case _:
            pass


def worst(terms: warrants.Warrant) -> int:
    """What one use may cost; 0 where only uses are limited."""
    return terms.cost_cap or 0


def charged(terms: warrants.Warrant, cost: int) -> int:
    """What a run is counted at that says it cost this.  Less than nothing is no cost: it would give back what others spent."""
    return cost if cost >= 0 else worst(terms)


def held(run: Run, late: int = 0) -> int:
    """What a run of unknown outcome is counted at: its worst, or what its executor said, now or before, where that is more."""
    return max(worst(run.terms), run.cost, late)


def _budgets(state: State, agent: str, action: str) -> list[Budget]:
    scopes = {scope for _, scope in applicable(state.limits, agent, action)}
    if any(scope not in state.budgets for scope in scopes) and len(state.budgets) > MOST_SCOPES:
        _prune(state)
    return [state.budgets.setdefault(scope, Budget()) for scope in sorted(scopes)]


def _prune(state: State) -> None:
    """Forgets scopes in which nothing counts any more."""
    now = state.time
    for scope in [
        scope
        for scope, budget in state.budgets.items()
        if not (budget.count or budget.unknown_count) and all(_current(budget, state.zone, per, now) is None for per in PERS)
    ]:
        del state.budgets[scope]


def _promise(budget: Budget, terms: warrants.Warrant, uses: int) -> None:
    budget.cost += worst(terms) * uses
    budget.count += uses


def _doubt(budget: Budget, cost: int, uses: int) -> None:
    budget.unknown_cost += cost
    budget.unknown_count += uses


def _spend(state: State, budget: Budget, when: Instant, cost: int, count: int, *, opens: bool = False) -> None:
    """Adds to the windows that ``when`` lies in, as far as they are the newest; what belongs to an earlier one is over with it."""
    for per in PERS:
        start = begun(state.zone, when, per)
        spent = _window(budget, per, start) if opens else budget.spent.get(per)
        if spent is not None and spent.begun == start:
            spent.cost = min(max(0, spent.cost + cost), MAX_INTEGER)
            spent.count = max(0, spent.count + count)


def _window(budget: Budget, per: str, start: Instant) -> Spent | None:
    """The window that begins at ``start``, begun anew where it is a later one; None where it is over."""
    spent = budget.spent.setdefault(per, Spent())
    if start > spent.begun:
        spent.begun, spent.cost, spent.count, spent.warned = start, 0, 0, ()
    return spent if spent.begun == start else None


def capped(limits: Sequence[Limit], agent: str, action: str, cap: int | None, model: Callable[[], int | None], estimate: int) -> int | None:
    """The cap that a warrant gets: policy's; under a limit on cost, where policy has none, the model's worst or the higher estimate."""
    if cap is not None or not any(limit.what == "cost" for limit, _ in applicable(limits, agent, action)):
        return cap
    worst = model()
    return None if worst is None else max(worst, estimate)
