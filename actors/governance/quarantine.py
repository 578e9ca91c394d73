"""Commands that an actor fell over twice: which are the same, and what the log says of one.

The same command under another idempotency key is the same: a program that tries again makes a new key each time.
"""

from __future__ import annotations

import hashlib

import attrs

from . import canonical
from . import events as e
from .ids import CaseId, Fresh
from .refusals import Code, Refusal
from .state import State

KIND = "poison"  # of the dead letter
_KEY = "key"
_LONGEST = 64  # characters of a name that Python gave


def digest_of(command: attrs.AttrsInstance, by: str) -> bytes:
    """SHA-256 over the command's kind, its sender and its fields but for the idempotency key."""
    fields = {field.name: getattr(command, field.name) for field in attrs.fields(type(command)) if field.name != _KEY}
    kind = type(command).__name__
    try:
        return canonical.digest(canonical.pack({"command": kind, "by": by, "fields": fields}))
    except canonical.NotCanonical:  # what has no canonical form may well be what it fell over
        return hashlib.sha256(f"{kind}\0{by}\0{fields!r}".encode("utf-8", "backslashreplace")).digest()


def digest_of_text(about: str, by: str) -> bytes:
    """The same for what is no command."""
    return hashlib.sha256(f"{about}\0{by}".encode()).digest()


@attrs.frozen
class Poison:
    """What is known of one: never its fields, for nobody has looked at them."""

    digest: bytes
    command: str  # its kind, as ``command.refused`` has it
    by: str
    fall: str  # the type of the last crash

    def refusal(self) -> Refusal:
        return Refusal(
            Code.QUARANTINED,
            f"{self.command} made this tenant's actor fall twice and is not looked at any more; it is a dead letter, for somebody to look",
        )


def buried(state: State, poison: Poison, fresh: Fresh) -> tuple[e.Event, ...]:
    """What the log says: which command, from whom, and a dead letter that waits until somebody has looked."""
    letter = fresh.dead_letter()
    why = f"{poison.command} of {poison.by} made the tenant's actor fall twice ({poison.fall}); its digest is {poison.digest.hex()}"
    return (
        e.CommandQuarantined(letter, poison.command, poison.by, poison.digest, poison.fall[:_LONGEST]),
        e.DeadLetterOpened(letter, CaseId(""), KIND, why, state.last_letter, closes=False),
    )
