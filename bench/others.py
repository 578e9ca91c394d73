"""What other ways to a tamper-evident record do with batches of the same size, on the same disk, in the same run.

    sqlite     the standard library's, WAL, synchronous=FULL: rows of sequence, previous hash, body, hash; a bare hash chain
    pymerkle   PyPI's Merkle tree with its SQLite storage as it comes, the root asked for after each batch
    postgres   PostgreSQL, fsync and synchronous_commit on, over a Unix socket: the same chain in a table, one statement and
               one commit a batch; the chain is made by the client, which has to be the only one and to be trusted
    trigger    the same server, the chain made by it in a trigger, as an audit table has it whose writers are not trusted

Each keeps 200-byte bodies in the clear and signs nothing; the ledger seals each body, hashes a tree and an index, and signs
its checkpoint.  What is not installed is left out, and ``missing`` says so.  Each way gives an ``append(count)``.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from pwd import getpwnam
from typing import Any

BODY = os.urandom(200)
Append = Callable[[int], None]

_DEBIAN = Path("/usr/lib/postgresql/15/bin")  # Debian keeps initdb off the PATH
_UNPRIVILEGED = ("postgres", "nobody")  # PostgreSQL does not start as root


def missing() -> list[str]:
    """One line for each way that cannot be measured here."""
    lines = []
    if find_spec("pymerkle") is None:
        lines.append("pymerkle is left out: it is not installed (pip install pymerkle)")
    if _postgres() is None:
        lines.append("postgres is left out: no initdb on the PATH")
    elif find_spec("psycopg") is None:
        lines.append("postgres is left out: its client is not installed (pip install 'psycopg[binary]')")
    return lines


@contextmanager
def ways(place: Path) -> Iterator[dict[str, Append]]:
    """Every way that is installed, by its name, until the block is left."""
    found = {"sqlite": _sqlite(place / "chain.db")}
    if find_spec("pymerkle") is not None:
        found["pymerkle"] = _pymerkle(place / "pymerkle.db")
    if _postgres() is None or find_spec("psycopg") is None:
        yield found
    else:
        with _server(place / "postgres") as socket:
            yield found | {"postgres": _chained_table(socket), "trigger": _chaining_table(socket)}


class _Chain:
    """A hash chain, by the batch."""

    def __init__(self) -> None:
        self._next, self._hash = 0, bytes(32)

    def rows(self, count: int) -> list[tuple[int, bytes, bytes, bytes]]:
        """The next rows: sequence, previous hash, body, hash."""
        made = []
        for sequence in range(self._next, self._next + count):
            digest = sha256(self._hash + BODY).digest()
            made.append((sequence, self._hash, BODY, digest))
            self._hash = digest
        self._next += count
        return made


def _sqlite(path: Path) -> Append:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE chain (sequence INTEGER PRIMARY KEY, previous BLOB, body BLOB, hash BLOB)")
    chain = _Chain()

    def append(count: int) -> None:
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO chain VALUES (?, ?, ?, ?)", chain.rows(count))
        db.execute("COMMIT")

    return append


def _pymerkle(path: Path) -> Append:
    from pymerkle import SqliteTree  # type: ignore[import-not-found, unused-ignore]

    tree = SqliteTree(str(path))

    def append(count: int) -> None:
        if count == 1:
            tree.append_entry(BODY)
        else:
            tree.append_entries([BODY] * count)
        tree.get_state()

    return append


def _postgres() -> Path | None:
    found = shutil.which("initdb", path=f"{os.environ.get('PATH', '')}:{_DEBIAN}")
    return None if found is None else Path(found).resolve().parent


@contextmanager
def _server(place: Path) -> Iterator[Path]:
    """A cluster of its own in a directory of its own, that listens on a Unix socket there and nowhere else."""
    binaries = _postgres()
    assert binaries is not None
    place.mkdir()
    data, user = place / "data", None
    if os.geteuid() == 0:
        user = next(name for name in _UNPRIVILEGED if _exists(name))
        place.parent.chmod(0o711)  # a temporary directory is its maker's alone, and that user has to get through it
        shutil.chown(place, user)
    subprocess.run(
        [binaries / "initdb", "--no-locale", "-E", "UTF8", "-U", "bench", "-A", "trust", data],
        check=True,
        capture_output=True,
        user=user,
        cwd="/",
    )
    options = ["-k", str(place), "-c", "listen_addresses=", "-c", "fsync=on", "-c", "synchronous_commit=on"]
    server = subprocess.Popen([binaries / "postgres", "-D", data, *options], stderr=subprocess.PIPE, user=user, cwd="/", text=True)
    with server:
        assert server.stderr is not None
        for line in server.stderr:
            if "ready to accept connections" in line:
                break
        else:
            raise RuntimeError("PostgreSQL did not start")
        try:
            yield place
        finally:
            server.send_signal(signal.SIGINT)  # the fast shutdown: the other would wait for our own connection to end


def _exists(user: str) -> bool:
    try:
        getpwnam(user)
    except KeyError:
        return False
    return True


def _connected(socket: Path) -> Any:
    import psycopg  # type: ignore[import-not-found, unused-ignore]

    return psycopg.connect(host=str(socket), user="bench", dbname="postgres", autocommit=True)


def _chained_table(socket: Path) -> Append:
    db = _connected(socket)
    db.execute("CREATE TABLE chain (sequence bigint PRIMARY KEY, previous bytea NOT NULL, body bytea NOT NULL, hash bytea NOT NULL)")
    chain = _Chain()

    def append(count: int) -> None:
        columns = [list(column) for column in zip(*chain.rows(count), strict=True)]
        db.execute("INSERT INTO chain SELECT * FROM unnest(%b::bigint[], %b::bytea[], %b::bytea[], %b::bytea[])", columns, prepare=True)

    return append


def _chaining_table(socket: Path) -> Append:
    db = _connected(socket)
    db.execute("CREATE TABLE audit (sequence bigserial PRIMARY KEY, previous bytea NOT NULL, body bytea NOT NULL, hash bytea NOT NULL)")
    db.execute(
        """
        CREATE FUNCTION chain() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            SELECT hash INTO NEW.previous FROM audit ORDER BY sequence DESC LIMIT 1;
            NEW.previous := coalesce(NEW.previous, decode(repeat('00', 32), 'hex'));
            NEW.hash := sha256(NEW.previous || NEW.body);
            RETURN NEW;
        END $$
        """
    )
    db.execute("CREATE TRIGGER chained BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION chain()")

    def append(count: int) -> None:
        with db.transaction():
            db.execute("LOCK TABLE audit IN EXCLUSIVE MODE")  # one writer at a time, or two rows would follow the same one
            db.execute("INSERT INTO audit (body) SELECT unnest(%b::bytea[])", [[BODY] * count], prepare=True)

    return append
