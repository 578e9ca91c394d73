"""What a killed executor left running is found by its mark and ended, and nothing else is."""

from __future__ import annotations

import os
import subprocess

from vienna_runtime.executors import leftovers
from vienna_runtime.executors.session import MARK


def sleeper(**environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "60"], env={"PATH": os.environ["PATH"], **environment}, start_new_session=True)


def test_only_what_carries_the_mark_is_ended() -> None:
    with sleeper(**{MARK: "e1"}) as marked, sleeper(**{MARK: "e1"}) as again, sleeper(**{MARK: "e11"}) as other, sleeper() as unmarked:
        try:
            assert leftovers.end("e1") == 2
            assert (marked.wait(5), again.wait(5)) == (-9, -9)
            assert leftovers.end("e1") == 0
            assert (other.poll(), unmarked.poll()) == (None, None)
        finally:
            other.kill()
            unmarked.kill()
