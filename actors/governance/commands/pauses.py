"""The kill switch, and what somebody has heard of."""

from __future__ import annotations

import attrs


@attrs.frozen
class Pause:
    scope: str
    reason: str


@attrs.frozen
class Resume:
    scope: str
    reason: str
    key: str


@attrs.frozen
class AcknowledgeAlert:
    alert: int
    note: str


@attrs.frozen
class TailAlerts:
    credit: int
    start: int | None = None
    follow: bool = True
