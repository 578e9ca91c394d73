"""Whether a case was a canary, as far as its entries say so: what the node tells by its key, which is in no file."""

from __future__ import annotations

from collections.abc import Mapping

from actors.governance import events as e
from actors.governance.canary import Canary
from actors.governance.state import State

_ENDS = (e.CanaryMissed, e.CanaryCaught, e.CanaryEnded)


def said(state: State, events: Mapping[int, e.Event], case: str) -> Canary | None:
    """Whose it was, if its end says so and names a member; anything else has to have its warrant or its dead letter.

    Its author was an admin when it was proposed, which stands nowhere; until its end the name may have become another's.
    """
    end = next((event for event in events.values() if isinstance(event, _ENDS) and event.case == case), None)
    if end is None:
        return None
    return Canary(end.by, end.reason) if end.by in state.members else None
