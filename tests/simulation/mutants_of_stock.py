"""Faults in what executors count and others bring: inventories, receipts by number, evidence, findings; and letters tried again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from actors import dead_letters
from actors.governance import events as e
from actors.governance import guarding, index, proposing, reconciling, stocktaking
from actors.governance.decision import Decided
from actors.governance.finding_book import Counted
from actors.governance.ids import Instant
from actors.governance.reconciling import Observed
from actors.governance.state import State
from tests.simulation.mutating import Put, fold, mutant, not_at_all


@mutant("a hole that no inventory shows")
def _(put: Put) -> None:
    put(stocktaking, "_holes", lambda since, last, spans: iter(()))


@mutant("what a journal has forgotten is called withheld")
def _(put: Put) -> None:
    compared = stocktaking._compared

    def from_its_beginning(state: State, executor: str, known: Counted, told: Any, facts: Any) -> Any:
        return compared(state, executor, Counted(known.journal, 0, known.beyond, known.claimed), told, facts)

    put(stocktaking, "_compared", from_its_beginning)


@mutant("an inventory that comes late counts")
def _(put: Put) -> None:
    put(stocktaking, "_overtaken", lambda known, told: False)


@mutant("an inventory that somebody else signed")
def _(put: Put) -> None:
    put(stocktaking, "verifies", lambda purpose, key, packed, signature: True)


@mutant("two receipts of one number")
def _(put: Put) -> None:
    put(Counted, "has", lambda self, number: False)


@mutant("a journal that is begun anew")
def _(put: Put) -> None:
    def as_known(before: Callable[..., Any]) -> Callable[..., Any]:
        def asked(state: State, executor: str, known: Counted, told: Any, facts: Any) -> Any:
            return before(state, executor, attrs.evolve(known, journal=told.journal), told, facts)

        return asked

    put(stocktaking, "_compared", as_known(stocktaking._compared))


@mutant("a receipt that comes ends no finding")
def _(put: Put) -> None:
    put(reconciling, "over", lambda state, kind, about, why: ())


@mutant("a receipt that is not durable yet is none")
def _(put: Put) -> None:
    put(index, "passing_keys", lambda event: ())


@mutant("a finding that is resolved twice")
def _(put: Put) -> None:
    resolve = reconciling.resolve

    def again(state: State, finding: str, reason: str, by: Any, facts: Any) -> Any:
        decision = resolve(state, finding, reason, by, facts)
        if isinstance(decision, Decided) and not decision.events:
            return Decided((e.FindingResolved(finding, by.member, reason),), decision.answer)
        return decision

    put(reconciling, "resolve", again)


@mutant("a finding that is open for ever")
def _(put: Put) -> None:
    fold(put, e.FindingResolved, not_at_all)


@mutant("evidence of whatever kind")
def _(put: Put) -> None:
    put(reconciling, "_row", lambda row: Observed(row["kind"], row["about"], row["expected"], row["observed"]))


@mutant("findings that are no chain")
def _(put: Put) -> None:
    def unchained(before: Callable[..., None]) -> Callable[..., None]:
        def folded(now: State, event: e.FindingOpened, case: Any, at: Instant) -> None:
            last = now.findings.last
            before(now, event, case, at)
            now.findings.last = last

        return folded

    fold(put, e.FindingOpened, unchained)


@mutant("a letter that is tried again twice")
def _(put: Put) -> None:
    retry = guarding.retry

    def again(now: State, command: Any, by: Any, facts: Any, moment: Any) -> Any:
        return retry(now, command, by, attrs.evolve(facts, letter_resolved=False), moment)

    put(guarding, "retry", again)


@mutant("whoever tries a letter again approves it")
def _(put: Put) -> None:
    wished = proposing.wished

    def forgetful(now: State, command: Any, by: Any, facts: Any, moment: Any) -> Any:
        if command.key.startswith(proposing.RETRY_PREFIX) and facts.parent is not None:
            facts = attrs.evolve(facts, parent=attrs.evolve(facts.parent, excluded=facts.parent.excluded[:-1]))
        return wished(now, command, by, facts, moment)

    put(proposing, "wished", forgetful)


@mutant("a filter of letters that lets everything through")
def _(put: Put) -> None:
    put(dead_letters, "_may_fit", lambda header, event, query: True)
    put(dead_letters, "_fits", lambda told, query: True)


@mutant("another try has another key")
def _(put: Put) -> None:
    put(guarding, "retry_key", lambda letter, key: f"{proposing.RETRY_PREFIX}{key}")
