"""A node whose wall clock somebody sets: ``CLOCK_FILE`` holds by how many microseconds it is wrong at the moment.

It is served by the product's own command; only the reading of the wall clock is another.
"""

from __future__ import annotations

import os
from pathlib import Path

from actors.kernel import SystemClock
from vienna_runtime.cli import serve

FILE = Path(os.environ["CLOCK_FILE"])
RIGHT = SystemClock.wall


def wall(clock: SystemClock) -> int:
    return RIGHT(clock) + int(FILE.read_text() or "0")


SystemClock.wall = wall  # type: ignore[method-assign]  # on the class, so that whoever makes a clock makes this one
serve.serve()
