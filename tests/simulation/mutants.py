"""Faults put into the product, one at a time, to see that a simulated seed finds each: what finds nothing proves nothing.

Those of what stops a tenant or the node are in ``mutants_of_halts``, those of what is handed on in ``mutants_of_hands``,
those of what is approved in advance in ``mutants_of_advance``, those of inventories, findings and letters in ``mutants_of_stock``,
those of seats and canaries in ``mutants_of_looking``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from actors import folding, held, legal_time, recall, tenant
from actors.governance import approving, breaker, budgets, evolve, governed, guarding, redeeming, reporting, state
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.codec import decode_state, encode_state
from actors.governance.decision import Decided
from actors.governance.due import due
from actors.governance.ids import Instant
from actors.governance.refusals import Code, Refusal
from actors.scribe import scribe
from ledger import memory
from tests.simulation import mutants_of_advance, mutants_of_halts, mutants_of_hands, mutants_of_looking, mutants_of_stock
from tests.simulation.mutating import MUTANTS, Mutation, Put, fold, mutant, mutated, not_at_all


@mutant("a sync that is skipped")
def _(put: Put) -> None:
    put(memory.MemoryDisk, "sync", lambda disk: disk.synced())


@mutant("uses are not counted down")
def _(put: Put) -> None:
    def opened(now: state.State, event: e.RunOpened, case: Any, at: Instant) -> None:
        before(now, event, case, at)
        if (live := now.warrants.get(event.warrant)) is not None:
            live.uses_left += 1

    before = evolve._opened
    put(evolve, "_opened", opened)


@mutant("evolve forgets a reservation")
def _(put: Put) -> None:
    note = budgets.note
    put(budgets, "note", lambda now, event, at: None if isinstance(event, e.WarrantIssued) else note(now, event, at))


@mutant("a reply before it is durable")
def _(put: Put) -> None:
    put(held.Held, "hold", lambda self, log, submission, release: release(True))


@mutant("a quorum of members, not of persons")
def _(put: Put) -> None:
    vote = approving.vote

    def as_a_member(now: state.State, command: c.Vote, by: state.Member, *more: Any) -> Any:
        return vote(now, command, attrs.evolve(by, person=by.member), *more)

    put(approving, "vote", as_a_member)


@mutant("a denial that is not final")
def _(put: Put) -> None:
    vote = approving.vote

    def only_noted(*given: Any) -> Any:
        decision = vote(*given)
        events = getattr(decision, "events", ())
        return Decided(events[:1], decision.answer) if events and isinstance(events[0], e.ApprovalDenied) else decision

    put(approving, "vote", only_noted)
    fold(put, e.ApprovalDenied, not_at_all)


@mutant("breakers ignored at redemption")
def _(put: Put) -> None:
    class Whichever:
        __hash__ = None  # type: ignore[assignment]

        def __ne__(self, other: object) -> bool:
            return False

    admits = breaker.admits

    def of_a_live_warrant(now: state.State, agent: str, action: str, case: Any, at: Instant) -> Any:
        return [] if any(live.case == case for live in now.warrants.values()) else admits(now, agent, action, case, at)  # type: ignore[arg-type]

    put(redeeming, "epoch", lambda *given: Whichever())
    put(breaker, "admits", of_a_live_warrant)


@mutant("a warrant accepted after its time")
def _(put: Put) -> None:
    dead = redeeming._dead

    def never_late(now: state.State, live: Any, use: Any, facts: Any, moment: Any) -> Any:
        return dead(now, live, use, facts, attrs.evolve(moment, now=min(moment.now, live.expires_at - 1)))

    put(redeeming, "_dead", never_late)


@mutant("no look at earlier idempotency keys")
def _(put: Put) -> None:
    put(recall.Recall, "prior", lambda self, agent, key: None)


@mutant("answers lost in a crash are called refused")
def _(put: Put) -> None:
    def answer(self: Any, respond: Any, outcome: Any) -> None:
        refused = Refusal(Code.READ_ONLY, "nothing was decided", 100)
        self._around.held.hold(self.name, self._last, lambda durable: respond(outcome if durable else refused))

    put(tenant.Tenant, "_answer", answer)


@mutant("a snapshot off by one entry")
def _(put: Put) -> None:
    def take(now: state.State) -> folding.Taken:
        other = decode_state(encode_state(now))
        other.size -= 1
        return folding.Taken(other.size, encode_state(other))

    put(folding, "take", take)


@mutant("keys looked up in another tenant's log")
def _(put: Put) -> None:
    made = recall.Recall.__init__

    def init(self: Any, ledger: Any, log: str, read: Any = None) -> None:
        made(self, ledger, min(name for name in ledger.logs() if name), read)

    put(recall.Recall, "__init__", init)


@mutant("a revocation that is not folded")
def _(put: Put) -> None:
    fold(put, e.WarrantRevoked, not_at_all)


@mutant("legal time follows a clock that is set back")
def _(put: Put) -> None:
    put(legal_time.LegalTime, "now", lambda self: Instant(self._clock.wall()))
    put(legal_time.LegalTime, "doubt", None)


@mutant("grants while the clocks disagree")
def _(put: Put) -> None:
    facts = tenant.Tenant._facts
    put(tenant.Tenant, "_facts", lambda self, command, by: attrs.evolve(facts(self, command, by), clock_ok=True))


@mutant("a second report of one run")
def _(put: Put) -> None:
    report = reporting.report

    def again(now: state.State, command: Any, by: Any, facts: Any, moment: Any) -> Any:
        run = now.runs.get(reporting.receipt.unverified_unpack(command.receipt).run)
        if run is None or run.status != "reported":
            return report(now, command, by, facts, moment)
        run.status = "open"
        try:
            return report(now, command, by, facts, moment)
        finally:
            run.status = "reported"

    put(reporting, "report", again)


@mutant("requesters approve their own")
def _(put: Put) -> None:
    put(state.Case, "barred", property(lambda self: frozenset()))


@mutant("an unknown outcome that blocks nothing")
def _(put: Put) -> None:
    def unblocked(before: Callable[..., None]) -> Callable[..., None]:
        def folded(now: state.State, event: e.RunUnknown, case: Any, at: Instant) -> None:
            before(now, event, case, at)
            now.blocked.pop(event.effect, None)

        return folded

    fold(put, e.RunUnknown, unblocked)


@mutant("decisions on what was discarded")
def _(put: Put) -> None:
    restore = tenant.Tenant._restore

    async def keeps(self: Any) -> bool:
        if self._epoch == -1:
            return bool(await restore(self))
        self._epoch = self._around.scribe.epoch(self.name)
        return True

    put(tenant.Tenant, "_restore", keeps)


@mutant("an expiry without its dead letter")
def _(put: Put) -> None:
    def quietly(now: state.State, *more: Any) -> Any:
        events = due(now, *more)
        if len(events) == 2 and isinstance(events[0], e.WarrantExpired):
            return (attrs.evolve(events[0], closes=True),)
        return events

    put(tenant, "due", quietly)


@mutant("the node answers a repeat with another run")
def _(put: Put) -> None:
    repeated = tenant.answering.repeated

    def another(look: Any, command: Any, said: Any) -> Any:
        return repeated(look, command, {name: value for name, value in said.items() if name != "run"})

    put(tenant.answering, "repeated", another)


@mutant("the heads go before what was queued")
def _(put: Put) -> None:
    put(scribe, "any", lambda queued: False)  # where it asks whether something is queued for the node's log


@mutant("an effect is blocked by whichever run comes last")
def _(put: Put) -> None:
    def unblock(now: state.State, effect: str) -> None:
        now.blocked.pop(effect, None)
        for run in now.runs.values():
            if run.status == "unknown" and run.effect == effect:
                now.blocked[effect] = run.run

    put(evolve, "_unblock", unblock)


@mutant("the key of a change is free once it is over")
def _(put: Put) -> None:
    put(governed, "once", lambda decision, prior: decision)


@mutant("a seal that nobody looks at")
def _(put: Put) -> None:
    facts = tenant.Tenant._facts
    put(tenant.Tenant, "_facts", lambda self, command, by: attrs.evolve(facts(self, command, by), mac_ok=True))


@mutant("an expired warrant keeps what it reserved")
def _(put: Put) -> None:
    note = budgets.note
    put(budgets, "note", lambda now, event, at: None if isinstance(event, e.WarrantExpired) else note(now, event, at))


@mutant("a dead letter that is resolved twice")
def _(put: Put) -> None:
    resolve = guarding.resolve
    put(guarding, "resolve", lambda command, by, facts, at: resolve(command, by, attrs.evolve(facts, letter_resolved=False), at))


@mutant("dead letters that are no chain")
def _(put: Put) -> None:
    def unchained(before: Callable[..., None]) -> Callable[..., None]:
        def folded(now: state.State, event: e.DeadLetterOpened, case: Any, at: Instant) -> None:
            last = now.last_letter
            before(now, event, case, at)
            now.last_letter = last

        return folded

    fold(put, e.DeadLetterOpened, unchained)


__all__ = [
    "MUTANTS",
    "Mutation",
    "mutants_of_advance",
    "mutants_of_halts",
    "mutants_of_hands",
    "mutants_of_looking",
    "mutants_of_stock",
    "mutated",
]
