"""Every exception the actors raise, as one tree.  Each branch answers one question: whose fault?

    ActorsError
    ├── Busy                      the moment's: nothing was taken, the same again later may succeed
    │   └── MailboxFull             that lane of that mailbox has no room
    ├── Unanswered                the other side's: whether it was done is not known
    │   ├── ActorDied               the actor ended before it answered, or is not alive now
    │   └── AskTimeout              no answer within the time the asker gave
    ├── Fallen                    a child's: the supervision that raises it has stopped all its children
    │   ├── StartFailed             a child ended before it was ready, on the first start
    │   └── IntensityExceeded       a child fell more often than its supervision allows
    └── Stale                     time's: the decision rests on what is no longer so; nothing was queued
        ├── StaleEpoch              the log went back to its durable state under a new epoch
        ├── StalePosition           the log's next position is another one
        └── StaleScope              a trip or a pause raised the epoch of the scope

A refusal that a decision gives is a value, not an exception.  A bug stays what Python calls it.
"""

from __future__ import annotations


class ActorsError(Exception):
    """The root: catch it to say "something among the actors", and nothing finer."""


class Busy(ActorsError):
    """Nothing was taken; the same again later may succeed."""


class MailboxFull(Busy):
    def __init__(self, name: str, *, urgent: bool) -> None:
        super().__init__(f"the {'urgent' if urgent else 'ordinary'} lane of {name}'s mailbox is full")
        self.name = name
        self.urgent = urgent


class Unanswered(ActorsError):
    """Whether it was done is not known."""


class ActorDied(Unanswered):
    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not alive, or ended before it answered")
        self.name = name


class AskTimeout(Unanswered):
    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(f"{name} did not answer within {seconds:g} s")
        self.name = name
        self.seconds = seconds


class Fallen(ActorsError):
    """A child's failure that its supervision could not mend; all its children are stopped."""

    def __init__(self, child: str, message: str) -> None:
        super().__init__(message)
        self.child = child


class StartFailed(Fallen):
    def __init__(self, child: str) -> None:
        super().__init__(child, f"{child} ended before it was ready")


class IntensityExceeded(Fallen):
    def __init__(self, child: str, restarts: int, period: float) -> None:
        super().__init__(child, f"{child} fell: more than {restarts} restarts within {period:g} s")
        self.restarts = restarts
        self.period = period


class Stale(ActorsError):
    """The decision rests on what is no longer so; nothing was queued."""


class StaleEpoch(Stale):
    def __init__(self, log: str, *, given: int, current: int) -> None:
        super().__init__(f"log {log!r} is in epoch {current}, not {given}: it went back to its durable state")
        self.log = log
        self.given = given
        self.current = current


class StalePosition(Stale):
    def __init__(self, log: str, *, given: int, current: int) -> None:
        super().__init__(f"the next position of log {log!r} is {current}, not {given}")
        self.log = log
        self.given = given
        self.current = current


class StaleScope(Stale):
    def __init__(self, log: str, scope: str, *, given: int, current: int) -> None:
        super().__init__(f"scope {scope!r} of log {log!r} is in epoch {current}, not {given}: it was tripped or paused")
        self.log = log
        self.scope = scope
        self.given = given
        self.current = current
