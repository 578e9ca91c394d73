"""Reads what a bundle counts: of what, by which dimensions, within which window; what could not be counted is a finding.

A dimension must be there in every action that is counted: whoever could leave it out would not be counted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from .catalogue import Action
from .counters import DONE, HAPPENINGS, OWN, Reading
from .finding import did_you_mean
from .ids import DAY, SECOND, Micros
from .state import Counter
from .toml_table import Table

LONGEST_WINDOW = Micros(366 * DAY)  # beyond that it is a book-keeper's question, not one of a decision
KEYED: Final = ("string", "integer", "boolean")  # kinds of parameter that can be a dimension
MEASURES: Final = ("count", "sum", "since")


def one_of(table: Table, key: str, known: Collection[str], what: str) -> str | None:
    """The word under ``key`` if it is known, else a finding."""
    word = table.text(key)
    if word in known:
        return word
    table.fault(key, f"{word!r} is not {what}", did_you_mean(word, known))
    return None


def counted(table: Table, catalogue: Mapping[str, Action]) -> Reading | None:
    """What the table says is counted, and how it is read."""
    measure = next(form for form in MEASURES if form in table.data)
    more = {"count": (), "sum": ("of",), "since": ("never",)}[measure]
    table.only((measure, "action", "by", "window", "from", *more))
    of = one_of(table, "of" if measure == "sum" else measure, HAPPENINGS, "something that happens to a case")
    if measure == "since" and of in OWN:
        table.fault("since", f"of what is {of} the last may be the case that asks", f"one of: {', '.join(DONE)}")
    actions = actions_of(table, "action", catalogue)
    by = dimensions_of(table, "by", actions, catalogue)
    sums, places = _summed(table, actions, catalogue) if measure == "sum" else ("", 0)
    if "window" not in table.data:
        table.fault(None, f"{table.path[-1]} has no window", 'as in window = "1d": what is older is forgotten')
    window = table.duration("window", Micros(DAY))
    if window > LONGEST_WINDOW:
        table.fault("window", "the window is longer than a year", 'as in window = "30d"')
    if "from" in table.data and table.text("from") != "activation":
        table.fault(
            "from",
            f"{table.text('from')!r} is nothing to count from",
            'from = "activation", or leave it out: unknown until a window has passed',
        )
    if of is None or sums is None:
        return None
    counter = Counter(
        measure=measure, of=of, sums=sums, places=places, actions=tuple(sorted(actions or ())), by=tuple(sorted(by)), window=window
    )
    never = table.integer("never", -(-window // SECOND), 0, 2**53)
    return Reading(counter=counter, from_activation="from" in table.data, never=never)


def actions_of(table: Table, key: str, catalogue: Mapping[str, Action]) -> frozenset[str] | None:
    """The actions that the table names; None where it does not say: all of them."""
    if key not in table.data:
        return None
    said = table.data[key]
    names = (table.text(key),) if isinstance(said, str) else table.texts(key)
    for name in names:
        if name not in catalogue:
            table.fault(key, f"the catalogue has no action {name[:64]!r}", did_you_mean(name, catalogue))
    if not names:
        table.fault(key, f"{key} names no action", "leave it out for all of them")
    return frozenset(names)


def dimensions_of(table: Table, key: str, actions: frozenset[str] | None, catalogue: Mapping[str, Action]) -> tuple[str, ...]:
    """What the table says that cases are told apart by: each must be there in every one of ``actions``."""
    names = table.texts(key)
    if len(set(names)) != len(names):
        table.fault(key, f"{key} holds a dimension twice")
    for name in names:
        if name.startswith("params."):
            if actions is None:
                table.fault(key, f"{name}: not every action has it", 'name those that do, as in action = "payments.refund"')
            for action in sorted(actions or ()):
                if action in catalogue and (wrong := unfit(name, catalogue[action])) is not None:
                    table.fault(key, *wrong)
        elif name not in ("agent", "action", "resource"):
            params = {f"params.{param.name}" for action in actions or () if action in catalogue for param in catalogue[action].params}
            table.fault(key, f"{name!r} is not a dimension", did_you_mean(name, {"agent", "action", "resource", *params}))
    return tuple(dict.fromkeys(names))


def unfit(dimension: str, action: Action) -> tuple[str, str] | None:
    """Why this action cannot be told apart by ``params.NAME``, and what to do; None where it can."""
    name = dimension.removeprefix("params.")
    param = next((param for param in action.params if param.name == name), None)
    if param is None:
        return f"{action.name} has no parameter {name!r}", did_you_mean(name, (param.name for param in action.params))
    if param.kind not in KEYED:
        return f"{dimension} of {action.name} is a {param.kind}", f"a dimension is a {', '.join(KEYED[:-1])} or {KEYED[-1]}"
    if not param.required:
        return f"{dimension} of {action.name} may be left out, and whoever leaves it out would not be counted", f"make {name} required"
    return None


def _summed(table: Table, actions: frozenset[str] | None, catalogue: Mapping[str, Action]) -> tuple[str | None, int]:
    what = table.text("sum")
    if what == "cost":
        return what, 0
    if not what.startswith("params."):
        table.fault("sum", f"{what!r} cannot be summed", did_you_mean(what, ("cost", "params.NAME")))
        return None, 0
    if actions is None:
        table.fault("sum", f"{what}: not every action has it", 'name those that do, as in action = "payments.refund"')
        return None, 0
    name, places = what.removeprefix("params."), set()
    for action in (catalogue[action] for action in sorted(actions) if action in catalogue):
        param = next((param for param in action.params if param.name == name), None)
        if param is None or param.kind not in ("integer", "decimal"):
            numbers = [param.name for param in action.params if param.kind in ("integer", "decimal")]
            table.fault("sum", f"{name!r} is not a number among the parameters of {action.name}", did_you_mean(name, numbers))
            return None, 0
        if not param.required:
            table.fault("sum", f"{what} of {action.name} may be left out, and then nothing would be added", f"make {name} required")
        if param.lowest is None or param.lowest < 0:
            table.fault("sum", f"{what} of {action.name} may be negative, and would lower the sum", "give it a min of zero or more")
        places.add(param.places)
    if len(places) > 1:
        table.fault("sum", f"{what} has other places in one action than in another", "their sum would be in no unit")
    return what, max(places, default=0)
