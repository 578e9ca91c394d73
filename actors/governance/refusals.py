"""Every "no" the law can give, as a value: a code for machines and a sentence for people.

A refusal that would tell one tenant about another's things, or a stranger whether something exists, is always
``UNKNOWN``: the same code and the same sentence whether the thing is absent or out of reach.
"""

from __future__ import annotations

from enum import Enum

import attrs


class Code(Enum):
    """What was wrong.  The value is the wire's ``code``; codes are never reused."""

    MALFORMED = "malformed"  # a field is missing, extra, mistyped or beyond its limit
    NOT_ALLOWED = "not_allowed"  # this kind of principal may not ask this
    UNKNOWN = "unknown"  # no such thing, for you
    KEY_REUSED = "key_reused"  # same idempotency key, other content
    PAUSED = "paused"  # somebody has stopped the agent, the tenant or the node
    READ_ONLY = "read_only"  # the node cannot write at present
    BUSY = "busy"  # a queue is full
    RATE_LIMITED = "rate_limited"  # asked more often than the tenant's bundle allows; nothing was decided
    CLOCK_IN_DOUBT = "clock_in_doubt"  # grants and redemptions wait until the clocks agree
    NO_POLICY = "no_policy"  # no bundle is active
    BREAKER_OPEN = "breaker_open"
    BUDGET_EXCEEDED = "budget_exceeded"  # it could cost, or be, more than a budget has left
    EFFECT_BLOCKED = "effect_blocked"  # an earlier run of the same effect has an unknown outcome
    # approvals
    NOT_HELD = "not_held"  # the case is not waiting for approval
    SIGNATURE_INVALID = "signature_invalid"
    STATEMENT_MISMATCH = "statement_mismatch"  # what was signed is not what is asked
    SELF_APPROVAL = "self_approval"
    NO_SEAT = "no_seat"  # no seat of the quorum is open to this person
    ALREADY_VOTED = "already_voted"
    TOO_MANY = "too_many"  # as many as there may be exist already
    TOO_SOON = "too_soon"  # policy gives a card a time to be read, and it is not over
    TIME_SKEWED = "time_skewed"  # a signed time more than 60 s from legal time
    # warrants
    WARRANT_FORGED = "warrant_forged"  # signature or MAC does not match the fields
    WARRANT_OVER = "warrant_over"  # expired, revoked, used up or of an older epoch
    NOT_YOURS = "not_yours"  # addressed to another executor
    CHAIN_INVALID = "chain_invalid"  # a link widens, belongs elsewhere, is over or is not signed by the holder before it
    OUT_OF_SCOPE = "out_of_scope"  # arguments are not what the warrant covers
    POLICY_FORBIDS = "policy_forbids"  # asked again at redemption, policy said no
    STALE = "stale"  # the target changed since the decision
    NOT_WITNESSED = "not_witnessed"  # it is durable, and no quorum of witnesses has cosigned it yet
    RUN_REUSED = "run_reused"  # the run id was used for something else
    # reports and attestations
    RUN_CLOSED = "run_closed"
    TOO_EARLY = "too_early"  # it cannot be seen yet: somebody may still be acting
    # membership
    NAME_TAKEN = "name_taken"
    INVITATION_OVER = "invitation_over"
    KEY_UNSOUND = "key_unsound"
    FINGERPRINT_DIFFERS = "fingerprint_differs"
    ALREADY_SEALED = "already_sealed"
    TOO_FEW_PERSONS = "too_few_persons"
    LAST_ONE = "last_one"  # would leave the tenant without admin or quorum
    BUNDLE_INVALID = "bundle_invalid"
    TOO_LARGE = "too_large"  # the intent is larger than a case keeps, or the answer than a message holds
    ON_HOLD = "on_hold"  # a legal hold keeps it
    REMOVED = "removed"  # retention or an erasure has removed what this rests on
    QUARANTINED = "quarantined"  # an actor fell over exactly this twice; it is not looked at any more
    FROZEN = "frozen"  # the tenant's log could not be read and it only answers reads


@attrs.frozen
class Refusal:
    """The answer no.  ``evidence`` says whether it belongs on the ledger."""

    code: Code
    why: str
    retry_after: int | None = None  # milliseconds
    about: str = ""  # the id that was named, for the record
    detail: tuple[str, ...] = ()


def unknown(what: str, about: str = "") -> Refusal:
    """The same words whether ``what`` does not exist or belongs to somebody else."""
    return Refusal(Code.UNKNOWN, f"there is no such {what} for you", about=about)
