"""One byte string for one value: the msgpack that is signed and hashed.

    null  bool  int (within ±(2⁶³−1))  text  bytes  list  map (text keys, sorted by their UTF-8 bytes)

No floats, no extension types, shortest encodings, text kept as received.  ``decode`` accepts exactly what ``encode``
makes: it re-encodes and compares, so that duplicate keys, long forms and a free order are all refused alike.
"""

from __future__ import annotations

from typing import TypeAlias, cast

import msgpack

from ledger.errors import VerificationError

Value: TypeAlias = "bool | int | str | bytes | list[Value] | tuple[Value, ...] | dict[str, Value] | None"

LARGEST = 2**63 - 1  # what every language's signed 64-bit integer holds; the smallest is its negative
DEEPEST = 16  # nesting that people write by hand stays far below; bounds recursion on hostile input


def encode(value: Value) -> bytes:
    """The only encoding of ``value``; raises ValueError for what has none."""
    return cast(bytes, msgpack.packb(_ordered(value, 0)))


def decode(data: bytes) -> Value:
    """The value of ``data``, which is canonical; anything else raises VerificationError."""
    try:
        value = cast(Value, msgpack.unpackb(data, strict_map_key=True, ext_hook=_no_extension))
        again = encode(value)
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise VerificationError(f"not canonical msgpack: {error}") from None
    if again != data:
        raise VerificationError("not canonical msgpack: the same value has another encoding")
    return value


def decode_map(data: bytes) -> dict[str, Value]:
    """Like ``decode``, for what must be a map."""
    value = decode(data)
    if not isinstance(value, dict):
        raise VerificationError("not a map")
    return value


def _ordered(value: Value, depth: int) -> Value:
    if depth > DEEPEST:
        raise ValueError(f"nested deeper than {DEEPEST}")
    match value:
        case None | bool() | str() | bytes():
            return value
        case int():
            if not -LARGEST <= value <= LARGEST:
                raise ValueError("an integer beyond ±(2⁶³−1)")
            return value
        case list() | tuple() if type(value) in (list, tuple):  # msgpack's extension type is a tuple too
            return [_ordered(item, depth + 1) for item in value]
        case dict():
            if not all(isinstance(key, str) for key in value):
                raise ValueError("a key that is not text")
            return {key: _ordered(value[key], depth + 1) for key in sorted(value, key=str.encode)}
        case _:
            raise ValueError(f"a {type(value).__name__} has no canonical form")


def _no_extension(code: int, data: bytes) -> Value:
    raise ValueError(f"extension type {code}")
