"""Two spellings of one person never fill two seats, and no tenant loses its quorum by a revocation."""

from __future__ import annotations

from typing import Any

import pytest

from actors.governance.persons import leaves_a_quorum, problem


@pytest.mark.parametrize(
    "person",
    [
        "clara ",
        " clara",
        "cla  ra",
        "clara\u200b",
        "cl\u200dara",
        "\u202eclara",
        "clara\u00a0",
        "e\u0301",
        "\ufeffx",
        "Clara",
        "\uff43lara",
    ],
)
def test_a_name_that_only_looks_like_another_is_not_taken(bench: Any, person: str) -> None:
    assert problem(bench.state, person) is not None


@pytest.mark.parametrize("person", ["clara", "Klara Novák", "李雷", "Ng’ang’a O. Óğuz-Smith", "new"])
def test_names_of_people_are_taken(bench: Any, person: str) -> None:
    assert problem(bench.state, person) is None


def test_a_quorum_is_left_while_some_admin_finds_two_others(bench: Any) -> None:
    assert leaves_a_quorum(bench.state, "clara", 2)
    assert not leaves_a_quorum(bench.state, "greta", 2)  # the only admin
    assert leaves_a_quorum(bench.state, "clara", 3) is leaves_a_quorum(bench.state, "clara-two", 3)
    for name in ("clara", "clara-two", "hugo"):
        bench.state.members[name].status = "revoked"
    assert not leaves_a_quorum(bench.state, "nobody", 2)  # dora alone
