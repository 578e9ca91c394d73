"""What a supervision is told: its children, which of them share a fate, and how much falling it bears."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable

import attrs


class Restart(enum.Enum):
    PERMANENT = "permanent"  # always started again
    TRANSIENT = "transient"  # started again after a crash, not after it ended by itself
    TEMPORARY = "temporary"  # never started again


class Strategy(enum.Enum):
    ONE_FOR_ONE = "one_for_one"  # the fallen child alone
    REST_FOR_ONE = "rest_for_one"  # and all that were started after it, for they rest on it
    ONE_FOR_ALL = "one_for_all"  # all of them


class When(enum.Enum):
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"


@attrs.frozen(kw_only=True)
class Child:
    """``start(task_status=life)`` is one life of the child: it calls ``life.started()`` when ready, and runs until cancelled."""

    name: str
    start: Callable[..., Awaitable[object]]
    restart: Restart = Restart.PERMANENT
    shutdown: float = 5.0  # s; enough for a last commit on a slow disk, little enough for a platform that kills after 10


@attrs.frozen(kw_only=True)
class Intensity:
    """More than ``restarts`` within ``period`` seconds is no longer bad luck."""

    restarts: int = 5  # a crash that heals by starting afresh heals in the first few
    period: float = 60.0


@attrs.frozen(kw_only=True)
class Backoff:
    """The wait before the n-th restart of a child within the period: doubled each time, up to a limit, jittered downwards."""

    first: float = 0.1  # s; unnoticed by a person, long enough for a socket to be released
    limit: float = 10.0

    def delay(self, nth: int, jitter: float) -> float:
        """``jitter`` in [0, 1) takes off up to half, so that children that fell together do not come back together."""
        return min(self.limit, self.first * 2.0 ** (nth - 1)) * (1.0 - jitter / 2)


@attrs.frozen(kw_only=True)
class Down:
    """A child's life is over without having been asked for, or ended badly while it was being stopped."""

    child: str
    crash: Exception | None  # None: it returned
    when: When
    restarts_in: float | None  # s; None: it is not started again by this


@attrs.frozen(kw_only=True)
class Overran:
    """A child goes on after its shutdown deadline.  A task that shields itself cannot be killed, so it is waited for."""

    child: str
    shutdown: float


Notice = Down | Overran


@attrs.frozen(kw_only=True)
class ChildStatistics:
    name: str
    state: str  # starting, running, stopping, waiting (for its restart), ended
    restarts: int
    crash: str = ""  # the type of its last crash, over all its lives
