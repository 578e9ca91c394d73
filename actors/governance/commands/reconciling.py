"""What is asked of reconciliation."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ..canonical import Value


@attrs.frozen
class ResolveFinding:
    finding: str
    reason: str


@attrs.frozen
class BringEvidence:
    """What came of comparing something from outside with the log, page by page; ``begin`` counts the findings before this page."""

    source: str
    digest: bytes
    records: int
    matched: int
    unmapped: int
    since: int
    until: int
    size: int
    total: int
    begin: int
    findings: Mapping[str, Value]


@attrs.frozen
class TakeStock:
    statement: bytes
    signature: bytes


@attrs.frozen
class ListFindings:
    everything: bool = False
    before: int | None = None
    limit: int = 50


@attrs.frozen
class ShowFinding:
    finding: str


@attrs.frozen
class RunReconciliation:
    """Compare now what is otherwise compared on a schedule."""
