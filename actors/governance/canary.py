"""A canary: a case that an admin made up in an agent's name, to see whether whoever approves it looks.

While it waits, nothing on the log says so.  Its idempotency key looks like any that the SDK makes; it is a nonce and an HMAC by the
tenant's key over whose name it bears and what it asks for.  So the node can tell, nobody else can, and no agent's key is taken for one.
What ends it says that it was one, by whom, and who approved it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import attrs

from . import canonical
from . import events as e
from .ids import MemberId, Person
from .state import Case

PURPOSE = b"vienna/canary/1\0"  # no warrant begins like this, over which the same key makes MACs: they are canonical maps
AUTHOR = b"vienna/canary-author/1\0"
SEED = b"vienna/canary-seed/1\0"
HALF = 8  # bytes of each, nonce and MAC: 64 bits that an agent would have to guess, to have its own case never executed
QUARTER = 4  # bytes of the nonce that are drawn; as many say whose it is, and are looked at where the MAC is right
MOST_OPEN = 8  # of a tenant: people should meet one now and then, and not have their desks full of them


@attrs.frozen
class Canary:
    """Whose it is, empty where that cannot be told any more, and why, as far as that is known: the reason is kept in memory alone."""

    by: MemberId
    reason: str


Recognise: TypeAlias = Callable[[Case], Canary | None]


def key(nonce: bytes, mac: bytes) -> str:
    """The idempotency key, in the form of ``vienna_runtime.client.vienna.new_key``."""
    return (nonce[:HALF] + mac[:HALF]).hex()


def unverified_halves(said: str) -> tuple[bytes, bytes] | None:
    """Nonce and MAC of a key of that form; None of any other."""
    if len(said) != 4 * HALF or set(said) - set("0123456789abcdef"):
        return None
    packed = bytes.fromhex(said)
    return packed[:HALF], packed[HALF:]


def message(tenant: str, agent: str, intent: bytes, nonce: bytes) -> bytes:
    """What the MAC is over: also the intent, so that the key makes a canary of nothing else.  It takes one, however many members there
    are and whatever became of the admin."""
    return PURPOSE + canonical.pack([tenant, agent, canonical.digest(intent), nonce])


def author(tenant: str, by: str, drawn: bytes) -> bytes:
    """What says within the nonce whose it is."""
    return AUTHOR + canonical.pack([tenant, by, drawn])


def seed(tenant: str, by: str, asked: str) -> bytes:
    """What is drawn: asked again under the same key, an admin finds the same canary."""
    return SEED + canonical.pack([tenant, by, asked])


def missed(case: Case, canary: Canary, persons: Iterable[str]) -> e.CanaryMissed:
    return e.CanaryMissed(case.case, canary.by, _names(persons), canary.reason, closes=True)


def caught(case: Case, canary: Canary, person: Person) -> e.CanaryCaught:
    """Who denies it has caught it, also after having approved."""
    approved = _names(given.person for given in case.given if given.person != person)
    return e.CanaryCaught(case.case, canary.by, person, approved, canary.reason, closes=True)


def ended(case: Case, canary: Canary, *, votes: bool = True) -> e.CanaryEnded:
    """By time, by being withdrawn, or by another bundle, with which the ``votes`` fell."""
    return e.CanaryEnded(case.case, canary.by, _names(given.person for given in case.given if votes), canary.reason, closes=True)


def _names(persons: Iterable[str]) -> tuple[Person, ...]:
    return tuple(sorted({Person(person) for person in persons}))
