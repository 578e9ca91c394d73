"""Seats that were handed on: which of them an approver holds, and what an approval counts for by them.

Whoever holds another's seat may fill what that one may fill, by role or by name, and is still one person in one seat.  A seat
counts once in a case: not for a second holder, and not for the first one any more when the one whose it is approves as well.
It gives nothing that was itself handed on, nothing in a case in which the one whose it is can fill no seat, and nothing in
changes of the tenant itself, which ask for persons and for no role.
"""

from __future__ import annotations

from collections.abc import Iterable

from . import quorum
from .ids import Instant, MemberId, Person
from .state import Case, Given, Member, State


def held(state: State, by: Member, case: Case, now: Instant) -> tuple[MemberId, ...]:
    """Whose seats ``by`` may fill in this case now, beside the own one; in the order of names."""
    return tuple(
        seat.approver
        for name, seat in sorted(state.seats.items())
        if seat.to == by.member
        and now < seat.until
        and (member := state.members.get(name)) is not None
        and member.status == "active"
        and member.person not in case.barred
    )


def roles(state: State, by: Member, others: Iterable[MemberId]) -> frozenset[str]:
    """The roles that ``by`` votes with, and the names of those whose seats are filled too."""
    members = [member for name in others if (member := state.members.get(name)) is not None and member.status == "active"]
    return by.roles.union(*(member.roles for member in members), (quorum.standing_for(member.person) for member in members))


def people(state: State, given: tuple[Given, ...]) -> list[tuple[Person, frozenset[str]]]:
    """Who approved, each with what it counts for."""
    taken = {one.person for one in given}
    found = []
    for one in given:
        free = [name for name in one.seats if (member := state.members.get(name)) is not None and member.person not in taken]
        taken.update(state.members[name].person for name in free)
        found.append((one.person, roles(state, state.members[one.approver], free)))
    return found
