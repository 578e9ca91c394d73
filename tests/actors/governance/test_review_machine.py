"""The machine of cases with everything people and warrants can do beside voting and redeeming: envelopes, seats that are handed on,
cards that have to be read, escalation, questions, further uses, mass revocation, probes, several verifiers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from actors.governance import canonical, envelope, intent, quorum, seat, warrant
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.bundle import Bundle, Source, load
from actors.governance.constraints import Range
from actors.governance.envelope import Template
from actors.governance.ids import DAY, HOUR, MINUTE
from actors.governance.refusals import Refusal
from tests.actors.governance.conftest import MANIFEST, POLICIES
from tests.actors.governance.test_case_machine import MOVES, PICK, PLAYED, VOTERS, Crashes
from tests.actors.governance.test_envelopes import TEMPLATE, signed
from tests.actors.governance.test_seating import handing

REVIEWED = (
    ('@id("refund") @tier("T1")', '@id("refund") @tier("T1") @exclude("author") @escalate("any 1 within 1h, 1 of role:lead within 2h")'),
    (
        '@quorum("1 of role:lead and 1 of role:finance")',
        '@quorum("2 of role:lead") @escalate("1 of role:lead and 1 of role:finance within 2h")',
    ),
)
TIERS = '[tiers.T1]\nreading_time = "30s"\nsecond_reader = 30\n[tiers.T2]\nreading_time = "1m"\n'
DRAFT: dict[str, Any] = {"path": "drafts/a", "text": "x", "amount": {"dec": "1.00"}}
PAYOUT = attrs.evolve(TEMPLATE, action="orders.payout", params={"amount": Range(1, 10, None)})


def reviewed() -> Bundle:
    text = POLICIES
    for old, new in REVIEWED:
        assert old in text
        text = text.replace(old, new)
    found = load(Source({"bundle.toml": (MANIFEST + TIERS).encode(), "all.cedar": text.encode()}))
    assert isinstance(found, Bundle), [str(item) for item in found.items]
    return found


class Whole(Crashes):
    """Crashes, with everything else that people and warrants can do."""

    looked: Bundle

    def __init__(self) -> None:
        super().__init__()
        self.bench.others["reviewed"] = type(self).looked
        self.canaries: set[str] = set()

    @initialize(reviewed=st.booleans())
    def begin_reviewed(self, reviewed: bool) -> None:
        if reviewed:
            self.put_the_reviewed_bundle_in_force("clara")
            self.ask(handing(self.bench, "clara", "dora"), "clara")
            self.ask(self.bench.wish("orders.payout", key=f"key-{self.number()}"), "ada")

    # --- how people look

    @rule(author=st.sampled_from(["clara", "greta", "hugo"]))
    def activate_the_reviewed_bundle(self, author: str) -> None:
        self.put_the_reviewed_bundle_in_force(author)

    def put_the_reviewed_bundle_in_force(self, author: str) -> None:
        bundle = type(self).looked
        self.bench.bundles[bundle.digest] = bundle
        self.bench.record(e.BundleActivated(bundle.digest, self.bench.state.bundle, by="greta", person="greta", author=author))  # type: ignore[arg-type]

    @rule(at=PICK, by=VOTERS)
    def open_a_card(self, at: int, by: str) -> None:
        case = self.pick((case for case in self.bench.state.cases.values() if case.status == "held"), at)
        if case is not None:
            self.ask(c.OpenCard(case.case), by)

    @rule(at=PICK, by=VOTERS)
    def read_and_vote(self, at: int, by: str) -> None:
        case = self.pick((case for case in self.bench.state.cases.values() if case.status == "held"), at)
        if case is not None:
            self.read_and_vote_on(case, by)

    def read_and_vote_on(self, case: Any, by: str) -> None:
        self.ask(c.OpenCard(case.case), by)
        self.bench.pass_time(MINUTE)
        if case.case in self.bench.state.cases:
            self.ask(self.bench.vote(case, by), by)

    @rule(at=PICK, order=st.permutations(["clara", "dora", "hugo", "clara-two"]), wait=st.booleans())
    def everybody_reads_and_votes(self, at: int, order: list[str], wait: bool) -> None:
        case = self.pick((case for case in self.bench.state.cases.values() if case.status == "held"), at)
        if case is None:
            return
        if wait:
            self.bench.pass_time(max(0, case.expires_at - self.bench.now))
        for by in order:
            if case.status == "held" and case.case in self.bench.state.cases:
                self.read_and_vote_on(case, by)

    @rule(by=VOTERS, to=VOTERS, span=st.sampled_from([MINUTE, HOUR, DAY]))
    def hand_a_seat_on(self, by: str, to: str, span: int) -> None:
        self.ask(handing(self.bench, by, to, until=self.bench.now + span), by)

    @rule(by=VOTERS, whose=st.none() | VOTERS)
    def take_a_seat_back(self, by: str, whose: str | None) -> None:
        self.ask(c.ReturnSeat(whose, "back"), by)

    @rule(by=VOTERS, t2=st.booleans(), count=st.integers(1, 3), total=st.sampled_from([None, 0, 5_000_000, 500_000_000]))
    def sign_in_advance(self, by: str, t2: bool, count: int, total: int | None) -> None:
        template: Template = PAYOUT if t2 else TEMPLATE
        self.ask(signed(self.bench, by, template, count=count, total=total, tier="T2" if t2 else "T1"), by)

    @rule(action=st.sampled_from(["orders.refund", "orders.payout", "notes.append"]), agent=st.sampled_from(["ada", "ben", "mallory"]))
    def try_people_out(self, action: str, agent: str) -> None:
        params: Any = {"text": "x"} if action == "notes.append" else {"amount": 5}
        command = c.ProposeCanary(agent, action, "book/one", params, "to see", "do we look?", f"key-{self.number()}")
        before = len(self.bench.log)
        decision = self.bench.ask(command, "greta")
        if isinstance(decision, Refusal):
            assert len(self.bench.log) == before
        else:
            self.canaries.add(decision.answer["case"])
            PLAYED["canaries"] += 1

    @rule(at=PICK, by=VOTERS)
    def revoke_an_envelope(self, at: int, by: str) -> None:
        known = self.pick(self.bench.state.envelopes, at)
        if known is not None:
            self.ask(c.RevokeEnvelope(known, "no more"), by)

    @rule(at=PICK, by=VOTERS, answered=st.booleans())
    def talk(self, at: int, by: str, answered: bool) -> None:
        case = self.pick((case for case in self.bench.state.cases.values() if case.status == "held"), at)
        if case is not None:
            self.ask(c.AnswerApprover(case.case, "so") if answered else c.AskAgent(case.case, "why?"), case.agent if answered else by)

    # --- who comes and goes

    @rule(who=st.sampled_from(["clara", "dora", "hugo", "clara-two"]), roles=st.sets(st.sampled_from(["lead", "finance"])))
    def change_roles(self, who: str, roles: set[str]) -> None:
        """As the founding admin: what a quorum of the sealed tenant records is this entry too."""
        self.ask(c.ChangeMember(who, tuple(sorted(roles)), f"key-{self.number()}"), "greta")

    @rule(who=st.sampled_from(["clara", "dora", "hugo"]), same=st.booleans(), lead=st.booleans(), back=st.booleans(), at=PICK)
    def leave_and_join_under_that_name(self, who: str, same: bool, lead: bool, back: bool, at: int) -> None:
        """After a vote on what takes two persons, and before those of others."""
        self.ask(self.bench.wish("orders.payout", key=f"key-{self.number()}"), "mallory")
        case = self.pick((case for case in self.bench.state.cases.values() if case.status == "held" and case.persons > 1), at)
        if case is not None:
            self.read_and_vote_on(case, who)
        self.ask(c.RevokeMember(who, "left", f"key-{self.number()}"), "greta")
        if back:
            name = f"i{self.number()}-{who}"
            person = who if same else f"another {who} {self.number()}"
            roles = ("lead",) if lead else ("finance",)
            self.ask(c.Invite(who, "approver", person, roles, name, b"t" * 32, self.bench.now + HOUR, name), "greta")
            if self.bench.state.members[who].status == "invited":
                self.bench.enrol(who, name)
                self.bench.confirm(who, name)
                PLAYED["joined anew"] += 1
        for by in ("hugo", "dora", "clara") if case is not None else ():
            if by != who and case.status == "held" and case.case in self.bench.state.cases:
                self.read_and_vote_on(case, by)

    # --- what warrants allow

    @rule(by=st.sampled_from(["ada", "mallory"]), path=st.sampled_from(["drafts/b", "drafts/secret", "other"]), again=st.booleans())
    def a_warrant_of_several_uses(self, by: str, path: str, again: bool) -> None:
        self.ask(self.bench.wish("drafts.write", key=f"key-{self.number()}", params=DRAFT), by)
        live = next((w for w in self.bench.state.warrants.values() if w.action == "drafts.write" and w.agent == by), None)
        if live is None:
            return
        for key in (f"use-{self.number()}", f"use-{self.number() - 1}")[: 2 if again else 1]:
            self.ask(c.UseWarrant(live.warrant, key, {**DRAFT, "path": path}), by)

    @rule(at=PICK)
    def redeem_a_use_that_was_asked_for(self, at: int) -> None:
        live = self.pick((w for w in self.bench.state.warrants.values() if w.waiting), at)
        if live is None:
            return
        asked = live.waiting[at % len(live.waiting)]
        params = live.terms.params if asked.params is None else DRAFT | canonical.unpack(asked.params)  # type: ignore[operator]
        args = intent.args_digest(live.action, live.terms.resource, params)
        self.ask(self.bench.redemption(live.warrant, f"run-{self.number()}", params=params, args_digest=args, use=asked.use), "till")

    @rule(scope=st.sampled_from(["agent:ada", "agent:ben", "bundle"]))
    def revoke_many(self, scope: str) -> None:
        if self.number() % 5 == 0:
            name = f"bundle:{self.bench.state.bundle.hex()}" if scope == "bundle" else scope
            self.ask(c.RevokeWarrants(name, "no more"), "greta")

    # --- who looks afterwards

    @rule(action=st.sampled_from(["files.seal", "files.note"]), by=st.sampled_from(["ada", "mallory"]))
    def propose_what_is_looked_at(self, action: str, by: str) -> None:
        self.ask(self.bench.wish(action, key=f"key-{self.number()}", params={"text": f"t{self.number()}"}), by)

    @rule(at=PICK, found=st.sampled_from(["happened", "did_not_happen", "cannot_tell"]))
    def probe(self, at: int, found: str) -> None:
        run = self.pick((r for r in self.bench.state.runs.values() if r.status == "unknown" and r.verify.get("probe")), at)
        if run is not None:
            self.ask(self.bench.probe(run.run, found=found), "emil")

    # --- what must hold

    def teardown(self) -> None:
        super().teardown()
        self.check_log()

    def check_log(self) -> None:
        super().check_log()
        self.check_quorums()
        self.check_envelopes()
        self.check_canaries()

    def check_canaries(self) -> None:
        """None was granted, used an envelope or left a dead letter; and nothing else ended as one."""
        never = (e.WarrantIssued, e.RunOpened, e.DeadLetterOpened, e.EnvelopeUsed)
        ends = (e.CanaryMissed, e.CanaryCaught, e.CanaryEnded)
        kept = self.canaries & {event.case for event in self.events(e.IntentProposed)}  # a crash takes what was not on the disk
        for _, _, event, _ in self.bench.log:
            ours = getattr(event, "case", "") in kept
            assert not (ours and isinstance(event, never))
            assert ours or not isinstance(event, ends)
            PLAYED[type(event).__name__] += isinstance(event, ends)
        closed = {event.case for _, _, event, _ in self.bench.log if isinstance(event, ends)}
        assert closed == kept - set(self.bench.state.cases)

    def check_quorums(self) -> None:
        """Every grant and who was counted for it, worked out from the log alone by trying every seating."""
        members: dict[str, tuple[str, str, tuple[str, ...]]] = {}  # kind, person, roles
        gone: set[str] = set()
        seats: dict[str, tuple[str, int]] = {}
        verdict: dict[str, e.CaseDecided] = {}
        demanded: dict[str, str] = {}
        votes: dict[str, list[tuple[str, str, tuple[str, ...]]]] = {}  # person, member, whose seats
        opened: dict[tuple[str, str], int] = {}
        excluded: dict[str, frozenset[str]] = {}
        for _, at, event, _ in self.bench.log:
            match event:
                case e.MemberInvited():
                    members[event.member] = event.kind, event.person, event.roles
                case e.MemberConfirmed():
                    gone.discard(event.member)
                case e.MemberChanged():
                    members[event.member] = *members[event.member][:2], event.roles
                case e.MemberRevoked():
                    gone.add(event.member)
                    for case, those in votes.items():  # for good, whoever joins under that name
                        stay = [vote for vote in those if vote[1] != event.member]
                        votes[case] = [(*vote[:2], tuple(of for of in vote[2] if of != event.member)) for vote in stay]
                    seats = {of: (to, until) for of, (to, until) in seats.items() if event.member not in (of, to)}
                case e.SeatDelegated():
                    seats[event.approver] = event.to, handed_until(event)
                case e.SeatReturned():
                    del seats[event.approver]
                case e.IntentProposed():
                    excluded[event.case] = frozenset(event.excluded)
                case e.CaseDecided():
                    verdict[event.case], demanded[event.case] = event, event.quorum
                    PLAYED["second readers"] += event.review.get("second") is True
                case e.ApprovalRequested():
                    votes[event.case] = []
                    opened = {key: when for key, when in opened.items() if key[0] != event.case}
                case e.CaseEscalated():
                    demanded[event.case] = event.quorum
                    PLAYED["escalations"] += 1
                case e.ApprovalOpened():
                    opened.setdefault((event.case, event.person), at)
                case e.ApprovalGiven() | e.EnvelopeUsed():
                    review: Any = verdict[event.case].review
                    assert event.person not in excluded[event.case].union(review.get("barred", ()))
                    assert event.person not in {person for person, _, _ in votes[event.case]}
                    held = ()
                    if isinstance(event, e.ApprovalGiven):
                        held = event.seats
                        for of in held:
                            assert seats[of][0] == event.approver
                            assert at < seats[of][1]
                            assert members[of][1] not in excluded[event.case].union(review.get("barred", ()))
                            PLAYED["votes by a seat"] += 1
                        if "reading" in review:
                            assert opened[event.case, event.person] + review["reading"] <= at
                            PLAYED["votes after reading"] += 1
                    else:
                        assert not review.get("second")
                        PLAYED["envelope uses"] += 1
                    votes[event.case].append((event.person, event.approver, held))
                case e.WarrantIssued():
                    made = warrant.unverified_unpack(event.fields)
                    if made.tier == "T0":
                        continue
                    counted = [vote for vote in votes[event.case] if vote[0] in made.approvals and vote[1] not in gone]
                    assert len({person for person, _, _ in counted}) == len(made.approvals)
                    assert len(made.approvals) >= 1 + bool(verdict[event.case].review.get("second") or made.tier == "T2")
                    assert seated(demanded[event.case], counted, {name: known for name, known in members.items() if name not in gone})
                    PLAYED["grants by people"] += 1
                case _:
                    pass

    def check_envelopes(self) -> None:
        """No envelope is used more often, or for more, than was signed, nor after its end."""
        left: dict[str, list[int | None]] = {}
        for event in self.events(e.EnvelopeSigned) + self.events(e.EnvelopeUsed):
            if isinstance(event, e.EnvelopeSigned):
                said = envelope.unverified_unpack(event.statement)
                left[event.envelope] = [said.count, said.total]
            else:
                count, total = left[event.envelope]
                left[event.envelope] = [(count or 0) - 1, None if total is None else total - event.cost]
        assert all(count >= 0 and (total is None or total >= 0) for count, total in left.values())  # type: ignore[operator]


def handed_until(event: e.SeatDelegated) -> int:
    return seat.unverified_unpack(event.statement).until


def seated(text: str, votes: list[tuple[str, str, tuple[str, ...]]], members: dict[str, tuple[str, str, tuple[str, ...]]]) -> bool:
    """Whether some seating fills the quorum: every chair by another person, by its own authority or by a seat that it held, each of those
    seats once and none whose owner voted too."""
    owners = {person for person, _, _ in votes}

    def may(who: Any, person: str, roles: tuple[str, ...]) -> bool:
        return isinstance(who, quorum.Anyone) or (who.name in roles if isinstance(who, quorum.Role) else who.name == person)

    def fill(chairs: list[Any], free: frozenset[int], spent: frozenset[str]) -> bool:
        if not chairs:
            return True
        for number in free:
            person, member, held = votes[number]
            authorities = [(person, members[member][2], spent)]
            for of in held:
                if of in members and members[of][1] not in owners | spent:
                    authorities.append((members[of][1], members[of][2], spent | {members[of][1]}))
            for name, roles, now_spent in authorities:
                if may(chairs[0], name, roles) and fill(chairs[1:], free - {number}, now_spent):
                    return True
        return False

    def alternatives(asked: quorum.Quorum) -> list[list[Any]]:
        match asked:
            case quorum.Seats(count, who):
                return [[who] * count]
            case quorum.Either(parts):
                return [way for part in parts for way in alternatives(part)]
            case quorum.Every(parts):
                ways: list[list[Any]] = [[]]
                for part in parts:
                    ways = [way + more for way in ways for more in alternatives(part)]
                return ways

    return any(fill(way, frozenset(range(len(votes))), frozenset()) for way in alternatives(quorum.parse_known(text)))


def test_whatever_people_and_warrants_do_what_must_hold_holds(founded: Callable[[], Any]) -> None:
    made = type("Whole", (Whole,), {"make": staticmethod(founded), "looked": reviewed()})
    PLAYED.clear()
    run_state_machine_as_test(made, settings=settings(**MOVES, suppress_health_check=list(HealthCheck)))
    print("Whole", dict(PLAYED))
