"""What a person may be called: quorums count persons, so no two spellings may look like one name, and no name like two."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from .ids import Person
from .kinds import ADMIN, APPROVER
from .state import Member, State

ELIGIBLE = (APPROVER, ADMIN)


def problem(state: State, person: str) -> str | None:
    """None if the name may stand for a person here, else the rest of a sentence."""
    if person != unicodedata.normalize("NFC", person) or person != " ".join(person.split()):
        return "is not in its plain form: composed letters (NFC), single spaces, none at the ends"
    if any(unicodedata.category(character)[0] in "CZ" and character != " " for character in person):
        return "holds characters that cannot be seen"
    known = next((m.person for m in state.members.values() if m.person != person and _alike(m.person) == _alike(person)), None)
    return None if known is None else f"is already written {known!a}: write it the same way, for a person counts once"


def behind(state: State, member: Member) -> frozenset[Person]:
    """The person behind a principal, and those behind its owner, the owner's owner and so on: an agent may belong to an agent."""
    persons = {member.person}
    seen, owner = {member.member}, state.members.get(member.owner or "")
    while owner is not None and owner.member not in seen:
        persons.add(owner.person)
        seen.add(owner.member)
        owner = state.members.get(owner.owner or "")
    return frozenset(persons)


def leaves_a_quorum(state: State, without: str, seats: int) -> bool:
    """Whether, without this member, some admin would still find the other persons whom a change needs."""
    return can_agree([m for m in state.active() if m.kind in ELIGIBLE and m.member != without], seats)


def can_agree(eligible: Iterable[Member], seats: int) -> bool:
    """Whether an admin among these would find ``seats`` other persons among them."""
    everybody = list(eligible)
    persons = {m.person for m in everybody}
    return any(m.kind == ADMIN and len(persons - {m.person}) >= seats for m in everybody)


def _alike(person: str) -> str:
    return unicodedata.normalize("NFKC", person).casefold()
