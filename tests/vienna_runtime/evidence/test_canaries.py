"""Evidence of a canary's case: its end says why there is no warrant and no dead letter, and nothing else may say so."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest

from actors.governance import codec
from actors.governance import events as e
from actors.governance.ids import HOUR
from tests.vienna_runtime.evidence.test_forgeries import Office, Two, alone, amended, assert_found
from vienna_runtime.evidence import form

__all__ = ["alone"]  # a fixture

VERIFIER = Path(__file__).parents[2] / "interop" / "verify.mjs"


def missed(office: Office) -> str:
    case = office.canary()
    office.vote(case, "clara")
    office.vote(case, "dora")
    return case


def caught(office: Office) -> str:
    case = office.canary()
    office.vote(case, "dora")
    office.vote(case, "clara", "deny")
    return case


def expired(office: Office) -> str:
    case = office.canary()
    office.vote(case, "dora")
    office.settle_due(30 * HOUR)
    return case


ENDS: list[Callable[[Office], str]] = [missed, caught, expired]


@pytest.fixture(scope="module")
def told(offices: Callable[..., Office], alone: ModuleType) -> tuple[Office, dict[str, str], ModuleType]:  # the fixture by its name
    office = offices().found()
    return office, {end.__name__: end(office) for end in ENDS}, alone


@pytest.mark.parametrize("end", [end.__name__ for end in ENDS])
def test_every_end_of_a_canary_verifies_by_all_verifiers(told: Any, tmp_path: Path, end: str) -> None:
    office, cases, alone = told
    packed = form.pack(office.evidence(cases[end]))
    assert Two(office, alone).failures(packed) == (set(), set())
    (tmp_path / "canary.evidence").write_bytes(packed)
    if (node := shutil.which("node")) is None:
        pytest.skip("node is not installed here (Debian: nodejs): the verifier in JavaScript was not run")
    command = [node, VERIFIER, "evidence", tmp_path / "canary.evidence", office.node_key.text]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("tag", "how"),
    [
        ("canary.missed/1", lambda event: attrs.evolve(event, persons=("Dora",))),
        ("canary.missed/1", lambda event: e.CanaryEnded(event.case, event.by, event.persons, event.reason, closes=True)),
        ("canary.caught/1", lambda event: attrs.evolve(event, person="Dora")),
        ("canary.caught/1", lambda event: attrs.evolve(event, persons=())),
        ("canary.ended/1", lambda event: attrs.evolve(event, persons=())),
        ("canary.ended/1", lambda event: attrs.evolve(event, by="nobody")),
    ],
)  # fmt: skip
def test_an_end_that_was_written_otherwise_is_found(told: Any, tmp_path: Path, tag: str, how: Callable[[Any], Any]) -> None:
    office, cases, alone = told
    case = cases[{"canary.missed/1": "missed", "canary.caught/1": "caught", "canary.ended/1": "expired"}[tag]]
    assert_found(retagged(office, tmp_path / "l", tag, how), case, alone, "outcome")


def retagged(office: Office, path: Path, tag: str, how: Callable[[Any], Any]) -> Office:
    """As ``amended``, where the tag may become another."""
    (at,) = [number for number, draft in enumerate(office.drafts) if draft.tag == tag]
    event = how(form_of(office, at))
    if tag == event.TAG:
        return amended(office, path, (tag, 0, how))
    drafts = [*office.drafts[:at], office.drafts[at]._replace(tag=event.TAG, body=codec.encode(event)), *office.drafts[at + 1 :]]
    return office.forged(path, drafts)


def form_of(office: Office, at: int) -> Any:
    return codec.decode(office.drafts[at].tag, office.drafts[at].body)


def test_a_case_that_one_person_approved_cannot_be_called_missed(told: Any, tmp_path: Path) -> None:
    office, cases, alone = told
    (at,) = [number for number, draft in enumerate(office.drafts) if draft.tag == "canary.missed/1"]
    second = at - 1  # the approval that filled the quorum
    fewer = [draft._replace(step=draft.step - (n > second and draft.case == cases["missed"])) for n, draft in enumerate(office.drafts)]
    event = attrs.evolve(form_of(office, at), persons=("Clara",))
    end = fewer[at]._replace(body=codec.encode(event), follows=fewer[second].follows)
    forged = office.forged(tmp_path / "l", [*fewer[:second], end])
    assert_found(forged, cases["missed"], alone, "quorum")


def test_a_canary_of_nobody_who_may_is_found(told: Any, tmp_path: Path) -> None:
    office, cases, alone = told
    forged = amended(office, tmp_path / "l", ("canary.missed/1", 0, lambda event: attrs.evolve(event, by="nobody")))
    ours, theirs = Two(forged, alone).failures(form.pack(forged.evidence(cases["missed"])))
    forged.ledger.close()
    assert "quorum" in ours  # there should be a warrant
    assert "outcome" in theirs
