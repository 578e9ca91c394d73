"""Who must agree: ``2 of role:sre and 1 of role:finance``, and whether these persons do.

    quorum := every ("or" every)*            `and` binds tighter than `or`
    every  := factor ("and" factor)*
    factor := "any" COUNT | COUNT "of" "role:" NAME | COUNT "of" "person:" NAME | "(" quorum ")"

A seat is filled by one person and a person fills one seat, even when several members stand for that person and whatever
roles they have; so ``1 of role:sre and 1 of role:finance`` is two people.  Whether enough are there is a matching of
persons to seats, exact and small.  ``str(quorum)`` is the text again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from itertools import product
from typing import TypeAlias

import attrs

from .finding import Malformed

MOST_SEATS = 16  # a decision that needs more people is a vote, and the matching stays trivial
MOST_WAYS = 64  # alternatives after multiplying out `or`: an expression beyond this cannot be read by a person either
MOST_DEPTH = 8  # open brackets: keeps the reader's recursion shallow
_WORD = re.compile(r"[()]|[^\s()]+")
_WHO = re.compile(r"(role|person):([A-Za-z0-9][A-Za-z0-9_.@-]{0,63})", re.ASCII)


@attrs.frozen
class Anyone:
    def __str__(self) -> str:
        return "any"


@attrs.frozen
class Role:
    name: str

    def __str__(self) -> str:
        return f"role:{self.name}"


@attrs.frozen
class Named:
    person: str

    def __str__(self) -> str:
        return f"person:{self.person}"


Who: TypeAlias = Anyone | Role | Named


@attrs.frozen
class Seats:
    count: int
    who: Who

    def __str__(self) -> str:
        return f"any {self.count}" if isinstance(self.who, Anyone) else f"{self.count} of {self.who}"


@attrs.frozen
class Every:
    parts: tuple[Quorum, ...]

    def __str__(self) -> str:
        return " and ".join(f"({part})" if isinstance(part, Either) else str(part) for part in self.parts)


@attrs.frozen
class Either:
    parts: tuple[Quorum, ...]

    def __str__(self) -> str:
        return " or ".join(map(str, self.parts))


Quorum: TypeAlias = Seats | Every | Either


def standing_for(person: str) -> str:
    """Among the roles of who holds this person's seat, see seats.py; no role begins so, since none holds control characters."""
    return f"\0person:{person}"


def any_of(count: int) -> Quorum:
    return Seats(count, Anyone())


def parse(text: str) -> Quorum | Malformed:
    """What a person wrote, within the limits above."""
    quorum = _whole(text, MOST_DEPTH)
    if isinstance(quorum, Malformed):
        return quorum
    ways = _ways(quorum)
    if len(ways) > MOST_WAYS:
        return Malformed("there are too many ways to fill this quorum", f"at most {MOST_WAYS} after multiplying out `or`")
    if any(_size(way) > MOST_SEATS for way in ways):
        return Malformed("this quorum has too many seats", f"at most {MOST_SEATS}")
    if any(isinstance(seats.who, Named) and seats.count > 1 for way in ways for seats in way):
        return Malformed("one person cannot fill more than one seat", 'write "1 of person:..."')
    return quorum


def parse_known(text: str) -> Quorum:
    """The quorum whose ``str`` this is, for text from the ledger; what ``every`` has joined may be beyond ``parse``'s limits."""
    quorum = _whole(text, 2 * MOST_DEPTH)
    if isinstance(quorum, Malformed):
        raise ValueError(f"not a quorum: {quorum.message}")
    return quorum


def every(quorums: Iterable[Quorum]) -> Quorum:
    """The smallest quorum that fills each of these, with seats of their own for different roles.

    What several of them ask of the same role is asked once, at its highest count; ``any`` asks for a number of people and not
    for a kind, so it is met by whoever fills the other seats.  One more quorum never makes it easier.
    """
    distinct = list(dict.fromkeys(quorums))
    if len(distinct) == 1:
        return distinct[0]
    wanted: dict[Who | Every | Either, int] = {}
    for quorum in distinct:
        asked: dict[Who | Every | Either, int] = {}
        for part in quorum.parts if isinstance(quorum, Every) else (quorum,):
            what, count = (part.who, part.count) if isinstance(part, Seats) else (part, 1)
            if not isinstance(what, Anyone):
                asked[what] = asked.get(what, 0) + count
        for kind, count in asked.items():
            wanted[kind] = max(count, wanted.get(kind, 0))
    parts: list[Quorum] = []
    for kind, count in wanted.items():
        parts += [Seats(count, kind)] if isinstance(kind, (Anyone, Role, Named)) else [kind] * count
    people = max(map(least, distinct)) - sum(map(least, parts))
    if people > 0:
        parts.append(any_of(people))
    return Every(tuple(parts)) if len(parts) > 1 else parts[0]


def least(quorum: Quorum) -> int:
    """The smallest number of distinct persons that can fill it."""
    return min(_size(way) for way in _ways(quorum))


def missing(quorum: Quorum, seats: Iterable[tuple[str, Collection[str]]]) -> int:
    """How many more persons are needed at least, given those (person, roles) who have agreed; 0 is satisfied."""
    people = _people(seats)
    return min(_size(way) - _filled(way, people) for way in _ways(quorum))


