"""What ``decide`` is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import attrs

from . import events as e
from .bundle import Bundle, Findings
from .canary import Recognise
from .facts import Past
from .ids import Fresh, Instant, Person
from .refusals import Refusal
from .state import Member


@attrs.frozen
class Operator:
    """Somebody who runs the node; belongs to no tenant."""

    name: str


@attrs.frozen
class Invitee:
    """Holds an invitation that the shell has checked; may enrol and nothing else."""

    invitation: str


Asker: TypeAlias = Member | Operator | Invitee


@attrs.frozen
class Ancestor:
    """A case above the one proposed: whose it was and whom it excluded from approving."""

    agent: str
    excluded: tuple[str, ...]


@attrs.frozen
class MonthPlan:
    """One month that is over its retention by the node's clock: how much of it may go."""

    month: str
    due: Instant
    going: int


@attrs.frozen
class Span:
    """Where a case lies in time: the months of its first and its last entry.  An entry without a case has its own month."""

    case: str
    first: str
    last: str


@attrs.frozen
class Facts:
    """What the shell looked up because the state is too small to hold it."""

    active: Bundle | None = None  # the active bundle, ready to judge
    bundle_of: Callable[[bytes], Bundle | None] = lambda _: None  # any bundle on the ledger, by digest
    author: Person = Person("")  # who pushed the bundle that is to be activated
    pushed: Bundle | Findings | None = None  # what the bundle being pushed was read to be, where the shell has read it already
    prior: e.IntentProposed | None = None  # the same agent's intent under the same idempotency key
    parent: Ancestor | None = None
    mac_ok: bool = False  # HMAC of the presented warrant under the tenant's key
    witnessed_size: int | None = None  # entries of this tenant's log that a quorum has cosigned; None where nobody is asked
    run: e.RunOpened | None = None  # a run of this id, whenever it was
    letter: e.DeadLetterOpened | None = None
    letter_at: Instant | None = None  # when it was opened, once that is durable
    letter_resolved: bool = False
    lettered: e.IntentProposed | None = None  # the intent behind the letter
    receipts: Mapping[str, tuple[bool, bytes | None]] = attrs.field(factory=dict)  # of runs: whether there is one, its receipt's digest
    finding_known: bool = False  # whether there was such a finding, resolved by now
    clock_ok: bool = True
    past: Past = attrs.field(factory=Past)  # where facts for policy are looked up that the state has forgotten
    expired: tuple[MonthPlan, ...] = ()  # the months over their retention by the node's clock
    witnessed: Instant = Instant(0)  # the newest time that a quorum of witnesses has signed for this tenant's log
    envelope_known: bool = False  # whether this very envelope was signed before, whatever became of it
    case_known: bool = False  # whether the case that is to be held has entries
    canary_of: Recognise = lambda _: None  # whether an open case is a canary, and whose
    canary_key: str = ""  # the idempotency key that makes a canary of what is proposed as one
    canaries: int = 0  # that wait
    spans: Mapping[str, Span] = attrs.field(factory=dict)  # of each case or entry that is to be erased and that is there


@attrs.frozen
class Decided:
    """The events of a decision, in order.  ``answer`` holds what the reply says beyond them; ``refusal`` where the answer is
    no although something happened (a stale target)."""

    events: tuple[e.Event, ...] = ()
    answer: Mapping[str, object] = attrs.field(factory=dict)
    refusal: Refusal | None = None
    actor: str = ""  # in whose name it is recorded, where that is not who asked


Decision: TypeAlias = Decided | Refusal


@attrs.frozen
class Moment:
    """When and with what randomness a decision is made."""

    now: Instant
    fresh: Fresh
