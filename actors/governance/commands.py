"""What may be asked of a tenant, as values.

A command's fields are the wire's fields, by name; ``calls.py`` says their limits and who may ask.  Who asks is never among
them: authority comes from the authenticated connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import attrs

from .canonical import Value


@attrs.frozen
class Propose:
    action: str
    resource: str
    params: Mapping[str, Value]
    purpose: str
    key: str
    cost: int = 0
    state_digest: bytes | None = None
    parent: str | None = None
    deadline: int | None = None
    run: str | None = None  # propose and redeem in one: the run's id


@attrs.frozen
class Cancel:
    case: str
    reason: str


@attrs.frozen
class Redeem:
    warrant: bytes
    signature: bytes
    mac: bytes
    run: str
    args_digest: bytes
    state_digest: bytes | None = None


@attrs.frozen
class Report:
    receipt: bytes
    signature: bytes


@attrs.frozen
class Vote:
    """``approve`` and ``deny``: the statement itself says which, and both calls refuse the other's."""

    decision: str
    statement: bytes
    signature: bytes


@attrs.frozen
class Attest:
    attestation: bytes
    signature: bytes


@attrs.frozen
class Invite:
    member: str
    kind: str
    person: str
    roles: tuple[str, ...]
    invitation: str
    token_hash: bytes
    expires_at: int
    key: str
    owner: str | None = None


@attrs.frozen
class Enrol:
    public_key: bytes
    key_id: str
    key_hash: bytes
    proof: bytes


@attrs.frozen
class Confirm:
    member: str
    fingerprint: str
    key: str


@attrs.frozen
class RevokeMember:
    member: str
    reason: str
    key: str


@attrs.frozen
class PushBundle:
    files: Mapping[str, Value]


@attrs.frozen
class ActivateBundle:
    bundle: bytes
    key: str


@attrs.frozen
class Seal:
    pass


@attrs.frozen
class RevokeWarrant:
    warrant: str
    reason: str


@attrs.frozen
class TripBreaker:
    scope: str
    reason: str


@attrs.frozen
class ResetBreaker:
    scope: str
    reason: str


@attrs.frozen
class RetryLetter:
    letter: str
    key: str


@attrs.frozen
class ResolveLetter:
    letter: str
    reason: str


@attrs.frozen
class SettleEffect:
    run: str
    happened: bool
    reason: str


@attrs.frozen
class PlaceHold:
    scope: str
    reason: str


@attrs.frozen
class ReleaseHold:
    hold: str
    reason: str
    key: str


@attrs.frozen
class RunRetention:
    """Let the bodies go whose retention is over."""

    key: str


@attrs.frozen
class Erase:
    """Let bodies go before their time."""

    what: tuple[str, ...]
    reason: str
    key: str


@attrs.frozen
class Suspend:
    tenant: str
    reason: str


@attrs.frozen
class Resume:
    tenant: str
    reason: str


@attrs.frozen
class Found:
    """Sent by the node itself when an operator creates a tenant; the first admin's invitation is part of it."""

    tenant: str
    admin: str
    person: str
    invitation: str
    token_hash: bytes
    expires_at: int


# Chores: long work that an operator asks of the node itself.


@attrs.frozen
class Archive:
    """Move the oldest closed month of a log, or a part of it, out of the database; None is the node's own log."""

    before: int  # µs: what is not over by then stays
    tenant: str | None = None


@attrs.frozen
class ListKeys:
    """The keys of one log, without their secrets; None is the node's own log."""

    tenant: str | None = None


@attrs.frozen
class RotateKey:
    """A new key in place of ``replaces``, which signs beside it for a while unless others may have it."""

    kind: str
    replaces: bytes
    overlap: int  # µs
    compromised: bool = False
    tenant: str | None = None


@attrs.frozen
class RetireKeys:
    """End the overlap: the newest key signs alone."""

    kind: str
    tenant: str | None = None


# Reads: answered from state or ledger, never decided.


@attrs.frozen
class ShowCase:
    case: str


@attrs.frozen
class ShowCard:
    case: str


@attrs.frozen
class ShowLetter:
    letter: str


@attrs.frozen
class ListLetters:
    before: int | None = None
    limit: int = 50


@attrs.frozen
class Read:
    """A read without arguments; ``what`` is the call's tag."""

    what: str


@attrs.frozen
class Tail:
    """The tenant's entries from ``start`` on, as a subscription; ``follow`` goes on when the end is reached.

    ``believed`` is the size of the last signed head that whoever asks has seen: it is proved to be continued.  ``case`` and
    ``tags`` (how a tag begins) leave out what is not asked for, of which only leaf hashes are sent.
    """

    start: int
    credit: int
    follow: bool = True
    believed: int = 0
    case: str | None = None
    tags: tuple[str, ...] = ()


@attrs.frozen
class Watch:
    """The events of one case, as a subscription."""

    case: str
    credit: int


@attrs.frozen
class Evidence:
    """What proves one case to somebody outside, as a subscription that ends."""

    case: str
    credit: int


@attrs.frozen
class Inbox:
    """What is waiting for whoever asks: approvals, warrants to execute, reports to verify."""

    credit: int


@attrs.frozen
class Wait:
    """Until a case, or so many entries of the log, are durable or witnessed; ``timeout`` in ms.

    Without case and size: everything that was written so far.
    """

    state: str
    timeout: int
    case: str | None = None
    size: int | None = None


Command: TypeAlias = (
    Propose | Cancel | Redeem | Report | Vote | Attest | Invite | Enrol | Confirm | RevokeMember | PushBundle | ActivateBundle
    | Seal | RevokeWarrant | TripBreaker | ResetBreaker | RetryLetter | ResolveLetter | SettleEffect | PlaceHold | ReleaseHold
    | RunRetention | Erase | Suspend | Resume | Found
)  # fmt: skip
Query: TypeAlias = ShowCase | ShowCard | ShowLetter | ListLetters | Read
Subscription: TypeAlias = Tail | Watch | Evidence | Inbox
Chore: TypeAlias = Archive | ListKeys | RotateKey | RetireKeys
CHORES = (Archive, ListKeys, RotateKey, RetireKeys)
Ask: TypeAlias = Command | Query | Subscription | Chore | Wait
