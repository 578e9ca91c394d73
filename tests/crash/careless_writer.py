"""The self-test's writer on a disk that is told to be quick instead of careful: what the explorer must find out.

python careless_writer.py WAY DIRECTORY SEED COMMITS DESCRIPTOR
"""

from __future__ import annotations

import sys
from typing import Any

import lmdb

from ledger import Ledger, directory, medium
from vienna_runtime.selftest import writing

_open = lmdb.open


def no_metasync(*arguments: Any, **options: Any) -> Any:
    return _open(*arguments, **{**options, "metasync": False})


def no_sync(*arguments: Any, **options: Any) -> Any:
    return _open(*arguments, **{**options, "sync": False})


WAYS = {"no metasync": no_metasync, "no sync": no_sync}

if __name__ == "__main__":
    way = sys.argv[1]
    if way in WAYS:
        setattr(lmdb, "open", WAYS[way])  # noqa: B010  # to mypy it is a class
    elif way == "trusting":
        Ledger._check_writable = lambda self: None  # type: ignore[method-assign]  # goes on after a failed commit
    elif way == "no names":
        for module in (directory, medium):
            setattr(module, "settle", lambda path: None)  # noqa: B010  # likewise
    else:
        raise SystemExit(f"no such way: {way}")
    sys.exit(writing.main(sys.argv[2:]))
