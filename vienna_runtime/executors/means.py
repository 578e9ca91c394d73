"""The port: what an executor is asked to do, and what came of it.

    Succeeded   it was done, and this is what was done
    Failed      it was not done, or ended with a failure that the program itself reported
    Unknown     it began, and nobody here can say how it ended: never repeated, never called done

An outcome's ``done`` says what was *really* done (action, resource, parameters as they were used), not what was asked;
it is ``None`` where nothing began.  Times are wall-clock microseconds of this machine: evidence, not legal time.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Protocol, TypeAlias

import attrs

Evidence: TypeAlias = Mapping[str, str | int | bool | bytes]

ABSENT = bytes(32)  # the state of a file that is not there
CHANGED = "the target has changed since its state was approved"
NOTHING = hashlib.sha256(b"").digest()


@attrs.frozen(kw_only=True)
class Work:
    """One run: the arguments of a redeemed warrant."""

    action: str
    resource: str
    params: Mapping[str, object]
    effect_id: str
    deadline: float = math.inf  # on trio's clock: ``trio.current_time() + seconds left``
    state: bytes | None = None  # what the target's state must be when it is done; None: whatever it is


@attrs.frozen(kw_only=True)
class Done:
    action: str
    resource: str
    params: Mapping[str, object]


@attrs.frozen(kw_only=True)
class Succeeded:
    done: Done
    result: bytes  # small: the head of what came back, capped by the configuration
    result_digest: bytes  # SHA-256 of all of what came back; of a file written, of its content
    evidence: Evidence
    cost: int  # micro-units
    started: int  # µs
    ended: int  # µs


@attrs.frozen(kw_only=True)
class Failed:
    why: str
    done: Done | None  # None: nothing began
    evidence: Evidence = attrs.Factory(dict)
    cost: int = 0
    started: int
    ended: int


@attrs.frozen(kw_only=True)
class Unknown:
    why: str
    done: Done
    evidence: Evidence = attrs.Factory(dict)
    cost: int = 0
    started: int
    ended: int


Outcome: TypeAlias = Succeeded | Failed | Unknown


class Means(Protocol):
    """Holds the credentials of one action.

    Raises nothing but cancellation and what shows this process itself as broken (out of descriptors, a bug).  Whatever was
    started is dead before either leaves, and the caller owes the run an Unknown.
    """

    async def execute(self, work: Work) -> Outcome: ...

    async def state(self, work: Work) -> bytes | None:
        """The digest of what the target is now (32 bytes), as whoever proposes it reads it too; None where it cannot be told."""
