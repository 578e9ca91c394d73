"""One transaction in the making: batches of many logs, worked out against the durable ends, nothing written yet.

A batch that cannot be written is answered at once and leaves no trace in the change; the others go on.  After the commit
``answers`` are what the callers get, and ``heads`` what the logs have become.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ledger.checkpoint import Checkpoint, origin_of
from ledger.entry import Answer, Batch, Conflict, Frozen, Head, Receipt, Refused
from ledger.environment import Environment, Item, Txn, put_new
from ledger.errors import LogFrozen
from ledger.keys import Keys
from ledger.logs import Log, row_key
from ledger.note import compose
from ledger.tail import BadDraftAt, Tail, Writes, extend


class Change:
    """What the next commit puts."""

    def __init__(self, logs: Mapping[str, Log], node: str, keys: Keys) -> None:
        self._logs, self._node, self._keys = logs, node, keys
        self._firsts: list[tuple[str, int] | Conflict | Frozen | Refused] = []
        self._writes = Writes()
        self._more: list[tuple[str, Item]] = []
        self._also: list[Callable[[Txn], None]] = []
        self.tails: dict[str, Tail] = {}
        self.heads: dict[str, Head] = {}
        self._again: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self.tails)

    def append(self, batch: Batch) -> None:
        """Work out one batch, after the ones before it."""
        self._firsts.append(self._appended(batch))

    def _appended(self, batch: Batch) -> tuple[str, int] | Conflict | Frozen | Refused:
        log = self._logs.get(batch.log)
        if log is None:
            return Refused(batch.log, -1, "no log of that name was admitted")
        if log.frozen is not None:
            return Frozen(batch.log, log.frozen)
        tail = self.tails.get(batch.log, log.tail)
        if tail.size != batch.position:
            return Conflict(batch.log, batch.position, tail.size)
        if batch.drafts:
            try:
                self.tails[batch.log] = extend(tail, batch.log, batch.drafts, log.sealing, self._writes)
            except BadDraftAt as bad:
                return Refused(batch.log, bad.index, bad.why)
        return batch.log, tail.size

    def replace(self, log: str, tail: Tail) -> None:
        """Put another row for a log: a new one, or one whose commitment moved."""
        if (known := self._logs.get(log)) is not None and known.frozen is not None:
            raise LogFrozen(f"log {log!r} takes no entries: {known.frozen}")
        self.tails[log] = tail

    def sign_again(self, log: str) -> None:
        """Have a log's checkpoint signed although it has not grown: other keys sign now."""
        self.replace(log, self._logs[log].tail)
        self._again.add(log)

    def put(self, table: str, key: bytes, value: bytes) -> None:
        """Put something beside the entries."""
        self._more.append((table, (key, value)))

    def also(self, write: Callable[[Txn], None]) -> None:
        """Have something else done in the same transaction."""
        self._also.append(write)

    def sign(self) -> None:
        """One signature a log: a checkpoint over where it will end."""
        for name, tail in self.tails.items():
            root = tail.root
            log = self._logs.get(name)
            if log is not None and log.tail.size == tail.size and name not in self._again:
                self.heads[name] = log.head
                continue
            text = Checkpoint(origin_of(self._node, name), tail.size, root).text()
            self.heads[name] = Head(tail.size, root, compose(text, self._keys.sign(name, text.encode())))

    def write(self, env: Environment, txn: Txn) -> None:
        """Put everything; refuses to touch a sequence number that is taken."""
        writes = self._writes
        if len(self.tails) > 1:
            for items in (writes.entries, writes.bodies):
                items.sort()  # by log: LMDB appends and walks its pages in order
        if put_new(txn, env.table("entries"), writes.entries) != len(writes.entries):
            raise AssertionError("a sequence number is taken: the tables are ahead of the log's row")
        if put_new(txn, env.table("bodies"), writes.bodies) != len(writes.bodies):
            raise AssertionError("a body's place is taken: the tables are ahead of the log's row")
        for name, items in (("cases", writes.cases), ("index", writes.index)):
            if items:
                txn.cursor(env.table(name)).putmulti(items)
        for name, item in self._more:
            txn.put(*item, db=env.table(name))
        for write in self._also:
            write(txn)
        for name, tail in self.tails.items():
            txn.put(row_key(name), tail.row(self.heads[name].checkpoint), db=env.table("logs"))

    def answers(self) -> list[Answer]:
        """To the batches, in their order; receipts are true once the commit has returned."""
        found: list[Answer] = []
        for first in self._firsts:
            if isinstance(first, tuple):
                log, start = first
                head = self.heads[log] if log in self.heads else self._logs[log].head
                found.append(Receipt(log, start, head.size, head.root, head.checkpoint))
            else:
                found.append(first)
        return found
