"""``vienna case``: the tree a case belongs to, on a node that runs."""

from __future__ import annotations

from typing import Any

import pytest

from actors.family import MOST_ABOVE


def propose(as_: Any, who: str, path: str, *more: str) -> str:
    said = as_(who, "propose", "git.log", "repo/vienna", "--purpose", f"look at {path}", "--no-wait", *more, json=True)
    return str(said.json["case"])


@pytest.fixture(scope="module")
def cases() -> dict[str, str]:
    return {}


def test_a_case_without_relatives_is_shown_without_a_tree(as_: Any) -> None:
    lone = propose(as_, "ada", "alone")
    said = as_("ada", "case", lone)
    assert said.code == 0
    assert "← this case" not in said.out


def test_the_tree_has_the_parents_the_children_and_their_siblings(as_: Any) -> None:
    top = propose(as_, "ada", "top")
    left, right = (propose(as_, "ada", name, "--parent", top) for name in ("left", "right"))
    below = propose(as_, "ada", "below", "--parent", right)
    found = as_("clara", "case", right, "--tree", json=True).json
    assert [(row["case"], row["depth"]) for row in found["cases"]] == [(top, 0), (left, 1), (right, 1), (below, 2)]
    said = as_("clara", "case", right)
    assert said.code == 0
    marked = next(line for line in said.out.splitlines() if "← this case" in line)
    assert right in marked
    assert said.out.index(below) < said.out.index("intent.proposed")
    assert as_("clara", "case", right, json=True).json["tree"]["root"] == top


def test_a_long_line_of_parents_is_followed_to_its_top(as_: Any) -> None:
    top = parent = propose(as_, "ada", "0")
    for depth in range(MOST_ABOVE + 2):
        parent = propose(as_, "ada", str(depth), "--parent", parent)
    found = as_("clara", "case", parent, "--tree", json=True).json
    assert found["root"] == top
    assert [row["depth"] for row in found["cases"]] == list(range(MOST_ABOVE + 3))


def test_many_children_come_page_by_page_and_the_tree_says_where_it_was_cut(as_: Any) -> None:
    top = propose(as_, "ada", "many")
    children = {propose(as_, "ada", str(number), "--parent", top) for number in range(60)}
    found = as_("clara", "case", top, "--tree", json=True).json
    assert {row["case"] for row in found["cases"]} == children | {top}
    assert not found["cut"]
    assert [row["seq"] for row in found["cases"]] == sorted(row["seq"] for row in found["cases"])
