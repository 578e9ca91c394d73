"""No part of a bundle can change without one of its facets: each field is moved here, and a field that is new must be."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from actors.governance import facets
from actors.governance.breaker_limits import TABLES, BreakerLimits
from actors.governance.bundle import Bundle, Source, load
from actors.governance.catalogue import Action, Fixed, FromParam
from actors.governance.counters import Reading
from actors.governance.declared import Before, BreakerState, Declared, Founding, Lineage, Local
from actors.governance.detectors import denials, novelty, rate, repetition, spend, unknowns
from actors.governance.observations import Observation
from actors.governance.params import Param
from actors.governance.quorum import any_of
from actors.governance.rates import Rate, Rates
from actors.governance.settings import Settings
from actors.governance.state import Counter, Limit

CHECK = Observation(name="look", kind="tcp", arguments={"host": "x"})
PARAM = Param(name="amount", kind="decimal", places=2)
ACTION = Action(name="a.b", params=(PARAM,))
COUNTER = Counter(measure="since", of="failed", window=60_000_000)
LIMIT = Limit(scope="tenant", what="cost", per="day", most=5_000_000, warn=4_000_000)

ACTIONS: dict[str, Any] = {
    "name": None,  # what the facets are told under
    "params": (attrs.evolve(PARAM, name="sum"),),
    "effect": "read",
    "cost": Fixed(1),
    "executor": "till",
    "checks": (CHECK,),
    "probe": CHECK,
    "reversible": "no",
    "on_failure": "nothing",
    "witnessed": True,
    "description": "what",
}
PARAMS: dict[str, Any] = {
    "name": "sum", "kind": "integer", "required": False, "places": 3, "lowest": 1, "highest": 2, "choices": frozenset({"a"}),
}  # fmt: skip
CHECKS: dict[str, Any] = {"name": "see", "kind": "tls", "arguments": {"host": "y"}, "retry_for": 1_000, "stable_for": 2_000}
COUNTERS: dict[str, Any] = {
    "measure": "count", "of": "denied", "sums": None, "places": 2, "actions": ("a.b",), "by": ("agent",), "window": 120_000_000,
}  # fmt: skip
LIMITS: dict[str, Any] = {"scope": "agent:ada", "what": "count", "per": "hour", "most": 6_000_000, "warn": 1_000_000}
SETTINGS: dict[str, Any] = {
    "warrant_life": {"T0": 1_000, "T1": 1_000, "T2": 1_000},
    "approval_deadline": {"T0": 0, "T1": 1_000, "T2": 1_000},
    "quorum": {"T1": any_of(1), "T2": any_of(3)},
    "reading_time": {"T0": 0, "T1": 1_000, "T2": 1_000},
    "second_reader": 5,
    "uses": 2,
    "report_deadline": 1_000,
    "verification_deadline": 1_000,
    "stale_decisions": 1,
    "breaker": BreakerLimits(failures=9),
    "rates": Rates(tenant=Rate(1, "s", 1)),
    "retention": 30,
    "letters_old": 1_000,
}
BREAKER: dict[str, Any] = {
    "failures": 6, "window": 1_000, "percent": 60, "scopes": ("agent",), "cool_down": 1_000, "mismatches": 2,
    "denials": denials.Limits(count=6), "unknowns": unknowns.Limits(count=6), "repetition": repetition.Limits(reads=True),
    "rate": rate.Limits(times=9), "spend": spend.Limits(most=7), "novelty": novelty.Limits(of=("kind",)), "reading": None,
}  # fmt: skip
DETECTORS: tuple[tuple[Any, dict[str, Any]], ...] = (
    (denials.Limits(), {"count": 7, "window": 1_000, "percent": 60, "scopes": ()}),
    (unknowns.Limits(), {"count": 7, "window": 1_000, "scopes": ("tenant",)}),
    (repetition.Limits(), {"count": 7, "window": 1_000, "reads": None, "scopes": ("agent",)}),
    (rate.Limits(), {"deviations": 7, "times": 7, "least": 7, "warm_up": 7, "scopes": ()}),
    (spend.Limits(), {"most": 8, "window": 1_000, "scopes": ("tenant",)}),
    (novelty.Limits(), {"of": ("action",), "count": 7, "window": 1_000, "percent": 7, "known": 7, "scopes": ()}),
)
RATES: dict[str, Any] = {"principal": None, "tenant": Rate(1, "s", 1), "calls": {"propose": Rate(1, "s", 1)}}


def moved(one: Any, values: dict[str, Any]) -> list[Any]:
    """The thing with each of its fields as the table has it; every field is in the table."""
    assert values.keys() == attrs.fields_dict(type(one)).keys()
    return [attrs.evolve(one, **{name: value}) for name, value in values.items() if value is not None or name == "principal"]


def the_bundle(settings: Settings) -> Bundle:
    loaded = load(
        Source(
            {"bundle.toml": b'[actions."a.b"]\nexecutor = "x"\n', "a.cedar": b'@id("a") @tier("T0") permit(principal, action, resource);'}
        )
    )
    assert isinstance(loaded, Bundle)
    return attrs.evolve(loaded, settings=settings)


def test_every_field_of_an_action_its_parameters_and_checks_is_told() -> None:
    known = [facets.action(ACTION), *map(facets.action, moved(ACTION, ACTIONS))]
    known += [facets.action(attrs.evolve(ACTION, params=(param,))) for param in moved(PARAM, PARAMS)]
    known += [facets.action(attrs.evolve(ACTION, checks=(check,))) for check in moved(CHECK, CHECKS)]
    known.append(facets.action(attrs.evolve(ACTION, cost=FromParam("amount", 10_000))))
    told = [tuple(sorted(found.items())) for found in known]
    # Two of the tables rename or retype the one parameter as the other does.
    assert len(set(told)) == len(told) - 1


def test_every_field_of_the_settings_is_told() -> None:
    default = Settings()
    known = [default, *moved(default, SETTINGS)]
    known += [attrs.evolve(default, breaker=breaker) for breaker in moved(BreakerLimits(), BREAKER)]
    for name, (limits, moves) in zip(TABLES, DETECTORS, strict=True):
        known += [attrs.evolve(default, breaker=attrs.evolve(BreakerLimits(), **{name: one})) for one in moved(limits, moves)]
    known += [attrs.evolve(default, rates=rates) for rates in moved(Rates(), RATES)[:1] + moved(Rates(), RATES)[2:]]
    told = [tuple(sorted(facets.settings(the_bundle(one)).items())) for one in known]
    assert len(set(told)) == len(told)


def test_every_field_of_a_budget_is_told() -> None:
    told = [tuple(facets.budgets([limit]).items()) for limit in (LIMIT, *moved(LIMIT, LIMITS))]
    assert len(set(told)) == len(told)


def test_every_field_of_a_fact_is_told() -> None:
    origins = [
        Founding(), Before(), BreakerState("agent"), BreakerState("action"), Local("hour", "UTC"), Local("weekday", "UTC"),
        Lineage(actions=frozenset({"a.b"}), ended=frozenset({"verified"}), same=()),
        Lineage(actions=frozenset({"a.c"}), ended=frozenset({"verified"}), same=()),
        Lineage(actions=frozenset({"a.b"}), ended=frozenset({"failed"}), same=()),
        Lineage(actions=frozenset({"a.b"}), ended=frozenset({"verified"}), same=("resource",)),
        Reading(counter=COUNTER), Reading(counter=COUNTER, from_activation=True), Reading(counter=COUNTER, never=5),
        *(Reading(counter=counter) for counter in moved(COUNTER, COUNTERS)),
        *(Reading(counter=attrs.evolve(COUNTER, measure="sum", sums=sums)) for sums in ("cost", "params.amount")),
    ]  # fmt: skip
    told = [facets.fact(Declared(param=Param(name="f", kind="integer"), origin=origin, line=1, column=1))["is"] for origin in origins]
    assert len(set(told)) == len(told)


@pytest.mark.parametrize("text", ['@a @b("x") permit', '@a("1") @b permit', "permit"])
def test_a_rule_is_told_without_annotations_that_have_a_value_or_none(text: str) -> None:
    known = attrs.evolve(
        the_bundle(Settings()).policies[0],
        text=f"{text} (principal, action, resource) /*no comment*/ when {{ true }};".replace("/*no comment*/", ""),
    )
    assert facets.policy(known)["rule"] == "permit (principal, action, resource)\nwhen { true };"
