from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ledger.tree import EMPTY_ROOT, extend, frontier_places, leaf_hash, node_hash, nodes_with_leaf, root_of, root_over, subtree_root

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "rfc6962_reference.json").read_text())
LEAVES = [bytes.fromhex(text) for text in VECTORS["leaf_inputs_hex"]]


def mth(entries: list[bytes]) -> bytes:
    """RFC 6962 §2.1, word by word."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def stored(entries: list[bytes]) -> tuple[list[list[bytes]], list[bytes]]:
    frontier: list[bytes] = []
    return [extend(frontier, index, leaf_hash(entry)) for index, entry in enumerate(entries)], frontier


def test_leaves_nodes_and_roots_are_those_of_the_reference_tests() -> None:
    assert [leaf_hash(leaf).hex() for leaf in LEAVES] == VECTORS["leaf_hashes_hex"]
    assert leaf_hash(bytes.fromhex(VECTORS["extra_leaf"]["data_hex"])).hex() == VECTORS["extra_leaf"]["hash_hex"]
    node = VECTORS["node"]
    assert node_hash(bytes.fromhex(node["left_hex"]), bytes.fromhex(node["right_hex"])).hex() == node["hash_hex"]
    assert [root_over(LEAVES[:size]).hex() for size in range(len(LEAVES) + 1)] == VECTORS["roots_by_size_hex"]
    assert root_over([]) == EMPTY_ROOT


def test_every_subtree_hash_up_to_130_is_the_drafts() -> None:
    hashes, _ = stored([bytes([index]) for index in range(130)])
    digest = sha256()
    for end in range(131):
        for start in range(end + 1):
            if start % (1 << max(end - start - 1, 0).bit_length()) == 0:
                root = subtree_root(lambda level, index: hashes[(index + 1 << level) - 1][level], start, end)
                digest.update(f"[{start}, {end}) {root.hex()}\n".encode())
    assert digest.hexdigest() == VECTORS["mtc_accumulators"]["subtree_hash"]


@given(st.lists(st.binary(max_size=4), max_size=70))
def test_appending_leaf_by_leaf_gives_the_root_of_the_whole_list(entries: list[bytes]) -> None:
    hashes, frontier = stored(entries)
    assert root_of(frontier) == mth(entries)
    assert [len(done) for done in hashes] == [nodes_with_leaf(index) for index in range(len(entries))]
    assert frontier == [hashes[(index + 1 << level) - 1][level] for level, index in frontier_places(len(entries))]
