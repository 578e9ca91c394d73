"""Times, durations, amounts and outcomes as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

from actors.governance.params import unscale
from actors.governance.units import MICRO_PLACES
from vienna_runtime.outcomes import ENDS, GOOD_ENDS

_STYLES = {"held": "yellow", "warranted": "cyan", "running": "cyan", "reported": "cyan", "inconclusive": "yellow", "unknown": "yellow"}


def clock(micros: int) -> str:
    """``2026-11-22 20:04:20`` UTC."""
    return f"{_moment(micros):%Y-%m-%d %H:%M:%S}"


def time_of_day(micros: int) -> str:
    """``20:04:20.123`` UTC."""
    return f"{_moment(micros):%H:%M:%S}.{micros // 1000 % 1000:03d}"


def lasting(micros: int) -> str:
    """``1d 2h``, ``5m 30s``, ``250ms``: the two largest units."""
    if micros < 1_000_000:
        return f"{micros // 1000}ms"
    left, parts = micros // 1_000_000, []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        if left >= size:
            parts.append(f"{left // size}{unit}")
            left %= size
    return " ".join(parts[:2])


def until(micros: int, now: int) -> str:
    """``in 5m 30s``, or that it is over."""
    return f"in {lasting(micros - now)}" if micros > now else f"over since {clock(micros)}"


def money(micros: int | None) -> str:
    """``12.5``: micro-units as the amount they are, without closing zeros."""
    if micros is None:
        return "none"
    whole = unscale(micros, MICRO_PLACES)
    return whole.rstrip("0").rstrip(".") if "." in whole else whole


def counted(number: int, thing: str, things: str = "") -> str:
    """``1 use``, ``3 uses``."""
    return f"{number} {thing if number == 1 else things or thing + 's'}"


def outcome_style(outcome: str) -> str:
    """The colour of an outcome."""
    if outcome in GOOD_ENDS:
        return "green"
    return _STYLES.get(outcome, "red" if outcome in ENDS else "")


def _moment(micros: int) -> datetime:
    try:
        return datetime.fromtimestamp(micros // 1_000_000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
