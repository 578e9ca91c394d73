"""What reconciliation finds: where the ledger, the state, the executors and the world say different things."""

from __future__ import annotations

from typing import ClassVar

import attrs

from ..ids import Instant


@attrs.frozen
class FindingOpened:
    """Two accounts of the same thing differ.  Found again it makes no second entry until it is resolved."""

    TAG: ClassVar[str] = "reconcile.found/1"
    finding: str
    kind: str  # see reconciling.KINDS
    severity: str  # critical | warning | notice
    about: str  # what the accounts are of; with the kind it tells one finding from another
    expected: str
    observed: str
    resolution: str  # automatic: the law resolves it when it is over | by hand
    source: str  # law, executor:NAME, or evidence: and the digest of what was brought, in hex
    by: str  # who brought it: law, or a member
    previous: int | None  # sequence number of the finding before this one: the list is a chain


@attrs.frozen
class FindingResolved:
    TAG: ClassVar[str] = "reconcile.resolved/1"
    finding: str
    by: str  # law, or a member
    reason: str


@attrs.frozen
class FindingsOverflowed:
    """As many are open as are remembered: what is found from here on is counted, and not listed, until some are resolved."""

    TAG: ClassVar[str] = "reconcile.overflowed/1"
    open: int
    kind: str  # of the first that found no room
    about: str


@attrs.frozen
class InventoryTaken:
    """An executor told, signed, which receipts it has made; entered where it says anything new."""

    TAG: ClassVar[str] = "executor.inventory/1"
    executor: str
    journal: str
    counter: int
    upto: int  # every receipt up to here is accounted for
    statement: bytes  # canonical bytes, see inventory.py
    signature: bytes


@attrs.frozen
class EvidenceCompared:
    """What somebody brought from outside was compared with the log.  It creates findings and never authority."""

    TAG: ClassVar[str] = "reconcile.compared/1"
    source: str  # git, directory, access log, records
    digest: bytes  # of what was brought
    records: int
    matched: int
    unmapped: int  # records of things that no action stands for
    since: Instant
    until: Instant
    size: int  # entries of the log that it was compared with
    findings: int
    by: str
    person: str
