"""A node that wrote who looked, whom it escalated to and whose seat it was as the law does not have it: both verifiers find it, by name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import msgpack
import pytest
from nacl.signing import SigningKey

from actors.governance import approval, seat
from actors.governance.ids import DAY, HOUR, SECOND
from actors.governance.signing import Purpose, signed_bytes
from tests.vienna_runtime.evidence.test_forgeries import Office, Two, alone, amended, assert_found, dropped, same, signed_anew
from vienna_runtime.evidence import form

__all__ = ["alone"]  # a fixture


@pytest.fixture(scope="module")
def reviewed(offices: Callable[..., Office], alone: ModuleType) -> tuple[Office, str, ModuleType]:  # the fixture by its name
    """One T2 case that was opened, escalated twice, and approved by a seat that had been handed on."""
    office = offices().found()
    return office, office.reviewed(), alone


def evolved(**changes: Any) -> Callable[[Any], Any]:
    return lambda event: attrs.evolve(event, **changes)


def test_the_same_history_written_again_is_good(reviewed: Any, tmp_path: Path) -> None:
    office, case, alone = reviewed
    again = amended(office, tmp_path / "l", ("case.escalated/1", 0, same))
    assert Two(again, alone).failures(form.pack(again.evidence(case))) == (set(), set())
    again.ledger.close()


def sign(name: str, purpose: Purpose, packed: bytes) -> bytes:
    key = SigningKey(hashlib.sha256(name.encode()).digest())  # as the office derives them
    return bytes(key.sign(signed_bytes(purpose, packed)).signature)


def signed_wider(event: Any) -> Any:
    """Dora's approval as if she had left the amount as policy has it."""
    statement = approval.pack(attrs.evolve(approval.unverified_unpack(event.statement), narrowing={}))
    return attrs.evolve(event, statement=statement, signature=sign("dora", Purpose.APPROVAL, statement))


@pytest.mark.parametrize(
    ("tag", "nth", "how", "names"),
    [
        ("case.escalated/1", 1, evolved(quorum="any 2"), ("quorum",)),
        ("case.escalated/1", 1, evolved(stage=3), ("quorum",)),
        ("case.escalated/1", 1, evolved(persons=1), ("quorum",)),
        ("case.escalated/1", 0, lambda event: attrs.evolve(event, expires_at=event.expires_at + HOUR), ("quorum",)),
        ("approval.opened/1", 0, evolved(card=bytes(32)), ("approvals",)),
        ("approval.opened/1", 1, evolved(person="Dora"), ("approvals",)),
        ("approval.given/1", 0, evolved(seats=()), ("approvals", "quorum")),
        ("approval.given/1", 1, evolved(seats=("clara",)), ("approvals",)),
        ("seat.delegated/1", 1, evolved(to="hugo"), ("approvals",)),
        ("seat.delegated/1", 1, evolved(person="Hugo"), ("approvals",)),
        ("seat.returned/1", 0, evolved(approver="clara"), ("approvals",)),
        ("approval.given/1", 0, signed_wider, ("warrant terms",)),
    ],
)  # fmt: skip
def test_what_was_written_otherwise_is_found(
    reviewed: Any, tmp_path: Path, tag: str, nth: int, how: Callable[[Any], Any], names: tuple[str, ...]
) -> None:
    office, case, alone = reviewed
    assert_found(amended(office, tmp_path / "l", (tag, nth, how)), case, alone, *names)


@pytest.mark.parametrize(
    ("tag", "nth", "names"),
    [
        ("approval.opened/1", 0, ("approvals",)),  # it was never shown to who approved it
        ("case.escalated/1", 0, ("quorum",)),
        ("case.escalated/1", 1, ("quorum",)),
        ("seat.delegated/1", 1, ("approvals", "quorum")),
    ],
)
def test_what_never_happened_is_missed(reviewed: Any, tmp_path: Path, tag: str, nth: int, names: tuple[str, ...]) -> None:
    office, case, alone = reviewed
    forged = dropped(office, tmp_path / "l", tag, nth)
    ours, theirs = Two(forged, alone).failures(form.pack(forged.evidence(case)))
    forged.ledger.close()
    assert ours & set(names)
    assert theirs & set(names)


@pytest.mark.parametrize(
    ("by", "changes"),
    [
        ("dora", {}),  # who takes it hands it on
        ("clara", {"tenant": "schoenbrunn"}), ("clara", {"to": "hugo"}), ("clara", {"nonce": b"short"}), ("clara", {"until": 1}),
    ],
)  # fmt: skip
def test_a_seat_that_nobody_handed_on_so_is_found(reviewed: Any, tmp_path: Path, by: str, changes: dict[str, Any]) -> None:
    office, case, alone = reviewed
    how = signed_anew(office, by, Purpose.SEAT, "statement", seat, **changes)
    assert_found(amended(office, tmp_path / "l", ("seat.delegated/1", 1, how)), case, alone, "approvals")


def test_a_seat_handed_on_for_longer_than_may_be_is_found(reviewed: Any, tmp_path: Path) -> None:
    office, case, alone = reviewed
    how = signed_anew(office, "clara", Purpose.SEAT, "statement", seat, until=office.now + 40 * DAY)
    assert_found(amended(office, tmp_path / "l", ("seat.delegated/1", 1, how)), case, alone, "approvals")


def test_an_approval_sooner_than_the_card_is_read_is_found(reviewed: Any, tmp_path: Path) -> None:
    office, case, alone = reviewed
    at = [number for number, draft in enumerate(office.drafts) if draft.tag == "approval.opened/1"][1]
    opened = office.drafts[at]
    late = [*office.drafts[:at], opened._replace(time=opened.time + 19 * SECOND), *office.drafts[at + 1 :]]
    assert_found(office.forged(tmp_path / "l", late), case, alone, "approvals")


def test_a_card_that_says_otherwise_whether_it_can_be_undone_is_found_by_who_reads_the_bundle(reviewed: Any, tmp_path: Path) -> None:
    office, case, alone = reviewed

    def kinder(event: Any) -> Any:
        card = msgpack.unpackb(event.card)
        assert (card["facts"]["reversible"], card["facts"]["on_failure"]) == ("no", "nothing was paid")
        assert card["facts"]["left"] == [["tenant", "count", "day", 90, 90]]
        return attrs.evolve(event, card=msgpack.packb({**card, "facts": {**card["facts"], "reversible": "yes"}}))

    assert_found(amended(office, tmp_path / "l", ("approval.requested/1", 0, kinder)), case, alone, "card", cedar=True)
