"""Whether whoever paused, and whoever let go on, could: the node's verifier looks at that, whatever the node itself let pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from actors.governance import commands as c
from actors.governance import events as e
from tests.vienna_runtime.evidence.test_forged_pauses import append, operators, resume
from tests.vienna_runtime.evidence.test_forgeries import Office, amended
from vienna_runtime.evidence import form
from vienna_runtime.verify_evidence import verify_evidence

SCOPES = ["agent:ada", "tenant"]


def wrong(office: Office, case: str) -> set[str]:
    return {check.name for check in verify_evidence(form.pack(office.evidence(case)), office.node_key).checks if check.outcome == "fail"}


def written_by(office: Office, path: Path, tag: str, actor: str, **changes: Any) -> Office:
    """The same history, where the entry of that tag is by somebody else."""
    other = amended(office, path, (tag, 0, lambda event: attrs.evolve(event, **changes)))
    drafts = [draft._replace(actor=actor) if draft.tag == tag else draft for draft in other.drafts]
    other.ledger.close()
    return office.forged(path.with_suffix(".by"), drafts)


def paused(office: Office, scope: str) -> str:
    """Somebody who answers for no agent pauses it and lets it go on; a case of after that."""
    office.do(c.Pause(scope, "it deletes"), "anna")
    office.do(c.Resume(scope, "fixed", "k"), "anna")
    return append(office)


@pytest.mark.parametrize("tag", [e.ScopePaused.TAG, e.ScopeResumed.TAG])
@pytest.mark.parametrize("scope", SCOPES)
def test_neither_a_pause_nor_its_end_is_by_who_is_no_admin(office: Office, tmp_path: Path, tag: str, scope: str) -> None:
    case = paused(office, scope)
    assert not wrong(office, case)
    for number, (actor, person) in enumerate([("ada", "Ada's team"), ("clara", "Clara"), ("mallory", "Mallory"), ("operator:otto", "")]):
        forged = written_by(office, tmp_path / str(number), tag, actor, by=actor, person=person)
        assert "pauses" in wrong(forged, case)
        forged.ledger.close()


@pytest.mark.parametrize("changes", [{"person": "Mallory"}, {"by": "rosa"}])
def test_an_admin_ends_a_pause_in_no_other_name(office: Office, tmp_path: Path, changes: dict[str, str]) -> None:
    case = paused(office, "tenant")
    forged = written_by(office, tmp_path / "l", e.ScopeResumed.TAG, "anna", **changes)
    assert "pauses" in wrong(forged, case)
    forged.ledger.close()


def test_what_an_operator_paused_no_admin_lets_go_on(office: Office, tmp_path: Path) -> None:
    operators(office)
    resume(office, operators)
    case = append(office)
    assert not wrong(office, case)
    for number, (actor, by) in enumerate([("anna", "anna"), ("anna", "operator:otto"), ("operator:otto", "operator:emil")]):
        forged = written_by(office, tmp_path / str(number), e.ScopeResumed.TAG, actor, by=by)
        assert "pauses" in wrong(forged, case)
        forged.ledger.close()


def by_quorum(office: Office, agent: str) -> str:
    """Who answers for an agent asks for it to go on, once the tenant is sealed, and two others agree; a case of after that."""
    office.do(c.Seal(), "anna")
    office.do(c.Pause(agent, "it deletes"), "anna")
    asked: Any = office.do(c.Resume(agent, "fixed", "k"), "anna")
    assert not asked.answer["applied"]
    for voter in ("clara", "dora"):
        office.vote(str(asked.answer["case"]), voter)
    return append(office)


@pytest.mark.parametrize("scope", SCOPES)
def test_who_answers_for_what_is_paused_does_not_let_it_go_on_alone(office: Office, tmp_path: Path, scope: str) -> None:
    case = by_quorum(office, scope)
    assert not wrong(office, case)
    for number, actor in enumerate(["anna", "ada", "till", "mallory"]):
        forged = written_by(office, tmp_path / str(number), e.ScopeResumed.TAG, actor)
        assert "pauses" in wrong(forged, case)
        forged.ledger.close()


def test_who_answers_for_no_agent_lets_it_go_on_alone(office: Office) -> None:
    office.join("max", "agent", "Max", ("reader",), "clara")
    office.do(c.Seal(), "anna")
    assert not wrong(office, paused(office, "agent:max"))
