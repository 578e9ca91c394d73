"""What a policy demands of a log that was verified: a quorum's cosignatures, and how much of the log lies beyond them."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from ledger import VerificationError, VerifierKey
from ledger.witness_policy import Policy


@attrs.frozen(kw_only=True)
class Covered:
    """A quorum has cosigned the log at this size."""

    log: str
    size: int
    beyond: int  # entries that came after: durable, and not witnessed yet
    times: tuple[tuple[str, int], ...]  # by the policy's name of a witness, the second it names

    def plain(self) -> dict[str, object]:
        """For programs."""
        return {"log": self.log, "size": self.size, "beyond": self.beyond, "times": dict(self.times)}


def demand(policy: Policy, log: str, note: bytes, keys: Sequence[VerifierKey], size: int) -> Covered | None:
    """How far a quorum has cosigned a log of ``size`` entries; None for a log that the policy does not speak about.

    ``note`` is its newest cosigned checkpoint, empty where there is none; it was held against the tree before.  Raises
    VerificationError where the policy is not met.
    """
    if not any(policy.speaks_about(key.name) for key in keys):
        return None
    if not note:
        raise VerificationError("no checkpoint that witnesses have cosigned is kept, and the policy demands one", log=log)
    try:
        seen = policy.require(note, keys)
    except VerificationError as error:
        raise VerificationError(f"the witnesses: {error.what}", log=log) from None
    return Covered(log=log, size=seen.checkpoint.size, beyond=size - seen.checkpoint.size, times=seen.times)
