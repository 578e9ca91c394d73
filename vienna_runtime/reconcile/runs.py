"""The runs of a log, as much of each as evidence is compared with: in a database on the disk, so that no log is too long.

Entries are fed in the order of the log.  What was forgotten is counted: it can be matched with nothing.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import attrs

from actors.governance import codec
from actors.governance import events as e
from actors.governance import receipt as receipts
from actors.governance import warrant as warrants
from vienna_runtime.reconcile.mapping import RESULT, Effects

_TAGS = frozenset(kind.TAG for kind in (e.WarrantIssued, e.RunOpened, e.RunReported, e.RunReportedLate, e.RunUnknown, e.EffectSettled))
_SCHEMA = """
create table warrants (warrant text primary key, fields blob) without rowid;
create table runs (run text primary key, case_id text, effect text, action text, resource text, place text, digest text, absent int,
                   outcome text, opened int, ended int, matched int) without rowid;
create index by_place on runs (place, opened);
create index by_effect on runs (effect);
create index by_resource on runs (resource, action, opened);
create table findings (number integer primary key, kind text, about text, expected text, observed text, run text);
"""
SLACK = 60_000_000  # µs: clocks that others set are believed within a minute, as everywhere


@attrs.frozen
class Run:
    run: str
    case: str
    effect: str
    action: str
    resource: str
    place: str
    digest: str
    absent: int
    outcome: str  # open | succeeded | failed | unknown
    opened: int
    ended: int  # when its outcome was recorded; the largest integer while it is open
    matched: int

    def __str__(self) -> str:
        return f"run {self.run} of case {self.case} ({self.outcome})"


_OPEN = 2**63 - 1


class Runs:
    """See the module.  ``forgotten`` counts runs of which a body is gone."""

    def __init__(self, database: sqlite3.Connection, effects: Effects, takes: Callable[[str], bool]) -> None:
        self.database = database
        self.size = 0
        self.forgotten = 0
        self._effects = effects
        self._takes = takes  # the places that are looked at

    def feed(self, seq: int, at: int, tag: str, body: bytes | None) -> None:
        self.size = seq + 1
        if tag not in _TAGS:
            return
        if body is None:
            self.forgotten += tag == e.RunOpened.TAG
            return
        write = self.database.execute
        match codec.decode(tag, body):
            case e.WarrantIssued() as issued:
                write("insert or replace into warrants values (?, ?)", (issued.warrant, issued.fields))
            case e.RunOpened() as opened:
                self._opened(opened, at)
            case e.RunReported(run=run, outcome=outcome, receipt=packed) | e.RunReportedLate(run=run, outcome=outcome, receipt=packed):
                self._ended(run, outcome, at, packed)
            case e.RunUnknown(run=run):
                write("update runs set outcome = 'unknown', ended = ? where run = ? and outcome = 'open'", (at, run))
            case e.EffectSettled(run=run, happened=happened):
                write("update runs set outcome = ?, ended = ? where run = ?", ("succeeded" if happened else "failed", at, run))
            case _:
                pass

    def _opened(self, event: e.RunOpened, at: int) -> None:
        row = self.database.execute("select fields from warrants where warrant = ?", (event.warrant,)).fetchone()
        if row is None:
            self.forgotten += 1
            return
        terms = warrants.unpack_own(row[0])
        params: Mapping[str, object] = terms.params if event.params is None else event.params
        meant = self._effects.meant(terms.action, terms.resource, params, event.effect)
        if meant is not None and not self._takes(meant.place):
            return
        place, digest, absent = ("", "", False) if meant is None else (meant.place, meant.digest, meant.absent)
        self.database.execute(
            "insert or replace into runs values (?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?, 0)",
            (event.run, event.case, event.effect, terms.action, terms.resource, place, digest, absent, at, _OPEN),
        )

    def _ended(self, run: str, outcome: str, at: int, packed: bytes) -> None:
        told = receipts.unverified_unpack(packed)
        self.database.execute("update runs set outcome = ?, ended = ? where run = ?", (outcome, at, run))
        if outcome == "succeeded":
            self.database.execute("update runs set digest = ? where run = ? and digest = ?", (told.result_digest.hex(), run, RESULT))

    # -- looking up

    def select(self, where: str, *values: object) -> Iterator[Run]:
        """``where`` is this program's own text; whatever comes from elsewhere is among ``values``."""
        for row in self.database.execute(f"select * from runs where {where}", values):  # noqa: S608  # see above
            yield Run(*row)

    def match(self, run: Run) -> None:
        self.database.execute("update runs set matched = 1 where run = ?", (run.run,))

    def find(self, kind: str, about: str, expected: str, observed: str, run: str = "") -> None:
        self.database.execute("insert into findings values (null, ?, ?, ?, ?, ?)", (kind, about, expected, observed, run))

    def findings(self) -> Iterator[dict[str, str]]:
        """In the order they were found."""
        rows = self.database.execute("select kind, about, expected, observed, run from findings order by number")
        return (dict(zip(("kind", "about", "expected", "observed", "run"), row, strict=True)) for row in rows)

    def counts(self) -> dict[str, int]:
        return dict(self.database.execute("select kind, count(*) from findings group by kind order by kind"))


@contextmanager
def collecting(effects: Effects, takes: Callable[[str], bool] = lambda _: True) -> Iterator[Runs]:
    """A place for runs that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="vienna-reconcile-") as directory:
        database = sqlite3.connect(Path(directory) / "runs", isolation_level=None)
        try:
            database.executescript("pragma journal_mode = off; pragma synchronous = off;" + _SCHEMA)
            database.execute("begin")  # never ended: it is for this process alone
            yield Runs(database, effects, takes)
        finally:
            database.close()
