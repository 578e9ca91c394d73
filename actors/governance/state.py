"""What a tenant remembers: everything that is open, and aggregates of fixed size.

Closed cases, old idempotency keys and used run ids are not here: the shell looks them up in the ledger's indexes and hands
them to ``decide`` as facts.  State is changed by ``evolve`` alone, in place, by its one owner; it is a pure function of the
log.  ``deadlines`` is derived from the rest and is rebuilt after a snapshot.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from functools import lru_cache

import attrs

from . import envelope as envelopes
from . import intent as intents
from . import kinds, review
from . import warrant as warrants
from .alert_book import Alerts
from .conversation import Exchange
from .finding_book import Findings
from .halt import Pause
from .ids import CaseId, Cost, Digest, EffectId, Instant, MemberId, Micros, Person, RunId, TenantId, WarrantId
from .letter_book import Letters
from .signals import Breaker, Signals


@attrs.define
class Member:
    member: MemberId
    kind: str
    person: Person
    roles: frozenset[str]
    owner: MemberId | None
    status: str  # invited | enrolled | active | revoked
    invitation: str
    public_key: bytes = b""
    key_id: str = ""
    key_hash: bytes = b""


@attrs.define
class Invitation:
    invitation: str
    member: MemberId
    token_hash: bytes
    expires_at: Instant


@attrs.frozen
class Given:
    """One approval that counts, with what it narrowed."""

    approver: MemberId
    person: Person
    ttl: Micros | None
    uses: int | None
    cost_cap: Cost | None
    envelope: str = ""  # by which it was given in advance; by a vote where there is none
    seats: tuple[MemberId, ...] = ()  # whose seats its approver held beside the own one, when it was given
    bounds: Mapping[str, object] = attrs.field(factory=dict)  # what it leaves of the parameters that may vary, see narrowing.py


@attrs.define
class Case:
    case: CaseId
    agent: MemberId
    intent: bytes
    intent_digest: Digest
    key: str
    parent: CaseId | None
    founding: bool
    excluded: tuple[Person, ...]  # who may fill no seat: requester, owner, delegation chain
    began: Instant = Instant(0)
    step: int = 1  # entries of this case so far
    last: int = 0  # sequence number of the newest of them
    status: str = "proposed"  # proposed | held | warranted
    tier: str = ""
    quorum: str = ""
    persons: int = 0
    ttl: Micros = Micros(0)
    uses: int = 0
    executor: str = ""
    verify: Mapping[str, object] = attrs.Factory(dict)
    cost_cap: Cost | None = None
    constraints: Mapping[str, object] = attrs.Factory(dict)
    bundle: bytes = b""
    policies: tuple[str, ...] = ()
    state_digest: bytes | None = None
    card: bytes = b""  # digest of the card
    card_bytes: bytes = b""
    expires_at: Instant = Instant(0)
    orphaned: bool = False  # its agent left while it was held: who joins under that name did not propose it
    given: tuple[Given, ...] = ()
    review: Mapping[str, object] = attrs.Factory(dict)  # see review.py
    stage: int = 0  # how often it escalated since its card was made
    opened: dict[str, Instant] = attrs.Factory(dict)  # person → when its card was first shown to them
    said: tuple[Exchange, ...] = ()  # what was asked and answered; at most MOST_QUESTIONS
    stale: int = 0  # how often the target had changed
    live: int = 0  # warrants not over, plus runs not closed: at zero the case can close
    letter: str = ""  # its dead letter, once it has one
    granted: tuple[tuple[Instant, int], ...] = ()  # its warrants' issue and worst cost, where anything is counted
    read: intents.Intent | None = attrs.field(default=None, eq=False, repr=False, metadata={"derived": True})

    @property
    def wish(self) -> intents.Intent:
        """The intent, read once from its bytes."""
        if self.read is None:
            self.read = intents.unpack_own(self.intent)
        return self.read

    @property
    def barred(self) -> frozenset[str]:
        """The persons who can fill no seat: whom it excludes by whose it is, and whom policy does."""
        return review.barred(self.review).union(self.excluded)

    @property
    def ends_with_this(self) -> bool:
        """Whether the end of one of its warrants or runs is the case's own: nothing else of it is live, and nobody is asked again."""
        return self.live == 1 and self.status != "held"