def satisfied(quorum: Quorum, seats: Iterable[tuple[str, Collection[str]]], *, persons: int = 1) -> bool:
    """Whether those who agreed fill every seat, nobody two; ``persons`` is a floor under the count (two at T2)."""
    people = _people(seats)
    return len(people) >= persons and missing(quorum, people.items()) == 0


def eligible(quorum: Quorum, person: str, roles: Collection[str], *, excluded: Collection[str] = ()) -> bool:
    """Whether this person could fill any seat at all; ``excluded`` are the requester, the owner and the chain between."""
    return person not in excluded and any(_fits(seats.who, person, roles) for way in _ways(quorum) for seats in way)


def _fits(who: Who, person: str, roles: Collection[str]) -> bool:
    match who:
        case Anyone():
            return True
        case Role(name):
            return name in roles
        case Named(name):
            return name == person or standing_for(name) in roles


def _people(seats: Iterable[tuple[str, Collection[str]]]) -> dict[str, frozenset[str]]:
    people: dict[str, frozenset[str]] = {}
    for person, roles in seats:
        people[person] = people.get(person, frozenset()) | frozenset(roles)
    return people


def _filled(way: tuple[Seats, ...], people: dict[str, frozenset[str]]) -> int:
    """The size of a largest matching, grown by augmenting paths (Berge): seats are moved to let one more person in."""
    chairs = [seats.who for seats in way for _ in range(seats.count)]
    sitting: dict[int, str] = {}

    def seat(person: str, tried: set[int]) -> bool:
        for number, who in enumerate(chairs):
            if number not in tried and _fits(who, person, people[person]):
                tried.add(number)
                if number not in sitting or seat(sitting[number], tried):
                    sitting[number] = person
                    return True
        return False

    for person in people:
        seat(person, set())
    return len(sitting)


def _size(way: tuple[Seats, ...]) -> int:
    return sum(seats.count for seats in way)


def _ways(quorum: Quorum) -> list[tuple[Seats, ...]]:
    """The quorum with `or` multiplied out; stops early, one beyond the limit."""
    match quorum:
        case Seats():
            return [(quorum,)]
        case Either(parts):
            return [way for part in parts for way in _ways(part)][: MOST_WAYS + 1]
        case Every(parts):
            ways: list[tuple[Seats, ...]] = [()]
            for part in parts:
                ways = [left + right for left, right in product(ways, _ways(part))][: MOST_WAYS + 1]
            return ways


_Read: TypeAlias = "tuple[Quorum, int] | Malformed"


def _whole(text: str, depth: int) -> Quorum | Malformed:
    words = [(found.group(), found.start() + 1) for found in _WORD.finditer(text)]
    read = _either(words, 0, depth)
    if isinstance(read, Malformed):
        return read
    quorum, at = read
    if at < len(words):
        return Malformed(f"did not expect {words[at][0]!r} here", "join seats by `and` or `or`", words[at][1])
    return quorum


def _either(words: list[tuple[str, int]], at: int, depth: int) -> _Read:
    return _joined(words, at, depth, "or")


def _joined(words: list[tuple[str, int]], at: int, depth: int, word: str) -> _Read:
    parts: list[Quorum] = []
    while True:
        read = _joined(words, at, depth, "and") if word == "or" else _factor(words, at, depth)
        if isinstance(read, Malformed):
            return read
        part, at = read
        kind = Either if word == "or" else Every
        parts.extend(part.parts if isinstance(part, kind) else (part,))
        if at == len(words) or words[at][0] != word:
            return (kind(tuple(parts)) if len(parts) > 1 else parts[0]), at
        at += 1


def _factor(words: list[tuple[str, int]], at: int, depth: int) -> _Read:
    end = words[-1][1] + len(words[-1][0]) if words else 1
    if at == len(words):
        return Malformed("a quorum is missing here", 'as in "2 of role:sre" or "any 2"', end)
    word, column = words[at]
    if word == "(":
        if depth == 0:
            return Malformed("too many brackets inside each other", f"at most {MOST_DEPTH}", column)
        inner = _either(words, at + 1, depth - 1)
        if isinstance(inner, Malformed):
            return inner
        if inner[1] == len(words) or words[inner[1]][0] != ")":
            return Malformed("this bracket is not closed", "", column)
        return inner[0], inner[1] + 1
    if word == "any":
        count = _count(words, at + 1, end)
        return count if isinstance(count, Malformed) else (Seats(count, Anyone()), at + 2)
    count = _count(words, at, end)
    if isinstance(count, Malformed):
        return count
    if at + 2 >= len(words) or words[at + 1][0] != "of":
        return Malformed(f"expected `of` and a role after {count}", f'as in "{count} of role:sre"', column)
    found = _WHO.fullmatch(words[at + 2][0])
    if found is None:
        return Malformed(f"{words[at + 2][0]!r} names nobody", 'write "role:sre" or "person:clara"', words[at + 2][1])
    kind, name = found.groups()
    return Seats(count, Role(name) if kind == "role" else Named(name)), at + 3


def _count(words: list[tuple[str, int]], at: int, end: int) -> int | Malformed:
    word, column = words[at] if at < len(words) else ("", end)
    if not re.fullmatch(r"[1-9][0-9]?", word, re.ASCII):
        return Malformed(f"expected a number of seats, not {word!r}", 'as in "2 of role:sre" or "any 2"', column)
    return int(word)
