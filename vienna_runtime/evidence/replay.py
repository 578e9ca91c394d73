"""The law is run again on what was recorded, and has to say what was recorded.

The entries are folded in the order of the log, as the node folds them.  Before an entry of the case is folded, the node's own
functions decide once more what it records: the same code, on the state as it was, at the entry's time.  What they would have
recorded is compared with what was, and what they would have recorded along with it has to follow.

What is not in the file and cannot be asked again: breakers and budgets (they only ever refuse), the agent's record on the card
(frozen there, and signed), the ids that were drawn at random, and what was counted of other cases: Cedar is asked about the facts
as they are recorded in ``case.decided`` and ``run.opened``, and those must be exactly the ones that its policies read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import attrs

from actors.governance import (
    activation,
    attesting,
    budgets,
    canonical,
    codec,
    conversing,
    counters,
    declared,
    due,
    enrolment,
    governed,
    intent,
    kinds,
    proposing,
    redeeming,
    reporting,
    settling,
    signing,
    using,
    warrant,
)
from actors.governance import approving as votes
from actors.governance import bundle as bundles
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.canary import Canary
from actors.governance.canonical import Value
from actors.governance.decision import Ancestor, Decided, Decision, Facts, Moment
from actors.governance.evolve import STANDING, evolve
from actors.governance.facts import Past
from actors.governance.ids import Fresh, Instant
from actors.governance.refusals import Code, Refusal
from actors.governance.signing import Purpose
from actors.governance.state import Case, State
from vienna_runtime.evidence import ahead, canaries, paused, refusing
from vienna_runtime.evidence.at_hand import leave_what_was_used
from vienna_runtime.evidence.checks import NAMES, Checks
from vienna_runtime.evidence.order import STANDING_TAGS
from vienna_runtime.evidence.proof import Proven, Shown
from vienna_runtime.evidence.recorded import compare, name_of

LAW = tuple(name for at, name in enumerate(NAMES) if at >= list(NAMES).index("members"))
_POLICY = (Code.POLICY_FORBIDS, Code.NO_POLICY)

Events: TypeAlias = tuple[e.Event, ...]


class _Stopped(Exception):
    """What follows rests on what could not be looked at; the message says what that was."""


def replay(case: str, tenant: str, proven: Proven, events: dict[int, e.Event], checks: Checks) -> None:
    """Looks at everything that the law has a word in."""
    run = _Replay(case, tenant, proven, events, checks)
    try:
        for shown in proven.entries:
            run.entry(shown)
        run.end()
    except _Stopped as why:
        for name in LAW:
            checks.skip(name, str(why))


class _Replay:
    def __init__(self, case: str, tenant: str, proven: Proven, events: dict[int, e.Event], checks: Checks) -> None:
        self._case, self._checks, self._issuers = case, checks, proven.issuers
        self._events = events
        self._state = State(tenant)  # type: ignore[arg-type]  # a TenantId
        self._bundles: dict[bytes, bundles.Bundle] = {}
        self._above: dict[str, e.IntentProposed] = {}
        self._hidden: set[str] = set()  # cases that began with an intent whose body is gone, or in a case above that did
        self._signatures: dict[str, bytes] = {}  # of warrants, by their ids
        self._owed: list[e.Event] = []  # what has to follow in the same batch
        self._at = 0
        for shown in proven.entries:
            event = events.get(shown.seq)
            if isinstance(event, e.BundlePushed):
                self._load(event, shown.seq)

    def entry(self, shown: Shown) -> None:
        """The next one of the log."""
        mine, tag = shown.header.case == self._case, shown.header.tag
        above = bool(shown.header.case) and not mine
        if tag not in codec.EVENTS or tag == e.BundlePushed.TAG or (above and tag != e.IntentProposed.TAG):
            return
        event = self._events.get(shown.seq)
        if event is None and not mine and not above and tag not in STANDING_TAGS:
            return  # somebody's note
        if event is None and above:  # only what this case comes from can keep anybody from looking: others' entries may be in the file
            self._hidden.add(shown.header.case)
            return
        if event is None:
            raise _Stopped(f"not looked at from entry {shown.seq} on: its body is gone, or cannot be read")
        self._at = shown.seq
        moment = Moment(Instant(shown.header.time), _fresh(self._case))
        if above:
            self._proposed_above(event, shown)
        elif mine:
            if getattr(event, "case", None) != self._case:
                self._no("chain", "its body is about another case than its header")
            self._in_the_case(event, shown, moment)
        elif type(event) in STANDING:
            self._standing(event, shown)

    def end(self) -> None:
        """What the law would have recorded along with the last entry, and nobody did."""
        if self._owed:
            self._checks.no("outcome", f"{self._owed[0].TAG} was to follow on entry {self._at} in the same batch")
        state = self._state
        live = [*(w.warrant for w in state.warrants.values()), *(r.run for r in state.runs.values())]
        if self._case not in state.cases and live:
            self._checks.no("outcome", f"the case was closed while {live[0]} was live")

    def _no(self, name: str, why: str) -> None:
        self._checks.no(name, why, self._at)

    def _fold(self, event: e.Event, shown: Shown) -> None:
        if isinstance(event, e.BundleActivated):
            event = attrs.evolve(event, counters=(), limits=())  # nothing can be counted here, where most of the log is not
        try:
            evolve(self._state, event, Instant(shown.header.time), shown.seq)
        except canonical.NotCanonical as error:
            raise _Stopped(f"not looked at from entry {shown.seq} on: the intent cannot be read ({error})") from None

    # -- who belongs, and which bundle is in force

    def _standing(self, event: e.Event, shown: Shown) -> None:
        state, checks = self._state, self._checks
        paused.look(state, event, shown, checks)
        if self._owed and type(self._owed[0]) in STANDING:
            checks.expect("outcome", self._owed.pop(0) == event, "it is not the change that was approved", shown.seq)
        member = state.members.get(getattr(event, "member", ""))
        if member is None and isinstance(event, (e.MemberEnrolled, e.MemberConfirmed, e.MemberChanged, e.MemberRevoked)):
            checks.no("members", f"{event.member} was never invited", shown.seq)
            raise _Stopped(f"not looked at from entry {shown.seq} on: who belongs to the tenant does not add up")
        match event:
            case e.MemberEnrolled():
                invited = state.invitations.get(event.invitation)
                proof = enrolment.statement(state.tenant, event.member, event.invitation, event.public_key, event.key_id, event.key_hash)
                held = signing.verifies(Purpose.ENROLMENT, event.public_key, proof, event.proof)
                checks.expect("members", held, f"{event.member} does not prove that it holds its key", shown.seq)
                if invited is None or invited.member != event.member:
                    checks.no("members", f"{event.member} had no such invitation", shown.seq)
            case e.MemberConfirmed() if member is not None:
                seen = signing.fingerprint(member.public_key, member.key_hash)
                right = member.status == "enrolled" and seen == event.fingerprint
                checks.expect("members", right, f"what was confirmed is not the key that {event.member} enrolled", shown.seq)
            case e.BundleActivated() if (loaded := self._bundles.get(event.bundle)) is not None:
                counted = tuple(map(counters.definition, declared.counters(loaded.declared)))
                checks.expect("bundles", event.counters == counted, "it counts something else than its facts say", shown.seq)
                limited = (loaded.zone, tuple(map(budgets.definition, loaded.budgets)))
                checks.expect("bundles", (event.zone, event.limits) == limited, "it limits something else than its budgets say", shown.seq)
            case e.EnvelopeSigned() | e.EnvelopeRevoked() | e.SeatDelegated() | e.SeatReturned():
                ahead.look(state, event, shown, Moment(Instant(shown.header.time), _fresh(self._case)), checks)
            case _:
                pass
        self._fold(event, shown)

    def _load(self, pushed: e.BundlePushed, seq: int) -> None:
        files: dict[str, object] = dict(pushed.files)
        source = bundles.Source({path: content for path, content in files.items() if isinstance(content, bytes)})
        if len(source.files) != len(files) or bundles.digest(source) != pushed.bundle:
            self._checks.no("bundles", "the files have another digest", seq)
            return
        loaded = bundles.recall(source)
        if isinstance(loaded, bundles.Bundle):
            self._bundles[pushed.bundle] = loaded
            self._checks.yes("bundles", pushed.bundle.hex())
        else:
            self._checks.no("bundles", f"it does not load: {loaded.items[0]}", seq)

    def _facts(self, parent: Ancestor | None = None) -> Facts:
        """What the shell would have looked up."""
        active = None
        if self._state.bundle is not None:
            active = self._bundles.get(self._state.bundle)
            if active is None:
                self._no("bundles", f"no entry of the file pushes {self._state.bundle.hex()[:16]}, which was in force")
                raise _Stopped(f"not looked at from entry {self._at} on: the bundle in force is not there")
        return Facts(active=active, bundle_of=self._bundles.get, mac_ok=True, parent=parent, past=self._past(), canary_of=self._canary_of)

    def _canary_of(self, _case: Case) -> Canary | None:
        return canaries.said(self._state, self._events, self._case)

    def _decided_again(self, moment: Moment) -> Events:
        return activation.decided_again(self._state, self._case, self._active(), moment, self._past(), self._canary_of)

    def _past(self) -> Past:
        """The facts as they are recorded with the decision that is looked at."""
        event = next((event for seq, event in sorted(self._events.items()) if seq >= self._at and self._decides(event)), None)

        def recorded(digest: bytes) -> Mapping[str, object] | None:
            match event:
                case e.CaseDecided():
                    return event.facts
                case e.RunOpened() | e.TargetStale():
                    return event.facts if digest == self._state.bundle else event.older_facts
                case _:
                    return None

        return Past(recorded=recorded)

    def _decides(self, event: e.Event) -> bool:
        return isinstance(event, (e.CaseDecided, e.RunOpened, e.TargetStale)) and event.case == self._case

    # -- the cases above

    def _proposed_above(self, event: e.Event, shown: Shown) -> None:
        if not isinstance(event, e.IntentProposed) or event.case != shown.header.case:
            self._no("intent", "the case above does not begin with its intent")
            return
        if event.parent in self._hidden:
            self._hidden.add(event.case)
            return
        agent = self._state.members.get(event.agent)
        if agent is None:
            self._no("intent", f"{event.agent} was no member")
            return
        wanted = proposing.excluded(self._state, agent, Facts(parent=self._ancestor(event, shown)))
        self._checks.expect("intent", wanted == event.excluded, "who is excluded in the case above does not follow", shown.seq)
        self._above[event.case] = event

    def _ancestor(self, event: e.IntentProposed, shown: Shown) -> Ancestor | None:
        if event.parent is None:
            return None
        if event.parent in self._hidden:
            raise _Stopped(f"not looked at from entry {shown.seq} on: the body of a case above is gone, or cannot be read")
        above = self._above.get(event.parent)
        if above is None:
            self._no("intent", f"the case above, {event.parent}, is not in the file")
            raise _Stopped(f"not looked at from entry {shown.seq} on: the case above is not there")
        excluded = above.excluded
        if event.key.startswith(proposing.RETRY_PREFIX):  # whoever tried it again has asked for it too
            again = self._state.members.get(shown.header.actor)
            excluded = (*excluded, *(() if again is None else (again.person,)))
        return Ancestor(above.agent, excluded)

    # -- the case

    def _in_the_case(self, event: e.Event, shown: Shown, moment: Moment) -> None:
        paused.look(self._state, event, shown, self._checks)
        if self._owed:
            self._owed = refusing.instead(self._owed, event, shown.header, self._state, self._events, moment, self._canary_of)
            wanted = self._owed.pop(0)
        else:
            wanted, *owed = self._decided(event, shown, moment) or [event]
            # what a change records beside standing entries (a retention, a hold's end) is of no case, and in no file
            self._owed = [one for one in owed if type(one) in STANDING or getattr(one, "case", "") == self._case]
        if not compare(event, wanted, self._at, self._checks):
            raise _Stopped(f"not looked at from entry {self._at} on: the verdict is none that the law could give")
        self._signed(event)
        if self._case not in self._state.cases and not isinstance(event, e.IntentProposed):
            raise _Stopped(f"not looked at from entry {self._at} on: the case had no intent, or was closed already")
        if isinstance(event, e.RunOpened) and event.warrant not in self._state.warrants:
            raise _Stopped(f"not looked at from entry {self._at} on: the run's warrant was not live")
        self._fold(event, shown)

    def _decided(self, event: e.Event, shown: Shown, moment: Moment) -> list[e.Event] | None:
        """What the law says instead of this event, and what along with it; None where it said no, which is noted."""
        derive: Callable[[], Decision | Events]
        leave_what_was_used(self._state, self._events, self._case, self._at)
        match event:
            case e.IntentProposed():
                derive = lambda: self._propose(event, shown, moment)  # noqa: E731
            case e.CaseDecided():
                derive = lambda: self._decided_again(moment)  # noqa: E731
            case e.ApprovalGiven() | e.ApprovalDenied():
                derive = lambda: self._vote(event, shown, moment)  # noqa: E731
            case e.ApprovalOpened():
                derive = lambda: self._opened_card(event, shown, moment)  # noqa: E731
            case e.ApprovalAsked() | e.ApprovalAnswered():
                derive = lambda: self._talk(event, shown, moment)  # noqa: E731
            case e.RunOpened():
                derive = lambda: self._redeem(event, event.run, event.redeemer, event.args_digest, moment, event.use)  # noqa: E731
            case e.TargetStale():
                derive = lambda: self._stale(event, moment)  # noqa: E731
            case e.RunReported() | e.RunReportedLate():
                derive = lambda: self._report(event, moment)  # noqa: E731
            case e.RunAttested():
                derive = lambda: self._looked(event.verifier, c.Attest(event.statement, event.signature), event.verdict, moment)  # noqa: E731
            case e.EffectProbed():
                derive = lambda: self._looked(event.verifier, c.Probe(event.statement, event.signature), event.found, moment)  # noqa: E731
            case e.RunVerified():
                derive = lambda: self._verified(event, moment)  # noqa: E731
            case _:
                derive = lambda: self._ended(event, shown, moment)  # noqa: E731
        try:
            found = derive()
        except (ValueError, KeyError) as error:  # the law trusts its own log; here it may name what never was, or say what cannot be read
            found = Refusal(Code.MALFORMED, f"it rests on what cannot be read: {error}")
        if isinstance(found, Refusal):
            self._no(self._name_of(event, found), found.why)
            return None
        events = list(found.events if isinstance(found, Decided) else found)
        if not events:
            granted = isinstance(event, (e.WarrantIssued, e.ChangeApplied, e.CanaryMissed))
            self._no("quorum" if granted else name_of(event), f"the law has no reason for {event.TAG} here")
            return None
        return [one for one in events if not isinstance(one, e.DeadLetterResolved)]  # it is of no case, and not in the file

    def _name_of(self, event: e.Event, refusal: Refusal) -> str:
        if isinstance(event, e.RunOpened) and refusal.code is not Code.PAUSED:
            return "execution policy" if refusal.code in _POLICY else "redemption"
        if isinstance(event, e.RunVerified | e.RunAttested | e.EffectProbed):
            return "attestations"
        return "pauses" if refusal.code is Code.PAUSED else name_of(event)

    def _active(self) -> bundles.Bundle:
        if (active := self._facts().active) is None:
            raise _Stopped(f"not looked at from entry {self._at} on: no bundle was in force")
        return active

    def _propose(self, event: e.IntentProposed, shown: Shown, moment: Moment) -> Decision:
        wish = intent.unpack(event.intent)
        intent.check_kinds(wish)
        agent, retried = self._state.members.get(event.agent), event.key.startswith(proposing.RETRY_PREFIX)
        if agent is None or agent.status != "active":
            return Refusal(Code.NOT_ALLOWED, f"{event.agent} was no active member")
        if shown.header.actor != event.agent and not retried:
            return Refusal(Code.NOT_ALLOWED, f"{shown.header.actor} proposed it in the name of {event.agent}")
        if wish.action.startswith(intent.GOVERNED):
            return self._change(event, wish, agent, moment)
        if agent.kind != kinds.AGENT:
            return Refusal(Code.NOT_ALLOWED, f"{event.agent} was no agent")
        ask = c.Propose(
            action=wish.action, resource=wish.resource, params=wish.params, purpose=wish.purpose, key=event.key, cost=wish.cost,
            state_digest=wish.state_digest, parent=wish.parent, deadline=wish.deadline,
        )  # fmt: skip
        return proposing.wished(self._state, ask, agent, self._facts(self._ancestor(event, shown)), moment)

    def _change(self, event: e.IntentProposed, wish: intent.Intent, by: object, moment: Moment) -> Decision:
        admin = self._state.members[event.agent]
        if admin.kind != kinds.ADMIN or by is not admin:
            return Refusal(Code.NOT_ALLOWED, f"{event.agent} was no admin")
        listed = wish.params.get("changes")
        if not isinstance(listed, list):
            return Refusal(Code.MALFORMED, "a change of the tenant that does not say what changes")
        changes: list[e.Event] = []
        for item in listed:
            if not isinstance(item, dict) or not isinstance(item.get("tag"), str) or not isinstance(item.get("body"), bytes):
                return Refusal(Code.MALFORMED, "a change of the tenant that does not say what changes")
            changes.append(codec.decode(item["tag"], item["body"]))
        return governed.change(self._state, wish.action, wish.resource, tuple(changes), admin, event.key, moment)

    def _vote(self, event: e.ApprovalGiven | e.ApprovalDenied, shown: Shown, moment: Moment) -> Decision:
        by = self._state.members.get(event.approver)
        if by is None or by.status != "active" or shown.header.actor != event.approver:
            return Refusal(Code.NOT_ALLOWED, f"{event.approver} was no active member, or another wrote it")
        decision = "approve" if isinstance(event, e.ApprovalGiven) else "deny"
        case = self._state.cases.get(self._case)
        facts = Facts() if case is not None and governed.is_change(case) else self._facts()
        found = votes.vote(self._state, c.Vote(decision, event.statement, event.signature), by, facts, moment)
        if isinstance(found, Decided) and decision == "approve":
            enough = len(found.events) > 1
            names = ", ".join(sorted({*(given.person for given in case.given), by.person})) if case is not None else by.person
            self._checks.yes("quorum", f"{names} fill {case.quorum!r}" if enough and case is not None else "")
        return found

    def _opened_card(self, event: e.ApprovalOpened, shown: Shown, moment: Moment) -> Decision:
        by = self._state.members.get(event.approver)
        if by is None or by.status != "active" or shown.header.actor != event.approver:
            return Refusal(Code.NOT_ALLOWED, f"{event.approver} was no active member, or another wrote it")
        return votes.opened(self._state, c.OpenCard(self._case), by, moment)

    def _talk(self, event: e.ApprovalAsked | e.ApprovalAnswered, shown: Shown, moment: Moment) -> Decision:
        name = event.approver if isinstance(event, e.ApprovalAsked) else event.agent
        by = self._state.members.get(name)
        if by is None or by.status != "active" or shown.header.actor != name:
            return Refusal(Code.NOT_ALLOWED, f"{name} was no active member, or another wrote it")
        if isinstance(event, e.ApprovalAsked):
            return conversing.ask(self._state, c.AskAgent(self._case, event.question), by, moment)
        return conversing.answer(self._state, c.AnswerApprover(self._case, event.answer, event.number), by, moment)

    def _redeem(self, event: e.RunOpened | e.TargetStale, run: str, redeemer: str, args: bytes, moment: Moment, use: int = 1) -> Decision:
        live, by = self._state.warrants.get(event.warrant), self._state.members.get(redeemer)
        if live is None:
            return Refusal(Code.WARRANT_OVER, f"the warrant {event.warrant} was used up, over, or never issued")
        if by is None or by.status != "active":
            return Refusal(Code.NOT_YOURS, f"{redeemer} was no active member")
        signature = self._signatures.get(event.warrant, b"")  # the first link of a chain names it
        params: Mapping[str, Value] | None = event.params  # type: ignore[assignment]  # values, as decoded
        ask = c.Redeem(live.fields, signature, b"", run, args, event.state_digest, params, event.chain, use)
        found = redeeming.redeem(self._state, ask, by, self._facts(), moment)
        if isinstance(found, Decided) and found.refusal is None:
            self._checks.yes("execution policy")
        return found

    def _stale(self, event: e.TargetStale, moment: Moment) -> Decision:
        live = self._state.warrants.get(event.warrant)
        if live is None:
            return Refusal(Code.WARRANT_OVER, f"the warrant {event.warrant} was not live")
        params: Mapping[str, Value] = live.terms.params if event.params is None else event.params  # type: ignore[assignment]  # likewise
        args = intent.args_digest(live.terms.action, live.terms.resource, params)
        return self._redeem(event, "", event.redeemer or live.executor, args, moment)

    def _report(self, event: e.RunReported | e.RunReportedLate, moment: Moment) -> Decision:
        run = self._state.runs.get(event.run)
        by = None if run is None else self._state.members.get(run.redeemer)
        if run is None or by is None or by.status != "active":
            return Refusal(Code.UNKNOWN, f"the run {event.run} was not open, or its executor no member")
        return reporting.report(self._state, c.Report(event.receipt, event.signature), by, self._facts(), moment)

    def _verified(self, event: e.RunVerified, moment: Moment) -> Decision | Events:
        if event.verifier is None:
            run = self._state.runs.get(event.run)
            if run is None or run.status != "reported" or run.due > moment.now:
                return ()
            return attesting.overdue(self._state, run, moment)
        if event.statement is None or event.signature is None:
            return Refusal(Code.NOT_ALLOWED, f"{event.verifier} signed nothing")
        return self._looked(event.verifier, c.Attest(event.statement, event.signature), event.verdict, moment)

    def _looked(self, verifier: str, said: c.Attest | c.Probe, what: str, moment: Moment) -> Decision:
        by = self._state.members.get(verifier)
        if by is None or by.status != "active" or by.kind != kinds.VERIFIER:
            return Refusal(Code.NOT_ALLOWED, f"{verifier} was no active verifier")
        if isinstance(said, c.Attest):
            found = attesting.attest(self._state, said, by, moment)
        else:
            found = settling.probed(self._state, said, by, moment)
        if isinstance(found, Decided):
            self._checks.yes("attestations", f"{verifier}: {what.replace('_', ' ')}")
        return found

    def _settled(self, event: e.EffectSettled | e.EffectVouched) -> Decision | Events:
        by = self._state.members.get(event.by)
        if by is None or by.status != "active" or by.kind not in (kinds.ADMIN, kinds.APPROVER):
            return Refusal(Code.NOT_ALLOWED, f"{event.by} was no active admin or approver")
        run = self._state.runs.get(event.run)
        reason = event.reason
        if isinstance(event, e.EffectSettled) and run is not None and run.vouched:
            reason = reason.removeprefix(f"{run.vouched[0].person} and {by.person}: ")
        return settling.settle(self._state, c.SettleEffect(event.run, event.happened, reason), by)

    def _ended(self, event: e.Event, shown: Shown, moment: Moment) -> Decision | Events:
        """What time, people and breakers end; each only as the law ends it."""
        state = self._state
        match event:
            case e.CaseEscalated():
                return due.held_over(state, self._case, moment, self._canary_of)
            case e.CaseExpired():
                over = due.held_over(state, self._case, moment, self._canary_of)
                return over or self._decided_again(moment)
            case e.CaseCancelled():
                by = state.members.get(event.by)
                gone = Refusal(Code.NOT_ALLOWED, f"{event.by} was no member")
                return gone if by is None else redeeming.cancel(state, c.Cancel(self._case, event.why), by, self._canary_of, moment)
            case e.WarrantExpired() if (live := state.warrants.get(event.warrant)) is not None:
                return due.warrant_over(state, live, moment)
            case e.WarrantRevoked() if (live := state.warrants.get(event.warrant)) is not None:
                return redeeming.revocation(state, live, event.why, moment)
            case e.RunUnknown() if (run := state.runs.get(event.run)) is not None and run.status == "open" and run.due <= moment.now:
                return reporting.overdue(state, run, moment)
            case e.EffectSettled() | e.EffectVouched():
                return self._settled(event)
            case e.WarrantUseAsked() if (by := state.members.get(event.by)) is not None:
                params: Mapping[str, Value] | None = event.params  # type: ignore[assignment]  # values, as decoded
                if by.status != "active":
                    return Refusal(Code.NOT_ALLOWED, f"{event.by} was no active member")
                return using.ask(state, c.UseWarrant(event.warrant, event.key, params), by, self._facts(), moment)
            case _:
                return ()

    def _signed(self, event: e.Event) -> None:
        """The issuer's signature, which the law itself cannot make."""
        if not isinstance(event, e.WarrantIssued):
            return
        self._signatures[event.warrant] = event.signature
        try:
            warrant.unverified_unpack(event.fields)
        except canonical.NotCanonical:
            raise _Stopped(f"not looked at from entry {self._at} on: the warrant cannot be read") from None
        true = any(signing.verifies(Purpose.WARRANT, issuer, event.fields, event.signature) for issuer in self._issuers)
        self._checks.expect("warrant signature", true, "no issuer that the node's log admits for this tenant signed it", self._at)


def _fresh(case: str) -> Fresh:
    """Randomness that draws this case's id again."""
    digits = case[1:]
    drawn = bytes.fromhex(digits) if len(digits) == 20 and all(digit in "0123456789abcdef" for digit in digits) else bytes(10)
    return Fresh(drawn + bytes(22))
