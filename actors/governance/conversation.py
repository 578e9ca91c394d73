"""What was asked and answered about a case while it waited for people.

An approval binds, beside the card, the digest of what had been said when it was signed (``heard``).  So whoever approves
after an answer has signed that answer too; a vote given before it goes on meaning what it meant: this card, and what had
been said by then.  Who thinks otherwise after an answer may still deny, also after having approved.

A denial binds nothing of it: it is final whatever was said, and an agent that answers at the right moment must not be able
to hold it up.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from . import canonical
from .ids import Instant

MOST_QUESTIONS = 8  # about one case: who knows no more after eight answers denies it
LONGEST_QUESTION, LONGEST_ANSWER = 1024, 4096  # characters
NOTHING = b""  # what was heard where nothing was said


@attrs.frozen
class Exchange:
    """One question with its answer, which is empty while there is none."""

    number: int
    approver: str
    person: str
    question: str
    asked_at: Instant
    answer: str = ""
    answered_at: Instant = Instant(0)


def heard(said: Sequence[Exchange]) -> bytes:
    """The digest of everything that was said, as an approval binds it: SHA-256 of the canonical list of
    (number, approver, person, question, answer); no bytes where nothing was said."""
    if not said:
        return NOTHING
    return canonical.digest(canonical.pack([[part.number, part.approver, part.person, part.question, part.answer] for part in said]))


def open_question(said: Sequence[Exchange], number: int | None) -> Exchange | None:
    """The question of that number if it waits for an answer; without a number, the oldest that does."""
    waiting = (part for part in said if not part.answer and number in (None, part.number))
    return next(waiting, None)


def told(said: Sequence[Exchange]) -> list[canonical.Value]:
    """As the wire has it."""
    return [attrs.asdict(part) for part in said]
