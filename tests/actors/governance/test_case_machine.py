"""Everything that can happen to cases, in any order, against what must always hold."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import attrs
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from actors.governance import commands as c
from actors.governance import events as e
from actors.governance import index, intent, warrant
from actors.governance.codec import decode_state, encode_state
from actors.governance.decision import Decided
from actors.governance.ids import HOUR, MINUTE, SECOND
from actors.governance.refusals import Refusal

ACTIONS = st.sampled_from(["notes.read", "notes.append", "orders.refund", "orders.payout", "files.write", "orders.wipe"])
AGENTS = st.sampled_from(["ada", "ben", "mallory"])
VOTERS = st.sampled_from(["clara", "dora", "hugo", "clara-two", "greta"])
STATES = st.sampled_from([None, b"a" * 32, b"b" * 32])
PICK = st.integers(0, 1_000)
EXAMPLES = int(os.environ.get("VIENNA_MACHINE_EXAMPLES", "40"))  # sequences of each machine
STEPS = int(os.environ.get("VIENNA_MACHINE_STEPS", "40"))  # at most, of each sequence
MOVES = {"max_examples": EXAMPLES, "stateful_step_count": STEPS, "deadline": None, "print_blob": True}
PLAYED: Counter[str] = Counter()


class Cases(RuleBasedStateMachine):
    """A bench under any sequence of commands.  ``make`` is set by the test."""

    make: Callable[[], Any]

    def __init__(self) -> None:
        super().__init__()
        self.bench = type(self).make()
        self.base = len(self.bench.log)
        self.snapshots = [(self.base, encode_state(self.bench.state))]
        self.numbers = 0

    # --- picking -------------------------------------------------------------------------------------------------------

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def pick(self, things: Any, at: int) -> Any:
        found = list(things)
        return found[at % len(found)] if found else None

    def events(self, kind: type) -> list[Any]:
        return [event for _, _, event, _ in self.bench.log if isinstance(event, kind)]

    def ask(self, command: c.Command, by: str) -> Decided | Refusal:
        before = encode_state(self.bench.state)
        PLAYED["commands"] += 1
        decision = self.bench.ask(command, by)
        if isinstance(decision, Refusal):  # a refusal changes the count of refusals, of entries and the time, and nothing else
            after = decode_state(before)
            after.size, after.time, after.tally.refused = after.size + 1, self.bench.now, after.tally.refused + 1
            assert encode_state(after) == encode_state(self.bench.state)
            PLAYED["refused"] += 1
        return decision

    @initialize(on=STATES)
    def begin(self, on: bytes | None) -> None:
        """Something of each kind to work on: without it most sequences end before anything has run."""
        for action, by in (("notes.append", "ada"), ("orders.refund", "ben"), ("files.write", "mallory"), ("orders.payout", "ada")):
            self.ask(self.bench.wish(action, key=f"key-{self.number()}", state_digest=on), by)

    # --- what can happen -----------------------------------------------------------------------------------------------

    @rule(action=ACTIONS, by=AGENTS, on=STATES, passback=st.booleans(), parent=st.none() | PICK, soon=st.booleans())
    def propose(self, action: str, by: str, on: bytes | None, passback: bool, parent: int | None, soon: bool) -> None:
        above = self.pick(self.bench.steps, parent) if parent is not None else None
        run = f"run-{self.number()}" if passback else None
        deadline = self.bench.now + MINUTE if soon else None
        wish = self.bench.wish(action, key=f"key-{self.number()}", state_digest=on, parent=above, run=run, deadline=deadline)
        self.ask(wish, by)

    @rule(action=st.sampled_from(["notes.append", "orders.refund", "files.write"]), by=AGENTS, on=STATES)
    def run(self, action: str, by: str, on: bytes | None) -> None:
        """A case that goes straight to its first run."""
        self.ask(self.bench.wish(action, key=f"key-{self.number()}", state_digest=on), by)
        proposed = next(reversed(self.events(e.IntentProposed)), None)
        if proposed is None:
            return  # a crash took all of them, and this one was refused
        case = self.bench.state.cases.get(proposed.case)
        if case is not None and case.status == "held":
            self.ask(self.bench.vote(case, "hugo"), "hugo")
        live = next((w for w in self.bench.state.warrants.values() if w.case == proposed.case), None)
        if live is not None:
            self.ask(self.bench.redemption(live.warrant, f"run-{self.number()}"), "till")

    @rule(at=PICK, by=VOTERS, deny=st.booleans(), narrowing=st.sampled_from([{}, {"uses": 1}, {"uses": 9}, {"cost_cap": 0}, {"ttl": 1}]))
    def vote(self, at: int, by: str, deny: bool, narrowing: dict[str, int]) -> None:
        case = self.pick((case for case in self.bench.state.cases.values() if case.status == "held"), at)
        if case is not None:
            decision = "deny" if deny and at % 3 == 0 else "approve"
            self.ask(self.bench.vote(case, by, decision, narrowing=narrowing), by)

    @rule(at=PICK, by=VOTERS)
    def vote_again_on_anything(self, at: int, by: str) -> None:
        given = self.pick(self.events(e.ApprovalGiven), at)
        if given is not None:
            self.ask(c.Vote("approve", given.statement, given.signature), by)

    @rule(at=PICK, on=STATES, by=st.sampled_from(["till", "till", "till", "mill", "ada"]), old_run=st.booleans())
    def redeem(self, at: int, on: bytes | None, by: str, old_run: bool) -> None:
        issued = self.pick(self.events(e.WarrantIssued) if at % 5 == 0 else self.bench.state.warrants.values(), at)
        if issued is None:
            return
        terms = warrant.unverified_unpack(issued.fields)
        by = terms.executor if by == "till" else by
        known = self.pick(self.events(e.RunOpened), at)
        run = known.run if old_run and known is not None else f"run-{self.number()}"
        self.ask(self.bench.redemption(issued.warrant, run, **({"state_digest": on} if at % 2 else {})), by)

    @rule(at=PICK, change=st.sampled_from(["uses", "params", "executor", "expires_at", "mac", "args"]))
    def redeem_altered(self, at: int, change: str) -> None:
        live = self.pick(self.bench.state.warrants.values(), at)
        if live is None:
            return
        altered: dict[str, Any] = {"mac": b"m" * 32} if change == "mac" else {"args_digest": b"a" * 32}
        if change in ("uses", "params", "executor", "expires_at"):
            value = {"uses": 99, "params": {"amount": 999}, "executor": "mill", "expires_at": live.expires_at + HOUR}[change]
            altered = {"warrant": warrant.pack(attrs.evolve(live.terms, **{change: value}))}
        runs = len(self.bench.state.runs)
        self.ask(self.bench.redemption(live.warrant, f"run-{self.number()}", **altered), live.executor)
        assert len(self.bench.state.runs) == runs

    @rule(
        at=PICK, outcome=st.sampled_from(["succeeded", "succeeded", "failed", "unknown"]), cost=st.sampled_from([0, 5, 1_000]),
        lie=st.booleans(), old=st.booleans(),
    )  # fmt: skip
    def report(self, at: int, outcome: str, cost: int, lie: bool, old: bool) -> None:
        opened = self.pick(self.events(e.RunOpened), at) if old else self.pick(self.bench.state.runs.values(), at)
        if opened is not None:
            changed = {"resource": "book/other"} if lie and at % 4 == 0 else {}
            self.ask(self.bench.report(opened.run, opened.redeemer, outcome=outcome, cost=cost, **changed), opened.redeemer)

    @rule(at=PICK, agrees=st.booleans())
    def attest(self, at: int, agrees: bool) -> None:
        run = self.pick((run for run in self.bench.state.runs.values() if run.status == "reported"), at)
        if run is not None:
            self.ask(self.bench.attest(run.run, agrees=agrees), "emil")

    @rule(at=PICK, happened=st.booleans())
    def settle(self, at: int, happened: bool) -> None:
        run = self.pick(self.bench.state.runs.values(), at)
        if run is not None:
            self.ask(c.SettleEffect(run.run, happened, "looked"), "greta")

    @rule(at=PICK, by=st.sampled_from(["ada", "ben", "greta"]))
    def cancel(self, at: int, by: str) -> None:
        case = self.pick(self.bench.state.cases.values(), at)
        if case is not None:
            self.ask(c.Cancel(case.case, "no more"), by)

    @rule(at=PICK)
    def revoke(self, at: int) -> None:
        live = self.pick(self.bench.state.warrants.values(), at)
        if live is not None:
            self.ask(c.RevokeWarrant(live.warrant, "no more"), "greta")

    @rule(scope=st.sampled_from(["tenant", "agent:ada", "action:notes.append"]), at=PICK)
    def trip_or_reset(self, scope: str, at: int) -> None:
        reset = at % 4 > 0
        self.ask(c.ResetBreaker(scope, "looked") if reset else c.TripBreaker(scope, "halt"), "greta")

    @rule()
    def reset_all(self) -> None:
        for scope in [guard.scope for guard in self.bench.state.breakers.values() if guard.status != "closed"]:
            self.ask(c.ResetBreaker(scope, "looked"), "greta")

    @rule(at=PICK, resolve=st.booleans())
    def take_up_a_dead_letter(self, at: int, resolve: bool) -> None:
        letter = self.pick(self.events(e.DeadLetterOpened), at)
        if letter is not None:
            self.ask(c.ResolveLetter(letter.letter, "read") if resolve else c.RetryLetter(letter.letter, f"k{at % 2}"), "greta")

    @precondition(lambda self: len(self.bench.log) > self.base)
    @rule(who=st.sampled_from(["ben", "mill", "clara-two"]))
    def revoke_a_member(self, who: str) -> None:
        if self.number() % 8 == 0:
            self.ask(c.RevokeMember(who, "left", f"key-{self.number()}"), "greta")

    @rule(name=st.sampled_from(["strict", "loose", "frugal", "workshop"]), settle=st.booleans())
    def activate(self, name: str, settle: bool) -> None:
        """What waits under another bundle may be voted on, denied or withdrawn before it is decided again."""
        bundle = self.bench.others.get(name, self.bench.bundle)
        self.bench.bundles[bundle.digest] = bundle
        self.ask(c.ActivateBundle(bundle.digest, f"key-{self.number()}"), "greta")
        if settle:
            self.bench.pass_time(0)
            assert {case.bundle for case in self.bench.state.cases.values() if case.status == "held"} <= {bundle.digest}

    @rule(span=st.sampled_from([SECOND, SECOND, SECOND, MINUTE, MINUTE, 6 * MINUTE, 16 * MINUTE, 5 * HOUR]))
    def pass_time(self, span: int) -> None:
        self.bench.pass_time(span)

    @rule()
    def restart(self) -> None:
        self.bench.state = decode_state(encode_state(self.bench.state))

    @rule()
    def remember_a_snapshot(self) -> None:
        self.snapshots.append((len(self.bench.log), encode_state(self.bench.state)))

    # --- what must hold ------------------------------------------------------------------------------------------------

    @invariant()
    def live_counts_what_is_live(self) -> None:
        state = self.bench.state
        live = Counter(w.case for w in state.warrants.values()) + Counter(r.case for r in state.runs.values())
        assert {name: case.live for name, case in state.cases.items() if case.live} == dict(live)

    @invariant()
    def each_open_case_knows_its_newest_entry(self) -> None:
        newest = {getattr(event, "case", ""): seq for seq, _, event, _ in self.bench.log if not isinstance(event, e.BreakerProbed)}
        assert all(case.last == newest[case.case] for case in self.bench.state.cases.values())

    @invariant()
    def what_is_blocked_is_unknown(self) -> None:
        state = self.bench.state
        assert {run.effect for run in state.runs.values() if run.status == "unknown"} == set(state.blocked)

    def teardown(self) -> None:
        PLAYED["sequences"] += 1
        PLAYED["entries"] += len(self.bench.log) - self.base
        self.check_log()
        self.check_replay()
        self.check_that_everything_ends()

    def check_log(self) -> None:
        uses: Counter[str] = Counter()
        terms: dict[str, warrant.Warrant] = {}
        live: set[str] = set()
        approvals: dict[str, list[str]] = {}
        excluded: dict[str, tuple[str, ...]] = {}
        verdict: dict[str, e.CaseDecided] = {}
        deadline: dict[str, int] = {}
        active, previous = b"", None
        for seq, at, event, _ in self.bench.log:
            match event:
                case e.IntentProposed():
                    excluded[event.case] = event.excluded
                case e.CaseDecided():
                    verdict[event.case], approvals[event.case] = event, []
                case e.BundleActivated():
                    active = event.bundle
                case e.TargetStale():
                    live.remove(event.warrant)
                    deadline.pop(event.case, None)  # decided again on another state, with time of its own
                case e.ApprovalRequested():
                    assert event.expires_at <= deadline.setdefault(event.case, event.expires_at)
                    deadline[event.case] = event.expires_at
                case e.CaseEscalated():
                    assert deadline[event.case] <= at < event.expires_at
                    deadline[event.case] = event.expires_at  # others are asked, for a time of their own
                case e.ApprovalGiven() | e.EnvelopeUsed():
                    approvals[event.case].append(event.person)
                case e.WarrantIssued():
                    terms[event.warrant] = made = warrant.unverified_unpack(event.fields)
                    live.add(event.warrant)
                    decided, persons = verdict[event.case], set(made.approvals)
                    assert len(persons) == len(made.approvals) >= {"T0": 0, "T1": 1, "T2": 2}[made.tier]
                    assert persons <= set(approvals[event.case])
                    assert not persons & set(excluded[event.case])
                    assert made.uses <= decided.uses
                    assert made.expires_at <= at + decided.ttl
                    assert decided.cost_cap is None or (made.cost_cap is not None and made.cost_cap <= decided.cost_cap)
                    assert made.tier == decided.tier
                    assert made.bundle == active  # nothing is granted under a bundle that is no longer in force
                case e.WarrantRevoked() | e.WarrantExpired():
                    assert event.warrant in live
                    live.remove(event.warrant)
                case e.RunOpened():
                    made = terms[event.warrant]
                    assert event.warrant in live
                    assert made.not_before <= at < made.expires_at
                    assert event.redeemer == made.executor
                    params: Any = made.params if event.params is None else event.params
                    assert event.args_digest == intent.args_digest(made.action, made.resource, params)
                    assert params == made.params or set(made.constraints) & {n for n in params if params[n] != made.params.get(n)}
                    uses[event.warrant] += 1
                    assert uses[event.warrant] <= made.uses
                    if uses[event.warrant] == made.uses:
                        live.remove(event.warrant)
                case e.DeadLetterOpened():
                    assert event.previous == previous
                    previous = seq
                case _:
                    pass
        assert live == set(self.bench.state.warrants)
        for steps in self.bench.steps.values():
            assert [step for step, _ in steps] == list(range(len(steps)))
        runs = [event.run for event in self.events(e.RunOpened)]
        assert len(runs) == len(set(runs))

    def check_replay(self) -> None:
        expected = encode_state(self.bench.state)
        assert encode_state(self.bench.refold()) == expected
        for _, packed in self.snapshots:
            assert encode_state(self.bench.refold(start=decode_state(packed))) == expected
        folded = self.bench.refold(self.base)
        for position in range(self.base, len(self.bench.log)):  # snapshot and rest, at every position
            restarted = self.bench.refold(position + 1, decode_state(encode_state(folded)))
            folded = self.bench.refold(position + 1, folded)
            assert encode_state(restarted) == encode_state(folded)

    def check_that_everything_ends(self) -> None:
        for _ in range(8):
            self.bench.pass_time(5 * HOUR)
        waiting = {run.case for run in self.bench.state.runs.values() if run.status == "unknown"}
        assert set(self.bench.state.cases) == waiting
        assert not self.bench.state.warrants
        for run in list(self.bench.state.runs.values()):
            assert isinstance(self.bench.ask(c.SettleEffect(run.run, True, "looked"), "greta"), Decided)
        assert not self.bench.state.cases
        assert not self.bench.state.blocked
        for steps in self.bench.steps.values():
            assert [closes for _, closes in steps].count(True) == 1
            assert steps[-1][1]


@attrs.define
class Deed:
    """What an executor notes on a disk of its own before it acts, and what it did."""

    warrant: str
    args: bytes
    acted: int = 0


class Crashes(Cases):
    """The same with a disk: what is not synced is lost with the node, answers leave when they are durable, executors act on answers.

    An executor that hears nothing asks again under the same run.  What it did stays done, whatever the node forgets.
    """

    def __init__(self) -> None:
        super().__init__()
        self.durable = self.base
        self.unsent: list[tuple[c.Redeem, Decided]] = []
        self.asked: list[tuple[c.Redeem, str]] = []
        self.deeds: dict[str, Deed] = {}

    def ask(self, command: c.Command, by: str) -> Decided | Refusal:
        decision = super().ask(command, by)
        if isinstance(command, c.Redeem):
            self.asked.append((command, by))
            if isinstance(decision, Decided) and decision.refusal is None:
                self.unsent.append((command, decision))
        return decision

    @rule(dies=st.booleans())
    def sync(self, dies: bool) -> None:
        """The batch is on the disk and its answers leave; an executor may die after noting what it is about to do."""
        self.durable = len(self.bench.log)
        for command, decision in self.unsent:
            deed = self.deeds.setdefault(command.run, Deed(warrant.unverified_unpack(command.warrant).warrant, command.args_digest))
            if decision.answer.get("repeated") and deed.acted:
                continue  # its journal knows
            if not dies:
                assert deed.acted == 0
                deed.acted += 1
                PLAYED["executions"] += 1
        self.unsent.clear()

    @rule()
    def crash(self) -> None:
        """The node dies: what was not synced never happened, and nobody got an answer to it."""
        PLAYED["crashes"] += 1
        bench = self.bench
        bench.log = bench.log[: self.durable]
        bench.index, bench.steps = {}, {}
        for seq, _, event, _ in bench.log:
            bench.index.update(dict.fromkeys(index.keys(event), seq))
            name = getattr(event, "case", None)
            if name is not None and not isinstance(event, e.BreakerProbed):
                steps = bench.steps.setdefault(name, [])
                steps.append((len(steps), getattr(event, "closes", False)))
        self.snapshots = [(size, packed) for size, packed in self.snapshots if size <= self.durable]
        start = self.snapshots[-1]
        bench.state = bench.refold(start=decode_state(start[1]))
        self.unsent.clear()

    @rule(at=PICK)
    def ask_again(self, at: int) -> None:
        """An executor that got no answer, or a thief with what it sent: the same bytes once more."""
        asked = self.pick(self.asked, at)
        if asked is not None and asked[1] in self.bench.state.members:
            self.ask(*asked)

    @rule(at=PICK, outcome=st.sampled_from(["succeeded", "failed", "unknown"]))
    def report_what_was_done(self, at: int, outcome: str) -> None:
        done = [name for name, deed in self.deeds.items() if name in self.bench.state.runs and (deed.acted or outcome == "unknown")]
        run = self.pick(done, at)
        if run is not None:
            self.ask(self.bench.report(run, self.bench.state.runs[run].redeemer, outcome=outcome), self.bench.state.runs[run].redeemer)

    def teardown(self) -> None:
        self.sync(dies=False)
        self.check_deeds()
        super().teardown()

    def check_deeds(self) -> None:
        """No execution without a live warrant (``check_log`` holds each redemption to that), none twice, none beyond the uses."""
        opened = {event.run: event for event in self.events(e.RunOpened)}
        uses = Counter(deed.warrant for deed in self.deeds.values() if deed.acted)
        issued = {event.warrant: warrant.unverified_unpack(event.fields).uses for event in self.events(e.WarrantIssued)}
        for run, deed in self.deeds.items():
            assert deed.acted <= 1
            assert (opened[run].warrant, opened[run].args_digest) == (deed.warrant, deed.args)
        assert all(count <= issued[name] for name, count in uses.items())


def played(machine: type[Cases], founded: Callable[[], Any]) -> None:
    made = type(machine.__name__, (machine,), {"make": staticmethod(founded)})
    PLAYED.clear()
    run_state_machine_as_test(made, settings=settings(**MOVES, suppress_health_check=list(HealthCheck)))
    print(machine.__name__, dict(PLAYED))


def test_whatever_happens_to_cases_what_must_hold_holds(founded: Callable[[], Any]) -> None:
    played(Cases, founded)


def test_whatever_a_crash_forgets_nothing_is_executed_without_its_warrant_or_twice(founded: Callable[[], Any]) -> None:
    played(Crashes, founded)


def test_a_log_gives_the_same_bytes_of_state_twice(founded: Callable[[], Any]) -> None:
    one, other = founded(), founded()
    for bench in (one, other):
        bench.done(bench.report(bench.running()), "till")
        bench.pass_time(HOUR)
    assert hashlib.sha256(encode_state(one.state)).digest() == hashlib.sha256(encode_state(other.refold())).digest()
