"""The proofs for a batch are those of its entries, from the ledger as it lies on the disk."""

from __future__ import annotations

import pytest

from ledger import Batch, Draft, Ledger, UnknownLog, verify_inclusion

NOVEMBER = 1_795_000_000_000_000


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    for start, count in ((0, 1), (1, 6), (7, 26), (33, 3)):
        ledger.append_many([Batch("belvedere", start, tuple(Draft("t", NOVEMBER, "ada", b"") for _ in range(count)))])
    return ledger


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (1, 7), (7, 33), (33, 36), (0, 36), (35, 36)])
@pytest.mark.parametrize("size", [36, 34, 33])
def test_a_batch_is_proved_at_once_as_one_by_one(filled: Ledger, start: int, stop: int, size: int) -> None:
    stop = min(stop, size)
    if start < stop:
        proofs = filled.prove_inclusions("belvedere", start, stop, size)
        assert proofs == [filled.prove_inclusion("belvedere", index, size) for index in range(start, stop)]
        root, leaves = filled.root_at("belvedere", size), filled.leaf_hashes("belvedere", start, stop)
        for index, (leaf, proof) in enumerate(zip(leaves, proofs, strict=True), start):
            verify_inclusion(leaf, index, size, proof, root)


@pytest.mark.parametrize(("start", "stop", "size"), [(0, 37, 37), (5, 5, 36), (6, 5, 36), (0, 36, 35), (-1, 3, 36)])
def test_a_range_or_a_size_that_the_log_has_not_is_the_callers_error(filled: Ledger, start: int, stop: int, size: int) -> None:
    with pytest.raises(ValueError, match="no "):
        filled.prove_inclusions("belvedere", start, stop, size)


def test_a_log_that_is_not_there_has_no_proofs(ledger: Ledger) -> None:
    with pytest.raises(UnknownLog):
        ledger.prove_inclusions("nowhere", 0, 1, 1)
