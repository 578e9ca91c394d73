from __future__ import annotations

import attrs
import pytest

from actors.governance import events as e
from actors.governance.flip import KINDS, MEANING, Flip, between

DENIED = e.CaseDecided("c1", False, (), bytes(32), "no policy permits it")  # type: ignore[arg-type]
T1 = e.CaseDecided("c1", True, ("p",), bytes(32), "", "T1", "any 1", 60, 1, "till", 1)  # type: ignore[arg-type]
T2 = attrs.evolve(T1, tier="T2", quorum="any 2", persons=2)


@pytest.mark.parametrize(
    ("before", "after", "flip"),
    [
        (DENIED, T1, Flip("allowed", "deny", "T1")),
        (T1, DENIED, Flip("denied", "T1", "deny")),
        (T1, T2, Flip("tier", "T1", "T2")),
        (T2, attrs.evolve(T2, quorum="2 of role:lead"), Flip("quorum", "T2", "T2")),
        (T1, attrs.evolve(T1, uses=2), Flip("terms", "T1", "T1")),
        (T1, attrs.evolve(T1, executor="mill"), Flip("terms", "T1", "T1")),
        (T1, attrs.evolve(T1, cost_cap=5), Flip("terms", "T1", "T1")),
        (T1, attrs.evolve(T1, bundle=b"x" * 32, policies=("q",), why="by another policy"), None),
        (DENIED, attrs.evolve(DENIED, why="in other words"), None),
    ],
)
def test_two_verdicts_differ_in_what_matters_most(before: e.CaseDecided, after: e.CaseDecided, flip: Flip | None) -> None:
    assert between(before, after) == flip


def test_a_policy_that_fails_is_a_difference_even_where_both_deny() -> None:
    assert between(DENIED, DENIED, failed=True) == Flip("error", "deny", "deny")
    assert between(T1, DENIED, failed=True) == Flip("denied", "T1", "deny")


def test_every_kind_says_what_it_means() -> None:
    assert set(MEANING) == set(KINDS)
