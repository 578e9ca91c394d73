"""What is asked about a candidate that runs beside the bundle in force."""

from __future__ import annotations

import attrs


@attrs.frozen
class StartShadow:
    bundle: bytes


@attrs.frozen
class StopShadow:
    pass
