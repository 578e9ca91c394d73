"""Seats that approvers hand to one another, told again from the log: whoever holds one is still one person, and fills nothing in which its
owner could fill nothing.

handed on, signed ──▶ held until the time that is signed, until it is taken back, or until one of the two has left
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs
from msgpack import unpackb

from actors.governance import events as e
from vienna_runtime.selftest.simulation.entries import Broken
from vienna_runtime.selftest.simulation.hands import signed
from vienna_runtime.selftest.simulation.remembered import CaseNow, Who

SEATS = "a seat is held as it was handed on"


@attrs.define(eq=False)
class Seats:
    """One tenant's.  ``members`` are the account's own."""

    members: Mapping[str, Who]
    held: dict[str, tuple[str, int]] = attrs.Factory(dict)  # by whose it is: who has it, and until when
    to: dict[str, str] = attrs.Factory(dict)  # who had it last
    ever: list[str] = attrs.Factory(list)

    def delegated(self, event: e.SeatDelegated, at: int, tenant: str) -> None:
        said, who, to = unpackb(event.statement), self.members[event.approver], self.members[event.to]
        if not signed(who.public, b"vienna/seat/1\0" + event.statement, event.signature) or said["tenant"] != tenant:
            raise Broken(SEATS, f"that of {event.approver} is not signed by it")
        active = who.status == to.status == "active" and who.kind == to.kind == "approver"
        if not active or who.person == to.person or who.person != event.person or said["to"] != event.to or said["until"] <= at:
            raise Broken(SEATS, f"that of {event.approver} goes to {event.to} until {said['until']}")
        self.held[event.approver] = event.to, said["until"]
        self.to[event.approver] = event.to
        self.ever.append(event.approver)

    def returned(self, event: e.SeatReturned) -> None:
        by = self.members[event.by]
        if self.held.pop(event.approver, None) is None or (by.kind != "admin" and by.person != self.members[event.approver].person):
            raise Broken(SEATS, f"that of {event.approver} is taken back by {event.by}")

    def left(self, member: str) -> None:
        for name in [name for name, (to, _) in self.held.items() if member in (name, to)]:
            del self.held[name]

    def votes(self, event: e.ApprovalGiven, case: CaseNow, at: int) -> None:
        """Which seats an approval fills beside its own."""
        for name in event.seats:
            to, until = self.held.get(name, ("", 0))
            if to != event.approver or at >= until or self.members[name].person in case.excluded:
                raise Broken(SEATS, f"{event.approver} fills that of {name} in {case.case}, which {to or 'nobody'} holds until {until}")
            if self.members[case.agent].kind == "admin":
                raise Broken(SEATS, f"{event.approver} fills that of {name} in a change of the tenant")
        case.seats[event.person] = event.seats

    def roles(self, case: CaseNow, names: Iterable[str]) -> dict[str, frozenset[str]]:
        """What each of these persons counts for in this case; a seat counts once, and not beside the one whose it is."""
        wanted, found = set(names), dict[str, frozenset[str]]()
        taken = set(case.given)
        for person, approver in case.given.items():
            roles = self.members[approver].roles
            for name in case.seats.get(person, ()):
                who = self.members[name]
                if who.person not in taken:
                    taken.add(who.person)
                    roles |= who.roles if who.status == "active" else frozenset()
            if person in wanted:
                found[person] = roles
        return found
