"""What a tenant does when its state was not what its ledger says: the ledger is right, and the log hears of it."""

from __future__ import annotations

from typing import Protocol

import structlog

from actors import folding
from actors.governance import events as e
from actors.governance import reconciling
from actors.governance.decision import Moment
from actors.governance.refusals import Code, Refusal
from actors.governance.state import State
from actors.messages import Compared, Done, Outcome

log = structlog.get_logger(__name__)

TWICE = "its state differed from the fold of its ledger twice; the program or the machine is broken"


def handed(state: State, above: int, frozen: str) -> Outcome:
    """The state as bytes, for whoever compares it; none where the log has not grown beyond ``above``."""
    if frozen:
        return Refusal(Code.FROZEN, frozen)
    packed = folding.take(state).state if state.size > above else b""
    return Done({"tenant": state.tenant, "size": state.size, "state": packed})


class Owner(Protocol):
    """The tenant, as far as it is borrowed."""

    name: str
    frozen: str
    state: State

    async def refolded(self) -> bool:
        """Whether the state is, once more, the fold of the durable ledger."""
        ...

    def submits(self, event: e.Event) -> bool: ...


class Differing:
    def __init__(self) -> None:
        self._before = False

    async def take_in(self, owner: Owner, message: Compared, moment: Moment) -> None:
        """A state that differs is folded anew, and decides nothing more as it was; where it differs once more, nobody knows why, and the
        tenant freezes.  What differs inside the state is found, and goes on: it is the same after a fold."""
        differs = any(one.kind == "state_differs" for one in message.seen)
        if message.unfoldable or (differs and self._before):
            owner.frozen = message.unfoldable or TWICE
            log.error("tenant frozen", tenant=owner.name, why=owner.frozen)
            return
        if differs:
            self._before = True
            if not await owner.refolded():
                return  # compared again, it is found again
        for event in reconciling.found(owner.state, message.seen[: reconciling.MOST_AT_ONCE], reconciling.LAW, reconciling.LAW, moment):
            if not owner.submits(event):
                return
