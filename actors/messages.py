"""What a tenant's actor is sent, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import attrs

from actors.governance import commands as c
from actors.governance.decision import Operator
from actors.governance.reconciling import Observed
from actors.governance.refusals import Refusal


@attrs.frozen
class Done:
    """Yes, with what the reply says."""

    value: Mapping[str, object]


@attrs.frozen
class Unsettled:
    """Perhaps done: its commit failed.  Asking again under the same idempotency key tells."""

    why: str


Outcome: TypeAlias = Done | Refusal | Unsettled
Respond: TypeAlias = Callable[[Outcome], None]  # called exactly once, never blocks, never raises


@attrs.frozen
class Asked:
    """A command or question of somebody whom the connection has authenticated.

    ``by`` is a member's name, an invitation's id, or an operator; the tenant looks up what that stands for *now*.
    """

    ask: c.Command | c.Query
    by: str | Operator
    invitation: bool
    respond: Respond


@attrs.frozen
class Introduce:
    """Who holds this API key or invitation?  Answered with the token's stored hash; the gateway compares."""

    key_id: str
    invitation: bool
    respond: Respond


@attrs.frozen
class Listen:
    """Deliver what concerns this member from now on; what is open already comes first."""

    member: str
    topic: str  # "inbox" or a case's id
    listener: Callable[[Mapping[str, object]], None]
    wanted: Callable[[], bool] = lambda: True  # False once whoever asked is gone: a listener added then would stay for ever
    lost: Callable[[], None] = lambda: None  # called instead, where the tenant cannot take it: whoever asked asks again


@attrs.frozen
class Sweep:
    """Look at what is due."""


@attrs.frozen
class Reconcile:
    """Hand over the state, to be compared with a fresh fold of the ledger, if the log has more than ``above`` entries."""

    respond: Respond
    above: int = -1


@attrs.frozen
class Compared:
    """What came of it: the differences that were found, and why the ledger cannot be folded, where it cannot."""

    seen: tuple[Observed, ...]
    unfoldable: str = ""


TenantMessage: TypeAlias = Asked | Introduce | Listen | Sweep | Reconcile | Compared
