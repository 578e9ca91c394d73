"""A function in a process of its own: what it found comes back, and its death is a finding as well.

Damaged pages of a memory map kill whoever reads them, and a test that dies of what it tests has found it, not failed.
The process is a fork, since a thousand starts of Python would be most of the time; the one that forks has one thread.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import signal
import traceback
from collections.abc import Callable
from typing import Any

import attrs

from vienna_runtime.selftest.errors import Broken


@attrs.frozen
class Apart:
    """A process that was started."""

    pid: int
    _answer: int

    def result(self) -> Any:
        """What the function returned; raises Broken for what it raised, and for its death."""
        code, text = self.ended()
        if code < 0:
            raise Broken(f"whoever reads it dies of {signal.Signals(-code).name}")
        found = json.loads(text)
        if "broken" in found:
            raise Broken(found["broken"])
        return found["value"]

    def kill(self) -> None:
        """End it now."""
        os.kill(self.pid, signal.SIGKILL)

    def ended(self) -> tuple[int, bytes]:
        """How it ended, below zero by a signal, and what it left to say."""
        with open(self._answer, "rb") as answer:
            text = answer.read()
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]), text


def start(function: Callable[[], object]) -> Apart:
    """Begin; the result, which JSON must be able to hold, is fetched later."""
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return Apart(pid, read)
    try:
        os.close(read)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # dying is expected,
        faulthandler.disable()  # and is reported once
        try:
            found: dict[str, object] = {"value": function()}
        except Broken as error:
            found = {"broken": str(error)}
        except BaseException:  # noqa: ASYNC103, BLE001  # nothing may return into the parent's program
            found = {"broken": traceback.format_exc()}
        data = json.dumps(found).encode()
        while data:
            data = data[os.write(write, data) :]
    finally:
        os._exit(0)


def run(function: Callable[[], object]) -> Any:
    """Begin and wait."""
    return start(function).result()
