"""A bundle's parts as short texts by name, in the words of ``bundle.toml``: what people compare, and what a difference is told in.

Two parts have the same texts exactly where they say the same; comments, order and the files they stand in make no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs
import cedarpy
from cedarpy import pst

from .breaker_limits import TABLES, BreakerLimits
from .bundle import Bundle
from .catalogue import Action, Fixed, FromParam
from .cedar_text import statements
from .counters import Reading, says, span
from .declared import Before, BreakerState, Declared, Founding, Lineage, Local, Origin
from .observations import Observation
from .params import Param, unscale
from .policies import Policy
from .state import Limit
from .tiers import TIERS
from .units import MICRO_PLACES

Facets = dict[str, str]


def action(known: Action) -> Facets:
    """Its parameters and checks each by its name."""
    said = {
        "description": known.description,
        "effect": known.effect,
        "reversible": known.reversible,
        "on_failure": known.on_failure,
        "executor": known.executor,
        "witnessed": "true" if known.witnessed else "",
        "cost": _cost(known.cost),
        "probe": "" if known.probe is None else _observation(known.probe),
        **{f"params.{param.name}": _param(param) for param in known.params},
        **{f"checks.{check.name}": _observation(check) for check in known.checks},
    }
    return {name: text for name, text in said.items() if text}


def policy(known: Policy) -> Facets:
    """Its annotations as written, and as ``rule`` what it applies to and when, without comments."""
    written = parsed(known)
    notes = {f"@{name}": text for name, text in sorted(written.annotations.items()) if name != "id"}
    return {"effect": written.effect, **notes, "rule": _rule(known)}


def parsed(known: Policy) -> pst.Template:
    """Its syntax tree; its text has been read once before."""
    (written,) = cedarpy.policies_to_pst(known.text).static_policies.values()
    found: pst.Template = written
    return found


def fact(known: Declared) -> Facets:
    return {"type": _param(known.param), "is": _origin(known.origin)}


def _origin(origin: Origin) -> str:
    match origin:
        case Founding():
            return "the tenant is founding"
        case BreakerState(scope):
            return f"the breaker of the {scope}"
        case Local(part):
            return f"local {part}"  # the zone is a setting of the bundle
        case Before():
            return "exactly this was redeemed before"
        case Lineage():
            same = f", the same {', '.join(origin.same)}" if origin.same else ""
            return f"a case above of {_listed(origin.actions)} ended {_listed(origin.ended)}{same}"
        case Reading():
            never = f", {origin.never} where there was none" if origin.counter.measure == "since" else ""
            places = f" with {origin.counter.places} places" if origin.counter.places else ""
            return says(origin) + places + never + (", counted from the activation" if origin.from_activation else "")


def settings(bundle: Bundle) -> Facets:
    """Everything that ``bundle.toml`` says of the tenant as a whole but its budgets, with the defaults where it says nothing."""
    known = bundle.settings
    said = {"bundle.name": bundle.name, "bundle.description": bundle.description, "tenant.zone": bundle.zone}
    for tier in TIERS:
        said[f"tiers.{tier}.warrant_life"] = span(known.warrant_life[tier])
        if tier != "T0":
            said[f"tiers.{tier}.approval_deadline"] = span(known.approval_deadline[tier])
            said[f"tiers.{tier}.quorum"] = str(known.quorum[tier])
            said[f"tiers.{tier}.reading_time"] = span(known.reading_time[tier]) if known.reading_time[tier] else "none"
    said |= {
        "tiers.T1.second_reader": str(known.second_reader),
        "warrants.uses": str(known.uses),
        "reports.deadline": span(known.report_deadline),
        "verification.deadline": span(known.verification_deadline),
        "stale.decisions": str(known.stale_decisions),
        **{f"breaker.{name}": text for name, text in _breaker(known.breaker)},
        "dead_letters.old": span(known.letters_old),
        "retention.days": str(known.retention),
    }
    rates = {"principal": known.rates.principal, "tenant": known.rates.tenant}
    rates |= {f"calls.{name}": rate for name, rate in known.rates.calls.items()}
    return said | {f"rates.{name}": str(rate) for name, rate in rates.items() if rate is not None}


def _breaker(limits: BreakerLimits) -> Iterator[tuple[str, str]]:
    yield "failures", str(limits.failures)
    yield "window", span(limits.window)
    yield "percent", str(limits.percent)
    yield "scopes", _watched(limits.scopes)
    yield "cool_down", span(limits.cool_down)
    yield "mismatches", str(limits.mismatches)
    for name in TABLES:
        of_detector = getattr(limits, name)
        for field in attrs.fields(type(of_detector)):
            yield f"{name}.{field.name}", _limit(field.name, getattr(of_detector, field.name))


def _watched(words: Iterable[str]) -> str:
    return ", ".join(words) or "none"


def _limit(name: str, value: object) -> str:
    if isinstance(value, tuple):
        return _watched(value)
    if name == "most":
        return _money(value) if isinstance(value, int) else "none"
    return span(value) if name == "window" and isinstance(value, int) else str(value).lower()


def budgets(limits: Iterable[Limit]) -> Facets:
    return dict(_limits(limits))


def _limits(limits: Iterable[Limit]) -> Iterator[tuple[str, str]]:
    for limit in limits:
        most, warn = (_money(limit.most), _money(limit.warn)) if limit.what == "cost" else (str(limit.most), str(limit.warn))
        yield f"{limit.scope} {limit.what}_per_{limit.per}", f"{most}, warned at {warn}"


def _cost(model: Fixed | FromParam | None) -> str:
    match model:
        case None:
            return ""
        case Fixed(cost):
            return _money(cost)
        case FromParam(name):
            return f"the parameter {name}"


def _money(micros: int) -> str:
    return unscale(micros, MICRO_PLACES).rstrip("0").rstrip(".")


def _param(param: Param) -> str:
    parts: list[str] = [param.kind]
    if param.kind == "decimal":
        parts.append(f"places {param.places}")
    for word, bound in (("min", param.lowest), ("max", param.highest)):
        if bound is not None:
            parts.append(f"{word} {unscale(bound, param.places)}")
    if param.choices:
        parts.append(f"one of {_listed(param.choices)}")
    return ", ".join([*parts, *([] if param.required else ["may be absent"])])


def _observation(check: Observation) -> str:
    waits = {"retry_for": check.retry_for, "stable_for": check.stable_for}
    said = {**check.arguments, **{name: span(wait) for name, wait in waits.items() if wait}}
    return " ".join([check.kind, *(f"{name}={text!r}" for name, text in sorted(said.items()))])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _rule(known: Policy) -> str:
    """Cedar's own layout of the statement without its annotations and comments."""
    (statement,) = statements(known.text)
    words = [word for _, word in statement.tokens]
    while words[0] == "@":  # @name, or @name("text")
        words = words[5:] if words[2] == "(" else words[2:]
    laid_out: str = cedarpy.format_policies(" ".join(words))
    return laid_out.strip()
