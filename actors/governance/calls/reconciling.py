"""Calls about findings of reconciliation."""

from __future__ import annotations

from .. import commands as c
from ..kinds import ADMIN, EXECUTOR, VERIFIER
from ..wire_fields import Absent, Flag, Map, Number, Text
from .call import DIGEST, READERS, REASON, RUN, SIGNATURE, SIGNED, call

ROWS = (
    call(
        "reconcile.list", READERS, c.ListFindings, "the findings that are open, the gravest first; with `everything` all, newest first",
        everything=Flag(default=False), before=Absent(Number(0)), limit=Number(1, 200, default=50),
    ),
    call("reconcile.show", READERS, c.ShowFinding, "one finding, and what came of it", finding=RUN),
    call("reconcile.resolve", frozenset({ADMIN}), c.ResolveFinding, "closes a finding with a reason", finding=RUN, reason=REASON),
    call(
        "reconcile.evidence",
        frozenset({ADMIN, VERIFIER}),  # no auditor: they write nothing, and compare for themselves
        c.BringEvidence,
        "records what came of comparing something from outside with the log: findings, and never authority",
        source=Text(40), digest=DIGEST, records=Number(0), matched=Number(0), unmapped=Number(0), since=Number(0), until=Number(0),
        size=Number(0), total=Number(0), begin=Number(0), findings=Map(),
    ),
    call(
        "executor.inventory", frozenset({EXECUTOR}), c.TakeStock, "says which receipts an executor has made; answers which are wanted",
        statement=SIGNED, signature=SIGNATURE,
    ),
    call(
        "reconcile.run", frozenset({ADMIN}), c.RunReconciliation,
        "compares the state with the ledger, and reservations with warrants, now; answers when that is done",
    ),
)  # fmt: skip
