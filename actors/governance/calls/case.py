"""Calls about one case."""

from __future__ import annotations

from .. import commands as c
from .. import links
from ..kinds import ADMIN, AGENT, APPROVER, EXECUTOR, VERIFIER
from ..wire_fields import Absent, Bytes, Flag, Map, Number, Text
from .call import CASE, DIGEST, KEY, REASON, RUN, SIGNATURE, SIGNED, call

ROWS = (
    call(
        "propose",
        frozenset({AGENT}),
        c.Propose,
        "proposes an intent; with `run`, also redeems the warrant of a T0 case addressed to the agent itself",
        action=Text(128),
        resource=Text(512),
        params=Map(),
        purpose=Text(4096),
        key=KEY,
        cost=Number(0, default=0),
        state_digest=Absent(DIGEST),
        parent=Absent(CASE),
        deadline=Absent(Number(0)),
        run=Absent(RUN),
    ),
    call("case.cancel", frozenset({AGENT, ADMIN}), c.Cancel, "withdraws a case that is waiting for approval", case=CASE, reason=REASON),
    call(
        "redeem",
        frozenset({AGENT, EXECUTOR}),
        c.Redeem,
        "burns one use of a warrant and opens a run, before anything acts",
        warrant=SIGNED,
        signature=SIGNATURE,
        mac=DIGEST,
        run=RUN,
        args_digest=DIGEST,
        state_digest=Absent(DIGEST),
        params=Absent(Map()),
        chain=Absent(Bytes(1, links.LARGEST)),
        use=Number(1, 1_000, default=1),
    ),
    call(
        "report",
        frozenset({AGENT, EXECUTOR}),
        c.Report,
        "hands in the signed receipt of a run",
        urgent=True,
        receipt=SIGNED,
        signature=SIGNATURE,
    ),
    call(
        "approval.open",
        frozenset({APPROVER, ADMIN}),
        c.OpenCard,
        "records that a held case's card is shown to whoever asks: from here its time for reading counts",
        case=CASE,
    ),
    call(
        "approve",
        frozenset({APPROVER, ADMIN}),
        c.Vote,
        "approves a held case by a signed statement over its card",
        fixed={"decision": "approve"},
        statement=SIGNED,
        signature=SIGNATURE,
    ),
    call(
        "deny",
        frozenset({APPROVER, ADMIN}),
        c.Vote,
        "denies a held case, for good",
        urgent=True,
        fixed={"decision": "deny"},
        statement=SIGNED,
        signature=SIGNATURE,
    ),
    call(
        "attest",
        frozenset({VERIFIER}),
        c.Attest,
        "says what was observed at the target",
        urgent=True,
        attestation=SIGNED,
        signature=SIGNATURE,
    ),
    call(
        "probe",
        frozenset({VERIFIER}),
        c.Probe,
        "says whether the effect of a run of unknown outcome is there",
        urgent=True,
        statement=SIGNED,
        signature=SIGNATURE,
    ),
    call(
        "effect.settle",
        frozenset({ADMIN, APPROVER}),
        c.SettleEffect,
        "says whether an effect of unknown outcome happened",
        run=RUN,
        happened=Flag(),
        reason=REASON,
    ),
)