@attrs.frozen
class Ask:
    """A further use that the agent asked for.  Remembered as long as the warrant, so that no key asks twice."""

    use: int
    key: str
    digest: bytes  # of the params, empty: as proposed
    params: bytes | None  # canonical, as long as it is not redeemed; None: as proposed
    redeemed: bool = False


@attrs.frozen
class Seat:
    """An approver's seat, handed on for a time."""

    approver: MemberId
    person: Person
    to: MemberId
    until: Instant
    reason: str


@attrs.define
class Envelope:
    """An approval in advance, as far as it is used up."""

    envelope: str
    approver: MemberId
    person: Person
    template: bytes
    count: int
    total: Cost | None
    until: Instant
    bundle: bytes
    tier: str
    reason: str
    used: int = 0
    spent: Cost = Cost(0)  # what its uses have reserved of the total
    ended: str = ""  # why it approves nothing any more, until an entry has said so
    read: envelopes.Template | None = attrs.field(default=None, eq=False, repr=False, metadata={"derived": True})

    @property
    def terms(self) -> envelopes.Template:
        """Its template, read once from its bytes."""
        if self.read is None:
            self.read = envelopes.unpack_template(self.template)
        return self.read


@attrs.define
class LiveWarrant:
    """A warrant that may still be redeemed."""

    warrant: WarrantId
    case: CaseId
    fields: bytes
    digest: Digest
    agent: MemberId
    executor: MemberId
    action: str
    verify: Mapping[str, object]
    expires_at: Instant
    uses_left: int
    epoch: int  # sum of its scopes' epochs when it was issued: any trip since makes it worthless
    by_link: dict[str, int] = attrs.Factory(dict)  # digest in hex of each link used → how often; as many as its uses times a chain
    begun: bool = False  # whether the use that was proposed is redeemed
    asks: tuple[Ask, ...] = ()  # further uses asked for, never more than uses
    revoked: str = ""  # why, from the entry on that revoked it among others
    read: warrants.Warrant | None = attrs.field(default=None, eq=False, repr=False, metadata={"derived": True})

    @property
    def waiting(self) -> tuple[Ask, ...]:
        """Uses asked for and not redeemed yet."""
        return tuple(asked for asked in self.asks if not asked.redeemed)

    @property
    def terms(self) -> warrants.Warrant:
        """Its fields, read once from its bytes."""
        if self.read is None:
            self.read = warrants.unpack_own(self.fields)
        return self.read


@attrs.frozen
class Said:
    """What one person has said of a run: what a verifier saw, or what somebody vouches for."""

    by: MemberId
    person: Person
    what: str


@attrs.define
class Run:
    run: RunId
    case: CaseId
    warrant: WarrantId
    fields: bytes  # the warrant's, which may be over before the run is
    agent: MemberId
    action: str
    redeemer: MemberId
    effect: EffectId
    args_digest: bytes
    opened: Instant
    due: Instant  # for its report, then for its verification
    verify: Mapping[str, object] = attrs.Factory(dict)  # what a verifier looks at, see looking.py
    status: str = "open"  # open | reported | unknown
    receipt: bytes = b""  # digest of the receipt that waits for verification
    outcome: str = ""
    cost: Cost = Cost(0)  # as reported, and never less than nothing; of an unknown outcome the most that its executor said
    seen: tuple[Said, ...] = ()  # by verifiers: of the report, or once the outcome is unknown by their probe; at most MOST_VERIFIERS
    since: Instant = Instant(0)  # when its outcome became unknown
    letter: str | None = None  # the dead letter of that, empty once somebody has resolved it
    late: str = ""  # the outcome that a receipt told of which came after that
    vouched: tuple[Said, ...] = ()  # the first person's word, where it takes two
    chain: bytes | None = None  # by which the redeemer held the warrant
    holders: tuple[MemberId, ...] = ()  # along it
    aborted: str = ""  # why it is to be ended, see aborting.py
    read: warrants.Warrant | None = attrs.field(default=None, eq=False, repr=False, metadata={"derived": True})

    @property
    def terms(self) -> warrants.Warrant:
        """The warrant's fields, read once from their bytes."""
        if self.read is None:
            self.read = warrants.unpack_own(self.fields)
        return self.read


@attrs.frozen
class Promise:
    """From ``since`` on, bodies are kept this long."""

    since: Instant
    days: int


