"""The one value that a SELECT finds in a database, by DB-API.

[checks.sql]
kind = "sql"
params = { "verify.order" = "text" }
resource = "order/{verify.order}"
database = "/var/lib/shop/shop.db"     # sqlite, opened read-only; or:
module = "psycopg"                     # any DB-API module, by name
dsn_file = "shop.dsn"                  # what its connect() is called with; use a role that can only read
statement = "SELECT state FROM orders WHERE id = :order"
bind = { order = "verify.order" }      # always bound, never put into the text
expected = { literal = "shipped" }

The statement is the configuration's and one single SELECT, or the file does not load.  It runs in a process of its own, so that one
that hangs or fills the memory is killed.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import attrs
import trio

from vienna_runtime.executors.errors import NotStarted, ValueRefused
from vienna_runtime.executors.settings import Table
from vienna_runtime.executors.subject import Subject
from vienna_runtime.verifiers import expect
from vienna_runtime.verifiers.observe import Absent, Expectation, Source, Value

_SELECT = re.compile(r"\s*SELECT\b[^;]*;?\s*", re.IGNORECASE)
_WRITES = re.compile(
    r"\b(INTO|INSERT|UPDATE|DELETE|REPLACE|ATTACH|DETACH|PRAGMA|DROP|ALTER|CREATE|CALL|COPY|LOAD_EXTENSION)\b", re.IGNORECASE
)
_QUERY = Path(__file__).with_name("sql_query.py")
_MOST_ANSWER = 64 << 10  # bytes: one value is looked at


@attrs.frozen(kw_only=True)
class Sql:
    subject: Subject
    source: Source
    module: str
    database: str = attrs.field(repr=False)  # a path, or the words that connect() takes
    statement: str
    bind: Mapping[str, str]
    timeout: float

    def expected(self, expectation: Expectation) -> Value:
        value = expect.resolve(self.source, expectation)
        return value if isinstance(value, int) and not isinstance(value, bool) else expect.text(value)

    async def look(self, expectation: Expectation) -> Value:
        expectation.values(self.subject)
        bound = {name: expectation.params.get(param) for name, param in self.bind.items()}
        if any(not isinstance(value, str | int) for value in bound.values()):
            raise ValueRefused("a value that the statement is bound to is missing, or is neither text nor integer")
        asked = {"module": self.module, "database": self.database, "statement": self.statement, "bind": bound}
        ran = None
        with trio.move_on_after(self.timeout):
            ran = await trio.run_process(
                [sys.executable, "-I", str(_QUERY)],
                stdin=json.dumps(asked).encode(), capture_stdout=True, capture_stderr=True, check=False,
            )  # fmt: skip
        if ran is None:
            raise NotStarted(f"the database did not answer within {self.timeout:g} s")
        if ran.returncode or len(ran.stdout) > _MOST_ANSWER:
            raise NotStarted(f"the database did not answer: {ran.stderr[-200:].decode(errors='replace').strip()}")
        match json.loads(ran.stdout):
            case []:
                return Absent()
            case [str() | int() as value] if not isinstance(value, bool):
                return value
            case _:
                raise NotStarted("the statement does not find one text or integer")


def sql(table: Table, subject: Subject) -> Sql:
    module = table.text("module", "sqlite3")
    if importlib.util.find_spec(module) is None:
        raise table.invalid("module", f"is {module!r}, which is not installed here")
    statement = table.text("statement")
    if not _SELECT.fullmatch(statement) or "--" in statement or "/*" in statement or _WRITES.search(statement):
        raise table.invalid("statement", "is not one single SELECT; a verifier only reads")
    bind = {str(name): str(param) for name, param in table.mapping("bind", {}).items()}
    for param in bind.values():
        if param not in subject.declared:
            raise table.invalid("bind", f"uses {param!r}, which params does not declare")
    database = table.directory("database") if module == "sqlite3" else table.secret("dsn_file", most=8192)
    if not database:
        raise table.invalid("dsn_file", "is missing, expected the name of a file with what connect() is called with")
    return Sql(
        subject=subject,
        source=expect.source(table, subject.declared, None),
        module=module,
        database=database,
        statement=statement,
        bind=bind,
        timeout=table.duration("timeout", "10s"),
    )
