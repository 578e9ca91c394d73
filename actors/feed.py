"""Who wants to know what, of one tenant's durable events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from actors import approver, executor, verifier
from actors.drafting import sign as issued_again
from actors.governance import events as e
from actors.governance import warrant as warrants
from actors.governance.aborting import aborted
from actors.governance.state import LiveWarrant, State
from actors.signer import Signer

Listener: TypeAlias = Callable[[Mapping[str, object]], None]
Sign: TypeAlias = Callable[[bytes], bytes]
Item: TypeAlias = tuple[str, Mapping[str, object]]  # topic, what to say

CASE, MEMBER, GONE = "case:", "member:", "gone:"


class Feed:
    """Listeners by topic: a member's inbox, a case, or the end of a membership.  A listener never blocks."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Listener]] = {}
        self._gone = 0  # topics of them that only the end of a membership concerns: every connection has one

    def add(self, topic: str, listener: Listener) -> None:
        if topic not in self._listeners:
            self._listeners[topic] = set()
            self._gone += topic.startswith(GONE)
        self._listeners[topic].add(listener)

    def discard(self, topic: str, listener: Listener) -> None:
        """Takes one listener off one topic, without a look at the others."""
        if (found := self._listeners.get(topic)) is not None:
            found.discard(listener)
            if not found:
                del self._listeners[topic]
                self._gone -= topic.startswith(GONE)

    def remove(self, listener: Listener) -> None:
        for topic in [topic for topic, found in self._listeners.items() if listener in found]:
            self.discard(topic, listener)

    def __len__(self) -> int:
        return sum(map(len, self._listeners.values()))

    def wanted(self, state: State, event: e.Event, seq: int, sign: Sign, signer: Signer | None = None) -> list[Item]:
        """What this event, just folded into ``state``, means to those who listen; nothing is built for nobody.

        ``sign`` is the issuer's hand over a warrant's fields: a verifier checks what it is given.
        """
        if len(self._listeners) == self._gone and type(event) is not e.MemberRevoked:
            return []
        found: list[Item] = []
        topic = CASE + getattr(event, "case", "")
        if topic in self._listeners:
            found.append((topic, {"seq": seq}))
        match event:
            case e.WarrantIssued():
                found.extend(self._to([warrants.unpack_own(event.fields).executor], lambda: executor.item(event)))
            case e.WarrantUseAsked() if signer is not None and (live := state.warrants.get(event.warrant)) is not None:
                found.extend(self._to([live.executor], lambda: _use(state, live, event.use, signer)))
            case e.ApprovalRequested() if (case := state.cases.get(event.case)) is not None:
                found.extend(self._to(approver.concerned(state, case), lambda: approver.item(case)))
            case e.RecoveryAnnounced():
                found.extend(self._to(approver.concerned_by_recovery(state), lambda: approver.recovery_item(state)))
            # Where the report itself says that nobody knows, the entry after it asks for the probe.
            case e.RunReported() if (run := state.runs.get(event.run)) is not None and run.status == "reported" and verifier.is_wanted(run):
                item = lambda: verifier.item(run, sign(run.fields), event.receipt, event.signature)  # noqa: E731
                found.extend(self._to(verifier.concerned(state, run), item))
            case e.RunUnknown() if (run := state.runs.get(event.run)) is not None and verifier.is_wanted(run):
                found.extend(self._to(verifier.concerned(state, run), lambda: verifier.probe_item(run, sign(run.fields))))
            case e.MemberRevoked() if GONE + event.member in self._listeners:
                found.append((GONE + event.member, {}))
            case e.BreakerTripped() | e.ScopePaused():
                found.extend(self._abort(state))
            case _:
                pass
        return found

    def publish(self, items: Iterable[Item]) -> None:
        for topic, value in items:
            for listener in tuple(self._listeners.get(topic, ())):
                listener(value)

    def _to(self, members: Iterable[str], make: Callable[[], Mapping[str, object]]) -> list[Item]:
        return [(MEMBER + name, make()) for name in members if MEMBER + name in self._listeners]

    def _abort(self, state: State) -> list[Item]:
        """Tells whoever executes what was stopped, once more where it was told before: it may have listened to nothing then."""
        topics = ((MEMBER + run.redeemer, run) for run in aborted(state))
        return [(topic, executor.abort_item(run)) for topic, run in topics if topic in self._listeners]


def _use(state: State, live: LiveWarrant, use: int, signer: Signer) -> Mapping[str, object]:
    issued = issued_again(e.WarrantIssued(live.case, live.warrant, live.fields, b"", b""), state.tenant, signer)
    return executor.use_item(issued, next(asked for asked in live.asks if asked.use == use))
