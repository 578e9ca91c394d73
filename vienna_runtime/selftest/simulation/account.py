"""What one tenant's log says, told again without the law's own code, and held to what must always be so.

Every entry is held against those before it as it comes; a promise that it breaks is raised as ``Broken``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from msgpack import unpackb

from actors.governance import events as e
from actors.governance import intent as intents
from actors.governance import warrant as warrants
from vienna_runtime.selftest.simulation import hands
from vienna_runtime.selftest.simulation.advance import Advance
from vienna_runtime.selftest.simulation.canaries import Canaries
from vienna_runtime.selftest.simulation.entries import Broken, Entry
from vienna_runtime.selftest.simulation.halts import Halts
from vienna_runtime.selftest.simulation.letters import Letters
from vienna_runtime.selftest.simulation.quorums import is_filled
from vienna_runtime.selftest.simulation.remembered import CaseNow, RunNow, WarrantNow, Who
from vienna_runtime.selftest.simulation.seats import Seats
from vienna_runtime.selftest.simulation.spending import Purse
from vienna_runtime.selftest.simulation.stock import Stock

LEAST = {"T0": 0, "T1": 1, "T2": 2}  # persons
GOOD = frozenset({"verified", "consistent"})
OWN = frozenset({"state_differs", "reservation_differs"})  # findings that a node makes in itself: there must be none


class Account:
    """One tenant."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.members: dict[str, Who] = {}
        self.cases: dict[str, CaseNow] = {}
        self.warrants: dict[str, WarrantNow] = {}
        self.live: dict[str, WarrantNow] = {}
        self.runs: dict[str, RunNow] = {}
        self.open_runs: dict[str, RunNow] = {}
        self.open_cases: dict[str, CaseNow] = {}
        self.keys: dict[tuple[str, str], str] = {}
        self.post = Letters(self.members, self.cases)
        self.letters, self.all_letters = self.post.open, self.post.all
        self.halts = Halts(self.members, self.live, self.cases)
        self.advance = Advance(self.members)
        self.seats = Seats(self.members)
        self.canaries = Canaries(self.members)
        self.stock = Stock(self.members, self.runs)
        self.blocked: dict[str, list[str]] = {}  # effect → runs of unknown outcome
        self.refusals: Counter[tuple[str, str]] = Counter()
        self.votes: dict[bytes, str] = {}  # statement → its case
        self.receipts: set[bytes] = set()
        self.statements: set[bytes] = set()
        self.given: list[Any] = []
        self.purse = Purse()
        self.by_link: Counter[bytes] = Counter()  # runs
        self.bundle = b""
        self.bundles: set[bytes] = set()
        self.activated: set[bytes] = set()
        self.size = 0
        self.time = 0
        self.granted: list[tuple[int, str]] = []  # time and name of what was issued or redeemed since somebody looked
        self.last_grant = -1  # the newest entry that issued or redeemed
        self._steps = {kind: getattr(self, name) for kind, name in _STEPS.items()}
        self._halting = {kind: getattr(self.halts, name) for kind, name in _HALTING.items()}

    # -- what may be picked

    def held(self) -> list[CaseNow]:
        return [case for case in self.open_cases.values() if case.place == "held"]

    def wish(self, case: CaseNow) -> intents.Intent:
        return intents.unpack(case.intent)

    # -- following the log

    def take(self, entry: Entry) -> None:
        event, kind = entry.event, type(entry.event)
        self.size, self.time = entry.seq + 1, entry.time
        name = getattr(event, "case", None)  # empty where it is about no case: a message that was set aside
        if name and kind is not e.BreakerProbed and kind is not e.IntentProposed:
            case = self.cases.get(name)
            if case is None:
                raise Broken("a case begins with its intent", f"{entry.tag} of {name}")
            if case.place == "closed":
                raise Broken("nothing happens to a closed case", f"{entry.tag} of {name}")
        self.halts.follows(event)
        self.stock.follows(event)
        self.post.follows(event)
        if (halting := self._halting.get(kind)) is not None:
            halting(event, entry.time)
        step = self._steps.get(kind)
        if step is not None:
            step(event, entry.time, entry)
        if name and getattr(event, "closes", False):
            self._close(name)

    def _close(self, name: str) -> None:
        case = self.cases[name]
        if case.live or case.runs:
            raise Broken("a case closes when nothing of it is live", f"{name}: {sorted(case.live | case.runs)}")
        bad = not case.ends and not case.applied and not case.canary
        if (bad or any(end not in GOOD for end in case.ends)) and not case.letters:
            raise Broken("every bad end has its dead letter", f"{name}: {case.ends}")
        case.place = "closed"
        del self.open_cases[name]

    def end_all(self, why: str) -> None:
        """Nothing that is granted by now is worth anything any more."""
        for found in self.live.values():
            found.revoked = found.revoked or why

    # -- the tenant

    def _member(self, event: e.MemberInvited, at: int, entry: Entry) -> None:
        self.members[event.member] = Who(event.kind, event.person, frozenset(event.roles), event.owner)

    def _confirmed(self, event: e.MemberConfirmed, at: int, entry: Entry) -> None:
        self.members[event.member].status = "active"

    def _enrolled(self, event: e.MemberEnrolled, at: int, entry: Entry) -> None:
        self.members[event.member].public = event.public_key

    def _changed(self, event: e.MemberChanged, at: int, entry: Entry) -> None:
        self.members[event.member].roles = frozenset(event.roles)

    def _gone(self, event: e.MemberRevoked, at: int, entry: Entry) -> None:
        self.members[event.member].status = "revoked"
        self.seats.left(event.member)
        for case in self.cases.values():  # a vote goes with who gave it, and its person may vote by another account
            if case.place == "held":
                case.given = {person: approver for person, approver in case.given.items() if approver != event.member}

    def _pushed(self, event: e.BundlePushed, at: int, entry: Entry) -> None:
        self.bundles.add(event.bundle)

    def _activated(self, event: e.BundleActivated, at: int, entry: Entry) -> None:
        self.bundle, self.purse.limits = event.bundle, event.limits
        self.activated.add(event.bundle)

    def _seal(self, event: e.TenantSealed, at: int, entry: Entry) -> None:
        self.halts.sealed = True

    def _refused(self, event: e.CommandRefused, at: int, entry: Entry) -> None:
        self.refusals[event.by, event.code] += 1

    # -- a case until it is decided

    def _proposed(self, event: e.IntentProposed, at: int, entry: Entry) -> None:
        if event.case in self.cases:
            raise Broken("a case begins with its intent", f"{event.case} begins twice")
        key = (event.agent, event.key)
        if key in self.keys:
            raise Broken("one key is one case", f"{key}: {self.keys[key]} and {event.case}")
        self.keys[key] = event.case
        case = CaseNow(event.case, event.agent, event.key, event.intent, event.excluded)
        self.cases[event.case] = self.open_cases[event.case] = case

    def _decided(self, event: e.CaseDecided, at: int, entry: Entry) -> None:
        case = self.cases[event.case]
        if event.permitted and event.bundle != self.bundle and not case.key.startswith("vienna") and event.bundle in self.bundles:
            raise Broken("decided under the bundle in force", event.case)
        case.verdict, case.quorum, case.persons = event, event.quorum, event.persons
        case.given = {}

    def _asked_for(self, event: e.ApprovalRequested, at: int, entry: Entry) -> None:
        case = self.cases[event.case]
        case.place, case.card, case.expires_at = "held", event.card, event.expires_at

    def _escalated(self, event: e.CaseEscalated, at: int, entry: Entry) -> None:
        case = self.cases[event.case]
        case.quorum, case.persons, case.expires_at = event.quorum, event.persons, event.expires_at

    def _asked(self, event: e.ApprovalAsked, at: int, entry: Entry) -> None:
        self.cases[event.case].said.append((event.number, event.approver, event.person, event.question, ""))

    def _answered(self, event: e.ApprovalAnswered, at: int, entry: Entry) -> None:
        said = self.cases[event.case].said
        place = next(index for index, part in enumerate(said) if part[0] == event.number)
        said[place] = (*said[place][:4], event.answer)

    def _approved(self, event: e.ApprovalGiven, at: int, entry: Entry) -> None:
        case, who = self.cases[event.case], self.members[event.approver]
        if case.place != "held" or case.denied or at >= case.expires_at:
            raise Broken("only a held case is approved", f"{event.case} is {case.place}, denied: {case.denied}")
        if who.status != "active" or who.person != event.person or who.kind not in ("approver", "admin"):
            raise Broken("an approver approves", f"{event.approver} on {event.case}")
        if event.person in case.excluded:
            raise Broken("nobody approves its own", f"{event.person} on {event.case}")
        if event.person in case.given:
            raise Broken("a person fills one seat", f"{event.person} on {event.case}")
        self.seats.votes(event, case, at)
        case.given[event.person] = event.approver
        case.agreed = dict(case.given)
        self.votes[event.statement] = event.case
        self.given.append(event)

    def _in_advance(self, event: e.EnvelopeSigned | e.EnvelopeUsed | e.EnvelopeRevoked | e.EnvelopeEnded, at: int, entry: Entry) -> None:
        match event:
            case e.EnvelopeSigned():
                agent: str = unpackb(event.template)["agent"]
                self.advance.sign(event, self.halts.behind(f"agent:{agent}"))
            case e.EnvelopeUsed():
                self.advance.use(event, self.cases[event.case], self.bundle, at)
            case e.EnvelopeRevoked() | e.EnvelopeEnded():
                self.advance.end(event.envelope)

    def _denied(self, event: e.ApprovalDenied, at: int, entry: Entry) -> None:
        case = self.cases[event.case]
        if case.place != "held":
            raise Broken("only a held case is denied", f"{event.case} is {case.place}")
        case.denied, case.denied_by, case.place = True, event.person, "over"
        self.votes[event.statement] = event.case

    def _seat(self, event: e.SeatDelegated | e.SeatReturned, at: int, entry: Entry) -> None:
        if isinstance(event, e.SeatDelegated):
            self.seats.delegated(event, at, self.tenant)
        else:
            self.seats.returned(event)

    def _canary(self, event: e.CanaryMissed | e.CanaryCaught | e.CanaryEnded, at: int, entry: Entry) -> None:
        case = self.cases[event.case]
        if isinstance(event, e.CanaryMissed):
            self._filled(case, case.given.keys())
        self.canaries.ended(event, case, denied_by=case.denied_by)
        case.canary = True

    def _over(self, event: e.CaseCancelled | e.CaseExpired, at: int, entry: Entry) -> None:
        self.cases[event.case].place = "over"

    def _applied(self, event: e.ChangeApplied, at: int, entry: Entry) -> None:
        case = self.cases[event.case]
        case.applied = True
        case.given = case.agreed  # as they were at the last vote: who agrees to leave is counted
        self._filled(case, case.given.keys())
        self.halts.applied(case.given)

    def _filled(self, case: CaseNow, persons: Any) -> None:
        """The quorum, worked out again by persons."""
        if case.denied:
            raise Broken("a denial is final", case.case)
        names = set(persons)
        if not names <= case.given.keys() or names & set(case.excluded):
            raise Broken("no warrant without its quorum", f"{case.case}: {sorted(names)} did not all approve it")
        tier = case.verdict.tier
        if len(names) < max(LEAST[tier], case.persons if tier != "T0" else 0):
            raise Broken("no warrant without its quorum", f"{case.case}, {tier}: {sorted(names)}")
        roles = self.seats.roles(case, names)  # as they are now, which is how they count
        if tier != "T0" and not is_filled(case.quorum, roles):
            raise Broken("no warrant without its quorum", f"{case.case}: {sorted(names)} do not fill {case.quorum}")

    # -- warrants and runs

    def _issued(self, event: e.WarrantIssued, at: int, entry: Entry) -> None:
        terms = warrants.unverified_unpack(event.fields)
        case = self.cases[event.case]
        if terms.tenant != self.tenant:
            raise Broken("tenants are apart", f"a warrant of {terms.tenant}")
        self.halts.granted(event.case, terms.agent, terms.action, event.warrant)
        self.canaries.granted(event.case)
        self._filled(case, terms.approvals)
        verdict = case.verdict
        if terms.uses > verdict.uses or terms.expires_at > at + verdict.ttl or terms.tier != verdict.tier or terms.bundle != self.bundle:
            raise Broken("a warrant grants no more than its verdict", event.warrant)
        if verdict.cost_cap is not None and (terms.cost_cap is None or terms.cost_cap > verdict.cost_cap):
            raise Broken("a warrant grants no more than its verdict", event.warrant)
        if self.members[terms.agent].status != "active" or self.members[terms.executor].status != "active":
            raise Broken("only members act", event.warrant)
        self.advance.grant(terms)
        self.purse.issued(terms, at)
        made = WarrantNow(event, terms, self.halts.epoch(terms.agent, terms.action), self.halts.seen)
        self.warrants[event.warrant] = self.live[event.warrant] = made
        case.place = "going"
        case.live.add(event.warrant)
        self._grants(entry, event.warrant)

    def _ended(self, event: Any, at: int, entry: Entry) -> None:
        found = self.live.pop(event.warrant, None)
        if found is None:
            raise Broken("a warrant ends once", event.warrant)
        if type(event) is e.WarrantExpired and at < found.terms.expires_at:
            raise Broken("a warrant lives as long as it says", event.warrant)
        found.live = False
        self.cases[event.case].live.discard(event.warrant)
        self.purse.ended(event.warrant)

    def _all_revoked(self, event: e.WarrantsRevoked, at: int, entry: Entry) -> None:
        kind, _, name = event.scope.partition(":")
        for found in self.live.values():
            if (found.terms.agent if kind == "agent" else found.terms.bundle.hex()) == name:
                found.revoked = event.reason

    def _opened(self, event: e.RunOpened, at: int, entry: Entry) -> None:
        found, case = self.live.get(event.warrant), self.cases[event.case]
        if found is None or found.revoked:
            raise Broken("only a live warrant is redeemed", f"{event.warrant} by {event.run}")
        terms = found.terms
        if not terms.not_before <= at < terms.expires_at:
            raise Broken("only a live warrant is redeemed", f"{event.warrant} at {at}, which ended at {terms.expires_at}")
        if event.run in self.runs:
            raise Broken("a run is opened once", event.run)
        if found.used >= terms.uses:
            raise Broken("no more uses than granted", event.warrant)
        self.halts.redeemed(case, found, self._hands(event, found, at))
        if self.blocked.get(event.effect):
            raise Broken("an unknown outcome blocks its effect", f"{event.run}, as {self.blocked[event.effect]} may have done it")
        if self.members[terms.agent].status != "active" or self.members[event.redeemer].status != "active":
            raise Broken("only members act", event.run)
        if terms.state_digest is not None and event.state_digest != terms.state_digest:
            raise Broken("what is stale is not redeemed", event.warrant)
        found.used += 1
        self.purse.redeemed(event.warrant, event.run, at)
        if found.used == terms.uses:
            found.live = False
            del self.live[event.warrant]
            case.live.discard(event.warrant)
            self.purse.ended(event.warrant)
        case.runs.add(event.run)
        self.runs[event.run] = self.open_runs[event.run] = RunNow(event, terms, at, due=event.report_by)
        self._grants(entry, event.run)

    def _hands(self, event: e.RunOpened, found: WarrantNow, at: int) -> tuple[str, ...]:
        """Through whose hands it came; whoever redeems is the last of them, and asks for what it covers."""
        way = None if event.chain is None else hands.follow(found, event.chain, self.members, at)
        holders = () if way is None else way.holders
        if event.holders != holders or event.redeemer != (holders or (found.terms.executor,))[-1]:
            raise Broken("a warrant has one audience", f"{event.redeemer} with {event.warrant}")
        hands.covers(found, event, way)
        for link, uses in () if way is None else way.links:
            self.by_link[link] += 1
            if self.by_link[link] > uses:
                raise Broken("no more uses than granted", f"{event.warrant}, handed on to {holders}")
        return holders

    def _run(self, name: str, *allowed: str) -> RunNow:
        run = self.open_runs.get(name)
        if run is None or run.status not in allowed:
            raise Broken("a run is reported once", f"{name} is {'closed' if run is None else run.status}")
        return run

    def _reported(self, event: e.RunReported, at: int, entry: Entry) -> None:
        run = self._run(event.run, "open")
        run.status, run.receipt, run.due = "reported", event.receipt, event.verify_by
        self.stock.received(run, event.receipt)
        self.receipts.add(event.receipt)
        self.purse.reported(event.run, event.cost)

    def _reported_late(self, event: e.RunReportedLate, at: int, entry: Entry) -> None:
        run = self._run(event.run, "unknown")
        if run.late:
            raise Broken("a run is reported once", event.run)
        run.late = True
        self.stock.received(run, event.receipt)
        self.receipts.add(event.receipt)
        self.purse.reported_late(event.run, event.cost)

    def _unknown(self, event: e.RunUnknown, at: int, entry: Entry) -> None:
        run = self._run(event.run, "open", "reported")
        run.status = "unknown"
        self.blocked.setdefault(event.effect, []).append(event.run)
        self.purse.unknown(event.run, run.terms.cost_cap or 0)

    def _verified(self, event: e.RunVerified, at: int, entry: Entry) -> None:
        run = self._run(event.run, "reported")
        if event.verifier is not None:
            person = self.members[event.verifier].person
            if person in hands.persons(self.members, (run.opened.redeemer, run.terms.agent, *run.opened.holders)):
                raise Broken("nobody verifies its own work", event.run)
            self.statements.add(event.statement or b"")
        elif event.verdict == "verified":
            raise Broken("verified is said when somebody looked", event.run)
        self._run_ends(event.run, event.verdict)

    def _run_ends(self, name: str, end: str) -> None:
        run = self.open_runs.pop(name)
        run.status = "closed"
        case = self.cases[run.opened.case]
        case.runs.discard(name)
        case.ends.append(end)

    def _attested(self, event: e.RunAttested, at: int, entry: Entry) -> None:
        self.statements.add(event.statement)

    def _probed(self, event: e.EffectProbed, at: int, entry: Entry) -> None:
        self._run(event.run, "unknown")
        self.statements.add(event.statement)

    def _settled(self, event: e.EffectSettled, at: int, entry: Entry) -> None:
        self._run(event.run, "unknown")
        self.blocked[event.effect].remove(event.run)
        self.purse.settled(event.run, happened=event.happened)
        self._run_ends(event.run, "settled")

    def _grants(self, entry: Entry, what: str) -> None:
        self.granted.append((entry.time, what))
        self.last_grant = entry.seq

    # -- what is left behind

    def _letter(self, event: e.DeadLetterOpened, at: int, entry: Entry) -> None:
        self.post.opened(event, entry.seq, at)

    def _resolved(self, event: e.DeadLetterResolved, at: int, entry: Entry) -> None:
        self.post.resolved(event, at)

    def _differs(self, event: e.FindingOpened, at: int, entry: Entry) -> None:
        if event.kind in OWN:
            raise Broken("the node's own accounts agree", f"{event.kind} of {event.about}: {event.expected} is {event.observed}")
        self.stock.found(event, entry.seq)

    def _reconciled(self, event: e.FindingResolved | e.EvidenceCompared | e.InventoryTaken, at: int, entry: Entry) -> None:
        match event:
            case e.FindingResolved():
                self.stock.resolved(event)
            case e.EvidenceCompared():
                self.stock.compared(event)
            case e.InventoryTaken():
                self.stock.inventory(event, at, self.tenant)


