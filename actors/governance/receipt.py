"""What an executor signs when it is done, and what it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import cast

import attrs

from . import canonical
from .canonical import Value
from .ids import Cost, Instant, RunId, WarrantId
from .warrant import Warrant

FIELDS = ("warrant", "run", "started", "ended", "outcome", "action", "resource", "args_digest", "cost", "result_digest", "evidence")
_KINDS: canonical.Kinds = {
    "warrant": str,
    "run": str,
    "started": int,
    "ended": int,
    "outcome": str,
    "action": str,
    "resource": str,
    "args_digest": bytes,
    "cost": int,
    "result_digest": bytes,
    "evidence": dict,
}
LATELY = 16  # receipts remembered as read: the one just looked at, and a few for other tenants' sake
OUTCOMES = ("succeeded", "failed", "unknown")


@attrs.frozen
class Receipt:
    """What was really done, in the executor's own words."""

    warrant: WarrantId
    run: RunId
    started: Instant
    ended: Instant
    outcome: str
    action: str
    resource: str
    args_digest: bytes
    cost: Cost
    result_digest: bytes
    evidence: Mapping[str, Value]


def pack(receipt: Receipt) -> bytes:
    return canonical.pack_fields([(name, getattr(receipt, name)) for name in FIELDS])


@lru_cache(maxsize=LATELY)
def unverified_unpack(packed: bytes) -> Receipt:
    """The receipt as it stands, nothing checked but its form; raises ``NotCanonical``.  Remembered: it is read to look its run up,
    and again to be judged."""
    fields = canonical.unpack_typed(packed, FIELDS, _KINDS)
    if fields["outcome"] not in OUTCOMES:
        raise canonical.NotCanonical("the outcome is none of " + ", ".join(OUTCOMES))
    return Receipt(**cast("dict[str, object]", fields))  # type: ignore[arg-type]  # names and kinds were checked


Check = tuple[str, str, str, bool]  # name, expected, observed, agrees


def compare(receipt: Receipt, warrant: Warrant, args: bytes, *, opened: Instant) -> tuple[Check, ...]:
    """Words against words: did the executor, by its own account, do what was allowed, and not before its run was ``opened``?

    The checks that disagree, or one that says that all agree.
    """
    disagreements = [
        check
        for check in (
            ("action", warrant.action, receipt.action, warrant.action == receipt.action),
            ("resource", warrant.resource, receipt.resource, warrant.resource == receipt.resource),
            ("arguments", args.hex(), receipt.args_digest.hex(), args == receipt.args_digest),
            ("order", "started before it ended", f"{receipt.started}..{receipt.ended}", receipt.started <= receipt.ended),
            ("window", f"{opened}..{warrant.expires_at}", str(receipt.started), _within(receipt, warrant, opened)),
            (
                "cost",
                _cap(warrant),
                str(receipt.cost),
                receipt.cost >= 0 and (warrant.cost_cap is None or receipt.cost <= warrant.cost_cap),
            ),
        )
        if not check[3]
    ]
    return tuple(disagreements) or (("receipt", "as warranted", "as warranted", True),)


CLOCK_ALLOWANCE = 60_000_000  # µs: times that others sign are evidence within ±60 s of legal time


def _within(receipt: Receipt, warrant: Warrant, opened: Instant) -> bool:
    return opened - CLOCK_ALLOWANCE <= receipt.started <= warrant.expires_at + CLOCK_ALLOWANCE


def _cap(warrant: Warrant) -> str:
    return "at least 0" if warrant.cost_cap is None else f"at most {warrant.cost_cap}"
