"""Whose case is whose, also when bodies are gone, a part comes late, or more cases pass than are remembered."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from actors import sight
from actors.governance import codec, kinds
from actors.governance import events as e
from actors.sight import Filter, Shown, Sight
from ledger import Batch, DataKey, Draft, Ledger, NoteSignature, NoteSigner, Receipt, VerifierKey, origin_of

NODE, LOG = "hofburg.example", "belvedere"


class Keys:
    """Derived from their names."""

    def sign(self, log: str, message: bytes) -> list[NoteSignature]:
        return [self._signer(log).sign(message)]

    def verifier(self, log: str) -> VerifierKey:
        return self._signer(log).verifier

    def verifiers(self, log: str) -> tuple[VerifierKey, ...]:
        return (self.verifier(log),)

    def data_key(self, log: str, month: str) -> DataKey:
        return DataKey(sha256(f"{log} {month}".encode()).digest()[:8], sha256(f"key {log} {month}".encode()).digest())

    def data_key_by_id(self, log: str, key_id: bytes) -> DataKey | None:
        found = self.data_key(log, "1970-01")
        return found if found.id == key_id else None

    def destroy(self, log: str, key_ids: Any) -> None:
        raise AssertionError("nothing is forgotten for good here")

    def renew(self, log: str, month: str) -> DataKey:
        raise AssertionError("nothing is sealed again here")

    def data_key_ids(self, log: str, month: str) -> tuple[bytes, ...]:
        return (self.data_key(log, month).id,)

    def _signer(self, log: str) -> NoteSigner:
        return NoteSigner(origin_of(NODE, log), sha256(log.encode()).digest())


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger.open(tmp_path / "ledger", node=NODE, keys=Keys())
    made.create(LOG, time=1, actor="operator")
    yield made
    made.close()


def proposed(case: str, agent: str = "ada") -> e.IntentProposed:
    return e.IntentProposed(case=case, agent=agent, intent=b"", key=case, parent=None, founding=False, excluded=())  # type: ignore[arg-type]


def decided(case: str, executor: str) -> e.CaseDecided:
    return e.CaseDecided(
        case=case, permitted=True, policies=("p",), bundle=bytes(32), why="", tier="T0", quorum="", ttl=1, uses=1, executor=executor,  # type: ignore[arg-type]
        persons=0, verify={}, cost_cap=None, state_digest=None,
    )  # fmt: skip


def reported(case: str) -> e.RunReported:
    return e.RunReported(case=case, run="r", outcome="succeeded", cost=0, receipt=b"", signature=bytes(64), verify_by=0)  # type: ignore[arg-type]


def write(ledger: Ledger, *events: Any, actor: str = "node") -> None:
    """Each as the next step of its case, in one batch; a proposal by its agent."""
    steps: dict[str, int] = {}
    drafts = []
    for event in events:
        case = getattr(event, "case", "")
        steps[case] = steps.get(case, len(ledger.case_entries(LOG, case)) if case else -1) + 1
        by = event.agent if isinstance(event, e.IntentProposed) else actor
        drafts.append(Draft(tag=event.TAG, time=2, actor=by, body=codec.encode(event), case=case, step=steps[case]))
    (answer,) = ledger.append_many([Batch(LOG, ledger.head(LOG).size, tuple(drafts))])
    assert isinstance(answer, Receipt), answer


def shown(seeing: Sight, ledger: Ledger, start: int = 0) -> list[int]:
    """The positions that come as a whole; all others must come as their leaf hash."""
    found = [(record.seq, seeing.of(record)) for record in ledger.read(LOG, start, ledger.head(LOG).size)]
    assert {how for _, how in found} <= {Shown.WHOLE, Shown.LEAF}
    return [position for position, how in found if how is Shown.WHOLE]


def sees(ledger: Ledger, member: str, kind: str, **wanted: Any) -> Sight:
    return Sight(ledger, LOG, member, kind, Filter(**wanted))


def test_an_executor_sees_the_proposal_that_came_before_it_was_named(ledger: Ledger) -> None:
    write(ledger, proposed("c1"), decided("c1", "till"), proposed("c2"), decided("c2", "mill"))
    assert shown(sees(ledger, "till", kinds.EXECUTOR), ledger) == [0, 1]
    assert shown(sees(ledger, "mill", kinds.EXECUTOR), ledger) == [2, 3]
    assert shown(sees(ledger, "till", kinds.EXECUTOR), ledger, start=1) == [1]


def test_a_verifier_sees_a_case_from_the_report_on(ledger: Ledger) -> None:
    emil = sees(ledger, "emil", kinds.VERIFIER)
    write(ledger, proposed("c1"), decided("c1", "till"))
    assert shown(emil, ledger) == []
    write(ledger, reported("c1"), e.CaseExpired("c1", "late"))  # type: ignore[arg-type]
    assert shown(emil, ledger, start=2) == [2, 3]
    assert shown(sees(ledger, "emil", kinds.VERIFIER), ledger) == [0, 1, 2, 3]  # who asks now gets all of it


def test_a_name_that_is_like_another_opens_nothing(ledger: Ledger) -> None:
    write(ledger, proposed("c1", "ada"), proposed("c2", "ad"), proposed("c3", "adam"))
    assert shown(sees(ledger, "ada", kinds.AGENT), ledger) == [0]
    assert shown(sees(ledger, "till", kinds.AGENT), ledger) == []  # an agent of an executor's name is no executor


@pytest.mark.parametrize("kind", [kinds.AGENT, kinds.EXECUTOR, kinds.VERIFIER])
def test_what_belongs_to_no_case_is_for_people(ledger: Ledger, kind: str) -> None:
    write(ledger, e.BreakerReset("tenant", "ada", "again"), proposed("c1", "ben"))  # type: ignore[arg-type]
    assert shown(sees(ledger, "ada", kind), ledger) == []
    assert shown(sees(ledger, "clara", kinds.APPROVER), ledger) == [0, 1]


def test_a_filter_narrows_what_may_be_seen(ledger: Ledger) -> None:
    write(ledger, proposed("c1"), decided("c1", "till"), proposed("c12"), decided("c12", "till"))
    assert shown(sees(ledger, "clara", kinds.APPROVER, case="c1"), ledger) == [0, 1]
    assert shown(sees(ledger, "clara", kinds.APPROVER, tags=("case.",)), ledger) == [1, 3]
    assert shown(sees(ledger, "ada", kinds.AGENT, case="c12", tags=("intent.",)), ledger) == [2]
    assert shown(sees(ledger, "mallory", kinds.AGENT, case="c1"), ledger) == []


def test_a_removal_is_shown_by_its_header_to_everybody_and_ones_own_case_stays_ones_own(ledger: Ledger) -> None:
    write(ledger, proposed("c1"), decided("c1", "till"), proposed("c2", "ben"), decided("c2", "till"))
    ledger.remove_bodies(LOG, [(0, 4)], month="1970-01", why="retention", time=3, actor="node")
    for member, kind, own in (("ada", kinds.AGENT, [0, 1]), ("ben", kinds.AGENT, [2, 3]), ("mallory", kinds.AGENT, [])):
        for wanted in ({}, {"tags": ("intent.", "case.")}):
            records = ledger.read(LOG, 0, ledger.head(LOG).size)
            seeing = sees(ledger, member, kind, **wanted)
            assert [record.seq for record in records if seeing.of(record) is Shown.WHOLE] == own
            assert [record.seq for record in records if seeing.of(record) is Shown.HEADER] == [4]


def test_who_may_see_all_gets_a_removal_whole_whatever_was_asked_for(ledger: Ledger) -> None:
    write(ledger, proposed("c1"), decided("c1", "till"))
    ledger.remove_bodies(LOG, [(0, 2)], month="1970-01", why="retention", time=3, actor="node")
    assert shown(sees(ledger, "clara", kinds.APPROVER, case="nowhere"), ledger) == [2]


def test_more_cases_than_are_remembered_are_looked_up_again(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sight, "MOST_REMEMBERED", 2)
    for number in range(8):
        write(ledger, proposed(f"c{number}", "ada" if number % 2 else "ben"))
    for number in range(8):
        write(ledger, decided(f"c{number}", "till"))
    seeing = sees(ledger, "ada", kinds.AGENT)
    assert shown(seeing, ledger) == [1, 3, 5, 7, 9, 11, 13, 15]
    assert len(seeing._cases) <= 2
