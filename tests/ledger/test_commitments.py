from __future__ import annotations

import pytest

from ledger import VerificationError
from ledger.commitments import Committed, compose, name_hash, parse

HEADS = [Committed(name_hash(log), size, bytes([size]) * 32) for log, size in (("belvedere", 3), ("schoenbrunn", 9))]


def test_what_is_committed_reads_back_in_any_order() -> None:
    assert compose(HEADS) == compose(reversed(HEADS))
    assert sorted(parse(*compose(HEADS)), key=lambda head: head.size) == HEADS


def test_leaves_that_are_missing_cut_or_changed_are_refused() -> None:
    public, leaves = compose(HEADS)
    for broken in (None, b"", leaves[:-1], leaves[:72], leaves + leaves[:72], leaves[72:] + leaves[:72]):
        with pytest.raises(VerificationError):
            parse(public, broken)
    for bit in range(len(leaves) * 8):
        with pytest.raises(VerificationError):
            parse(public, (int.from_bytes(leaves, "big") ^ 1 << bit).to_bytes(len(leaves), "big"))
