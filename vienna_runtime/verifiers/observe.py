"""Does the world look as the receipt says?

    Observed, agrees       somebody looked, and it is as expected
    Observed, disagrees    somebody looked, and it is not: a mismatch
    Inconclusive           nobody could look, or nobody knows what to expect

Inconclusive is never agreement: an error of the means, a missing value, a value of another type all end there.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Protocol, TypeAlias

import attrs

from vienna_runtime.executors.errors import NotStarted, ValueRefused
from vienna_runtime.executors.subject import Subject


@attrs.frozen
class Absent:
    """That nothing is there: no file, no ref.  A thing one can see and can expect."""


Value: TypeAlias = bytes | str | int | Absent  # a digest, a git object or a text, an exit code, nothing


@attrs.frozen
class Literal:
    """Expected is this, whatever the case."""

    value: Value


@attrs.frozen
class FromParam:
    """Expected is the value of a parameter of the warrant."""

    name: str


@attrs.frozen
class DigestOfParam:
    """Expected is the SHA-256 of a parameter's bytes (a text as UTF-8)."""

    name: str


@attrs.frozen
class FromReceipt:
    """Expected is what the executor says: ``result_digest``, ``result`` or a key of its evidence."""

    name: str


Source: TypeAlias = Literal | FromParam | DigestOfParam | FromReceipt


@attrs.frozen(kw_only=True)
class Claim:
    """What a receipt says of its result."""

    result: bytes
    result_digest: bytes
    evidence: Mapping[str, object]


@attrs.frozen(kw_only=True)
class Expectation:
    """One case to look at: the warrant's resource and parameters, and what the receipt claims came of it."""

    check: str  # the name under which the configuration has it
    resource: str
    params: Mapping[str, object]
    claim: Claim | None  # None where there is no receipt: an unknown outcome is probed
    effect_id: str = ""

    def values(self, subject: Subject) -> dict[str, bytes]:
        """Parameters that the check does not declare are none of its business; those it declares must be there."""
        given = {name: value for name, value in self.params.items() if name in subject.declared}
        return subject.values(self.resource, given, self.effect_id)


@attrs.frozen(kw_only=True)
class Observation:
    expected: Value
    observed: Value
    agrees: bool
    why: str


@attrs.frozen(kw_only=True)
class Inconclusive:
    why: str


Seen: TypeAlias = Observation | Inconclusive


class Sight(Protocol):
    """One way of looking.  Raises ``ValueRefused`` or ``NotStarted`` where it cannot look, and never guesses."""

    def expected(self, expectation: Expectation) -> Value: ...

    async def look(self, expectation: Expectation) -> Value: ...


async def observe(expectation: Expectation, means: Mapping[str, Sight]) -> Seen:
    """Look, compare and say so.  Raises nothing but cancellation and what shows this process itself as broken."""
    sight = means.get(expectation.check)
    if sight is None:
        return Inconclusive(why=f"this verifier has no check named {expectation.check!r}")
    try:
        expected = sight.expected(expectation)
        observed = await sight.look(expectation)
    except (ValueRefused, NotStarted) as error:
        return Inconclusive(why=str(error))
    except OSError as error:
        return Inconclusive(why=f"looking failed: {error.strerror}")
    if type(expected) is not type(observed) and not isinstance(expected, Absent) and not isinstance(observed, Absent):
        return Inconclusive(why=f"expected is a {type(expected).__name__} and observed a {type(observed).__name__}: not comparable")
    agrees = same(expected, observed)
    return Observation(expected=expected, observed=observed, agrees=agrees, why=_why(expected, observed, agrees=agrees))


def same(one: Value, other: Value) -> bool:
    match one, other:
        case bytes(), bytes():
            return hmac.compare_digest(one, other)
        case str(), str():
            return hmac.compare_digest(one.encode(), other.encode())
        case _:
            return type(one) is type(other) and one == other


def _why(expected: Value, observed: Value, *, agrees: bool) -> str:
    if agrees:
        return f"observed what was expected: {_shown(observed)}"
    return f"expected {_shown(expected)}, observed {_shown(observed)}"


def _shown(value: Value) -> str:
    match value:
        case Absent():
            return "nothing there"
        case bytes():
            return value.hex()
        case str():
            return repr(value[:200])  # a sentence, not a log; escapes show as escapes
        case int():
            return str(value)
