"""A node whose wall clock somebody sets: ``CLOCK_FILE`` holds by how many microseconds it is wrong at the moment.

It is served by the product's own command; only the reading of the wall clock is another.
"""

from __future__ import annotations

import os
from pathlib import Path

from actors.kernel import SystemClock
from vienna_runtime import node
from vienna_runtime.cli import serve

FILE = Path(os.environ["CLOCK_FILE"])


class OddClock(SystemClock):
    def wall(self) -> int:
        return super().wall() + int(FILE.read_text() or "0")


node.SystemClock = OddClock  # type: ignore[misc]
serve.serve()
