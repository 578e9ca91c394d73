"""What a replay found: which verdicts flip, how often, for whom, what money that moves and what it asks of people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import attrs

from actors.governance import events as e
from actors.governance.bundle import Bundle
from actors.governance.expected_flips import ExpectedFlip
from actors.governance.flip import DENY, Flip, between
from actors.governance.intent import Intent
from vienna_runtime.replay.world import Replayed

EXAMPLES = 3  # of each group: enough to look at, and `vienna case` shows the rest
MINUTE = 60_000_000  # µs
MOST_GROUPS = 4_096  # kinds of flips told apart; a candidate that does more is another bundle altogether
OTHERS = "(others)"


@attrs.define(kw_only=True)
class Group:
    """Flips of one kind between the same verdicts of the same action."""

    flip: Flip
    action: str
    count: int = 0
    expected: int = 0
    money: int = 0  # micro-units: the worst case of one use of each
    persons: int = 0  # approvals more or less, all together
    agents: Counter[str] = attrs.Factory(Counter)
    policies: Counter[str] = attrs.Factory(Counter)  # the candidate's that decided
    examples: list[Mapping[str, Any]] = attrs.Factory(list)


class Report:
    """Fed with every replayed intent; then read."""

    def __init__(self, candidate: Bundle, expected: Sequence[ExpectedFlip]) -> None:
        self._candidate, self._expected = candidate, expected
        self.intents = 0
        self.groups: dict[tuple[Flip, str], Group] = {}
        self.met: Counter[str] = Counter({flip.name: 0 for flip in expected})
        self.approvals = Counter[str]()  # action → approvals more or less
        self.over = Counter[str]()  # scope → grants that its budget would have refused
        self.over_money = 0  # micro-units: the worst case of one use of each of these

    def add(self, one: Replayed) -> None:
        self.intents += 1
        if one.over:
            self.over[one.over] += 1
            self.over_money += self._money(one.wish)
        flip = between(one.before, one.after, failed=one.failed)
        if flip is None:
            return
        group = self._group(flip, one.wish.action)
        group.count += 1
        group.money += self._money(one.wish)
        group.agents[one.agent] += 1
        group.policies.update(one.after.policies or ("(nothing permits it)",))
        more = _persons(one.after) - _persons(one.before)
        group.persons += more
        self.approvals[one.wish.action] += more
        covering = next((said for said in self._expected if said.covers(flip, one.agent, one.wish, self._candidate.catalogue)), None)
        if covering is not None:
            group.expected += 1
            self.met[covering.name] += 1
        if len(group.examples) < EXAMPLES or (covering is None and all(example["expected"] for example in group.examples)):
            group.examples = [*group.examples[: EXAMPLES - 1], _example(one, expected=covering is not None)]

    def _group(self, flip: Flip, action: str) -> Group:
        key = (flip, action if (flip, action) in self.groups or len(self.groups) < MOST_GROUPS else OTHERS)
        found = self.groups.get(key)
        if found is None:
            found = self.groups[key] = Group(flip=flip, action=key[1])
        return found

    def _money(self, wish: Intent) -> int:
        action = self._candidate.catalogue.get(wish.action)
        worst = None if action is None else action.worst_cost(wish.params)
        return max(wish.cost, worst or 0)

    @property
    def flips(self) -> int:
        return sum(group.count for group in self.groups.values())

    @property
    def unexpected(self) -> int:
        return sum(group.count - group.expected for group in self.groups.values())

    def money(self, kind: str) -> int:
        return sum(group.money for group in self.groups.values() if group.flip.kind == kind)

    @property
    def unwatched(self) -> int:
        """Money that a person looked at before and nobody would look at now."""
        groups = self.groups.values()
        return sum(group.money for group in groups if group.flip.before in ("T1", "T2") and group.flip.after == "T0")

    def minutes(self, waits: Mapping[str, Sequence[int]]) -> int | None:
        """Minutes that approvals take more or less, by what they took so far; None where none was ever given."""
        every = [wait for some in waits.values() for wait in some]
        if not every:
            return None
        usual = median(every)
        total = sum(more * (median(waits[action]) if waits.get(action) else usual) for action, more in self.approvals.items())
        return round(total / MINUTE)

    def verdict(self) -> str:
        """One word: ``same``, ``looser``, ``stricter``, ``both`` or ``terms``."""
        looser = any(_looser(group.flip) or (group.flip.kind == "quorum" and group.persons < 0) for group in self.groups.values())
        stricter = any(_stricter(group.flip) or (group.flip.kind == "quorum" and group.persons > 0) for group in self.groups.values())
        if looser and stricter:
            return "both"
        return "looser" if looser else "stricter" if stricter else "terms" if self.groups else "same"

    def in_order(self) -> list[Group]:
        """What matters most first: newly allowed, then by number."""
        return sorted(self.groups.values(), key=lambda group: (not _looser(group.flip), -group.count, group.action))

    def as_json(self, waits: Mapping[str, Sequence[int]]) -> dict[str, Any]:
        return {
            "candidate": self._candidate.digest,
            "intents": self.intents,
            "flips": self.flips,
            "unexpected": self.unexpected,
            "verdict": self.verdict(),
            "newly_allowed": self.money("allowed"),
            "newly_denied": self.money("denied"),
            "newly_unwatched": self.unwatched,
            "over_budget": {"count": self.over.total(), "money": self.over_money, "budgets": dict(self.over.most_common())},
            "approvals": sum(self.approvals.values()),
            "approver_minutes": self.minutes(waits),
            "expected": dict(self.met),
            "groups": [
                {
                    "kind": group.flip.kind,
                    "from": group.flip.before,
                    "to": group.flip.after,
                    "action": group.action,
                    "count": group.count,
                    "expected": group.expected,
                    "money": group.money,
                    "approvals": group.persons,
                    "agents": dict(group.agents.most_common()),
                    "policies": dict(group.policies.most_common()),
                    "examples": group.examples,
                }
                for group in self.in_order()
            ],
        }


_RANK = {"T0": 0, "T1": 1, "T2": 2, DENY: 3}


def _looser(flip: Flip) -> bool:
    return _RANK[flip.after] < _RANK[flip.before]


def _stricter(flip: Flip) -> bool:
    return _RANK[flip.after] > _RANK[flip.before]


def _persons(verdict: e.CaseDecided) -> int:
    return verdict.persons if verdict.permitted else 0


def _example(one: Replayed, *, expected: bool) -> dict[str, Any]:
    return {
        "case": one.case,
        "seq": one.seq,
        "time": one.at,
        "agent": one.agent,
        "resource": one.wish.resource,
        "params": dict(one.wish.params),
        "before": one.before.why,
        "after": one.after.why,
        "expected": expected,
    }
