"""The kinds of field a call can have, each with its limits and the sentence for a value that does not fit."""

from __future__ import annotations

from typing import Final, TypeAlias

import attrs

MISSING: Final = object()  # stands for a field that was not sent


@attrs.frozen
class Text:
    """Text of 1 to ``longest`` characters, with no control characters except newline and tab in the long ones."""

    longest: int

    def absent(self) -> object:
        return MISSING


@attrs.frozen
class Bytes:
    shortest: int
    longest: int

    def absent(self) -> object:
        return MISSING


@attrs.frozen
class Number:
    least: int
    most: int = 2**63 - 1
    default: int | None = None

    def absent(self) -> object:
        return MISSING if self.default is None else self.default


@attrs.frozen
class Flag:
    default: bool | None = None

    def absent(self) -> object:
        return MISSING if self.default is None else self.default


@attrs.frozen
class Map:
    """A free map with text keys; what it may hold is the law's to say."""

    def absent(self) -> object:
        return MISSING


@attrs.frozen
class Names:
    """At most 16 short texts."""

    def absent(self) -> object:
        return []


@attrs.frozen
class Absent:
    """A field that may be left out or null."""

    kind: Text | Bytes | Number | Map

    def absent(self) -> object:
        return None


Field: TypeAlias = Text | Bytes | Number | Flag | Map | Names | Absent
MAX_NAMES = 16  # roles of one member: more than that is not a role model


def problem(spec: Field, value: object) -> str | None:
    """None if ``value`` fits, else the rest of a sentence that begins with the field's name."""
    if isinstance(spec, Absent):
        return None if value is None else problem(spec.kind, value)
    if value is MISSING:
        return "is missing"
    match spec:
        case Text(longest=longest):
            if type(value) is not str or not 1 <= len(value) <= longest:
                return f"is not text of 1 to {longest} characters"
            if not value.isprintable() and (found := _unfit(value, longest)) is not None:
                return found
        case Bytes(shortest=shortest, longest=longest):
            if type(value) is not bytes or not shortest <= len(value) <= longest:
                return f"is not {shortest} bytes" if shortest == longest else f"is not {shortest} to {longest} bytes"
        case Number(least=least, most=most):
            if type(value) is not int or not least <= value <= most:
                return f"is not a whole number from {least} to {most}"
        case Flag():
            if type(value) is not bool:
                return "is not true or false"
        case Map():
            if type(value) is not dict:
                return "is not a map"
        case Names():
            if type(value) is not list or len(value) > MAX_NAMES or any(problem(Text(40), name) for name in value):
                return f"is not a list of at most {MAX_NAMES} short texts"
    return None


LONG_TEXT = 1024  # from here on a text is prose and may have lines


def _unfit(value: str, longest: int) -> str | None:
    """What text that is not all printable must not hold (letters of any script are fine)."""
    allowed = "\n\t" if longest >= LONG_TEXT else ""
    if any((character < " " or "\x7f" <= character <= "\x9f") and character not in allowed for character in value):
        return "holds control characters"
    if any("\ud800" <= character <= "\udfff" for character in value):
        return "is not valid Unicode"  # half a surrogate pair has no UTF-8, so it could neither be digested nor recorded
    return None


def describe(spec: Field) -> str:
    """The field's type as ``docs/protocol.md`` prints it."""
    match spec:
        case Absent(kind=kind):
            return describe(kind) + ", optional"
        case Text(longest=longest):
            return f"text ≤ {longest}"
        case Bytes(shortest=shortest, longest=longest):
            return f"bytes {shortest}" if shortest == longest else f"bytes {shortest}–{longest}"
        case Number(least=least, most=most, default=default):
            limit = f"≥ {least}" if most == 2**63 - 1 else f"{least}–{most}"
            return f"integer {limit}" + ("" if default is None else f", default {default}")
        case Flag(default=default):
            return "boolean" + ("" if default is None else f", default {str(default).lower()}")
        case Map():
            return "map"
        case Names():
            return f"list of ≤ {MAX_NAMES} texts"
