"""What is asked about canaries."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ..canonical import Value


@attrs.frozen
class ProposeCanary:
    whose: str  # the agent in whose name
    action: str
    resource: str
    params: Mapping[str, Value]
    purpose: str
    reason: str
    key: str  # of the command; the case's own is made by the node
    cost: int = 0
    deadline: int | None = None
