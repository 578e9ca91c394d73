"""A tenant's recorded history as it would have been counted had the candidate been in force all along.

The recorded entries are folded one by one by the law's own ``evolve``, so that who was a member with which roles, what was open
and what has been counted is at each intent what it was then.  What belongs to a bundle is the candidate's instead:

    activations   the first one puts the candidate in force, later ones are passed over; so it counts what it declares
    budgets       are asked by the candidate's limits, in its time zone, about what it would have granted (``purse.py``)
    breakers      trip and close by the candidate's limits on the recorded outcomes; what people tripped and reset stays

The recorded runs happened, whatever the candidate says of their cases: a replay answers "what would this bundle have said then",
not "what would agents have done instead".  Nothing is written, and nothing is signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from actors.governance import asking, breaker, canonical, codec, guarding, proposing, watching
from actors.governance import events as e
from actors.governance import intent as intents
from actors.governance.breaker import LAW
from actors.governance.bundle import Bundle
from actors.governance.evolve import STANDING, evolve
from actors.governance.ids import Digest, Instant
from actors.governance.judge import foresee, judge
from actors.governance.question import Forbidden, Question
from actors.governance.refusals import Refusal
from actors.governance.state import Case, Given, State
from vienna_runtime.replay.memory import Memory
from vienna_runtime.replay.purse import Purse

_BEGINNING = Instant(0)
BATCH = 512  # intents asked at once: well below what a bundle remembers, so that each answer is still there when it is read


@attrs.frozen
class Entry:
    """One entry of the log, opened."""

    seq: int
    at: Instant
    tag: str
    case: str
    body: bytes | None  # None: forgotten


@attrs.frozen(kw_only=True)
class Replayed:
    """One recorded intent with the verdict it had and the one the candidate gives."""

    seq: int
    at: Instant
    case: str
    agent: str
    wish: intents.Intent
    before: e.CaseDecided
    after: e.CaseDecided
    failed: bool  # a policy of the candidate could not be evaluated
    over: str = ""  # the scope whose budget of the candidate's would have refused the grant


@attrs.frozen
class _Asked:
    seq: int
    at: Instant
    case: Case
    question: Question
    stopped: str  # why the candidate would not have granted it whatever policy says, or empty


class World:
    """Fed with every entry in order; gives each intent since ``since`` as soon as both verdicts are known."""

    def __init__(self, tenant: str, candidate: Bundle, since: Instant = _BEGINNING) -> None:
        self.state = State(tenant)  # type: ignore[arg-type]  # a TenantId
        self._candidate, self._since = candidate, since
        self._open: dict[str, _Asked] = {}  # asked, and the recorded verdict is still to come: it is the next entry but one
        self._ready: list[tuple[_Asked, e.CaseDecided]] = []
        self._memory = Memory(candidate)
        self._limited = bool(candidate.budgets)  # then each is asked by itself: what it may spend depends on the one before
        self._purse = Purse(self.state)
        self._held: dict[str, tuple[_Asked, Replayed]] = {}  # what budgets are asked about when it is granted, if it ever was
        self._told: list[Replayed] = []
        self.forgotten = 0  # intents whose bodies are gone
        self._gone: set[str] = set()
        self.waits: dict[str, list[int]] = {}  # action → µs from card to vote
        self._shown: dict[str, tuple[str, Instant]] = {}  # held case → its action, and since when its card is there

    def feed(self, entries: Iterable[Entry]) -> Iterator[Replayed]:
        for entry in entries:
            if entry.tag not in codec.EVENTS or self._forgotten(entry):
                self._skip(entry)
                continue
            assert entry.body is not None  # else it is forgotten
            event = codec.decode(entry.tag, entry.body)
            if self._ready and (self._limited or type(event) in STANDING or len(self._ready) >= BATCH):
                yield from self._judged()
            self._entry(entry, event)
            yield from self._told
            self._told.clear()

    def _forgotten(self, entry: Entry) -> bool:
        """Whether its body, or its case's intent, has been forgotten: such a case has ended, and is not replayed."""
        if entry.body is None and entry.tag == e.IntentProposed.TAG:
            self.forgotten += 1
        if entry.body is None and entry.case:
            self._gone.add(entry.case)
        return entry.body is None or entry.case in self._gone

    def _skip(self, entry: Entry) -> None:
        """What the ledger wrote by itself: it changes nothing that is remembered, and has a place."""
        self.state.size, self.state.time = entry.seq + 1, entry.at

    def _entry(self, entry: Entry, event: e.Event) -> None:
        match event:
            case e.IntentProposed():
                self._proposed(entry, event)
            case e.CaseDecided() if event.case in self._open:
                self._ready.append((self._open.pop(event.case), event))
            case e.ApprovalRequested() | e.ApprovalGiven() | e.ApprovalDenied():
                self._timed(entry, event)
            case e.BundleActivated():
                if self.state.bundle is not None:
                    self._skip(entry)
                    return
                own = guarding.activation(self.state, self._candidate.digest, self._candidate)
                event = attrs.evolve(event, bundle=own.bundle, previous=None, counters=own.counters, zone=own.zone, limits=own.limits)
            case e.BreakerTripped(by=by) | e.BreakerTrippedBefore(by=by) | e.BreakerReset(by=by) if by == LAW:
                self._skip(entry)
                return
            case e.BreakerProbed() | e.BudgetWarned():
                self._skip(entry)
                return
            case e.WarrantIssued():
                self._issued(entry, event)
                event = self._purse.as_granted(event)
            case _:
                pass
        self._memory.note(event)
        about = watching.subject(self.state, event)
        with self._purse.counting(event):
            evolve(self.state, event, entry.at, entry.seq)
        if getattr(event, "closes", False) and (held := self._held.pop(getattr(event, "case", ""), None)) is not None:
            self._told.append(held[1])  # it was never granted
        if about is not None:
            for tripped in watching.follow(self.state, [(event, about)], self._candidate.settings.breaker, entry.at):
                evolve(self.state, tripped, entry.at, entry.seq)

    def _proposed(self, entry: Entry, event: e.IntentProposed) -> None:
        wish, agent = intents.unpack_own(event.intent), self.state.members.get(event.agent)
        if entry.at < self._since or agent is None or wish.action.startswith(intents.GOVERNED):
            return
        case = Case(
            case=event.case,
            agent=event.agent,
            intent=event.intent,
            intent_digest=Digest(canonical.digest(event.intent)),
            key=event.key,
            parent=event.parent,
            founding=event.founding,
            excluded=event.excluded,
        )
        admitted = breaker.admits(self.state, event.agent, wish.action, event.case, entry.at)
        if not isinstance(admitted, Refusal):
            for probe in admitted:
                evolve(self.state, probe, entry.at, entry.seq)
        question = asking.question("propose", self.state, self._candidate, case, wish, agent, 0, entry.at, self._memory.past)
        self._open[event.case] = _Asked(entry.seq, entry.at, case, question, admitted.why if isinstance(admitted, Refusal) else "")

    def _timed(self, entry: Entry, event: e.ApprovalRequested | e.ApprovalGiven | e.ApprovalDenied) -> None:
        """How long people took: what an approval costs is known from those that were given."""
        case = self.state.cases.get(event.case)
        if isinstance(event, e.ApprovalRequested):
            if case is not None:
                self._shown[event.case] = (case.wish.action, entry.at)
        elif event.case in self._shown:
            action, since = self._shown[event.case]
            self.waits.setdefault(action, []).append(entry.at - since)
            if isinstance(event, e.ApprovalDenied):
                del self._shown[event.case]
        if len(self._shown) > 2 * len(self.state.cases) + BATCH:
            self._shown = {name: shown for name, shown in self._shown.items() if name in self.state.cases}

    def flush(self) -> Iterator[Replayed]:
        """What is still to be told after the last entry."""
        yield from self._judged()
        yield from (replayed for _, replayed in self._held.values())
        self._held.clear()

    def _judged(self) -> Iterator[Replayed]:
        ready, self._ready = self._ready, []
        foresee(self._candidate, (asked.question for asked, _ in ready))
        for asked, before in ready:
            wish = asked.case.wish
            answer = judge(self._candidate, asked.question)
            after = proposing.as_event(asked.case, self._candidate, answer, wish, ())
            if after.permitted and (why := asked.stopped or self._nobody(after, asked.case)):
                after = _denied(after, why)
            failed = isinstance(answer, Forbidden) and bool(answer.errors)
            replayed = Replayed(
                seq=asked.seq,
                at=asked.at,
                case=asked.case.case,
                agent=asked.case.agent,
                wish=wish,
                before=before,
                after=after,
                failed=failed,
            )
            if self._limited:
                if after.permitted and after.tier != "T0":
                    self._held[asked.case.case] = asked, replayed
                    self._purse.decided(after)
                    continue
                replayed = self._granted(asked, replayed, asked.at)
            yield replayed

    def _issued(self, entry: Entry, event: e.WarrantIssued) -> None:
        """What the candidate would have had approved is granted now, as far as its budgets go."""
        held = self._held.pop(event.case, None)
        if held is not None:
            case = self.state.cases.get(event.case)
            self._told.append(self._granted(*held, entry.at, () if case is None else case.given))

    def _granted(self, asked: _Asked, replayed: Replayed, now: Instant, given: tuple[Given, ...] = ()) -> Replayed:
        """With what budgets say, where the verdict permits."""
        after = replayed.after
        if after.permitted and (why := self._nobody(after, asked.case)):  # whoever was there when it was asked may have left since
            replayed = attrs.evolve(replayed, after=_denied(after, why))
        elif after.permitted and (refused := self._purse.asked(asked.case, after, replayed.wish, now, given)) is not None:
            replayed = attrs.evolve(replayed, after=_denied(after, refused.why), over=refused.about)
        self._purse.decided(replayed.after)
        return replayed

    def _nobody(self, verdict: e.CaseDecided, case: Case) -> str:
        """Why nobody could execute it, or empty."""
        executor = self.state.members.get(verdict.executor)
        if executor is None or executor.status != "active":
            return f"policy names the executor {verdict.executor!r}, and there was no active executor of that name"
        if executor.kind == "agent" and (executor.member != case.agent or verdict.tier != "T0"):
            return "an agent executes by itself only what is its own and T0"
        return ""


def _denied(verdict: e.CaseDecided, why: str) -> e.CaseDecided:
    return e.CaseDecided(verdict.case, False, verdict.policies, verdict.bundle, why)
