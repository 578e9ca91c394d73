"""Which place a run's action stands for: strict, because a rule that is misspelt would match nothing in silence."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from vienna_runtime.reconcile.errors import EvidenceInvalid
from vienna_runtime.reconcile.mapping import Effects, Meant, Rule, load

RULES = Effects(
    (Rule("file.write", "{resource.name}/{params.path}", "sha256:{params.content}"), Rule("file.delete", "{params.path}", "", True))
)


def test_a_run_is_called_as_its_rule_says() -> None:
    digest = hashlib.sha256(b"hi").hexdigest()
    assert RULES.meant("file.write", "repo/v", {"path": "a", "content": "hi"}, "e") == Meant("v/a", digest, False)
    assert RULES.meant("file.delete", "repo/v", {"path": "a"}, "e") == Meant("a", "", True)


def test_without_a_rule_or_a_value_there_is_no_place() -> None:
    assert RULES.meant("file.read", "repo/v", {"path": "a"}, "e") is None
    assert RULES.meant("file.write", "repo/v", {"path": "a"}, "e") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x = 1",
        '[[effect]]\naction = "a"',
        '[[effect]]\naction = "a"\nplace = "p"\nplaec = "x"',
        '[[effect]]\naction = "a"\nplace = 5',
        '[[effect]]\naction = "a"\nplace = "{agent.name}"',
        '[[effect]]\naction = "a"\nplace = "{params.x"',
        "[[effect",
    ],
)
def test_what_is_no_mapping_does_not_load(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.toml"
    path.write_text(text)
    with pytest.raises(EvidenceInvalid, match=r"m\.toml"):
        load(path)
