"""Which parameters an action takes, of which kind, and how each is spelled as bytes.

Exactly the declared ones: a missing parameter is never an empty one, and one that is not declared would be asked for,
approved and then ignored.  A parameter's value of another kind is refused, never converted: ``"5"`` is not ``5``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

import attrs

from vienna_runtime.executors import walk
from vienna_runtime.executors.errors import ValueRefused
from vienna_runtime.executors.settings import Table
from vienna_runtime.executors.template import NAME, Template, parse

KINDS = ("text", "path", "integer", "boolean", "decimal", "bytes")

RESOURCE = "resource"  # a name that is always there: the resource of the intent, as a text
EFFECT = "effect"  # likewise: the effect's id, which providers take as idempotency key
RESERVED = frozenset({RESOURCE, EFFECT})

_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)
_MOST_INTEGER = 2**63 - 1  # the canonical encoding knows no wider integer


@attrs.frozen
class OneOf:
    """A text that must be one of these."""

    texts: tuple[str, ...]


Kind: TypeAlias = str | OneOf
Declared: TypeAlias = Mapping[str, Kind]


def declare(table: Table) -> dict[str, Kind]:
    """Read ``params = { repo = "path", branch = ["main", "next"] }`` from a table."""
    declared: dict[str, Kind] = {}
    for name, kind in table.mapping("params", {}).items():
        if not NAME.fullmatch(name) or name in RESERVED:
            raise table.invalid("params", f"names {name!r}, which is not a name that a parameter can have")
        if isinstance(kind, str) and kind in KINDS:
            declared[name] = kind
        elif isinstance(kind, list) and kind and all(isinstance(text, str) for text in kind):
            declared[name] = OneOf(tuple(kind))
        else:
            raise table.invalid("params", f"has {name!r} as {kind!r}, expected one of {', '.join(KINDS)}, or a list of the texts allowed")
    return declared


def template(table: Table, key: str, text: str, declared: Declared) -> Template:
    """Parse ``text`` and refuse a placeholder that is not declared."""
    try:
        parsed = parse(text)
    except ValueError as wrong:
        raise table.invalid(key, str(wrong)) from None
    for name in sorted(parsed.names - declared.keys() - RESERVED):
        raise table.invalid(key, f"uses {{{name}}}, which params does not declare")
    return parsed


def spell(declared: Declared, params: Mapping[str, object]) -> dict[str, bytes]:
    """Every parameter as bytes.  Raises ``ValueRefused`` that names the parameter and never repeats its value."""
    for name in declared.keys() - params.keys():
        raise ValueRefused(f"parameter {name} is missing")
    for name in params.keys() - declared.keys():
        raise ValueRefused(f"parameter {name[:64]!r} is not one that this action takes")
    return {name: _spelled(name, kind, params[name]) for name, kind in declared.items()}


def text(name: str, value: object) -> bytes:
    """A text as UTF-8.  NUL would end it early for every program, so there is none."""
    if not isinstance(value, str):
        raise ValueRefused(f"{name} is a {type(value).__name__}, expected a text")
    if "\0" in value:
        raise ValueRefused(f"{name} holds a NUL character")
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise ValueRefused(f"{name} is not text that can be written as UTF-8") from None


def _spelled(name: str, kind: Kind, value: object) -> bytes:
    what = f"parameter {name}"
    if isinstance(kind, OneOf):
        if value not in kind.texts:
            raise ValueRefused(f"{what} is not one of {', '.join(kind.texts)}")
        return text(what, value)
    match kind, value:
        case ("text", _):
            return text(what, value)
        case ("path", _):
            spelled = text(what, value)
            walk.components(spelled, what)
            return spelled
        case ("boolean", bool()):
            return b"true" if value else b"false"
        case ("integer", int()) if not isinstance(value, bool) and abs(value) <= _MOST_INTEGER:
            return str(value).encode()
        case ("decimal", {"dec": str(written), **rest}) if not rest and _DECIMAL.fullmatch(written):
            return written.encode()
        case ("bytes", bytes()):
            return value
        case _:
            raise ValueRefused(f"{what} is not a value of kind {kind}")
