"""What the node committed to is held against each log's own tree, whatever its size."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import Batch, Draft, Keys, Ledger, VerificationError
from ledger.audit_commitments import CommittedLog
from ledger.commitments import Committed, name_hash
from ledger.tail import Tail
from ledger.tree import extend, root_of

NOVEMBER = 1_795_000_000_000_000
SIZE = 70

FRONTIER: list[bytes] = []
NODES: list[list[bytes]] = []
ROOTS = [b""]
for at in range(SIZE):
    NODES.append(extend(FRONTIER, at, sha256(b"%d" % at).digest()))
    ROOTS.append(root_of(FRONTIER))


def node_at(level: int, index: int) -> bytes:
    return NODES[(index + 1 << level) - 1][level]


def of(size: int, root: bytes) -> Committed:
    return Committed(name_hash("belvedere"), size, root)


def test_every_commitment_of_a_growing_log_is_counted(ledger: Ledger, keys: Keys) -> None:
    for start in range(0, 40, 5):
        ledger.append_many([Batch("belvedere", start, tuple(Draft("t", NOVEMBER, "ada", b"") for _ in range(5)))])
        ledger.commit_heads(time=NOVEMBER, actor="node")
    assert [(log.log, log.commitments) for log in ledger.verify().logs] == [("", 0), ("belvedere", 8), ("schoenbrunn", 0)]


@given(st.data())
def test_true_commitments_hold_and_the_first_that_does_not_is_kept(data: st.DataObject) -> None:
    sizes = sorted(data.draw(st.sets(st.integers(1, SIZE), min_size=1, max_size=12)))
    wrong = data.draw(st.none() | st.sampled_from(sizes))
    log = CommittedLog("belvedere", Tail(1, SIZE))
    for size in sizes:
        log.check(of(size, bytes(32) if size == wrong else ROOTS[size]), node_at)
    assert (log.count, log.size) == (len(sizes), sizes[-1])
    assert (log.wrong and (log.wrong.log, log.wrong.index)) == (wrong and ("belvedere", wrong - 1))


def test_what_is_kept_of_a_million_commitments_is_one_frontier() -> None:
    log = CommittedLog("belvedere", Tail(1, SIZE))
    for size in range(1, SIZE + 1):
        log.check(of(size, ROOTS[size]), node_at)
        assert len(log._nodes) == size.bit_count()
    assert log.wrong is None


def test_a_commitment_beyond_the_end_is_kept_as_the_finding() -> None:
    log = CommittedLog("belvedere", Tail(1, SIZE))
    log.check(of(SIZE + 1, bytes(32)), node_at)
    assert log.wrong is not None
    assert f"size {SIZE + 1}, the log ends at {SIZE}" in str(log.wrong)


@pytest.mark.parametrize("sizes", [(3, 3), (3, 2), (0,)])
def test_commitments_that_do_not_rise_are_refused(sizes: tuple[int, ...]) -> None:
    log = CommittedLog("belvedere", Tail(1, SIZE))
    *before, last = sizes
    for size in before:
        log.check(of(size, ROOTS[size]), node_at)
    with pytest.raises(VerificationError, match="do not rise"):
        log.check(of(last, ROOTS[last]), node_at)


def test_a_node_that_is_missing_is_kept_as_the_finding() -> None:
    def none(level: int, index: int) -> bytes:
        raise VerificationError("the node is missing", index=index)

    log = CommittedLog("belvedere", Tail(1, SIZE))
    log.check(of(4, ROOTS[4]), none)
    assert log.wrong is not None
    assert log.wrong.log == "belvedere"
