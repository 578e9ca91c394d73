"""A case that was decided again while a breaker was open or a budget used up ends there, and its evidence says no more than that."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from actors.governance import codec
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.ids import MINUTE
from ledger import Draft
from tests.vienna_runtime.evidence.test_forgeries import Office, alone
from tests.vienna_runtime.evidence.test_leaving import failures
from tests.vienna_runtime.evidence.test_verify_evidence import bundle_files

__all__ = ["alone"]  # a fixture

T0 = (b'@tier("T1") @verify("observed")', b'@tier("T0") @verify("observed")')
NO_MORE = b"\n[budgets.tenant]\ncount_per_day = 1\n"


def decided_again(office: Office, *, toml: bytes = b"", change: tuple[bytes, bytes] = (b"", b"")) -> None:
    files = bundle_files(office)
    changed = files["all.cedar"].replace(*change, 1) + b"\n// looked at again\n"
    office.activate({**files, "bundle.toml": files["bundle.toml"] + toml, "all.cedar": changed})
    office.settle_due(MINUTE)


@pytest.mark.parametrize("change", [(b"", b""), T0])
def test_an_open_breaker_ends_it(office: Office, alone: ModuleType, tmp_path: Path, change: tuple[bytes, bytes]) -> None:
    case = office.propose("notes.append", "notes/today", {"text": "a"})
    office.do(c.TripBreaker("agent:ada", "by hand"), "anna")
    decided_again(office, change=change)
    assert [draft.tag for draft in office.drafts if draft.case == case][-2:] == [e.CaseExpired.TAG, e.DeadLetterOpened.TAG]
    assert not any(failures(office, case, alone, tmp_path))


def test_a_budget_that_is_used_up_ends_it(office: Office, alone: ModuleType, tmp_path: Path) -> None:
    live, case = (office.propose("notes.append", "notes/today", {"text": text}) for text in "ab")
    office.vote(live, "clara")
    decided_again(office, toml=NO_MORE, change=T0)
    assert case not in office.state.cases
    assert not any(failures(office, case, alone, tmp_path))


def burst(office: Office, most: int = 20) -> str:
    """Under a bundle that grants at once and whose breaker lets ``most - 1`` alike pass; the case of the intent that trips it."""
    files = bundle_files(office)
    toml = files["bundle.toml"] + b"\n[breaker.repetition]\ncount = %d\n" % most
    office.activate({**files, "bundle.toml": toml, "all.cedar": files["all.cedar"].replace(*T0, 1)})
    for number in range(most):
        ask = c.Propose("notes.append", "notes/today", {"text": "a"}, "to see", f"burst-{number}")
        office.do(ask, "ada")
    return next(draft.case for draft in reversed(office.drafts) if draft.tag == e.IntentProposed.TAG)


def test_the_intent_that_trips_a_breaker_ends_in_its_own_batch(office: Office, alone: ModuleType, tmp_path: Path) -> None:
    case = burst(office)
    assert [draft.tag for draft in office.drafts if draft.case == case][-2:] == [e.CaseExpired.TAG, e.DeadLetterOpened.TAG]
    assert any(draft.tag == e.BreakerTripped.TAG for draft in office.drafts)
    assert not any(failures(office, case, alone, tmp_path))


def forged(office: Office, path: Path, case: str, after: str) -> Office:
    """The case ends behind its entry of that tag, as if something had refused to go on."""
    at = max(number for number, draft in enumerate(office.drafts) if draft.tag == after and draft.case == case)
    last, standing = office.drafts[at], office.drafts[at].follows[-1]
    ends: list[Draft] = []
    for event in (e.CaseExpired(case, "so"), e.DeadLetterOpened("d1", case, "expired", "so", None, closes=True)):  # type: ignore[arg-type]
        step = len(ends) + 1
        ends.append(last._replace(tag=event.TAG, body=codec.encode(event), step=last.step + step, follows=(at + step - 1, standing)))
    return office.forged(path, [*office.drafts[: at + 1], *ends])


@pytest.mark.parametrize("after", [e.CaseDecided.TAG, e.ApprovalGiven.TAG])
def test_nothing_else_that_would_go_on_is_ended_so(office: Office, alone: ModuleType, tmp_path: Path, after: str) -> None:
    """Of a first verdict that a breaker does not let go on, and of such a vote, nothing is recorded."""
    case = office.propose("notes.append", "notes/today", {"text": "a"})
    office.vote(case, "clara")
    other: Any = forged(office, tmp_path / "l", case, after)
    ours = failures(other, case, alone, tmp_path)[0]
    other.ledger.close()
    assert ours & {"card", "quorum"}


def ended_again(office: Office, path: Path, case: str, named: int) -> Any:
    """The case that was decided again ends behind that verdict, as if something had refused to go on, and its end names that trip."""
    other: Any = forged(office, path, case, e.CaseDecided.TAG)
    at = next(number for number, draft in enumerate(other.drafts) if draft.tag == e.CaseExpired.TAG)
    before, standing = other.drafts[at].follows
    ends = other.drafts[at]._replace(follows=(before, named, standing))
    other.ledger.close()
    return office.forged(path.with_suffix(".named"), [*other.drafts[:at], ends, *other.drafts[at + 1 :]])


@pytest.mark.parametrize("change", [(b"", b""), T0])
def test_an_end_that_nothing_can_have_made_is_found(office: Office, alone: ModuleType, tmp_path: Path, change: tuple[bytes, bytes]) -> None:
    """No breaker was open, and there is no budget: somebody made it up to hide a grant."""
    case = office.propose("notes.append", "notes/today", {"text": "a"})
    decided_again(office, change=change)
    other = ended_again(office, tmp_path / "l", case, 0)
    assert failures(other, case, alone, tmp_path)[0]
    other.ledger.close()


def test_a_budget_ends_no_case_that_would_have_waited_for_people(office: Office, alone: ModuleType, tmp_path: Path) -> None:
    case = office.propose("notes.append", "notes/today", {"text": "a"})
    decided_again(office, toml=NO_MORE)
    other = ended_again(office, tmp_path / "l", case, 0)
    assert "card" in failures(other, case, alone, tmp_path)[0]
    other.ledger.close()


def test_a_trip_of_others_ends_no_case(office: Office, alone: ModuleType, tmp_path: Path) -> None:
    case = office.propose("notes.append", "notes/today", {"text": "a"})
    office.do(c.TripBreaker("agent:ben", "by hand"), "anna")
    tripped = next(number for number, draft in enumerate(office.drafts) if draft.tag == e.BreakerTripped.TAG)
    decided_again(office)
    other = ended_again(office, tmp_path / "l", case, tripped)
    assert all("breakers" in names for names in failures(other, case, alone, tmp_path))
    other.ledger.close()
