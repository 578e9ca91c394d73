"""What is to be looked at, in words that leave nothing out."""

from __future__ import annotations

from typing import Any

import pytest

from vienna_runtime.cli.observed import observed
from vienna_runtime.cli.shown import value_text

DIGEST = {"name": "file_digest", "kind": "file_digest", "arguments": {"path": "a.txt", "content": "x"}}
PORT = {"name": "listens", "kind": "port", "arguments": {}}


def test_checks_are_said_in_words() -> None:
    assert observed({"checks": [DIGEST], "needed": 1, "of": 1}) == 'file_digest: path="a.txt", content="x"; by 1 of 1'
    both = 'file_digest: path="a.txt", content="x"; listens (port): of nothing more; by 2 of 3'
    assert observed({"checks": [DIGEST, PORT], "needed": 2, "of": 3}) == both


@pytest.mark.parametrize(
    "strange",
    [
        {"checks": [{**DIGEST, "within": 5}], "needed": 1, "of": 1},
        {"checks": [DIGEST], "needed": 1, "of": 1, "stable_for": 9},
        {"checks": "all", "needed": 1, "of": 1},
        {"checks": [{**DIGEST, "arguments": ["a.txt"]}], "needed": 1, "of": 1},
        {"ref": "main"},
    ],
)
def test_what_is_not_known_is_shown_as_it_stands(strange: dict[str, Any]) -> None:
    assert observed(strange) == value_text(strange)
