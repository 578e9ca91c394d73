from __future__ import annotations

import json
from hashlib import sha256
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import VerificationError
from ledger.proofs import prove_consistency, prove_inclusion, prove_inclusions, prove_subtree, verify_consistency, verify_inclusion
from ledger.tree import EMPTY_ROOT, extend, leaf_hash, root_over

ACCUMULATORS = json.loads((Path(__file__).parents[1] / "vectors" / "rfc6962_reference.json").read_text())["mtc_accumulators"]
ENTRIES = [bytes([index]) for index in range(130)]
ROOTS = [root_over(ENTRIES[:size]) for size in range(131)]


def nodes_of(entries: list[bytes]) -> list[list[bytes]]:
    frontier: list[bytes] = []
    return [extend(frontier, index, leaf_hash(entry)) for index, entry in enumerate(entries)]


NODES = nodes_of(ENTRIES)


def node_at(level: int, index: int) -> bytes:
    return NODES[(index + 1 << level) - 1][level]


def is_subtree(start: int, end: int) -> bool:
    return start % (1 << max(end - start - 1, 0).bit_length()) == 0


def test_every_inclusion_proof_up_to_130_is_the_drafts() -> None:
    digest = sha256()
    for end in range(131):
        for start in filter(lambda start: is_subtree(start, end), range(end + 1)):
            for index in range(start, end):
                proof = prove_inclusion(lambda level, at: node_at(level, (start >> level) + at), index - start, end - start)  # noqa: B023  # used at once
                digest.update(" ".join([f"{index} [{start}, {end})", *(item.hex() for item in proof)]).encode() + b"\n")
    assert digest.hexdigest() == ACCUMULATORS["subtree_inclusion"]


def test_the_proofs_of_every_range_up_to_40_are_those_of_its_leaves() -> None:
    for size in range(1, 41):
        single = [prove_inclusion(node_at, index, size) for index in range(size)]
        for start in range(size):
            for stop in range(start + 1, size + 1):
                assert prove_inclusions(node_at, start, stop, size) == single[start:stop], (start, stop, size)


@given(st.integers(1, 130), st.data())
def test_the_proofs_of_a_range_lead_to_the_root(size: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, size - 1))
    stop = data.draw(st.integers(start + 1, size))
    for index, proof in enumerate(prove_inclusions(node_at, start, stop, size), start):
        verify_inclusion(leaf_hash(ENTRIES[index]), index, size, proof, ROOTS[size])


@pytest.mark.parametrize(("start", "stop", "size"), [(0, 0, 5), (3, 2, 5), (-1, 2, 5), (0, 6, 5), (0, 1, 0)])
def test_a_range_that_a_tree_has_not_has_no_proofs(start: int, stop: int, size: int) -> None:
    with pytest.raises(ValueError, match="no range"):
        prove_inclusions(node_at, start, stop, size)


def test_every_consistency_proof_up_to_130_is_the_drafts() -> None:
    digest = sha256()
    for size in range(131):
        for end in range(size + 1):
            for start in filter(lambda start: is_subtree(start, end), range(end + 1)):
                proof = prove_subtree(node_at, start, end, size)
                digest.update(" ".join([f"[{start}, {end}) {size}", *(item.hex() for item in proof)]).encode() + b"\n")
    assert digest.hexdigest() == ACCUMULATORS["subtree_consistency"]


def test_every_inclusion_up_to_130_verifies_and_no_other_leaf_or_index_does() -> None:
    for size in range(1, 131):
        for index in range(size):
            proof = prove_inclusion(node_at, index, size)
            verify_inclusion(node_at(0, index), index, size, proof, ROOTS[size])
            other = (index + 1) % size
            if other != index:
                with pytest.raises(VerificationError):
                    verify_inclusion(node_at(0, other), index, size, proof, ROOTS[size])
                with pytest.raises(VerificationError):
                    verify_inclusion(node_at(0, index), other, size, proof, ROOTS[size])


def test_every_consistency_up_to_130_verifies_and_not_with_another_root() -> None:
    for first, second in product(range(131), repeat=2):
        if first > second:
            continue
        proof = prove_consistency(node_at, first, second)
        verify_consistency(first, second, proof, ROOTS[first], ROOTS[second])
        with pytest.raises(VerificationError):
            verify_consistency(first, second, proof, bytes(32), ROOTS[second])
        if first:
            with pytest.raises(VerificationError):
                verify_consistency(first, second, proof, ROOTS[first], bytes(32))


@given(st.data())
def test_a_proof_with_one_thing_changed_is_refused(data: st.DataObject) -> None:
    second = data.draw(st.integers(2, 130))
    first = data.draw(st.integers(1, second - 1))
    index = data.draw(st.integers(0, second - 1))
    inclusion, consistency = prove_inclusion(node_at, index, second), prove_consistency(node_at, first, second)
    for proof, check in (
        (inclusion, lambda changed: verify_inclusion(node_at(0, index), index, second, changed, ROOTS[second])),
        (consistency, lambda changed: verify_consistency(first, second, changed, ROOTS[first], ROOTS[second])),
    ):
        place = data.draw(st.integers(0, len(proof) - 1))
        bit = data.draw(st.integers(0, 255))
        flipped = (int.from_bytes(proof[place], "big") ^ 1 << bit).to_bytes(32, "big")
        for changed in (
            (*proof[:place], flipped, *proof[place + 1 :]),
            proof[:-1],
            (*proof, bytes(32)),
            (*proof[:place], proof[place][:-1], *proof[place + 1 :]),
            (*proof[:place], *proof[place + 1 :]),
        ):
            with pytest.raises(VerificationError):
                check(changed)


def test_positions_that_no_tree_has_are_refused() -> None:
    for index, size in ((-1, 4), (4, 4), (0, 0), (5, 4)):
        with pytest.raises(VerificationError):
            verify_inclusion(bytes(32), index, size, (), bytes(32))
        with pytest.raises(ValueError):
            prove_inclusion(node_at, index, size)
    for first, second in ((-1, 4), (5, 4)):
        with pytest.raises(VerificationError):
            verify_consistency(first, second, (), EMPTY_ROOT, EMPTY_ROOT)
        with pytest.raises(ValueError):
            prove_consistency(node_at, first, second)
    with pytest.raises(VerificationError, match="0 are needed"):
        verify_consistency(0, 4, (bytes(32),), EMPTY_ROOT, ROOTS[4])
    with pytest.raises(VerificationError, match="differ"):
        verify_consistency(4, 4, (), ROOTS[4], ROOTS[3])