@attrs.frozen
class Hold:
    """Nothing in its scope is forgotten."""

    hold: str
    scope: str
    reason: str
    by: str
    since: Instant


@attrs.frozen
class Erasure:
    """Ordered, and not carried out yet."""

    erasure: str
    what: tuple[str, ...]
    cases: tuple[str, ...]
    months: tuple[str, str]


@attrs.frozen(kw_only=True)
class Counter:
    """What is counted for a fact, see counters.py; equal ones are one, whatever a bundle calls them."""

    measure: str  # count | sum | since
    of: str  # what happens
    sums: str = ""  # cost | params.NAME
    places: int = 0  # of a decimal that is summed
    actions: tuple[str, ...] = ()  # none: all
    by: tuple[str, ...] = ()  # agent, action, resource, params.NAME; none: the tenant as a whole
    window: Micros


@attrs.define
class Bucket:
    """One step of a counter's window: what happened in it, by key."""

    index: int
    amounts: dict[str, int] = attrs.Factory(dict)


@attrs.define
class Count:
    """One counter and what it remembers."""

    counter: Counter
    since: Instant  # everything from then on was counted; 0: everything there ever was
    retired: Instant | None = None  # since when no bundle in force declares it
    cells: int = 0  # amounts in all buckets
    lost: int | None = None  # the newest bucket of which something is missing
    buckets: tuple[Bucket, ...] = ()  # newest last


@attrs.frozen(kw_only=True)
class Limit:
    """One line of a budget, see budgets.py."""

    scope: str  # tenant | each_agent | agent:NAME | action:NAME | each_agent_action:NAME
    what: str  # cost | count
    per: str  # hour | day | month
    most: int  # micro-units, or uses
    warn: int  # from there on it is said, once in a window


@attrs.define
class Spent:
    """What was spent in the newest window of its kind in which anything was."""

    begun: Instant = Instant(0)
    cost: int = 0
    count: int = 0
    warned: tuple[str, ...] = ()  # of cost and count, what was said already


@attrs.define
class Budget:
    """The exposure of one scope that has a limit: cost in micro-units, count in uses."""

    cost: int = 0  # of what is outstanding: the worst of every use that may still be redeemed
    count: int = 0
    unknown_cost: int = 0  # of runs whose outcome nobody knows
    unknown_count: int = 0
    spent: dict[str, Spent] = attrs.Factory(dict)  # by hour, day and month, at its redemption


@attrs.define
class Recovery:
    """What an admin has announced to recover a lost quorum, see recovering.py."""

    digest: bytes
    lost: tuple[MemberId, ...]
    keys: tuple[tuple[str, str], ...]  # member, fingerprint
    by: MemberId
    person: Person
    reason: str
    due: Instant
    until: Instant
    agreed: str = ""  # the operator, once it has agreed


@attrs.define
class Shadow:
    """A candidate beside the bundle in force, and where it differed; see shadowing.py for the names of the kinds."""

    bundle: bytes
    since: Instant
    by: str
    compared: int = 0
    passed_over: int = 0
    counts: dict[str, int] = attrs.Factory(dict)
    shown: dict[str, tuple[int, ...]] = attrs.Factory(dict)  # the entries of the first of each kind


@attrs.define
class Reader:
    """How one person has approved so far, since the tenant was founded."""

    approved: int = 0
    denied: int = 0
    in_advance: int = 0  # uses of envelopes
    failed: int = 0  # runs that failed, of what they approved
    mismatched: int = 0  # runs that a verifier found to be something else
    took: tuple[int, ...] = ()  # decisions by how long after the card was opened, see readers.py
    unopened: int = 0  # decisions on a card that nobody opened before
    caught: int = 0  # canaries that they denied
    missed: int = 0  # canaries that they approved


@attrs.define
class Tally:
    """How many, since the tenant was founded: of fixed size whatever happens."""

    proposed: int = 0
    denied: int = 0
    warranted: int = 0
    runs: int = 0
    verified: int = 0
    consistent: int = 0
    mismatched: int = 0
    failed: int = 0
    unknown: int = 0
    refused: int = 0
    dead_letters: int = 0
    resolved: int = 0
    findings: int = 0


