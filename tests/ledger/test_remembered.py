"""One log put back alone, as an older or another consistent copy of itself, is frozen on opening and found by verify."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lmdb
import pytest

from ledger import NODE, Batch, Draft, Ledger, VerificationError, verify_directory
from ledger.cosignature import Cosigner
from ledger.environment import TABLES
from ledger.keys import Keys

WITNESS = Cosigner("witness.example/emil", b"\x05" * 32)
Rows = dict[str, dict[bytes, bytes]]


def grow(ledger: Ledger, *words: str, log: str = "belvedere") -> None:
    drafts = tuple(Draft("word.said/1", 10, "ada", word.encode()) for word in words)
    ledger.append_many([Batch(log, ledger.head(log).size, drafts)])


def cosign(ledger: Ledger, log: str) -> None:
    note = ledger.head(log).checkpoint
    ledger.put_witnessed(log, note + WITNESS.cosign(note.decode().partition("\n\n")[0] + "\n", 7).line().encode())


@contextmanager
def tables(directory: Path) -> Iterator[tuple[lmdb.Transaction, dict[str, Any]]]:
    env = lmdb.open(str(directory), max_dbs=len(TABLES), lib_version=0)
    found = {name: env.open_db(name.encode()) for name in TABLES}
    with env.begin(write=True) as txn:
        yield txn, found
    env.close()


def stored_row(txn: Any, found: dict[str, Any], name: bytes) -> bytes:
    return bytes(txn.get(b"/" + name, db=found["logs"]))


def belonging(directory: Path, number: int, name: bytes) -> Rows:
    """Everything in the tables that is of one log, but what others remember of it."""
    prefix = number.to_bytes(4, "big")
    with tables(directory) as (txn, found):
        rows: Rows = {
            table: {bytes(key): bytes(value) for key, value in txn.cursor(found[table]) if bytes(key).startswith(prefix)}
            for table in ("entries", "bodies", "cases", "index", "snapshots")
        }
        rows["logs"] = {b"/" + name: stored_row(txn, found, name)}
    return rows


def put_back(directory: Path, number: int, name: bytes, rows: Rows) -> None:
    """The log as it was then, every row of it, and nothing else touched."""
    now = belonging(directory, number, name)
    with tables(directory) as (txn, found):
        for table, held in rows.items():
            for key in now[table].keys() - held.keys():
                assert txn.delete(key, db=found[table])
            for key, value in held.items():
                txn.put(key, value, db=found[table])


@pytest.mark.parametrize("who", ["node", "witness", "both"])
def test_a_log_rolled_back_alone_is_frozen_and_found(
    ledger: Ledger, opened: Callable[..., Ledger], keys: Keys, tmp_path: Path, who: str
) -> None:
    directory = tmp_path / "ledger"
    grow(ledger, "one", "two")
    ledger.close()
    older = belonging(directory, 1, b"belvedere")
    again = opened()
    grow(again, "three", "four")
    if who != "witness":
        again.commit_heads(time=10, actor="node")
    if who != "node":
        cosign(again, "belvedere")
    again.close()
    put_back(directory, 1, b"belvedere", older)
    with pytest.raises(VerificationError) as caught:
        verify_directory(directory, keys.verifier(NODE))
    assert caught.value.log == "belvedere"
    frozen = opened().head("belvedere").frozen
    assert frozen is not None
    assert "4 entries, and the log ends at 2: it was rolled back" in frozen
    assert ("the node's log commits to" if who != "witness" else "witnesses have cosigned") in frozen


def test_a_log_exchanged_alone_for_a_longer_one_is_frozen_and_found(
    ledger: Ledger, opened: Callable[..., Ledger], keys: Keys, tmp_path: Path
) -> None:
    """Mallory holds the keys and writes another history, longer than the true one; the node's log remembers the true one."""
    directory = tmp_path / "ledger"
    ledger.close()
    empty = belonging(directory, 1, b"belvedere")
    again = opened()
    grow(again, "true", "and so on")
    again.close()
    true = belonging(directory, 1, b"belvedere")
    put_back(directory, 1, b"belvedere", empty)
    forging = opened()
    grow(forging, "forged", "and", "longer")
    forging.close()
    forged = belonging(directory, 1, b"belvedere")
    put_back(directory, 1, b"belvedere", empty)
    put_back(directory, 1, b"belvedere", true)
    honest = opened()
    honest.commit_heads(time=10, actor="node")
    honest.close()
    put_back(directory, 1, b"belvedere", forged)
    with pytest.raises(VerificationError) as caught:
        verify_directory(directory, keys.verifier(NODE))
    assert caught.value.log == "belvedere"
    assert "with another root than the log has: it is another log" in str(opened().head("belvedere").frozen)


def test_the_node_s_own_log_rolled_back_alone_is_contradicted_by_its_witnesses(
    ledger: Ledger, opened: Callable[..., Ledger], tmp_path: Path
) -> None:
    directory = tmp_path / "ledger"
    ledger.close()
    older = belonging(directory, 0, b"")
    again = opened()
    grow(again, "one")
    again.commit_heads(time=10, actor="node")
    cosign(again, NODE)
    again.close()
    put_back(directory, 0, b"", older)
    assert "witnesses have cosigned 3 entries, and the log ends at 2" in str(opened().head(NODE).frozen)


def test_logs_that_only_grew_are_opened_whoever_remembers_them(ledger: Ledger, opened: Callable[..., Ledger]) -> None:
    for round_ in range(3):
        grow(ledger, "one", "two", log="schoenbrunn")
        grow(ledger, "three")
        if round_ < 2:
            ledger.commit_heads(time=10, actor="node")
        if round_ < 1:
            cosign(ledger, "belvedere")
            cosign(ledger, NODE)
    ledger.close()
    assert all(head.frozen is None for head in opened().logs().values())
