"""The logs of an open ledger, as they are durable: loaded and checked on opening, moved on after each commit."""

from __future__ import annotations

import attrs

from ledger.checkpoint import origin_of
from ledger.entry import NODE, Head
from ledger.environment import Environment, Txn
from ledger.errors import VerificationError
from ledger.keys import Keys
from ledger.opening import check_log
from ledger.remembered import Remembered
from ledger.tail import Sealing, Tail, parse_row

NODE_ID = 0


@attrs.define
class Log:
    """One log: its durable end, and why it takes no entries if it does not.

    ``tail`` and ``head`` are replaced, never changed, so that readers in other threads see one or the other.
    """

    name: str
    tail: Tail
    head: Head
    sealing: Sealing

    @property
    def frozen(self) -> str | None:
        """Why it takes no entries."""
        return self.head.frozen


def row_key(log: str) -> bytes:
    """Where the table ``logs`` keeps a log (LMDB has no empty key, so the name stands behind a slash)."""
    return b"/" + log.encode()


def load(env: Environment, txn: Txn, node: str, keys: Keys) -> dict[str, Log]:
    """Every log there is, checked; one that does not match is frozen."""
    cursor, logs, remembered = txn.cursor(env.table("logs")), dict[str, Log](), Remembered(env, txn)
    for key, row in cursor:
        name = key[1:].decode(errors="replace")
        logs[name] = _load_one(env, txn, name, row, node, keys, remembered)
    if NODE not in logs:
        raise VerificationError("the row of the node's log is missing", log=NODE)
    return logs


def _load_one(env: Environment, txn: Txn, name: str, row: bytes, node: str, keys: Keys, remembered: Remembered) -> Log:
    try:
        tail, checkpoint = parse_row(row)
    except VerificationError as error:
        # Nothing is known of it but that it is there: an empty log that is frozen.
        none = Tail(id=2**32 - 1)
        return Log(name, none, Head(0, none.root, b"", str(error.at(name))), Sealing(keys, name))
    why = None
    try:
        signing = keys.verifiers(name)
        if signing[0].name != origin_of(node, name):
            raise VerificationError(f"the key signs as {signing[0].name}, the log is {origin_of(node, name)}", log=name)
        check_log(env, txn, name, tail, checkpoint, signing)
        remembered.check(name, tail)
    except VerificationError as error:
        why = str(error)
    return Log(name, tail, Head(tail.size, tail.root, checkpoint, why), Sealing(keys, name))
