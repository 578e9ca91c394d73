"""Who leaves while a case waits has no vote in it any more, whoever joins under that name: all three verifiers know, by the log alone."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from nacl.signing import SigningKey

from actors.governance import commands as c
from actors.governance import enrolment, evolve
from actors.governance.decision import Invitee
from actors.governance.ids import HOUR
from actors.governance.signing import Purpose, fingerprint, signed_bytes
from tests.vienna_runtime.evidence.test_forgeries import Office, Two, alone
from tests.vienna_runtime.evidence.test_verify_evidence import JAVASCRIPT
from vienna_runtime.evidence import form

__all__ = ["alone"]  # a fixture


def failures(office: Office, case: str, alone: ModuleType, tmp_path: Path) -> list[set[str]]:
    """What each of the three finds wrong, where node is installed, else the two."""
    return found_in(office, form.pack(office.evidence(case)), alone, tmp_path)


def found_in(office: Office, packed: bytes, alone: ModuleType, tmp_path: Path) -> list[set[str]]:
    """The same of a file that somebody passed on."""
    found = list(Two(office, alone).failures(packed))
    if (node := shutil.which("node")) is not None:
        (tmp_path / "evidence").write_bytes(packed)
        ended = subprocess.run(
            [node, JAVASCRIPT, "evidence", tmp_path / "evidence", office.node_key.text], capture_output=True, text=True, check=False
        )
        found.append({line.partition(":")[0] for line in ended.stdout.splitlines() if ": FAILED" in line})
        assert ended.returncode == (3 if found[-1] else 0), ended.stdout + ended.stderr
    return found


def joins_in_the_place_of(office: Office, name: str, person: str, roles: tuple[str, ...], owner: str | None = None) -> None:
    kind = "approver" if owner is None else "agent"
    office.do(c.RevokeMember(name, "left", f"left-{name}"), "anna")
    office.do(c.Invite(name, kind, person, roles, f"i2-{name}", bytes(32), office.now + HOUR, f"k2-{name}", owner), "anna")
    key, key_hash = SigningKey(hashlib.sha256(person.encode()).digest()), bytes(32)
    public = bytes(key.verify_key)
    proof = enrolment.statement(office.tenant, name, f"i2-{name}", public, f"key2-{name}", key_hash)
    signature = bytes(key.sign(signed_bytes(Purpose.ENROLMENT, proof)).signature)
    office.do(c.Enrol(public, f"key2-{name}", key_hash, signature), Invitee(f"i2-{name}"))
    office.do(c.Confirm(name, fingerprint(public, key_hash), f"c2-{name}"), "anna")


def test_those_who_are_left_and_whoever_comes_back_by_another_account_decide(
    offices: Callable[..., Office], alone: ModuleType, tmp_path: Path
) -> None:
    office = offices().found()
    office.join("hugo", "approver", "Hugo", ("lead",), None)
    case = office.propose("orders.refund", "order/1", {"amount": 5})
    office.vote(case, "clara")
    joins_in_the_place_of(office, "clara", "Carla", ("lead",))
    office.vote(case, "clara-two")  # Clara's other account: her vote went with the first
    assert office.state.cases[case].status == "held"
    office.vote(case, "hugo")
    assert office.state.cases[case].status == "warranted"
    assert not any(failures(office, case, alone, tmp_path))


@pytest.mark.parametrize("seat", [False, True], ids=["a vote", "a seat"])
def test_a_node_that_counts_the_vote_of_who_left_for_who_joined_is_found(
    offices: Callable[..., Office], alone: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seat: bool
) -> None:
    office = offices().found()
    office.join("hugo", "approver", "Hugo", ("finance",), None)
    if seat:
        office.hand_on("clara", "hugo")
    case = office.propose("orders.refund", "order/1", {"amount": 5})
    office.vote(case, "hugo" if seat else "clara")
    with monkeypatch.context() as patched:
        patched.setattr(evolve.folding_approvals, "left", lambda _state, _member: None)
        joins_in_the_place_of(office, "clara", "Carla", ("lead",))
        office.vote(case, "dora")
        assert office.state.cases[case].status == "warranted"
    for found in failures(office, case, alone, tmp_path):
        assert "quorum" in found


def test_who_agrees_to_leave_is_counted_for_that_change(offices: Callable[..., Office], alone: ModuleType, tmp_path: Path) -> None:
    office = offices().found()
    office.join("hugo", "approver", "Hugo", ("lead",), None)
    office.do(c.Seal(), "anna")
    asked: Any = office.do(c.RevokeMember("hugo", "he leaves", "k-leave"), "anna")
    case = str(asked.answer["case"])
    office.vote(case, "hugo")
    office.vote(case, "dora")
    assert case not in office.state.cases
    assert not any(failures(office, case, alone, tmp_path))


def test_a_node_that_grants_what_an_agent_proposed_who_has_left_is_found(
    offices: Callable[..., Office], alone: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = offices().found()
    case = office.propose("notes.append", "notes/today", {"text": "a"})
    with monkeypatch.context() as patched:
        patched.setattr(evolve.folding_approvals, "left", lambda _state, _member: None)
        joins_in_the_place_of(office, "ada", "Dora", ("reader",), owner="anna")
        office.vote(case, "dora")
        assert office.state.cases[case].status == "warranted"
    for found in failures(office, case, alone, tmp_path):
        assert found & {"approvals", "warrant terms"}


def test_a_case_that_ended_with_its_agent_is_verified(offices: Callable[..., Office], alone: ModuleType, tmp_path: Path) -> None:
    office = offices().found()
    case = office.propose("notes.append", "notes/today", {"text": "a"})
    joins_in_the_place_of(office, "ada", "Dora", ("reader",), owner="anna")
    office.settle_due(0)
    assert case not in office.state.cases
    assert not any(failures(office, case, alone, tmp_path))
