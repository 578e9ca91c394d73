"""Any sequence of grants, redemptions, reports and ends, against a count of the log from its beginning."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from actors.governance import budgets
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance import warrant as warrants
from actors.governance.bundle import Bundle
from actors.governance.codec import decode_state, encode_state
from actors.governance.ids import HOUR, MINUTE, SECOND, Instant
from actors.governance.refusals import Refusal
from actors.governance.state import Limit
from actors.governance.windows import begun
from tests.actors.governance.test_budgets import BUNDLE, LARGER, UNIT, WEST, begin, pay, redeemed

PICK = st.integers(0, 1_000)
COSTS = st.integers(-90, 90)


class Spending(RuleBasedStateMachine):
    """Any sequence of grants, redemptions, reports and ends, against a count of the log from its beginning."""

    make: Callable[[], Any]

    def __init__(self) -> None:
        super().__init__()
        self.bench = type(self).make()
        self.numbers = 0
        self.seen = len(self.bench.log)  # entries, by ``within``
        self.moved = Instant(0)  # when the zone changed last
        self.found = b"a" * 32  # the target's state

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def pick(self, things: Iterable[Any], at: int) -> Any:
        found = list(things)
        return found[at % len(found)] if found else None

    def held(self) -> list[Any]:
        return [case for case in self.bench.state.cases.values() if case.status == "held"]

    @rule(amount=st.integers(-5, 60), action=st.sampled_from(["pay.small", "pay.held", "pay.often"]), by=st.sampled_from(["ada", "ben"]))
    def propose(self, amount: int, action: str, by: str) -> None:
        pay(self.bench, amount, action, by, state_digest=self.found)
        self.within()

    @rule(amount=st.integers(1, 40), by=st.sampled_from(["ada", "ben"]), cost=COSTS, outcome=st.sampled_from(["succeeded", "unknown"]))
    def do_at_once(self, amount: int, by: str, cost: int, outcome: str) -> None:
        if not isinstance(pay(self.bench, amount, "pay.small", by, resource=f"book/{self.number()}"), Refusal):
            self.within()
            run = redeemed(self.bench, f"run-{self.number()}")
            self.bench.done(self.bench.report(run, cost=cost * UNIT, outcome=outcome), "till")

    @precondition(lambda self: self.held())
    @rule(at=PICK)
    def approve(self, at: int) -> None:
        self.bench.ask(self.bench.vote(self.pick(self.held(), at), "clara"), "clara")
        self.within()

    @precondition(lambda self: self.bench.state.warrants)
    @rule(at=PICK)
    def redeem(self, at: int) -> None:
        """Or learn that it is stale, where the target has changed since."""
        live = self.pick(self.bench.state.warrants.values(), at)
        found = self.found if live.terms.state_digest is not None else None
        self.bench.ask(self.bench.redemption(live.warrant, f"run-{self.number()}", state_digest=found), "till")
        self.within()

    def within(self) -> None:
        """What was just granted, if anything was, fits every limit on it by the log itself."""
        seen, self.seen = self.seen, len(self.bench.log)
        for _, _, event, _ in self.bench.log[seen:]:
            if isinstance(event, e.WarrantIssued):
                terms = warrants.unpack_own(event.fields)
                for limit, scope in budgets.applicable(self.bench.state.limits, terms.agent, terms.action):
                    assert counted_by_hand(self.bench, limit, scope, self.moved) <= limit.most

    @precondition(lambda self: self.bench.state.warrants)
    @rule(at=PICK)
    def redeem_what_is_stale(self, at: int) -> None:
        self.found = self.number().to_bytes(32)
        self.redeem(at)

    @precondition(lambda self: self.bench.state.runs)
    @rule(at=PICK, cost=COSTS, outcome=st.sampled_from(["succeeded", "failed", "unknown"]))
    def report(self, at: int, cost: int, outcome: str) -> None:
        """In time or late."""
        run = self.pick(self.bench.state.runs.values(), at)
        self.bench.ask(self.bench.report(run.run, cost=cost * UNIT, outcome=outcome), "till")

    @precondition(lambda self: self.unknown())
    @rule(at=PICK, happened=st.booleans())
    def settle(self, at: int, happened: bool) -> None:
        self.bench.done(c.SettleEffect(self.pick(self.unknown(), at).run, happened, "looked"), "greta")

    def unknown(self) -> list[Any]:
        return [run for run in self.bench.state.runs.values() if run.status == "unknown"]

    @precondition(lambda self: self.bench.state.warrants)
    @rule(at=PICK)
    def revoke(self, at: int) -> None:
        self.bench.done(c.RevokeWarrant(self.pick(self.bench.state.warrants.values(), at).warrant, "no more"), "greta")

    @rule(span=st.sampled_from([SECOND, SECOND, 4 * MINUTE, 11 * MINUTE, 16 * MINUTE, 5 * HOUR, 30 * HOUR, 32 * 24 * HOUR]))
    def pass_time(self, span: int) -> None:
        self.bench.pass_time(span)

    @rule(bundle=st.sampled_from([BUNDLE, LARGER, WEST]))
    def activate(self, bundle: Bundle) -> None:
        state = self.bench.state
        before = {(limit.what, limit.per, scope): used for limit, scope, used in self.exposures()}
        moves = bundle.zone != state.zone
        self.bench.done(c.ActivateBundle(bundle.digest, f"bundle-{self.number()}"), "greta")
        if moves:
            self.moved = self.bench.now
            self.numbers += 1
        for limit, scope, used in self.exposures():
            assert used >= before[limit.what, limit.per, scope]
            assert moves or used == before[limit.what, limit.per, scope]

    def exposures(self) -> list[tuple[Limit, str, int]]:
        bench, limits = self.bench, self.bench.state.limits
        found = [(limit, scope) for limit in limits for scope in bench.state.budgets if budgets._counts_in(limits, limit, scope)]
        return [(limit, scope, budgets.exposure(bench.state, scope, limit, bench.now)) for limit, scope in found]

    @rule()
    def restart(self) -> None:
        self.bench.state = decode_state(encode_state(self.bench.state))

    @invariant()
    def exposure_is_what_the_log_says(self) -> None:
        """Once the zone has changed, at least what was redeemed since: what counted then is kept as one sum."""
        for limit, scope, used in self.exposures():
            counted = counted_by_hand(self.bench, limit, scope, self.moved)
            assert used == counted if self.moved == 0 else used >= counted

    def teardown(self) -> None:
        assert encode_state(self.bench.refold()) == encode_state(self.bench.state)


def counted_by_hand(bench: Any, limit: Limit, scope: str, since: Instant) -> int:
    """Exposure from the log alone, of what was redeemed since then or nobody knows."""
    issued: dict[str, warrants.Warrant] = {}
    uses: dict[str, int] = {}
    runs: dict[str, tuple[str, int, int, str]] = {}  # warrant, when, cost, how it stands
    for _, at, event, _ in bench.log:
        match event:
            case e.WarrantIssued():
                issued[event.warrant] = terms = warrants.unpack_own(event.fields)
                uses[event.warrant] = terms.uses
            case e.WarrantRevoked() | e.WarrantExpired() | e.TargetStale():
                uses[event.warrant] = 0
            case e.RunOpened():
                uses[event.warrant] -= 1
                runs[event.run] = (event.warrant, at, issued[event.warrant].cost_cap or 0, "spent")
            case e.RunReported():  # one that does not know what happened is followed by the unknown outcome
                warrant, when, worst, _ = runs[event.run]
                runs[event.run] = (warrant, when, event.cost if event.cost >= 0 else worst, "spent")
            case e.RunUnknown():
                warrant, when, said, _ = runs[event.run]
                runs[event.run] = (warrant, when, max(said, issued[warrant].cost_cap or 0), "unknown")
            case e.RunReportedLate():
                warrant, when, said, _ = runs[event.run]
                runs[event.run] = (warrant, when, max(said, event.cost), "unknown")
            case e.EffectSettled():
                warrant, when, cost, _ = runs[event.run]
                runs[event.run] = (warrant, when, cost, "spent" if event.happened else "nothing")
            case _:
                pass

    def concerns(name: str) -> bool:
        terms = issued[name]
        return any(one is limit and where == scope for one, where in budgets.applicable(bench.state.limits, terms.agent, terms.action))

    total = 0
    for name, left in uses.items():
        if concerns(name):
            total += left * (issued[name].cost_cap or 0) if limit.what == "cost" else left
    for warrant, when, cost, how in runs.values():
        current = when > since and begun(bench.state.zone, Instant(when), limit.per) == begun(bench.state.zone, bench.now, limit.per)
        if concerns(warrant) and (how == "unknown" or (how == "spent" and current)):
            total += cost if limit.what == "cost" else 1
    return total


def test_a_limit_is_never_exceeded_whatever_happens_in_whatever_order(founded: Callable[[], Any]) -> None:
    class Machine(Spending):
        make = staticmethod(lambda: begin(founded))

    found = settings(max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Machine, settings=found)
