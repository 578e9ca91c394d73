"""What one tenant's lives fell over, and what of it is still to be written down; outlives them, as the mailbox does."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from actors.governance.decision import Operator
from actors.governance.quarantine import Poison, digest_of, digest_of_text
from actors.governance.refusals import Refusal
from actors.kernel.suspects import MOST, Suspects
from actors.messages import Asked, Introduce, Listen, TenantMessage


class Quarantine:
    def __init__(self) -> None:
        self.suspects = Suspects()
        self.owed: deque[Poison] = deque(maxlen=MOST)  # quarantined, and not on the log yet

    def fell(self, message: TenantMessage | None, crash: Exception) -> Refusal | None:
        """Counts it; the answer for whoever sent it, once it is quarantined.

        Time and the reconciler's question are never turned away: a tenant that keeps falling over those is frozen.
        """
        self.suspects.wary = True
        poison = _named(message, type(crash).__name__)
        if poison is None or not self.suspects.fell(poison.digest):
            return None
        self.owed.append(poison)
        return poison.refusal()

    def recognise(self, known: Callable[[bytes], bool]) -> None:
        """What an earlier process wrote down is not fallen over a second time in this one, nor written down again."""
        for digest in self.suspects.doubtful():
            if known(digest):
                self.suspects.fell(digest)
        self.owed = deque((poison for poison in self.owed if not known(poison.digest)), maxlen=MOST)

    def turns_away(self, message: TenantMessage) -> Refusal | None:
        """Why this message is not even looked at, or None."""
        if not self.suspects.wary:
            return None
        poison = _named(message, "")
        return poison.refusal() if poison is not None and self.suspects.holds(poison.digest) else None


def _named(message: TenantMessage | None, fall: str) -> Poison | None:
    match message:
        case Asked(ask=ask, by=by):
            sender = f"operator:{by.name}" if isinstance(by, Operator) else f"invitation:{by}" if message.invitation else by
            return Poison(digest_of(ask, sender), type(ask).__name__, sender, fall)
        case Introduce(key_id=key_id):
            return Poison(digest_of_text(f"introduce\0{key_id}", ""), "Introduce", "somebody at the door", fall)
        case Listen(member=member, topic=topic):
            return Poison(digest_of_text(f"listen\0{topic}", member), "Listen", member, fall)
        case _:
            return None
