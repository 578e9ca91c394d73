"""Asks a database one question, in a process of its own, run by its path: the question comes on stdin.

Answers with a JSON list: empty where no row was found, else the first column of the one row.
"""

from __future__ import annotations

import importlib
import json
import resource
import sqlite3
import sys
from urllib.parse import quote

_MEMORY = 1 << 30  # bytes


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    asked = json.load(sys.stdin)
    if asked["module"] == "sqlite3":
        connection = sqlite3.connect(f"file:{quote(asked['database'])}?mode=ro", uri=True)
        connection.execute("PRAGMA query_only = ON")
    else:
        connection = importlib.import_module(asked["module"]).connect(asked["database"])
    try:
        cursor = connection.cursor()
        cursor.execute(asked["statement"], asked["bind"])
        rows = cursor.fetchmany(2)
        connection.rollback()
    finally:
        connection.close()
    if len(rows) > 1:
        sys.exit("the statement finds several rows, and one is expected")
    json.dump([rows[0][0]] if rows else [], sys.stdout)


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # noqa: BLE001  # whatever a driver raises: said in one line, for the row of the attestation
        sys.exit(f"{type(error).__name__}: {str(error)[:150]}")
