from __future__ import annotations

import pytest

from actors.governance.canonical import NotCanonical, Value
from actors.governance.constraints.paths import Under


@pytest.mark.parametrize("value", ["drafts/a", "drafts/a/b.md", "drafts/..a", "drafts/a b", "drafts/cafe\u0301"])
def test_a_path_below_the_root_is_allowed(value: str) -> None:
    assert Under("drafts").problem(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "drafts",
        "drafts/",
        "drafts/../a",
        "drafts/a/../../b",
        "../drafts/a",
        "drafts//a",
        "drafts/./a",
        "./drafts/a",
        "/drafts/a",
        "draftsx/a",
        "Drafts/a",
        "drafts\\a",
        "drafts/a\0b",
        "",
        "drafts/" + "x" * 256,
        "drafts/" + "x/" * 2_100 + "y",
        "drafts/\ud800",
        1,
        None,
        ["drafts/a"],
    ],
)
def test_a_path_that_leaves_the_root_or_has_a_second_spelling_is_not(value: Value) -> None:
    assert Under("drafts").problem(value) is not None


def test_relative_and_absolute_roots_are_apart() -> None:
    assert Under(".").problem("a/b") is None
    assert Under(".").problem("/a/b") is not None
    assert Under("/").problem("/a") is None
    assert Under("/").problem("a") is not None
    assert Under("/srv").problem("/srv/x") is None
    assert Under("/srv").problem("//srv/x") is not None


@pytest.mark.parametrize("root", ["", "a/", "a//b", "a/../b", "..", "./a", "a\0"])
def test_a_root_has_one_spelling_too(root: str) -> None:
    with pytest.raises(NotCanonical):
        Under(root)
