"""What was heard and what is still to be carried, on the disk.

An alert is taken in with one delivery for each target that wants it and the position after it, in one transaction; it is struck
out when the target has taken it.  So a crash loses none, and repeats at most what was under way, under the same id.  What
failed at every attempt stays as a dead letter until somebody tries it again.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from vienna_runtime.executors.errors import JournalDamaged, JournalTaken
from vienna_runtime.notifier.message import Message

MOST_DEAD = 10_000  # dead letters kept for a target; the oldest go first
BUSY = 5.0  # s that `dead-letters` and the service wait for each other

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY, target TEXT NOT NULL, name TEXT NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL,
    attempts INTEGER NOT NULL, due REAL NOT NULL, dead INTEGER NOT NULL, why TEXT NOT NULL, UNIQUE (target, name)
) STRICT;
CREATE INDEX IF NOT EXISTS by_due ON deliveries (target, dead, due);
CREATE TABLE IF NOT EXISTS targets (target TEXT PRIMARY KEY, held REAL NOT NULL, gone TEXT NOT NULL) STRICT;
"""


@attrs.frozen(kw_only=True)
class Delivery:
    id: int
    target: str
    name: str
    number: int
    kind: str
    body: bytes = attrs.field(repr=False)
    attempts: int  # made so far
    due: float
    why: str


class Journal:
    """One connection to it.  Whoever delivers holds ``taken`` besides, so that there is one."""

    def __init__(self, directory: Path) -> None:
        """Raises ``JournalDamaged`` where it cannot be read."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = directory / "journal.sqlite"
        self._lock = directory / "lock"
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # by nobody else: alerts say what goes wrong
        try:
            self._base = sqlite3.connect(self._path, timeout=BUSY, isolation_level=None)
            self._base.execute("PRAGMA synchronous = FULL")
            self._base.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            raise JournalDamaged(f"{self._path} cannot be read as the journal of a notifier: {error}") from None

    def close(self) -> None:
        self._base.close()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """While this process delivers; raises ``JournalTaken`` where another does."""
        handle = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise JournalTaken(f"another notifier runs with {self._lock.parent}; give each a directory of its own") from None
            yield
        finally:
            os.close(handle)

    def fact(self, name: str) -> int | None:
        row = self._base.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else int(row[0])

    def note(self, name: str, value: int) -> None:
        self._base.execute("INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value))

    def take(self, message: Message, targets: Iterable[str], now: float) -> None:
        """The alert is heard: what is to be carried of it, and where to go on, durable together.  A second time it is nothing."""
        with self._whole():
            self._add(message, targets, now)
            self.note("position", message.number + 1)

    def say(self, message: Message, targets: Iterable[str], now: float, **facts: int) -> None:
        """As ``take``, of what is on no log: durable together with ``facts`` that say that it was said."""
        with self._whole():
            self._add(message, targets, now)
            for name, value in facts.items():
                self.note(name, value)

    def _add(self, message: Message, targets: Iterable[str], now: float) -> None:
        for target in targets:
            gone = self._gone(target)
            self._base.execute(
                "INSERT OR IGNORE INTO deliveries (target, name, number, kind, body, attempts, due, dead, why) "
                "VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?)",
                (target, message.name, message.number, message.kind, message.body, now, bool(gone), gone),
            )

    def due(self, target: str, now: float) -> Delivery | float | None:
        """What is to be carried there now; else when there will be something, or None where nothing waits."""
        row = self._base.execute("SELECT * FROM deliveries WHERE target = ? AND NOT dead ORDER BY due, id LIMIT 1", (target,)).fetchone()
        if row is None:
            return None
        held = self._base.execute("SELECT held FROM targets WHERE target = ?", (target,)).fetchone()
        found = _delivery(row)
        at = max(found.due, 0.0 if held is None else float(held[0]))
        return found if at <= now else at

    def done(self, delivery: Delivery) -> None:
        self._base.execute("DELETE FROM deliveries WHERE id = ?", (delivery.id,))

    def again(self, delivery: Delivery, why: str, at: float, *, hold: bool) -> None:
        """It comes again at ``at``; ``hold``: nothing of its target comes before that."""
        with self._whole():
            self._base.execute("UPDATE deliveries SET attempts = attempts + 1, due = ?, why = ? WHERE id = ?", (at, why, delivery.id))
            if hold:
                self._base.execute(
                    "INSERT INTO targets VALUES (?, ?, '') ON CONFLICT (target) DO UPDATE SET held = excluded.held", (delivery.target, at)
                )

    def dies(self, delivery: Delivery, why: str) -> None:
        with self._whole():
            self._base.execute("UPDATE deliveries SET attempts = attempts + 1, dead = 1, why = ? WHERE id = ?", (why, delivery.id))
            self._base.execute(
                "DELETE FROM deliveries WHERE dead AND target = ? AND id NOT IN "
                "(SELECT id FROM deliveries WHERE dead AND target = ? ORDER BY id DESC LIMIT ?)",
                (delivery.target, delivery.target, MOST_DEAD),
            )

    def gone(self, target: str, why: str) -> None:
        """Nothing is carried there any more, until somebody tries a dead letter again."""
        with self._whole():
            self._base.execute(
                "INSERT INTO targets VALUES (?, 0, ?) ON CONFLICT (target) DO UPDATE SET gone = excluded.gone", (target, why)
            )
            self._base.execute("UPDATE deliveries SET dead = 1, why = ? WHERE target = ? AND NOT dead", (why, target))

    def is_gone(self, target: str) -> bool:
        """Whether nothing is carried there any more."""
        return bool(self._gone(target))

    def dead(self, target: str | None = None) -> list[Delivery]:
        """The newest first."""
        rows = self._base.execute("SELECT * FROM deliveries WHERE dead AND ? IN ('', target) ORDER BY id DESC", (target or "",))
        return [_delivery(row) for row in rows]

    def waiting(self, target: str | None = None) -> int:
        row = self._base.execute("SELECT count(*) FROM deliveries WHERE NOT dead AND ? IN ('', target)", (target or "",)).fetchone()
        return int(row[0])

    def only(self, targets: Collection[str]) -> None:
        """What waits for a target that there is no more becomes a dead letter."""
        with self._whole():
            why = "its target is not in the configuration any more"
            for (name,) in self._base.execute("SELECT DISTINCT target FROM deliveries WHERE NOT dead").fetchall():
                if name not in targets:
                    self._base.execute("UPDATE deliveries SET dead = 1, why = ? WHERE target = ? AND NOT dead", (why, name))

    def revive(self, deliveries: Iterable[Delivery]) -> int:
        """From their first attempt on, at once; their targets are asked again, whatever they said."""
        with self._whole():
            count = 0
            for delivery in deliveries:
                again = "UPDATE deliveries SET dead = 0, attempts = 0, due = 0, why = '' WHERE id = ? AND dead"
                count += self._base.execute(again, (delivery.id,)).rowcount
                self._base.execute("DELETE FROM targets WHERE target = ?", (delivery.target,))
            return count

    def _gone(self, target: str) -> str:
        row = self._base.execute("SELECT gone FROM targets WHERE target = ?", (target,)).fetchone()
        return "" if row is None else str(row[0])

    @contextmanager
    def _whole(self) -> Iterator[None]:
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._base.execute("ROLLBACK")
            raise
        self._base.execute("COMMIT")


def _delivery(row: tuple[Any, ...]) -> Delivery:
    number, target, name, alert, kind, body, attempts, due, _, why = row
    return Delivery(id=number, target=target, name=name, number=alert, kind=kind, body=body, attempts=attempts, due=due, why=why)
