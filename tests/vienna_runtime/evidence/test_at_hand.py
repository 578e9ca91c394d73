from __future__ import annotations

from typing import Any

from actors.governance import events as e
from actors.governance.state import State
from vienna_runtime.evidence.at_hand import leave_what_was_used


class Known:
    count, used, spent = 5, 1, 7


def test_only_what_the_same_decision_used_is_left_and_as_it_was_before() -> None:
    mine, other = Known(), Known()
    state = State("belvedere")  # type: ignore[arg-type]
    state.envelopes = {"e1": mine, "e2": other}  # type: ignore[dict-item]
    vote: Any = e.ApprovalGiven("c1", "clara", "Clara", b"", b"")  # type: ignore[arg-type]
    used = [e.EnvelopeUsed("c1", name, "dora", "Dora", number, 30, 10) for name, number in (("e1", 4), ("e2", 2))]  # type: ignore[arg-type]
    leave_what_was_used(state, {1: vote, 2: used[0], 3: vote, 4: used[1]}, "c1", 1)
    assert (mine.used, mine.spent) == (3, 30)
    assert other.used == other.count
    leave_what_was_used(state, {1: vote, 2: used[0], 3: vote, 4: used[1]}, "c1", 3)
    assert (mine.used, other.used) == (mine.count, 1)
