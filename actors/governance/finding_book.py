"""What reconciliation has found and nobody has resolved, as the state remembers it; see reconciling.py."""

from __future__ import annotations

import attrs

from .ids import Instant


@attrs.frozen
class Finding:
    finding: str
    kind: str
    severity: str
    about: str
    since: Instant


@attrs.define
class Findings:
    open: dict[str, Finding] = attrs.Factory(dict)  # by kind and what they are about; at most reconciling.MOST_OPEN
    lost: bool = False  # whether more were found than these since the last was resolved
    last: int | None = None  # sequence number of the newest
