"""What is written in a self-test: any entry of any log follows from its place, so that a reader knows it without being told."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256

from ledger import Batch, Draft, Ledger
from vienna_runtime.selftest.keys import NODE_NAME, DerivedKeys

LOGS = ("belvedere", "schoenbrunn", "hofburg")
BEGUN = 1_795_000_000_000_000  # µs, in November 2026
LONGEST_BODY = 2048  # bytes: some entries fill half a page, most share one with others


def body(log: str, index: int) -> bytes:
    """The body of an entry."""
    seed = sha256(f"{log} {index}".encode()).digest()
    size = int.from_bytes(seed[:2], "big") % LONGEST_BODY if seed[2] < 64 else seed[3]
    return (seed * (size // len(seed) + 1))[:size]


def case(index: int) -> str:
    """The case that an entry belongs to: sixteen at a time."""
    return f"case-{index // 16}"


def batch(log: str, first: int, count: int) -> Batch:
    """The entries of a log from ``first``."""
    return Batch(log, first, tuple(_draft(log, index) for index in range(first, first + count)))


def open_ledger(path: str | os.PathLike[str], fault: Callable[[str], None] | None = None, *, map_size: int = 1 << 17) -> Ledger:
    """The ledger as a node opens it.  The map begins small, so that it grows under the test."""
    if fault is None:
        return Ledger.open(path, node=NODE_NAME, keys=DerivedKeys(), map_size=map_size)
    return Ledger.open(path, node=NODE_NAME, keys=DerivedKeys(), map_size=map_size, fault=fault)


def _draft(log: str, index: int) -> Draft:
    return Draft(
        "selftest.written/1", BEGUN + index, "ada", body(log, index), case=case(index), step=index % 16, keys=(b"key %d" % (index % 64),)
    )
