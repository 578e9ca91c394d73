"""What the standing guards do: breakers, dead letters, refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import attrs

from ..ids import CaseId, Instant, MemberId, Person


@attrs.frozen
class BreakerTrippedBefore:
    """As it was written before a trip named what found too much."""

    TAG: ClassVar[str] = "breaker.tripped/1"
    scope: str
    epoch: int
    until: Instant | None
    why: str
    by: str
    detector: ClassVar[str] = ""


@attrs.frozen
class BreakerTripped:
    TAG: ClassVar[str] = "breaker.tripped/2"
    scope: str
    epoch: int
    until: Instant | None  # None: only a person resets it
    why: str
    by: str  # "law" or who
    detector: str = ""  # which found too much; "probe" where a probe ended badly, empty by hand
    counts: Mapping[str, int] = attrs.Factory(dict)  # what it counted, and against what


@attrs.frozen
class BreakerProbed:
    """The cool-down is over and this one case may try; only its own outcome closes the breaker."""

    TAG: ClassVar[str] = "breaker.probed/1"
    scope: str
    case: CaseId


@attrs.frozen
class BreakerReset:
    TAG: ClassVar[str] = "breaker.reset/1"
    scope: str
    by: str
    reason: str


@attrs.frozen
class BreakerResetBacked:
    """The first of the two persons whom it takes to reset what a mismatch opened."""

    TAG: ClassVar[str] = "breaker.reset_backed/1"
    scope: str
    by: MemberId
    person: Person
    reason: str


@attrs.frozen
class BudgetWarned:
    """A grant passed the mark at which somebody wants to hear of it; once for a scope, a measure and a window."""

    TAG: ClassVar[str] = "budget.warned/1"
    scope: str
    what: str  # cost | count
    per: str  # hour | day | month
    begun: Instant  # of the window
    exposure: int  # with the grant
    most: int
    granted: CaseId  # which case's


@attrs.frozen
class DeadLetterOpened:
    TAG: ClassVar[str] = "dead_letter.opened/1"
    letter: str
    case: CaseId
    kind: str  # denied | expired | cancelled | failed | unknown | mismatched | inconclusive | revoked | poison (then without a case)
    why: str
    previous: int | None  # sequence number of the dead letter before this one: the list is a chain
    closes: bool  # an unknown outcome is a dead letter while its case stays open


@attrs.frozen
class DeadLetterResolvedBefore:
    """As it was written before letters were counted by kind and age."""

    TAG: ClassVar[str] = "dead_letter.resolved/1"
    letter: str
    by: str
    reason: str
    retried_as: CaseId | None


@attrs.frozen
class DeadLetterResolved:
    TAG: ClassVar[str] = "dead_letter.resolved/2"
    letter: str
    by: str
    reason: str
    retried_as: CaseId | None
    kind: str  # of the letter
    opened: Instant  # when that was


@attrs.frozen
class DeadLettersAged:
    """Letters have waited long for somebody to look; said once of those that were opened in one hour."""

    TAG: ClassVar[str] = "dead_letters.aged/1"
    hour: str  # since 1970, in ten digits
    letters: int  # of them that are open
    oldest: Instant


@attrs.frozen
class CommandQuarantined:
    """The tenant's actor fell over it twice; it is not looked at any more, and what stood in it is not here."""

    TAG: ClassVar[str] = "command.quarantined/1"
    letter: str  # the dead letter that follows
    command: str
    by: str
    digest: bytes  # SHA-256 of the command without its idempotency key
    fall: str  # the type of the crash


@attrs.frozen
class CommandRefused:
    """A refusal by decision is evidence and therefore an entry."""

    TAG: ClassVar[str] = "command.refused/1"
    command: str
    by: str
    code: str
    why: str
    about: str  # the id the command named, as it was given, cut to 64 characters
