"""Bytes that never show themselves: not in a repr, a format, a pickle, a copy into another process or an exception.

``reveal()`` is the only way to the bytes, so that every place that uses a secret is found by its name.  Comparison is
constant-time.  Python cannot wipe memory; what is promised is that nothing *says* the secret, not that no page of the
process holds it.
"""

from __future__ import annotations

import hmac
from typing import NoReturn, final


@final
class Secret:
    """Secret bytes, blind to everything but ``reveal()``."""

    __slots__ = ("__value",)
    __value: bytes

    def __init__(self, value: bytes) -> None:
        object.__setattr__(self, "_Secret__value", bytes(value))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a secret does not change")

    def reveal(self) -> bytes:
        """The bytes themselves, for the one call that needs them."""
        return self.__value

    def __len__(self) -> int:
        return len(self.__value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__value, other.__value)

    def __hash__(self) -> NoReturn:
        raise TypeError("a secret is no key of a mapping: its hash would tell something about it")

    def __repr__(self) -> str:
        return "Secret(***)"

    def __format__(self, spec: str) -> str:
        return "Secret(***)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not pickled or copied")
