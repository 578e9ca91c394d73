"""Which tenants this node has, how to reach each, and who listens to it."""

from __future__ import annotations

import attrs
import trio

from actors.feed import Feed
from actors.governance.ids import SECOND
from actors.governance.rates import Rates
from actors.kernel import Mailbox, Ref
from actors.messages import TenantMessage
from actors.pacing import Pace
from actors.quarantine import Quarantine
from actors.tenant import Tenant


@attrs.define(eq=False)
class Place:
    """One tenant.  The mailbox, the feed and the quarantine outlive the actor's restarts; ``tenant`` is its present life, if it has one."""

    name: str
    mailbox: Mailbox[TenantMessage]
    feed: Feed
    tenant: Tenant | None = None
    frozen: str = ""  # why there is none any more: it fell too often
    quarantine: Quarantine = attrs.field(factory=Quarantine)
    pace: Pace = attrs.field(factory=lambda: Pace(lambda: int(trio.current_time() * SECOND)))

    def is_member(self, name: str) -> bool:
        """Whether somebody of that name may be told anything at present; nobody may where the tenant cannot say."""
        member = None if self.tenant is None else self.tenant.state.members.get(name)
        return member is not None and member.status == "active"

    @property
    def rates(self) -> Rates:
        """Those of the bundle in force; the defaults while there is none, or while it is not read yet."""
        return Rates() if self.tenant is None else self.tenant.rates

    @property
    def ref(self) -> Ref[TenantMessage]:
        return Ref(self.mailbox)


class Directory:
    def __init__(self) -> None:
        self.places: dict[str, Place] = {}

    def get(self, name: str) -> Place | None:
        return self.places.get(name)

    def refs(self) -> dict[str, Ref[TenantMessage]]:
        return {name: place.ref for name, place in self.places.items()}
