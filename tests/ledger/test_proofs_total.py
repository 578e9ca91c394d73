"""Proofs are total: each valid pair of sizes has its proof, and everything else is refused.

The oracle is RFC 9162 §2.1 read aloud: roots and proofs by recursion over a list of bytes, with nothing stored.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger.errors import VerificationError
from ledger.proofs import prove_consistency, prove_inclusion, verify_consistency, verify_inclusion
from ledger.tree import EMPTY_ROOT, extend, leaf_hash

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "merkle_proofs.json").read_text())
LARGEST = 260  # a few hundred: beyond a tree of eight full levels
ENTRIES = [index.to_bytes(2, "big") for index in range(LARGEST)]


@cache
def root(start: int, stop: int) -> bytes:
    """MTH(D[start:stop])."""
    if start == stop:
        return sha256(b"").digest()
    if stop - start == 1:
        return sha256(b"\x00" + ENTRIES[start]).digest()
    middle = start + half(stop - start)
    return sha256(b"\x01" + root(start, middle) + root(middle, stop)).digest()


def path(index: int, start: int, stop: int) -> list[bytes]:
    """PATH(m, D_n)."""
    if stop - start == 1:
        return []
    middle = start + half(stop - start)
    if index < middle:
        return [*path(index, start, middle), root(middle, stop)]
    return [*path(index, middle, stop), root(start, middle)]


def subproof(first: int, start: int, stop: int, known: bool) -> list[bytes]:
    """SUBPROOF(m, D_n, b), with ``first`` counted from the beginning of the list."""
    if first == stop:
        return [] if known else [root(start, stop)]
    middle = start + half(stop - start)
    if first <= middle:
        return [*subproof(first, start, middle, known), root(middle, stop)]
    return [*subproof(first, middle, stop, False), root(start, middle)]


def half(width: int) -> int:
    """The largest power of two smaller than ``width``."""
    power = 1
    while power * 2 < width:
        power *= 2
    return power


def stored() -> list[list[bytes]]:
    frontier: list[bytes] = []
    return [extend(frontier, index, leaf_hash(entry)) for index, entry in enumerate(ENTRIES)]


NODES = stored()


def node_at(level: int, index: int) -> bytes:
    return NODES[(index + 1 << level) - 1][level]


def test_every_inclusion_in_every_tree_up_to_260_is_the_oracles_and_verifies() -> None:
    for size in range(1, LARGEST + 1):
        whole = root(0, size)
        for index in range(size):
            proof = prove_inclusion(node_at, index, size)
            assert list(proof) == path(index, 0, size)
            verify_inclusion(leaf_hash(ENTRIES[index]), index, size, proof, whole)


def test_every_consistency_up_to_260_is_the_oracles_and_verifies() -> None:
    for second in range(1, LARGEST + 1):
        for first in range(1, second + 1):
            proof = prove_consistency(node_at, first, second)
            assert list(proof) == subproof(first, 0, second, known=True)
            verify_consistency(first, second, proof, root(0, first), root(0, second))


@given(st.data())
def test_an_inclusion_proof_holds_for_its_own_place_and_size_alone(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, LARGEST))
    index = data.draw(st.integers(0, size - 1))
    proof = path(index, 0, size)
    at, of = data.draw(st.integers(-1, LARGEST + 1)), data.draw(st.integers(0, LARGEST + 1))
    assume((at, of) != (index, size))
    if 0 <= at < of and len(path(at, 0, min(of, LARGEST))) == len(proof):
        # The same hashes in the same order may well be the path of another place; then the root decides, of its own tree.
        with pytest.raises(VerificationError):
            verify_inclusion(leaf_hash(ENTRIES[index]), at, of, proof, root(0, min(of, LARGEST)) if of != size else bytes(32))
    else:
        with pytest.raises(VerificationError):
            verify_inclusion(leaf_hash(ENTRIES[index]), at, of, proof, root(0, size))


@given(st.data())
def test_a_consistency_proof_holds_for_its_own_sizes_and_roots_alone(data: st.DataObject) -> None:
    second = data.draw(st.integers(2, LARGEST))
    first = data.draw(st.integers(1, second - 1))
    proof = subproof(first, 0, second, known=True)
    other = data.draw(st.integers(0, LARGEST))
    assume(other not in (first, second))
    for one, two, root_one, root_two in (
        (other, second, root(0, other), root(0, second)),
        (first, other, root(0, first), root(0, other)),
        (first, second, root(0, other), root(0, second)),
        (first, second, root(0, first), root(0, other)),
        (second, first, root(0, second), root(0, first)),
    ):
        with pytest.raises(VerificationError):
            verify_consistency(one, two, proof, root_one, root_two)


@given(st.data())
def test_a_proof_of_another_length_or_with_a_node_of_another_is_refused(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, LARGEST))
    index, first = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size - 1))
    extra = data.draw(st.one_of(st.binary(min_size=32, max_size=32), st.sampled_from([root(0, size), root(0, first), EMPTY_ROOT])))
    length = data.draw(st.sampled_from([0, 1, 31, 33, 64]))
    checks: list[tuple[list[bytes], Callable[[Sequence[bytes]], None]]] = [
        (path(index, 0, size), lambda proof: verify_inclusion(leaf_hash(ENTRIES[index]), index, size, proof, root(0, size))),
        (subproof(first, 0, size, known=True), lambda proof: verify_consistency(first, size, proof, root(0, first), root(0, size))),
    ]
    for good, check in checks:
        place = data.draw(st.integers(0, len(good) - 1))
        spoilt = (good[place] * 2)[:length]
        for proof in (
            [],
            good[:-1],
            good[1:],
            [*good, extra],
            [extra, *good],
            [*good[:place], extra, *good[place:]],
            [*good[:place], spoilt, *good[place + 1 :]],
        ):
            with pytest.raises(VerificationError):
                check(proof)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_roots_and_leaves_that_are_no_hashes_are_refused(length: int) -> None:
    wrong = bytes(length)
    for leaf, whole in ((wrong, root(0, 3)), (leaf_hash(ENTRIES[0]), wrong)):
        with pytest.raises(VerificationError):
            verify_inclusion(leaf, 0, 3, path(0, 0, 3), whole)
    with pytest.raises(VerificationError):
        verify_inclusion(wrong, 0, 1, (), wrong)
    for first, second in ((wrong, root(0, 3)), (root(0, 2), wrong)):
        with pytest.raises(VerificationError):
            verify_consistency(2, 3, subproof(2, 0, 3, known=True), first, second)
    with pytest.raises(VerificationError):
        verify_consistency(3, 3, (), wrong, wrong)
    with pytest.raises(VerificationError):
        verify_consistency(0, 3, (), wrong, root(0, 3))
    with pytest.raises(VerificationError):
        verify_consistency(0, 3, (), EMPTY_ROOT, wrong)
    with pytest.raises(VerificationError):
        verify_consistency(0, 0, (), EMPTY_ROOT, root(0, 3))


# What another implementation takes and refuses


def refused(check: Callable[..., None], *arguments: object) -> bool:
    try:
        check(*arguments)
    except VerificationError:
        return True
    return False


def hashes(case: dict[str, Any], *names: str) -> list[bytes]:
    return [b64decode(case[name]) for name in names]


def changes(proof: list[bytes], root_one: bytes, root_two: bytes) -> dict[str, list[bytes]]:
    """Its changes of a proof, by its names."""
    flipped = {
        f"modified proof[{place}] bit 4": [*proof[:place], bytes([item[0] ^ 16]) + item[1:], *proof[place + 1 :]]
        for place, item in enumerate(proof)
    }
    return {
        "empty proof": [],
        "preceding garbage": [b"", *proof],
        "trailing garbage": [*proof, b""],
        "preceding root1": [root_one, *proof],
        "trailing root1": [*proof, root_one],
        "preceding root2": [root_two, *proof],
        "trailing root2": [*proof, root_two],
        "truncated proof": proof[:-1],
        "inserted component": [*proof[:1], proof[0], *proof[1:]],
        "removed component": proof[1:],
        "preceding proof[0]": [proof[0], *proof],
        **flipped,
    }


@pytest.mark.parametrize("case", VECTORS["consistency"], ids=lambda case: f"{case['size1']} {case['size2']}")
def test_consistency_is_taken_and_refused_as_elsewhere(case: dict[str, Any]) -> None:
    one, two, (root_one, root_two) = case["size1"], case["size2"], hashes(case, "root1", "root2")
    proof = [b64decode(item) for item in case["proof"]]
    verify_consistency(one, two, proof, root_one, root_two)
    if one == two:
        return
    for name, changed in changes(proof, root_one, root_two).items():
        assert refused(verify_consistency, one, two, changed, root_one, root_two), name
    for first, second in ((one - 1, two), (one + 1, two), (one ^ 2, two), (one, two * 2), (one, two // 2)):
        with pytest.raises(VerificationError):
            verify_consistency(first, second, proof, root_one, root_two)
    for first_root, second_root in (
        (root_two, root_one),
        (b"WrongRoot", root_two),
        (root_one, b"WrongRoot"),
        (b"", root_two),
        (root_one, b""),
    ):
        with pytest.raises(VerificationError):
            verify_consistency(one, two, proof, first_root, second_root)


@pytest.mark.parametrize("case", VECTORS["inclusion"], ids=lambda case: f"{case['leafIdx']} {case['treeSize']}")
def test_inclusion_is_taken_and_refused_as_elsewhere(case: dict[str, Any]) -> None:
    index, size, (whole, leaf) = case["leafIdx"], case["treeSize"], hashes(case, "root", "leafHash")
    proof = [b64decode(item) for item in case["proof"]]
    verify_inclusion(leaf, index, size, proof, whole)
    for name, changed in changes(proof, whole, leaf).items():
        assert refused(verify_inclusion, leaf, index, size, changed, whole), name
    for other, of in ((index - 1, size), (index + 1, size), (index ^ 2, size), (index, size * 2), (index, size // 2)):
        with pytest.raises(VerificationError):
            verify_inclusion(leaf, other, of, proof, whole)
    for wrong_leaf, wrong_root in ((sha256(b"WrongLeaf").digest(), whole), (leaf, b""), (leaf, sha256(b"random").digest())):
        with pytest.raises(VerificationError):
            verify_inclusion(wrong_leaf, index, size, proof, wrong_root)
