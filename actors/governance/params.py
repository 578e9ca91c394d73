"""Whether the arguments of an intent are exactly what the catalogue declares, and their form for Cedar.

A missing, extra or mistyped parameter is refused with a sentence: nothing is guessed, dropped or converted, save that a
decimal becomes the integer of its declared places, because Cedar has no fractions worth having.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

import attrs

from .canonical import DECIMAL, MAX_INTEGER, Value, is_negative_zero
from .finding import Malformed

Kind: TypeAlias = Literal["string", "integer", "boolean", "decimal", "list", "set"]
KINDS: tuple[Kind, ...] = get_args(Kind)
CEDAR = {"string": "String", "integer": "Long", "boolean": "Bool", "decimal": "Long", "list": "Set<String>", "set": "Set<String>"}

Plain: TypeAlias = str | int | bool | list[str]  # what goes into Cedar's context


@attrs.frozen(kw_only=True)
class Param:
    """``places``, ``lowest`` and ``highest`` are for numbers; a decimal's bounds are scaled by its places."""

    name: str
    kind: Kind
    required: bool = True
    places: int = 0
    lowest: int | None = None
    highest: int | None = None
    choices: frozenset[str] = frozenset()  # for texts and their lists; empty: any

    def plain(self, value: Value) -> Plain:
        """The value as Cedar sees it; raises ValueError with the fact that does not hold."""
        match self.kind:
            case "string":
                return self._one(value)
            case "boolean":
                if type(value) is bool:
                    return value
            case "integer":
                if type(value) is int:
                    return self._bounded(value)
            case "decimal":
                if isinstance(value, Mapping) and len(value) == 1 and type(text := value.get("dec")) is str:
                    scaled = scale(text, self.places)
                    if isinstance(scaled, Malformed):
                        raise ValueError(scaled.message)
                    return self._bounded(scaled)
            case "list" | "set":
                if isinstance(value, (list, tuple)):
                    texts = [self._one(item) for item in value]
                    if self.kind == "set" and len(set(texts)) != len(texts):
                        raise ValueError("must not hold anything twice")
                    return texts
        raise ValueError(f"must be {_NOUN[self.kind]}")

    def _one(self, value: Value) -> str:
        if type(value) is not str:
            raise ValueError(f"must be {_NOUN[self.kind]}")
        if self.choices and value not in self.choices:
            raise ValueError(f"must be one of {', '.join(sorted(self.choices))}")
        return value

    def _bounded(self, value: int) -> int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise ValueError("is beyond 64 bits")
        if self.lowest is not None and value < self.lowest:
            raise ValueError(f"must be at least {unscale(self.lowest, self.places)}")
        if self.highest is not None and value > self.highest:
            raise ValueError(f"must be at most {unscale(self.highest, self.places)}")
        return value


_NOUN: dict[Kind, str] = {
    "string": "a text",
    "boolean": "true or false",
    "integer": "a whole number",
    "decimal": 'a decimal, {"dec": "12.50"}',
    "list": "a list of texts",
    "set": "a list of texts",
}


def typed(params: tuple[Param, ...], given: Mapping[str, Value]) -> dict[str, Plain] | str:
    """The record for Cedar's ``context.params``, or the sentence that says what is wrong with what was given."""
    record: dict[str, Plain] = {}
    for param in params:
        name = param.name
        if name in given:
            try:
                record[name] = param.plain(given[name])
            except ValueError as fact:
                return f"the parameter {name} {fact}"
        elif param.required:
            return f"the parameter {name} is missing"
    if len(record) != len(given):
        extra = sorted(repr(name)[:64] for name in given if name not in record)
        return f"the action has no parameter {', '.join(extra[:4])}"
    return record


def scale(text: str, places: int) -> int | Malformed:
    """``"12.50"`` with two places is 1250; a decimal that needs more places is not rounded but refused."""
    if not DECIMAL.match(text) or is_negative_zero(text):
        return Malformed('must be a decimal with a point, as in "12.50"')
    whole, fraction = text.split(".")
    if len(fraction.rstrip("0")) > places:
        return Malformed(f"must have at most {places} digits after the point")
    return int(whole + fraction[:places].ljust(places, "0"))


def unscale(value: int, places: int) -> str:
    """The number as people write it."""
    if places == 0:
        return str(value)
    digits = f"{abs(value):0{places + 1}d}"
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


NAME = re.compile(r"[a-z][a-z0-9_]{0,47}", re.ASCII)  # of a parameter or a fact: an identifier in Cedar too
