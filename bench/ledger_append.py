"""Durable entries a second, beside what the disk and the arithmetic alone would allow.

Ways to the same bytes, in one run, on the same disk:

    ledger   ``append_many`` as everybody calls it
    floor    a straight-line loop without any abstraction of ours: packs the header, commits to and seals the body,
             hashes leaf and tree, puts the batch with ``putmulti(append=True)``, one synced transaction
    tight    the same with everything that was learnt since: nodes lie with their leaf (one put less), random bytes come once
             a batch, the header is one join of parts, libsodium is called without its wrapper
    lmdb     the puts of the floor with ready-made bytes, synced

and beside them, where installed, what others do with batches of that size: ``bench.others``.

Medians over rounds that alternate, so that a slow moment of the disk falls on all alike.

python -m bench.ledger_append [--quick]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

import attrs
import lmdb
import msgpack
from nacl.bindings import crypto_secretbox_easy

from bench import others
from ledger import Batch, DataKey, Draft, Ledger, NoteSignature, NoteSigner, VerifierKey, origin_of

BATCHES = (1, 10, 100, 1000)
SLOWER = 4  # times fewer batches of the others in a round: some of them take long
TITLES = {
    "ledger": "ledger",
    "floor": "floor",
    "tight": "tight floor",
    "lmdb": "raw LMDB",
    "sqlite": "SQLite chain",
    "pymerkle": "pymerkle",
    "postgres": "PostgreSQL, chained by its client",
    "trigger": "PostgreSQL, chained by a trigger",
}
NODE = "bench.example"
START = 1_795_000_000_000_000  # µs; some day
BODY = os.urandom(200)  # about what an event of the law takes


@attrs.frozen
class Row:
    """Entries a second by each way."""

    batch: int
    rates: dict[str, float]

    @property
    def share(self) -> float:
        """Of the first floor."""
        return self.rates["ledger"] / self.rates["floor"]


class BenchKeys:
    """Keys that are there at once, so that the ledger is measured and no keystore."""

    def __init__(self) -> None:
        self._signers = {log: NoteSigner(origin_of(NODE, log), os.urandom(32)) for log in ("", "belvedere")}
        self._key = DataKey(bytes(8), os.urandom(32))

    def sign(self, log: str, message: bytes) -> list[NoteSignature]:
        return [self._signers[log].sign(message)]

    def verifier(self, log: str) -> VerifierKey:
        return self._signers[log].verifier

    def verifiers(self, log: str) -> tuple[VerifierKey, ...]:
        return (self.verifier(log),)

    def data_key(self, log: str, month: str) -> DataKey:
        return self._key

    def data_key_by_id(self, log: str, key_id: bytes) -> DataKey | None:
        return self._key


def table(quick: bool) -> list[Row]:
    """One row a batch size."""
    rows = []
    for batch in BATCHES:
        rounds, commits = (5, max(10, 400 // batch)) if quick else (7, max(10, 4000 // batch))
        with (
            tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR"), prefix="ledger-append-") as place,
            others.ways(Path(place)) as foreign,
        ):
            own = {"ledger": _ledger(Path(place)), "floor": _floor(Path(place)), "tight": _tight(Path(place)), "lmdb": _raw(Path(place))}
            rates: dict[str, list[float]] = {name: [] for name in (*own, *foreign)}
            for _ in range(rounds):
                for name, way in (own | foreign).items():
                    times = commits if name in own else max(10, commits // SLOWER)
                    began = time.perf_counter()
                    for _ in range(times):
                        way(batch)
                    rates[name].append(batch * times / (time.perf_counter() - began))
        rows.append(Row(batch, {name: median(found) for name, found in rates.items()}))
    return rows


def main() -> None:
    """Print the table."""
    for line in others.missing():
        print(line, "\n")
    rows = table("--quick" in sys.argv[1:])
    names = list(rows[0].rates)
    print("| batch | " + " | ".join(f"{TITLES[name]}/s" for name in names) + " | share of the floor |")
    print("|---:|" + "---:|" * (len(names) + 1))
    for row in rows:
        print(f"| {row.batch:,} | " + " | ".join(f"{rate:,.0f}" for rate in row.rates.values()) + f" | **{row.share:.0%}** |")


def _ledger(place: Path) -> Callable[[int], None]:
    ledger = Ledger.open(place / "ledger", node=NODE, keys=BenchKeys())
    ledger.create("belvedere", time=START, actor="operator")
    size = 0

    def append(count: int) -> None:
        nonlocal size
        # Drafts are made inside the measure: whoever calls makes them too.  A case's counter goes on from batch to batch: one that
        # starts over has its rows all over the index, which no case has.
        drafts = tuple(Draft("intent.proposed/1", START + at, "ada", BODY, "case-0001", at) for at in range(size, size + count))
        ledger.append_many([Batch("belvedere", size, drafts)])
        size += count

    return append


def _floor(place: Path) -> Callable[[int], None]:
    env, (entries, bodies, nodes, cases, heads) = _environment(place / "floor", 5)
    pack, secret, signer = msgpack.Packer().pack, os.urandom(32), BenchKeys()
    size, frontier, previous = 0, list[bytes](), bytes(32)

    def append(count: int) -> None:
        nonlocal size, previous
        puts: tuple[list[tuple[bytes, bytes]], ...] = ([], [], [], [])
        for _ in range(count):
            salt, nonce, key = os.urandom(32), os.urandom(24), size.to_bytes(8, "big")
            header = pack(
                {
                    "version": 1,
                    "tag": "intent.proposed/1",
                    "tenant": "belvedere",
                    "sequence": size,
                    "time": START + size,
                    "actor": "ada",
                    "case": "case-0001",
                    "step": size,
                    "previous": previous,
                    "follows": [],
                    "commitment": sha256(salt + BODY).digest(),
                }
            )
            leaf = previous = sha256(b"\x00" + header).digest()
            level, at, done = leaf, size, [leaf]
            while at & 1:
                level = sha256(b"\x01" + frontier.pop() + level).digest()
                done.append(level)
                at >>= 1
            frontier.append(level)
            puts[0].append((key, header))
            puts[1].append((key, nonce + crypto_secretbox_easy(salt + BODY, nonce, secret)))
            puts[2].append((key, b"".join(done)))
            puts[3].append((b"case-0001" + key, b""))
            size += 1
        root = frontier[-1]
        for left in reversed(frontier[:-1]):
            root = sha256(b"\x01" + left + root).digest()
        note = signer.sign("belvedere", b"%d %s" % (size, root))[0].line().encode()
        with env.begin(write=True) as txn:
            for found, items in zip((entries, bodies, nodes, cases), puts, strict=True):
                txn.cursor(found).putmulti(items, append=True)
            txn.put(b"head", note, db=heads)

    return append


def _tight(place: Path) -> Callable[[int], None]:
    from nacl._sodium import ffi, lib

    env, (entries, bodies, cases, heads) = _environment(place / "tight", 4)
    pack, secret, signer, easy = msgpack.Packer(autoreset=True).pack, os.urandom(32), BenchKeys(), lib.crypto_secretbox_easy
    size, frontier, previous = 0, list[bytes](), bytes(32)
    out, length, join = ffi.new("unsigned char[]", 48 + len(BODY)), 32 + len(BODY), b"".join
    sealed = ffi.buffer(out)
    front = b"\x8b\xa7version\x01\xa3tag\xb1intent.proposed/1\xa6tenant\xa9belvedere\xa8sequence"
    middle, rest = b"\xa5actor\xa3ada\xa4case\xa9case-0001\xa4step", b"\xa7follows\x90\xaacommitment\xc4\x20"

    def append(count: int) -> None:
        nonlocal size, previous
        puts: tuple[list[tuple[bytes, bytes]], ...] = ([], [], [])
        random = os.urandom(56 * count)
        for step in range(count):
            nonce, content = random[56 * step : 56 * step + 24], random[56 * step + 24 : 56 * step + 56] + BODY
            header = (
                join((front, pack(size), b"\xa4time", pack(START + size), middle, pack(size), b"\xa8previous\xc4\x20", previous, rest))
                + sha256(content).digest()
            )
            previous = level = sha256(b"\x00" + header).digest()
            at, done = size, [level]
            while at & 1:
                level = sha256(b"\x01" + frontier.pop() + level).digest()
                done.append(level)
                at >>= 1
            frontier.append(level)
            done.append(header)
            easy(out, content, length, nonce, secret)
            key = size.to_bytes(8, "big")
            puts[0].append((key, join(done)))
            puts[1].append((key, nonce + sealed[:]))
            puts[2].append((b"case-0001" + key, b""))
            size += 1
        root = frontier[-1]
        for left in reversed(frontier[:-1]):
            root = sha256(b"\x01" + left + root).digest()
        note = signer.sign("belvedere", b"%d %s" % (size, root))[0].line().encode()
        with env.begin(write=True) as txn:
            for found, items in zip((entries, bodies, cases), puts, strict=True):
                txn.cursor(found).putmulti(items, append=True)
            txn.put(b"head", note, db=heads)

    return append


def _raw(place: Path) -> Callable[[int], None]:
    env, tables = _environment(place / "raw", 4)
    size, header, sealed, nodes = 0, os.urandom(230), os.urandom(280), os.urandom(64)

    def append(count: int) -> None:
        nonlocal size
        keys = [number.to_bytes(8, "big") for number in range(size, size + count)]
        with env.begin(write=True) as txn:
            for found, value in zip(tables, (header, sealed, nodes, b""), strict=True):
                txn.cursor(found).putmulti([(key, value) for key in keys], append=True)
        size += count

    return append


def _environment(place: Path, tables: int) -> tuple[Any, list[Any]]:
    env = lmdb.open(str(place), map_size=1 << 32, max_dbs=tables, sync=True, metasync=True, lib_version=0)
    return env, [env.open_db(b"%d" % number) for number in range(tables)]


if __name__ == "__main__":
    main()
