"""Exactly one value, or one of a few.  Types count: ``1`` is neither ``True`` nor ``"1"`` nor the decimal ``1.0``."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from .. import canonical
from ..canonical import NotCanonical, Value

MOST_CHOICES = 64  # more than that is a catalogue's business, not a warrant's
_LONGEST_SHOWN = 80  # characters of a value in a sentence


def packed(value: object) -> bytes | None:
    """The canonical bytes by which values are compared; None for what has none and so equals nothing."""
    try:
        return canonical.pack(value)  # type: ignore[arg-type]  # what is not a Value is refused
    except NotCanonical:
        return None


def shown(value: Value) -> str:
    """A value as people write it, in one line and cut where it is long."""
    match value:
        case bool():
            text = "true" if value else "false"
        case {"dec": str(written)}:
            text = written
        case str():
            text = f'"{value}"'
        case bytes():
            text = f"0x{value.hex()}"
        case None:
            text = "nothing"
        case Mapping():
            text = "{" + ", ".join(f"{name}: {shown(item)}" for name, item in value.items()) + "}"
        case list() | tuple():
            text = "[" + ", ".join(map(shown, value)) + "]"
        case _:
            text = str(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


@attrs.frozen(eq=False)
class Exact:
    """This value and no other, compared by its canonical bytes: another spelling or normal form is another value."""

    value: Value
    packed: bytes = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "packed", canonical.pack(self.value))

    def __hash__(self) -> int:
        return hash(self.packed)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Exact) and self.packed == other.packed  # not by value, since Python has 1 == True

    def problem(self, value: Value) -> str | None:
        return None if packed(value) == self.packed else f"must be {shown(self.value)} in value and type"

    def form(self) -> Value:
        return {"exact": self.value}

    def words(self) -> str:
        return f"exactly {shown(self.value)}"


@attrs.frozen(eq=False)
class OneOf:
    """Any of these values; kept in the order of their canonical bytes, each once."""

    choices: tuple[Value, ...]
    packed: tuple[bytes, ...] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        known = {canonical.pack(choice): choice for choice in self.choices}
        if not 1 <= len(known) == len(self.choices) <= MOST_CHOICES:
            raise NotCanonical(f"one of takes 1 to {MOST_CHOICES} different values")
        object.__setattr__(self, "packed", tuple(sorted(known)))
        object.__setattr__(self, "choices", tuple(known[key] for key in self.packed))

    def __hash__(self) -> int:
        return hash(self.packed)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OneOf) and self.packed == other.packed

    def problem(self, value: Value) -> str | None:
        return None if packed(value) in self.packed else f"must be one of {', '.join(map(shown, self.choices))}"

    def form(self) -> Value:
        return {"one_of": list(self.choices)}

    def words(self) -> str:
        return f"one of {', '.join(map(shown, self.choices))}"
