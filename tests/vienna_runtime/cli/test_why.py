"""``vienna why``: decisions of a node that runs, explained from their evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from actors.governance import bundle as bundles
from actors.governance.judge import judge
from actors.governance.otherwise import otherwise, outcome
from vienna_runtime.evidence import form
from vienna_runtime.why.told import tell


def propose(as_: Any, *wish: str) -> str:
    return str(as_("ada", "propose", *wish, "--purpose", "see why", "--no-wait", json=True).json["case"])


@pytest.fixture(scope="module")
def cases() -> dict[str, str]:
    return {}


@pytest.fixture
def denied(as_: Any) -> str:
    return propose(as_, "file.read", "repo/vienna", "-p", "path=src/.env")


@pytest.fixture
def held(as_: Any) -> str:
    return propose(as_, "git.push", "repo/vienna", "-p", "remote=origin", "-p", "branch=main", "-p", "commit=4f1c")


def test_a_denial_names_the_policy_its_reason_and_what_it_read(as_: Any, denied: str) -> None:
    said = as_("clara", "why", denied)
    assert said.code == 0, said.err
    assert "forbid by no-secrets (read.cedar:" in said.out
    assert "files named .env hold credentials" in said.out
    assert 'context.params.path: "src/.env"' in said.out
    (verdict,) = as_("clara", "why", denied, json=True).json["verdicts"]
    assert verdict["asked_again"] is True


def test_a_held_case_says_who_could_still_approve_and_who_cannot(as_: Any, held: str) -> None:
    found = as_("clara", "why", held, json=True).json
    assert found["quorum"]["missing"] == 2
    assert sorted(found["quorum"]["could"]) == ["clara", "dora"]
    assert {(one["person"], one["because"]) for one in found["quorum"]["excluded"]} == {("Ada", "asked for it"), ("Rosa", "owns ada")}
    without = next(item for item in found["verdicts"][0]["otherwise"] if item["what"] == "principal in role")
    assert without["outcome"] == "deny"
    said = as_("dora", "why", held)
    assert "could still approve: clara, dora" in said.out
    assert "Rosa can fill no seat: owns ada" in said.out


def test_every_alternative_that_is_told_is_what_policy_says(as_: Any, held: str, house: Any, tmp_path: Path) -> None:
    """Asked again here from the very file, so that none of them can lie."""
    file = tmp_path / "push.evidence"
    assert as_("clara", "evidence", held, "-o", str(file)).code == 0
    (decided,) = tell(form.unpack(file.read_bytes())).decided
    assert decided.bundle is not None
    assert decided.question is not None
    assert isinstance(decided.bundle, bundles.Bundle)
    assert otherwise(decided.bundle, decided.question)
    for item in otherwise(decided.bundle, decided.question):
        assert outcome(judge(decided.bundle, item.question)) == outcome(item.answer) != outcome(judge(decided.bundle, decided.question))
    offline = as_("nobody", "why", "--evidence", str(file), "--key", house.node_key, json=True)
    assert offline.code == 0, offline.err
    assert offline.json == as_("clara", "why", held, json=True).json


def test_evidence_that_was_altered_explains_nothing(as_: Any, held: str, house: Any, tmp_path: Path) -> None:
    file = tmp_path / "push.evidence"
    assert as_("clara", "evidence", held, "-o", str(file)).code == 0
    packed = bytearray(file.read_bytes())
    at = packed.index(b"origin")
    packed[at : at + 6] = b"mallry"
    file.write_bytes(packed)
    assert as_("nobody", "why", "--evidence", str(file), "--key", house.node_key).code == 3


def test_text_of_an_agent_is_shown_for_what_it_is(as_: Any) -> None:
    case = propose(as_, "file.read", "repo/vienna", "-p", "path=\x1b[2J\u202ea")
    said = as_("clara", "why", case)
    assert said.code == 0
    assert "\x1b" not in said.out
    assert "<U+202E>" in said.out


def test_it_is_not_for_agents_and_names_what_is_missing(as_: Any, denied: str) -> None:
    assert as_("ada", "why", denied).code == 1
    assert as_("clara", "why").code == 2
    assert as_("clara", "why", "nowhere").code == 1
