"""A ledger's reading half by itself: beside a node that serves it, or in a copy; nothing is written but LMDB's table of readers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger import logs
from ledger.environment import Environment
from ledger.keys import Keys
from ledger.reading import Reader


class _Looking(Reader):
    def __init__(self, env: Environment, keys: Keys, node: str) -> None:
        super().__init__(env, keys)
        with env.reading() as txn:
            self._logs = logs.load(env, txn, node, keys)


@contextmanager
def look_into(path: str | os.PathLike[str], *, node: str, keys: Keys) -> Iterator[Reader]:
    """The logs as they end now; what is written later is not seen.  Raises UnsuitableDirectory, VerificationError."""
    env = Environment(Path(path), read_only=True)
    try:
        yield _Looking(env, keys, node)
    finally:
        env.close()
