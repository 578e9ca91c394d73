"""What date witnesses confirm: a signed time of theirs is a moment that has been, whatever the node's clock says.

It is the newest time by which a quorum of the policy's witnesses had cosigned a checkpoint of the log, or of the node's own
log: it is the date that is asked for, not what was signed.  Without witnesses it is 1970, by which nothing is over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from actors.governance.ids import SECOND, Instant
from ledger import NODE, Ledger, VerificationError, VerifierKey
from ledger.witness_policy import NONE, Policy

log = structlog.get_logger(__name__)

NEVER = Instant(0)


def confirmed_by(policy: Policy | None, ledger: Ledger, tenant: str, keys_of: Callable[[str], Sequence[VerifierKey]]) -> Instant:
    """The newest confirmed moment for a tenant's log.  ``keys_of``: what checks a log's checkpoints.

    A policy that asks for nobody's cosignature confirms nothing.
    """
    if policy is None or policy.quorum == NONE:
        return NEVER
    return max(_of_log(policy, ledger, name, keys_of(name)) for name in (NODE, tenant))


def _of_log(policy: Policy, ledger: Ledger, name: str, keys: Sequence[VerifierKey]) -> Instant:
    note = ledger.witnessed(name)
    if note is None:
        return NEVER
    try:
        times = policy.require(note, keys).times
    except VerificationError as error:
        log.info("a cosigned checkpoint confirms no date", log=name, why=str(error))
        return NEVER
    for _, second in sorted(times, key=lambda seen: seen[1], reverse=True):
        if policy.has_quorum({witness for witness, at in times if at >= second}):
            return Instant(second * SECOND)
    return NEVER
