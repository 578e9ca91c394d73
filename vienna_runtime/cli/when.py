"""A moment on the command line: a date, or how long ago."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import click

from actors.governance import units
from actors.governance.finding import Malformed


class When(click.ParamType[int]):
    """µs since 1970."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        ago = units.duration(value)
        if not isinstance(ago, Malformed):
            return time.time_ns() // 1000 - int(ago)
        try:
            when = dt.datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is neither a date as in 2026-11-01 or 2026-11-01T08:00, nor how long ago as in 30d", param, ctx)
        return int((when if when.tzinfo else when.replace(tzinfo=dt.UTC)).timestamp() * 1_000_000)


WHEN = When()
