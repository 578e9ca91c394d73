"""What a permit demands, read from its annotations, and what several permits demand together.

tier        the highest               quorum     joined by *and*, each permit's own or else its tier's default (see ``quorum.every``)
ttl         the shortest              uses       the fewest
cost_cap    the lowest                verify     the strongest: the most persons, of the fewest that may look
executor    the one they agree on; two different ones are no permit at all
constrain   what fits all of them; where one of them says nothing of a parameter, its value is exact
exclude     whom any of them excludes
escalate    as far as all that ask people do, stage by stage: quorums joined by *and*, the shortest time
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import TypeAlias

import attrs

from . import quorum as quorums
from .canonical import NotCanonical
from .constraints import Constraint, intersect
from .constraints.parse import parse as constrained
from .finding import Malformed, did_you_mean
from .ids import Cost, Micros
from .quorum import Quorum
from .settings import PASSBACK, Settings
from .tiers import TIERS, Tier
from .units import amount, duration

Escalation: TypeAlias = tuple[tuple[Quorum, Micros], ...]  # in order; each after the one before waited in vain
Verification: TypeAlias = str  # receipt | observed | "2 of 3": that many persons behind the verifiers, of so many who may look

MOST_USES = 1_000  # a warrant that may be used more often is a standing permission, which belongs into the policy
MOST_VERIFIERS = 9  # persons who look at one thing: more than anybody employs for that, and what they say stays in memory
VERIFICATIONS = ("receipt", "observed")
_K_OF_N = re.compile(r"([1-9]) of ([1-9])", re.ASCII)
EXCLUDED = ("author",)
MOST_STAGES = 4  # a case that so many were asked about in vain has been answered
MOST_REASON = 400  # characters: a sentence that fits on an approver's card


@attrs.frozen(kw_only=True)
class Terms:
    """The annotations of one permit; None where it says nothing."""

    tier: Tier
    quorum: Quorum | None = None
    ttl: Micros | None = None
    uses: int | None = None
    executor: str | None = None
    verify: Verification | None = None
    cost_cap: Cost | None = None
    constrain: Mapping[str, Constraint] = attrs.field(factory=dict)
    exclude: frozenset[str] = frozenset()
    escalate: Escalation = ()


@attrs.frozen(kw_only=True)
class Obligations:
    """What must hold for this case.  ``executor`` is ``agent`` for passback, which only T0 can have."""

    tier: Tier
    quorum: Quorum | None  # None at T0
    persons: int  # distinct persons needed at least, at whatever stage: 0 at T0, 1 or more at T1, 2 or more at T2
    ttl: Micros
    uses: int
    executor: str
    verify: Verification
    cost_cap: Cost | None  # for each use; None where no policy names one
    limits: Mapping[str, Constraint] = attrs.field(factory=dict)  # what the parameters must fit, as proposed and at every use
    wide: frozenset[str] = frozenset()  # those that a use may fill otherwise than proposed: every permit constrains them
    exclude: frozenset[str] = frozenset()  # who fills no seat beside those whom the case excludes: author
    escalate: Escalation = ()  # what happens to a case that waited in vain, before it expires
    asked: str = attrs.field(init=False)  # the quorum as text: written once, and asked for with every decision

    @asked.default
    def _as_text(self) -> str:
        return "" if self.quorum is None else str(self.quorum)


@attrs.frozen
class Fault:
    """What is wrong with one annotation of a policy, or with the policy where ``annotation`` is empty."""

    annotation: str
    message: str
    hint: str = ""


def terms(annotations: Mapping[str, str]) -> tuple[Terms | None, list[Fault]]:
    """The terms of a permit, and every fault in its annotations; None where there is no usable tier."""
    faults: list[Fault] = []
    said: dict[str, object] = {}
    for name, value in annotations.items():
        if name in ("id", "reason"):
            continue
        if name not in _READERS:
            faults.append(Fault(name, f"unknown annotation @{name}", did_you_mean(name, (*_READERS, "id", "reason"))))
            continue
        read = _READERS[name](value)
        if isinstance(read, Malformed):
            faults.append(Fault(name, f"@{name}: {read.message}", read.hint))
        else:
            said[name] = read
    if "tier" not in annotations:
        faults.append(Fault("", "a permit needs a tier", 'add @tier("T0"), @tier("T1") or @tier("T2")'))
    if "tier" not in said:
        return None, faults
    read_terms = Terms(**said)  # type: ignore[arg-type]  # each reader gives its field's type
    faults.extend(_contradictions(read_terms))
    return read_terms, faults


def _contradictions(said: Terms) -> list[Fault]:
    faults = []
    for annotation, asked in (("quorum", [said.quorum] if said.quorum else []), ("escalate", [stage for stage, _ in said.escalate])):
        for seats in map(quorums.least, asked):
            if said.tier == "T0":
                why = f"T0 is granted at once and has no {'quorum' if annotation == 'quorum' else 'escalation'}"
                faults.append(Fault(annotation, why, f'raise the tier to "T1" or "T2", or drop @{annotation}'))
                break
            if said.tier == "T1" and seats > 1:
                faults.append(Fault(annotation, f"T1 needs one approver, this quorum {seats}", 'raise the tier to "T2"'))
            if said.tier == "T2" and seats < 2:
                faults.append(Fault(annotation, "T2 needs at least two different persons on every way to fill it", 'as in "any 2"'))
    if said.tier == "T0" and said.exclude:
        faults.append(Fault("exclude", "T0 is granted at once and nobody approves it", 'raise the tier to "T1" or "T2", or drop @exclude'))
    if said.executor == PASSBACK and said.tier != "T0":
        faults.append(Fault("executor", f"only T0 may be passed back to the agent, not {said.tier}", "name an executor"))
    return faults


def merged(permits: Collection[Terms], *, settings: Settings, executor: str, observable: bool) -> Obligations | str:
    """What these permits (at least one) demand together, or the sentence that says why they cannot go together.

    ``executor`` is the action's default, empty where it has none; ``observable`` whether its outcome can be observed.
    """
    tier = max(permit.tier for permit in permits)
    named = sorted({permit.executor for permit in permits if permit.executor is not None})
    if len(named) > 1:
        return f"the permitting policies name different executors: {', '.join(named)}"
    chosen = named[0] if named else executor
    if not chosen:
        return "neither the permitting policies nor the action name an executor"
    if chosen == PASSBACK and tier != "T0":
        return f"the policies together demand {tier}, and only T0 may be passed back to the agent"
    quorum = None
    if tier != "T0":
        quorum = quorums.every(permit.quorum or settings.quorum[permit.tier] for permit in permits if permit.tier != "T0")
    default = "observed" if observable else "receipt"
    verify = strongest([default if permit.verify is None else permit.verify for permit in permits])
    escalate = _escalation([permit for permit in permits if permit.tier != "T0"])
    caps = [permit.cost_cap for permit in permits if permit.cost_cap is not None]
    limits = _limits(permits)
    if isinstance(limits, str):
        return limits
    return Obligations(
        tier=tier,
        quorum=quorum,
        persons=0 if quorum is None else max(TIERS.index(tier), min(map(quorums.least, (quorum, *(stage for stage, _ in escalate))))),
        ttl=min(settings.warrant_life[permit.tier] if permit.ttl is None else permit.ttl for permit in permits),
        uses=min(settings.uses if permit.uses is None else permit.uses for permit in permits),
        executor=chosen,
        verify=verify,
        cost_cap=min(caps) if caps else None,
        limits=limits,
        wide=frozenset(name for name in limits if all(name in permit.constrain for permit in permits)),
        exclude=frozenset().union(*(permit.exclude for permit in permits)),
        escalate=escalate,
    )


def _escalation(asking: Collection[Terms]) -> Escalation:
    """Stage by stage what all of these say together, as long as all of them go on."""
    stages = zip(*(permit.escalate for permit in asking), strict=False) if asking else ()
    return tuple((quorums.every(quorum for quorum, _ in stage), min(within for _, within in stage)) for stage in stages)


def _limits(permits: Collection[Terms]) -> dict[str, Constraint] | str:
    """What fits every permit that constrains a parameter, or the sentence that nothing does."""
    found: dict[str, Constraint] = {}
    for permit in permits:
        for name, constraint in permit.constrain.items():
            try:
                both = constraint if name not in found else intersect(found[name], constraint)
            except NotCanonical as error:
                return f"the permitting policies constrain {name} too often: {error}"
            if both is None:
                return f"the permitting policies leave no value for {name}"
            found[name] = both
    return found


def _tier(value: str) -> Tier | Malformed:
    return value if value in TIERS else Malformed(f"{value!r} is not a tier", did_you_mean(value.upper(), TIERS))


def _exclude(value: str) -> frozenset[str] | Malformed:
    if value not in EXCLUDED:
        return Malformed(f"{value!r} is nobody who could be excluded", did_you_mean(value, EXCLUDED))
    return frozenset({value})


def _escalate(value: str) -> Escalation | Malformed:
    stages: list[tuple[Quorum, Micros]] = []
    parts = value.split(",")
    for text in map(str.strip, parts):
        words = text.split()
        if len(words) < 3 or words[-2] != "within":
            return Malformed(
                f"{text!r} is no stage of an escalation", 'a quorum and its time, as in "1 of role:lead within 2h, any 1 within 1d"'
            )
        for read in (quorum := quorums.parse(" ".join(words[:-2])), within := duration(words[-1])):
            if isinstance(read, Malformed):
                return read
        stages.append((quorum, within))  # type: ignore[arg-type]  # neither is malformed
    if len(stages) > MOST_STAGES:
        return Malformed(f"{len(stages)} stages are too many", f"at most {MOST_STAGES}")
    return tuple(stages)


def _uses(value: str) -> int | Malformed:
    if value.isascii() and value.isdigit() and len(value) <= 4 and 1 <= int(value) <= MOST_USES and value[0] != "0":
        return int(value)
    return Malformed(f"{value!r} is not a number of uses", f"a whole number from 1 to {MOST_USES}")


@attrs.frozen
class Demand:
    """``needed`` different persons must have seen the same, and at most ``of`` look."""

    needed: int
    of: int


def demand(verification: Verification) -> Demand:
    """What a value that reads means in numbers; a receipt needs nobody."""
    if found := _K_OF_N.fullmatch(verification):
        return Demand(int(found[1]), int(found[2]))
    return Demand(1, 1) if verification == "observed" else Demand(0, 0)


def strongest(demands: Collection[Verification]) -> Verification:
    """All of these together: the most that any of them needs, and no more who may fail to see than each of them allows."""
    counts = [found for found in map(demand, demands) if found.needed]
    if not counts:
        return "receipt"
    needed = max(found.needed for found in counts)
    of = needed + min(found.of - found.needed for found in counts)
    return "observed" if (needed, of) == (1, 1) else f"{needed} of {of}"


def _verify(value: str) -> Verification | Malformed:
    if value in VERIFICATIONS:
        return value
    if _K_OF_N.fullmatch(value):
        found = demand(value)
        if found.needed <= found.of <= MOST_VERIFIERS:
            return "observed" if (found.needed, found.of) == (1, 1) else value
        return Malformed(f"{value!r} asks for more than there are", f'as in "2 of 3", of at most {MOST_VERIFIERS}')
    return Malformed(f"{value!r} is not a verification", f'{did_you_mean(value, VERIFICATIONS)}, or persons who look, as in "2 of 3"')


def executor_name(value: str) -> str | Malformed:
    plain = value.isascii() and value[:1].isalnum() and all(letter.isalnum() or letter in "._-" for letter in value)
    return value if plain and len(value) <= 64 else Malformed(f"{value!r} is not the name of an executor", "letters, digits, . _ -")


_READERS: dict[str, Callable[[str], object]] = {
    "tier": _tier,
    "quorum": quorums.parse,
    "ttl": duration,
    "uses": _uses,
    "executor": executor_name,
    "verify": _verify,
    "cost_cap": amount,
    "constrain": constrained,
    "exclude": _exclude,
    "escalate": _escalate,
}
