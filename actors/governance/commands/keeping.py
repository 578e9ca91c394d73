"""What is asked about keeping and forgetting."""

from __future__ import annotations

import attrs


@attrs.frozen
class PlaceHold:
    scope: str
    reason: str


@attrs.frozen
class ReleaseHold:
    hold: str
    reason: str
    key: str


@attrs.frozen
class RunRetention:
    """Let the bodies go whose retention is over."""

    key: str


@attrs.frozen
class Erase:
    """Let bodies go before their time."""

    what: tuple[str, ...]
    reason: str
    key: str
