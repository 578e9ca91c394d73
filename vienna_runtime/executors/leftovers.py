"""Ends what an earlier life of this executor left running: nothing goes on working behind an outcome called unknown.

A SIGKILL of the executor does not reach its commands, which lead sessions of their own.  They are known by the mark in
their environment (``session.MARK``), the effect's id.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from vienna_runtime.executors.session import MARK

_ROUNDS = 50  # a fork between two looks is found by the next; a command whose children outrun fifty looks is a fork bomb


def end(effect_id: str) -> int:
    """Kill every process of ours that carries this effect's mark; how many there were.  Blocks for milliseconds."""
    mark = f"{MARK}={effect_id}".encode()
    killed: set[int] = set()
    for _ in range(_ROUNDS):
        found = {pid for pid in _ours() if pid not in killed and _carries(pid, mark)}
        if not found:
            break
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        killed |= found
    return len(killed)


def _ours() -> list[int]:
    return [pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if pid != os.getpid()]


def _carries(pid: int, mark: bytes) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as environ:
            return mark in environ.read().split(b"\0")
    except OSError:  # it is gone, or not ours to look at
        return False