_STEPS: Mapping[type, str] = {
    e.MemberInvited: "_member",
    e.MemberEnrolled: "_enrolled",
    e.MemberConfirmed: "_confirmed",
    e.MemberChanged: "_changed",
    e.MemberRevoked: "_gone",
    e.BundlePushed: "_pushed",
    e.BundleActivated: "_activated",
    e.TenantSealed: "_seal",
    e.CommandRefused: "_refused",
    e.IntentProposed: "_proposed",
    e.CaseDecided: "_decided",
    e.ApprovalRequested: "_asked_for",
    e.CaseEscalated: "_escalated",
    e.ApprovalAsked: "_asked",
    e.ApprovalAnswered: "_answered",
    e.ApprovalGiven: "_approved",
    e.EnvelopeSigned: "_in_advance",
    e.EnvelopeUsed: "_in_advance",
    e.EnvelopeRevoked: "_in_advance",
    e.EnvelopeEnded: "_in_advance",
    e.ApprovalDenied: "_denied",
    e.SeatDelegated: "_seat",
    e.SeatReturned: "_seat",
    e.CanaryMissed: "_canary",
    e.CanaryCaught: "_canary",
    e.CanaryEnded: "_canary",
    e.ChangeApplied: "_applied",
    e.CaseCancelled: "_over",
    e.CaseExpired: "_over",
    e.WarrantIssued: "_issued",
    e.WarrantRevoked: "_ended",
    e.WarrantExpired: "_ended",
    e.TargetStale: "_ended",
    e.WarrantsRevoked: "_all_revoked",
    e.RunOpened: "_opened",
    e.RunReported: "_reported",
    e.RunReportedLate: "_reported_late",
    e.RunUnknown: "_unknown",
    e.RunVerified: "_verified",
    e.RunAttested: "_attested",
    e.EffectProbed: "_probed",
    e.EffectSettled: "_settled",
    e.DeadLetterOpened: "_letter",
    e.DeadLetterResolved: "_resolved",
    e.FindingOpened: "_differs",
    e.FindingResolved: "_reconciled",
    e.EvidenceCompared: "_reconciled",
    e.InventoryTaken: "_reconciled",
}
_HALTING: Mapping[type, str] = {
    e.ScopePaused: "paused",
    e.ScopeResumed: "resumed",
    e.BreakerTripped: "tripped",
    e.BreakerProbed: "probing",
    e.BreakerResetBacked: "backed",
    e.BreakerReset: "reset",
}
