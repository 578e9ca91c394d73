"""The tiers of risk."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

Tier: TypeAlias = Literal["T0", "T1", "T2"]
TIERS: Final[tuple[Tier, ...]] = ("T0", "T1", "T2")  # in rising order; the index is also the least number of approvers
