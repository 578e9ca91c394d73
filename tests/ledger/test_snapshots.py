from __future__ import annotations

import attrs
import pytest

from ledger import BadDraft, Batch, Draft, Keys, Ledger, VerificationError, root_of
from ledger.snapshots import KEPT

DRAFT = Draft("intent.proposed/1", 1_795_000_000_000_000, "ada", b"body")


def put(ledger: Ledger, size: int, state: bytes = b"the state") -> bytes:
    return ledger.put_snapshot("belvedere", size=size, root=root_of(ledger.frontier("belvedere", size)), fingerprint=b"fold 1", state=state)


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    ledger.append_many([Batch("belvedere", 0, (DRAFT,) * 9), Batch("schoenbrunn", 0, (DRAFT,) * 9)])
    return ledger


def test_a_snapshot_opens_to_its_state_and_the_newest_comes_first(filled: Ledger) -> None:
    digests = [put(filled, size, b"state %d" % size) for size in range(3, 9)]
    found = filled.snapshots("belvedere")
    assert [snapshot.size for snapshot in found] == [8, 7, 6]
    assert len(found) == KEPT
    assert [snapshot.digest for snapshot in found] == digests[:-4:-1]
    assert [filled.open_snapshot("belvedere", snapshot) for snapshot in found] == [b"state 8", b"state 7", b"state 6"]
    assert filled.snapshots("schoenbrunn") == []


def test_any_flipped_bit_anywhere_in_a_snapshot_keeps_it_from_being_used(filled: Ledger) -> None:
    put(filled, 4)
    (snapshot,) = filled.snapshots("belvedere")
    for name in ("root", "fingerprint", "digest", "sealed"):
        value: bytes = getattr(snapshot, name)
        for bit in range(len(value) * 8):
            flipped = (int.from_bytes(value, "big") ^ 1 << bit).to_bytes(len(value), "big")
            with pytest.raises(VerificationError):
                filled.open_snapshot("belvedere", attrs.evolve(snapshot, **{name: flipped}))


def test_a_snapshot_is_of_no_other_position_and_no_other_log(filled: Ledger) -> None:
    put(filled, 4)
    (snapshot,) = filled.snapshots("belvedere")
    five = root_of(filled.frontier("belvedere", 5))
    for changed in (attrs.evolve(snapshot, size=5), attrs.evolve(snapshot, size=5, root=five), attrs.evolve(snapshot, size=99)):
        with pytest.raises(VerificationError):
            filled.open_snapshot("belvedere", changed)
    with pytest.raises(VerificationError):
        filled.open_snapshot("schoenbrunn", snapshot)


def test_a_position_that_is_not_durable_is_not_snapshotted(filled: Ledger) -> None:
    for size, root in ((10, bytes(32)), (0, bytes(32)), (4, bytes(32))):
        with pytest.raises(BadDraft, match="no durable position"):
            filled.put_snapshot("belvedere", size=size, root=root, fingerprint=b"", state=b"")


def test_without_its_data_key_a_snapshot_stays_closed(filled: Ledger, keys: Keys) -> None:
    put(filled, 4)
    (snapshot,) = filled.snapshots("belvedere")
    keys.destroyed.add(snapshot.sealed[:8])  # type: ignore[attr-defined]  # the test's own keystore
    with pytest.raises(VerificationError, match="not there"):
        filled.open_snapshot("belvedere", snapshot)
