"""The time limits and thresholds of a bundle; each has a default, so an empty ``bundle.toml`` is a careful tenant."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

from . import breaker_limits
from . import quorum as quorums
from .breaker_limits import BreakerLimits
from .finding import Malformed
from .ids import DAY, HOUR, MINUTE, Micros
from .quorum import Quorum
from .rates import Rates
from .rates import read as read_rates
from .tiers import TIERS, Tier
from .toml_table import Table

PASSBACK: Final = "agent"  # the executor's name that hands a T0 warrant to the agent itself


_WARRANT_LIFE: Mapping[Tier, Micros] = MappingProxyType(
    {
        "T0": Micros(5 * MINUTE),  # asked for and used at once
        "T1": Micros(15 * MINUTE),
        "T2": Micros(15 * MINUTE),  # the clock starts with the last approval, so the approvers' time does not count
    }
)
_APPROVAL_DEADLINE: Mapping[Tier, Micros] = MappingProxyType(
    {
        "T0": Micros(0),  # nobody is asked
        "T1": Micros(1 * HOUR),
        "T2": Micros(4 * HOUR),  # two people who may be in different time zones
    }
)
_QUORUM: Mapping[Tier, Quorum] = MappingProxyType({"T1": quorums.any_of(1), "T2": quorums.any_of(2)})


_READING_TIME: Mapping[Tier, Micros] = MappingProxyType({tier: Micros(0) for tier in TIERS})
LONGEST_READING = Micros(HOUR)


DEFAULT_RETENTION = 2557  # days: seven years with two leap days, what commercial law asks for in most places
LONGEST_RETENTION = 36_525  # a hundred years: anything longer is a slip


@attrs.frozen(kw_only=True)
class Settings:
    """All durations in µs."""

    warrant_life: Mapping[Tier, Micros] = _WARRANT_LIFE
    approval_deadline: Mapping[Tier, Micros] = _APPROVAL_DEADLINE
    quorum: Mapping[Tier, Quorum] = _QUORUM  # for T1 and T2, where a permit names none
    reading_time: Mapping[Tier, Micros] = _READING_TIME
    second_reader: int = 0  # of a hundred T1 cases
    uses: int = 1  # once, unless a policy says otherwise
    report_deadline: Micros = Micros(10 * MINUTE)  # after redemption; then the outcome is Unknown
    verification_deadline: Micros = Micros(10 * MINUTE)  # after the report; then the verdict is Inconclusive
    stale_decisions: int = 3  # times a case is decided again because its target moved; then it expires
    breaker: BreakerLimits = attrs.field(factory=BreakerLimits)
    rates: Rates = attrs.field(factory=Rates)
    letters_old: Micros = Micros(DAY)  # a dead letter that nobody has looked at for a working day is forgotten
    retention: int = DEFAULT_RETENTION  # days a body is kept, from the end of its month


_ASKED: Mapping[Tier, tuple[str, ...]] = MappingProxyType(
    {
        "T0": (),
        "T1": ("approval_deadline", "quorum", "reading_time", "second_reader"),
        "T2": ("approval_deadline", "quorum", "reading_time"),
    }
)
SECTIONS = ("tiers", "warrants", "reports", "verification", "stale", "breaker", "rates", "retention", "dead_letters")


def read(root: Table) -> Settings:
    """The settings of a ``bundle.toml``; what is wrong becomes findings."""
    default = Settings()
    tiers = root.table("tiers")
    tiers.only(TIERS)
    life, deadline, quorum = dict(default.warrant_life), dict(default.approval_deadline), dict(default.quorum)
    reading, second = dict(default.reading_time), default.second_reader
    for tier in TIERS:
        table = tiers.table(tier)
        table.only(("warrant_life", *_ASKED[tier]))
        life[tier] = table.duration("warrant_life", life[tier])
        if tier != "T0":
            deadline[tier] = table.duration("approval_deadline", deadline[tier])
            quorum[tier] = _quorum(table, tier, quorum[tier])
            reading[tier] = _reading(table, tier, deadline[tier])
            second = table.integer("second_reader", second, 0, 100) if tier == "T1" else second
    warrants, reports, verification, stale = (root.table(name) for name in ("warrants", "reports", "verification", "stale"))
    keeping, dead = root.table("retention"), root.table("dead_letters")
    for table, known in (
        (warrants, "uses"),
        (reports, "deadline"),
        (verification, "deadline"),
        (stale, "decisions"),
        (keeping, "days"),
        (dead, "old"),
    ):
        table.only((known,))
    return Settings(
        warrant_life=life,
        approval_deadline=deadline,
        quorum=quorum,
        reading_time=reading,
        second_reader=second,
        uses=warrants.integer("uses", default.uses, 1, 1_000),
        report_deadline=reports.duration("deadline", default.report_deadline),
        verification_deadline=verification.duration("deadline", default.verification_deadline),
        stale_decisions=stale.integer("decisions", default.stale_decisions, 0, 10),
        breaker=breaker_limits.read(root.table("breaker")),
        rates=read_rates(root),
        letters_old=dead.duration("old", default.letters_old),
        retention=keeping.integer("days", default.retention, 1, LONGEST_RETENTION),
    )


def _reading(table: Table, tier: Tier, deadline: Micros) -> Micros:
    """How long a card is read at least: less than it waits."""
    reading = table.duration("reading_time", Micros(0))
    if reading > min(LONGEST_READING, deadline // 2):
        table.fault("reading_time", f"nobody reads the cards of {tier} so long", "at most an hour, and half of approval_deadline")
        return Micros(0)
    return reading


def _quorum(table: Table, tier: Tier, default: Quorum) -> Quorum:
    if "quorum" not in table.data:
        return default
    text = table.text("quorum")
    quorum = quorums.parse(text)
    if isinstance(quorum, Malformed):
        if isinstance(table.data["quorum"], str):  # otherwise text() has said so already
            table.fault("quorum", quorum.message, quorum.hint)
        return default
    needed = TIERS.index(tier)
    if quorums.least(quorum) < needed or (tier == "T1" and quorums.least(quorum) > 1):
        table.fault(
            "quorum", f"{tier} needs {'one approver' if needed == 1 else 'at least two different persons'}", f'as in "any {needed}"'
        )
    return quorum
