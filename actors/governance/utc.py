"""An instant as people read it everywhere."""

from __future__ import annotations

import datetime as dt

from .ids import Instant


def utc(at: Instant) -> str:
    return (dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=at)).strftime("%Y-%m-%d %H:%M:%S UTC")