@attrs.define
class State:
    tenant: TenantId
    size: int = 0  # entries folded
    time: Instant = Instant(0)  # of the last entry
    phase: str = "unfounded"  # unfounded | founding | sealed
    pauses: dict[str, Pause] = attrs.Factory(dict)  # see pausing.py
    noted: dict[str, int] = attrs.Factory(dict)  # by its side, the newest stop of the node that was written down here: its number there
    members: dict[str, Member] = attrs.Factory(dict)
    invitations: dict[str, Invitation] = attrs.Factory(dict)
    bundle: bytes | None = None
    authors: tuple[str, ...] = ()  # the persons who pushed and who activated the bundle in force
    cases: dict[str, Case] = attrs.Factory(dict)
    warrants: dict[str, LiveWarrant] = attrs.Factory(dict)
    runs: dict[str, Run] = attrs.Factory(dict)
    blocked: dict[str, RunId] = attrs.Factory(dict)  # effect → the run whose outcome is unknown
    breakers: dict[str, Breaker] = attrs.Factory(dict)  # of scopes that ever tripped
    signals: dict[str, Signals] = attrs.Factory(dict)  # what was seen of each scope, see watching.py
    envelopes: dict[str, Envelope] = attrs.Factory(dict)
    seats: dict[str, Seat] = attrs.Factory(dict)  # by whose it is
    last_letter: int | None = None  # sequence number of the newest dead letter
    standing: int | None = None  # of the newest entry that says who belongs to the tenant and which bundle is in force
    tally: Tally = attrs.Factory(Tally)
    readers: dict[str, Reader] = attrs.Factory(dict)  # by person
    promises: tuple[Promise, ...] = ()  # the retentions in force, see retention.py; none: the default
    holds: dict[str, Hold] = attrs.Factory(dict)
    expiring: dict[str, Instant] = attrs.Factory(dict)  # months that may go, and the date that was confirmed
    erasing: dict[str, Erasure] = attrs.Factory(dict)
    counts: dict[str, Count] = attrs.Factory(dict)  # by the name of the definition, see counters.py
    zone: str = "UTC"  # whose hours, days and months budgets count in
    limits: tuple[Limit, ...] = ()  # of the bundle in force
    budgets: dict[str, Budget] = attrs.Factory(dict)  # by scope, as far as a limit is on it
    judged: dict[str, Instant] = attrs.Factory(dict)  # bundle in hex → when it was last needed; as many as were ever activated
    shadow: Shadow | None = None
    recovery: Recovery | None = None
    alerts: Alerts = attrs.Factory(Alerts)
    letters: Letters = attrs.Factory(Letters)
    findings: Findings = attrs.Factory(Findings)
    deadlines: list[tuple[Instant, str, str]] = attrs.field(factory=list, eq=False, repr=False, metadata={"derived": True})

    def member_by_key(self, key_id: str) -> Member | None:
        """The active member with this API key id: members are few, and connections are rarer than commands."""
        return next((m for m in self.members.values() if m.key_id == key_id and m.status == "active"), None)

    def active(self, kind: str | None = None) -> Iterator[Member]:
        return (m for m in self.members.values() if m.status == "active" and kind in (None, m.kind))

    def approvers(self) -> list[Member]:
        """Who can fill a seat of an ordinary quorum."""
        return list(self.active(kinds.APPROVER))

    def remind(self, at: Instant, kind: str, name: str) -> None:
        """Owes a look at ``name`` when ``at`` has passed; what is over by then is skipped by ``due``."""
        heapq.heappush(self.deadlines, (at, kind, name))


@lru_cache(maxsize=4_096)
def scopes(agent: str, action: str) -> tuple[str, str, str, str]:
    """The breaker scopes that one warrant stands in, narrowest first, spelt as budgets spell theirs."""
    return (f"agent:{agent} action:{action}", f"agent:{agent}", f"action:{action}", "tenant")


def worthless(state: State, live: LiveWarrant) -> str | None:
    """Why a warrant is to be revoked although its time is not over, or None."""
    for name in (live.agent, live.executor):
        member = state.members.get(name)
        if member is None or member.status != "active":
            return "its agent or executor is no longer a member"
    if live.revoked:
        return live.revoked
    if live.epoch != epoch(state, live.agent, live.action):
        return "a breaker tripped after it was issued"
    return None


def epoch(state: State, agent: str, action: str) -> int:
    """Grows with every trip of any scope that covers this agent and action; equal only if none tripped in between."""
    return sum(breaker.epoch for scope in scopes(agent, action) if (breaker := state.breakers.get(scope)) is not None)
