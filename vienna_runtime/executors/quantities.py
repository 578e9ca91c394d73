"""Reads durations and sizes as people write them, exactly, and refuses anything else."""

from __future__ import annotations

import re

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_BYTES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}  # no "KB": it means two things
_WRITTEN = re.compile(r"(0|[1-9][0-9]{0,8})([A-Za-z]+)", re.ASCII)


def seconds(written: str) -> float:
    """``"30s"`` as seconds.  Raises ``ValueError`` with the form that is expected."""
    expected = 'a duration such as "500ms", "30s", "5m" or "1h"'
    if (read := _read(written, _SECONDS, expected)) == 0:
        raise ValueError(f"is {written!r}, which is no time at all; expected {expected}")
    return read


def octets(written: str) -> int:
    """``"64KiB"`` as bytes.  Raises ``ValueError`` with the form that is expected."""
    return int(_read(written, _BYTES, 'a size such as "512B", "64KiB", "16MiB" or "2GiB"'))


def _read(written: str, units: dict[str, float] | dict[str, int], expected: str) -> float:
    match = _WRITTEN.fullmatch(written)
    if match is None or match[2] not in units:
        raise ValueError(f"is {written!r}, expected {expected}")
    return int(match[1]) * units[match[2]]
