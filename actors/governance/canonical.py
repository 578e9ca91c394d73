"""One value, one sequence of bytes: the msgpack that is hashed and signed.

Declared maps keep their declared order (``pack_fields``); free maps, such as an intent's params, are sorted by the UTF-8
bytes of their keys (``pack``).  Text is kept as received, integers stay within ±(2⁶³-1), there are no floats and no
extension types, and every value takes its shortest encoding (which msgpack's packer always chooses).  A decimal is
``{"dec": "12.50"}``.  Whoever reads such bytes re-encodes and compares: ``unpack`` and ``unpack_fields`` do.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import msgpack

Value: TypeAlias = "bool | int | str | bytes | Sequence[Value] | Mapping[str, Value] | None"

MAX_INTEGER = 2**63 - 1  # what every msgpack library in every language can hold
MAX_DEPTH = 16  # deeper params are an attack, not a request
DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,9}\Z", re.ASCII)  # one form: a point, no exponent, no leading zeros

_pack = msgpack.Packer(use_bin_type=True, autoreset=True).pack
_PLAIN = frozenset({str, bytes, bool, type(None)})  # what is its own canonical form


class NotCanonical(ValueError):
    """The value has no canonical form, or the bytes are not it.  The message names what is wrong, never the value."""


def pack(value: Value) -> bytes:
    """The canonical bytes of a free value; raises ``NotCanonical``."""
    return _packed(_ordered(value, 0))


def pack_fields(fields: Iterable[tuple[str, Value]]) -> bytes:
    """The canonical bytes of a map whose fields are declared: the order given is kept, the values are free."""
    return _packed(
        {
            name: value
            if (kind := type(value)) in _PLAIN or (kind is int and -MAX_INTEGER <= value <= MAX_INTEGER)  # type: ignore[operator]  # an int here
            else _ordered(value, 1)
            for name, value in fields
        }
    )


def ordered(value: Value) -> Value:
    """The value with its maps in order, for ``pack_ordered``; raises ``NotCanonical``."""
    return _ordered(value, 1)


def pack_ordered(value: Value) -> bytes:
    """The canonical bytes of what is in order already: by its maker's word, for it is not looked at."""
    return _packed(value)


def _packed(ordered: Value) -> bytes:
    try:
        packed: bytes = _pack(ordered)
    except UnicodeEncodeError:  # half a surrogate pair
        raise NotCanonical("text that is not valid Unicode") from None
    except OverflowError:
        raise NotCanonical("an integer beyond ±(2^63-1)") from None
    return packed


def digest(packed: bytes) -> bytes:
    """SHA-256, 32 bytes."""
    return hashlib.sha256(packed).digest()


def unpack(packed: bytes) -> Value:
    """The value, if ``packed`` is exactly what ``pack`` would have written; else ``NotCanonical``."""
    value = _unpack_unverified(packed)
    if pack(value) != packed:
        raise NotCanonical("the bytes are not in canonical form")
    return value


def unpack_fields(packed: bytes, names: tuple[str, ...]) -> dict[str, Value]:
    """The declared fields in their order, if ``packed`` is exactly what ``pack_fields`` would have written."""
    value = unpack_any_fields(packed)
    if tuple(value) != names:
        raise _other_fields(names)
    return value


def unpack_any_fields(packed: bytes) -> dict[str, Value]:
    """As ``unpack_fields``, whatever fields there are: for what an earlier version declared."""
    value = _unpack_unverified(packed)
    if not isinstance(value, dict):
        raise NotCanonical("expected a map of fields")
    if pack_fields(value.items()) != packed:
        raise NotCanonical("the bytes are not in canonical form")
    return value


def _other_fields(names: tuple[str, ...]) -> NotCanonical:
    return NotCanonical(f"expected the fields {', '.join(names)} in this order")


Kinds: TypeAlias = Mapping[str, type | tuple[type, ...]]  # of each declared field the type that it has, exactly


def unpack_typed(packed: bytes, names: tuple[str, ...], kinds: Kinds) -> dict[str, Value]:
    """As ``unpack_fields``, where each field has also to be of its kind: 1 is not true, and nothing is converted."""
    fields = unpack_fields(packed, names)
    for name, kind in kinds.items():
        if isinstance(kind, tuple):
            if type(fields[name]) not in kind:
                raise NotCanonical(f"the field {name} is of another type")
        elif type(fields[name]) is not kind:
            raise NotCanonical(f"the field {name} is not {kind.__name__}")
    return fields


def unpack_own_fields(packed: bytes, names: tuple[str, ...]) -> dict[str, Value]:
    """The declared fields of bytes that ``pack_fields`` is known to have written: for what already stands in this log."""
    value = _unpack_unverified(packed)
    if not isinstance(value, dict) or tuple(value) != names:
        raise _other_fields(names)
    return value


def _unpack_unverified(packed: bytes) -> Value:
    """What msgpack makes of it.  A map with the same key twice loses one of them here, and is found out when it is packed again."""
    try:
        value: Value = msgpack.unpackb(packed, strict_map_key=True, raw=False)
    except (ValueError, msgpack.UnpackException, RecursionError) as error:
        raise NotCanonical(f"not one msgpack value ({type(error).__name__})") from None
    return value


def _ordered(value: Value, depth: int) -> Value:
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:  # type: ignore[operator]  # kind is int here
            raise NotCanonical("an integer beyond ±(2^63-1)")
        return value
    if depth >= MAX_DEPTH:
        raise NotCanonical(f"nested deeper than {MAX_DEPTH}")
    if kind is tuple or kind is list or isinstance(value, (list, tuple)):
        if _PLAIN.issuperset(map(type, value)):  # type: ignore[arg-type]  # a sequence here
            return list(value)  # type: ignore[arg-type]  # likewise
        return [_ordered(item, depth + 1) for item in value]  # type: ignore[union-attr]  # likewise
    if kind is dict or isinstance(value, Mapping):
        return _ordered_map(value, depth) if value else {}  # type: ignore[arg-type]  # a map here
    raise NotCanonical(f"a {kind.__name__} has no canonical form")


def _ordered_map(value: Mapping[str, Value], depth: int) -> Value:
    for key in value:
        if type(key) is not str:
            raise NotCanonical("a map key that is not text")
    if "dec" in value:
        text = value["dec"]
        if len(value) != 1 or type(text) is not str or not DECIMAL.match(text) or is_negative_zero(text):
            raise NotCanonical('a decimal is {"dec": "12.50"}: digits, a point, digits, and nothing else')
        return {"dec": text}
    # by code points, which is the order of the UTF-8 bytes
    return {key: item if type(item := value[key]) in _PLAIN else _ordered(item, depth + 1) for key in sorted(value)}


def is_negative_zero(text: str) -> bool:
    """Whether a decimal is zero with a minus sign, which would be a second form of the same number."""
    return text.startswith("-") and not text.strip("-0.")
