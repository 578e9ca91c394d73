"""What a node would look up in its ledger for facts of policy, kept while the log is folded: only what the candidate reads."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from actors.governance import events as e
from actors.governance import intent, views
from actors.governance.bundle import Bundle
from actors.governance.declared import Before, Lineage
from actors.governance.facts import Ended, Past
from actors.governance.ids import CaseId, EffectId
from actors.governance.question import Unavailable
from actors.lineage import DEEPEST


@attrs.define
class _Case:
    agent: str
    intent: bytes
    parent: CaseId | None
    outcome: str = "proposed"
    closed: bool = False
    lied: bool = False


class Memory:
    """Told every event; answers as ``actors.lineage`` and the ledger's index of effects would have at that moment."""

    def __init__(self, candidate: Bundle) -> None:
        origins = [fact.origin for fact in candidate.declared.values()]
        self._lineage = any(isinstance(origin, Lineage) for origin in origins)
        self._before = any(isinstance(origin, Before) for origin in origins)
        self._cases: dict[str, _Case] = {}
        self._effects: set[str] = set()
        self.past = Past(above=self._above, redeemed=self._redeemed)

    def note(self, event: e.Event) -> None:
        if self._before and isinstance(event, e.RunOpened):
            self._effects.add(event.effect)
        if not self._lineage:
            return
        if isinstance(event, e.IntentProposed):
            self._cases[event.case] = _Case(event.agent, event.intent, event.parent)
            return
        known = self._cases.get(getattr(event, "case", ""))
        if known is not None:
            known.outcome = views.story([event], known.outcome)
            known.closed = known.closed or bool(getattr(event, "closes", False))
            known.lied = known.lied or (isinstance(event, e.RunVerified) and event.verdict == "mismatched")

    def _redeemed(self, effect: EffectId) -> bool:
        return effect in self._effects

    def _above(self, case: CaseId) -> Iterator[Ended | Unavailable]:
        for _ in range(DEEPEST):
            known = self._cases.get(case)
            if known is None:
                yield Unavailable(f"case {case}, which it comes from, cannot be read any more")
                return
            outcome = "" if not known.closed else "mismatched" if known.lied else known.outcome
            yield Ended(known.agent, intent.unpack_own(known.intent), outcome)
            if known.parent is None:
                return
            case = known.parent
        yield Unavailable(f"more than {DEEPEST} cases stand above it, and no further one is looked at")
