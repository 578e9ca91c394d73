"""One bit of what a real run has stored is flipped: ``verify`` fails and names the place, a snapshot is not used."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import lmdb
import pytest

from actors import folding
from actors.governance.codec import encode_state
from ledger import VerificationError, verify_directory, verify_in_child
from ledger.environment import POSITION, TABLES
from ledger.tail import parse_row

SEED = 20261122


@pytest.fixture
def copy(past: Any, tmp_path: Path) -> Any:
    """A copy of the stopped node, to be damaged."""
    shutil.copytree(past.home, tmp_path / "copy")
    return attrs.evolve(past, home=tmp_path / "copy")


def rows(stage: Any, table: str) -> list[tuple[bytes, bytes]]:
    env = lmdb.open(str(stage.home / "ledger"), max_dbs=len(TABLES), readonly=True, lib_version=0)
    try:
        with env.begin() as txn:
            return [(bytes(key), bytes(value)) for key, value in txn.cursor(env.open_db(table.encode(), txn=txn, create=False))]
    finally:
        env.close()


@contextmanager
def flipped(stage: Any, value: bytes, bit: int) -> Iterator[None]:
    """One bit of a stored value, wherever the file holds it; whole again afterwards."""
    path = stage.home / "ledger" / "data.mdb"
    data = path.read_bytes()
    places, at = list[int](), data.find(value)
    while at >= 0:
        places.append(at)
        at = data.find(value, at + 1)
    assert places
    byte = bit // 8
    with path.open("r+b", buffering=0) as file:
        for place in places:
            os.pwrite(file.fileno(), bytes([value[byte] ^ 1 << bit % 8]), place + byte)
        yield
        for place in places:
            os.pwrite(file.fileno(), value[byte : byte + 1], place + byte)


def test_a_flipped_bit_in_any_entry_node_or_body_is_found_and_its_place_named(copy: Any) -> None:
    chosen, names = random.Random(SEED), {0: "", 1: "belvedere"}
    tried = 0
    for table, share in (("entries", 1), ("bodies", 3)):
        for key, value in rows(copy, table)[::share]:
            number, index = POSITION.unpack(key)
            with flipped(copy, value, chosen.randrange(len(value) * 8)), pytest.raises(VerificationError) as caught:
                verify_directory(copy.home / "ledger", copy.node_key)
            assert (caught.value.log, caught.value.index) == (names[number], index), table
            tried += 1
    assert tried > 150
    verify_directory(copy.home / "ledger", copy.node_key)


def test_a_flipped_bit_in_any_checkpoint_or_commitment_is_found_and_its_log_named(copy: Any) -> None:
    chosen = random.Random(SEED)
    for key, row in rows(copy, "logs"):
        name = key[1:].decode()
        _, checkpoint = parse_row(row)
        start = row.index(checkpoint)
        for _ in range(25):
            bit = chosen.randrange(start * 8, len(row) * 8)
            with flipped(copy, row, bit), pytest.raises(VerificationError) as caught:
                verify_directory(copy.home / "ledger", copy.node_key)
            assert caught.value.log == name
    for key, value in rows(copy, "commitments")[:10]:
        with flipped(copy, value, chosen.randrange(len(value) * 8)), pytest.raises(VerificationError) as caught:
            verify_directory(copy.home / "ledger", copy.node_key)
        assert (caught.value.log, caught.value.index) == ("", int.from_bytes(key, "big"))


def test_the_child_and_the_command_say_the_same_and_end_with_a_failure(copy: Any) -> None:
    key, value = rows(copy, "entries")[-3]
    number, index = POSITION.unpack(key)
    command = [sys.executable, "-m", "vienna_runtime.cli.main", "verify", str(copy.home / "ledger"), "--key", copy.node_key.text]
    whole = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert whole.returncode == 0, whole.stderr
    with flipped(copy, value, len(value) * 8 - 1):
        with pytest.raises(VerificationError) as caught:
            verify_in_child(copy.home / "ledger", copy.node_key)
        assert (number, caught.value.log, caught.value.index) == (1, "belvedere", index)
        damaged = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert damaged.returncode != 0
    assert "belvedere" in damaged.stdout + damaged.stderr
    assert str(index) in damaged.stdout + damaged.stderr
    assert "Traceback" not in damaged.stderr


def test_a_node_with_a_damaged_end_serves_and_freezes_that_tenant_alone(copy: Any) -> None:
    _, value = rows(copy, "entries")[-1]
    with flipped(copy, value, len(value) * 8 - 1):
        copy.process = None
        copy.serve()
        try:
            assert copy.end() == 0
        finally:
            copy.end(9)
    assert "frozen" in copy.log.read_text()


def test_a_snapshot_with_a_flipped_bit_is_not_used_and_the_whole_log_says_the_same(copy: Any) -> None:
    ledger = copy.ledger()
    whole = folding.fold(ledger, "belvedere")
    kept = [snapshot.size for snapshot in ledger.snapshots("belvedere")]
    ledger.close()
    assert whole.snapshot_at == max(kept) > 0
    chosen = random.Random(SEED)
    (_, value), *older = reversed(rows(copy, "snapshots"))
    for _ in range(12):
        with flipped(copy, value, chosen.randrange(len(value) * 8)):
            ledger = copy.ledger()
            try:
                again = folding.fold(ledger, "belvedere")
            finally:
                ledger.close()
        assert again.snapshot_at in (0, *(size for size in kept if size != max(kept)))
        assert encode_state(again.state) == encode_state(whole.state)
    assert older
