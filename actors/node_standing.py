"""What the whole node permits at present, read by every tenant before it grants."""

from __future__ import annotations

import attrs

SCOPE = "node"


@attrs.define
class NodeStanding:
    """Owned and changed by the supervisor; ``epoch`` travels with every grant, so that a trip in between is noticed."""

    closed: str = ""  # why nothing is granted, or empty
    epoch: int = 0
