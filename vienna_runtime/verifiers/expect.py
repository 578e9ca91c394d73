"""Where a check's expected value comes from, read from the configuration and resolved for a case.

    expected = { literal = 0 }             fixed
    expected = { absent = true }           nothing may be there
    expected = { param = "commit" }        what the warrant says
    expected = { digest_of = "content" }   SHA-256 of what the warrant says
    expected = { receipt = "result_digest" }   what the executor says it did; or a key of its evidence

The first four do not take the executor's word for anything.  With the last one, only a receipt that contradicts the
world is found, not one that tells truly of a deed nobody asked for.
"""

from __future__ import annotations

import hashlib
import re

from vienna_runtime.executors import params
from vienna_runtime.executors.errors import ValueRefused
from vienna_runtime.executors.params import Declared
from vienna_runtime.executors.settings import Table
from vienna_runtime.verifiers.observe import Absent, DigestOfParam, Expectation, FromParam, FromReceipt, Literal, Source, Value

_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)


def source(table: Table, declared: Declared, default: Source | None) -> Source:
    """Read ``expected`` from a check's table; without a default it must be there."""
    written = table.mapping("expected", {})
    if not written and default is not None:
        return default
    match list(written.items()):
        case [("literal", str() | int() as value)] if not isinstance(value, bool):
            return Literal(value)
        case [("absent", True)]:
            return Literal(Absent())
        case [("param", str(name))] if name in declared:
            return FromParam(name)
        case [("digest_of", str(name))] if name in declared:
            return DigestOfParam(name)
        case [("receipt", str(name))]:
            return FromReceipt(name)
        case _:
            ways = '{ literal = … }, { absent = true }, { param = "declared" }, { digest_of = "declared" } or { receipt = "…" }'
            raise table.invalid("expected", f"is {written!r}, expected one of {ways}")


def resolve(source: Source, expectation: Expectation) -> object:
    """The value as it stands in the case, of whatever type.  Raises ``ValueRefused`` when it is not there."""
    match source:
        case Literal(value):
            return value
        case FromParam(name):
            return _param(expectation, name)
        case DigestOfParam(name):
            value = _param(expectation, name)
            if not isinstance(value, str | bytes):
                raise ValueRefused(f"parameter {name} is neither text nor bytes, so it has no digest")
            return hashlib.sha256(value if isinstance(value, bytes) else params.text(f"parameter {name}", value)).digest()
        case FromReceipt(name):
            return _claimed(expectation, name)


def _claimed(expectation: Expectation, name: str) -> object:
    claim = expectation.claim
    if claim is None:
        raise ValueRefused("what is expected stands in a receipt, and there is none: nobody has reported this run")
    match name:
        case "result_digest":
            return claim.result_digest
        case "result":
            return claim.result
        case _ if name in claim.evidence:
            return claim.evidence[name]
        case _:
            raise ValueRefused(f"the receipt's evidence has no {name!r}")


def digest(value: object) -> bytes | Absent:
    """As a SHA-256, given as 32 bytes or 64 lower-case hexadecimal digits."""
    if isinstance(value, Absent):
        return value
    if isinstance(value, str) and _HEX.fullmatch(value):
        return bytes.fromhex(value)
    if isinstance(value, bytes) and len(value) == hashlib.sha256().digest_size:
        return value
    raise ValueRefused("what is expected is not a SHA-256 digest")


def text(value: object) -> str | Absent:
    """As text without the line ends around it; programs end their output with one."""
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            raise ValueRefused("what is expected is not UTF-8 text") from None
    if isinstance(value, Absent):
        return value
    if not isinstance(value, str):
        raise ValueRefused("what is expected is not a text")
    return params.text("what is expected", value).decode().strip("\r\n")


def integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueRefused("what is expected is not an integer")
    return value


def _param(expectation: Expectation, name: str) -> Value:
    value = expectation.params.get(name)
    if not isinstance(value, str | bytes | int) or isinstance(value, bool):
        raise ValueRefused(f"parameter {name} is missing or of a kind that nothing can be compared with")
    return value
