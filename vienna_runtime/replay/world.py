"""A tenant's recorded history as it would have been counted had the candidate been in force all along.

The recorded entries are folded one by one by the law's own ``evolve``, so that who was a member with which roles, what was open
and what has been counted is at each intent what it was then.  What belongs to a bundle is the candidate's instead:

    activations   the first one puts the candidate in force, later ones are passed over; so it counts what it declares
    breakers      trip and close by the candidate's limits on the recorded outcomes; what people tripped and reset stays

The recorded runs happened, whatever the candidate says of their cases: a replay answers "what would this bundle have said then",
not "what would agents have done instead".  Nothing is written, and nothing is signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from actors.governance import asking, breaker, canonical, codec, counters, declared, proposing, reporting
from actors.governance import events as e
from actors.governance import intent as intents
from actors.governance.breaker import LAW
from actors.governance.bundle import Bundle
from actors.governance.evolve import STANDING, evolve
from actors.governance.ids import Digest, Instant
from actors.governance.judge import foresee, judge
from actors.governance.question import Forbidden, Question
from actors.governance.refusals import Refusal
from actors.governance.state import Case, State
from vienna_runtime.replay.memory import Memory

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
            if self._ready and (type(event) in STANDING or len(self._ready) >= BATCH):
                yield from self.flush()
            self._entry(entry, event)

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
                counted = tuple(counters.definition(counter) for counter in declared.counters(self._candidate.declared))
                event = attrs.evolve(event, bundle=self._candidate.digest, previous=None, counters=counted)
            case e.BreakerTripped(by=by) | e.BreakerReset(by=by) if by == LAW:
                self._skip(entry)
                return
            case e.BreakerProbed():
                self._skip(entry)
                return
            case _:
                pass
        self._memory.note(event)
        run = self.state.runs.get(getattr(event, "run", ""))
        evolve(self.state, event, entry.at, entry.seq)
        if run is not None and isinstance(event, (e.RunVerified, e.RunUnknown)):
            for tripped in reporting.react(self.state, event, run, self._candidate.settings.breaker, entry.at):
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
        """What is still to be asked; call it once more after the last entry."""
        ready, self._ready = self._ready, []
        foresee(self._candidate, (asked.question for asked, _ in ready))
        for asked, before in ready:
            wish = asked.case.wish
            answer = judge(self._candidate, asked.question)
            after = proposing.as_event(asked.case, self._candidate, answer, wish)
            if after.permitted and (why := asked.stopped or self._nobody(after, asked.case)):
                after = e.CaseDecided(asked.case.case, False, after.policies, after.bundle, why)
            failed = isinstance(answer, Forbidden) and bool(answer.errors)
            yield Replayed(
                seq=asked.seq,
                at=asked.at,
                case=asked.case.case,
                agent=asked.case.agent,
                wish=wish,
                before=before,
                after=after,
                failed=failed,
            )

    def _nobody(self, verdict: e.CaseDecided, case: Case) -> str:
        """Why nobody could execute it, or empty."""
        executor = self.state.members.get(verdict.executor)
        if executor is None or executor.status != "active":
            return f"policy names the executor {verdict.executor!r}, and there was no active executor of that name"
        if executor.kind == "agent" and (executor.member != case.agent or verdict.tier != "T0"):
            return "an agent executes by itself only what is its own and T0"
        return ""
