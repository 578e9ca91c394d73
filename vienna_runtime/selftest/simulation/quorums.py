"""Whether enough different persons approved, worked out again and in another way than the law does: by trying every choice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations

_WORD = re.compile(r"[()]|[^\s()]+")


def is_filled(quorum: str, persons: Mapping[str, frozenset[str]]) -> bool:
    """``persons``: by name the roles that they hold.  A seat takes one of them, and each takes one seat."""
    return any(_seated(seats, persons) for seats in _ways(_WORD.findall(quorum)))


def _seated(seats: Sequence[str], persons: Mapping[str, frozenset[str]]) -> bool:
    if len(seats) > len(persons):
        return False
    return any(
        all(_fits(seat, name, persons[name]) for seat, name in zip(seats, chosen, strict=True)) for chosen in _choices(seats, persons)
    )


def _choices(seats: Sequence[str], persons: Mapping[str, frozenset[str]]) -> Iterator[tuple[str, ...]]:
    return permutations(sorted(persons), len(seats))


def _fits(seat: str, name: str, roles: frozenset[str]) -> bool:
    kind, _, wanted = seat.partition(":")
    return kind == "any" or (kind == "role" and wanted in roles) or (kind == "person" and wanted == name)


def _ways(words: list[str]) -> list[tuple[str, ...]]:
    """Every list of seats that would do."""
    found, rest = _or(words)
    if rest:
        raise ValueError(f"not a quorum: {' '.join(words)}")
    return found


def _or(words: list[str]) -> tuple[list[tuple[str, ...]], list[str]]:
    found, words = _and(words)
    while words and words[0] == "or":
        more, words = _and(words[1:])
        found = found + more
    return found, words


def _and(words: list[str]) -> tuple[list[tuple[str, ...]], list[str]]:
    found, words = _one(words)
    while words and words[0] == "and":
        more, words = _one(words[1:])
        found = [(*left, *right) for left in found for right in more]
    return found, words


def _one(words: list[str]) -> tuple[list[tuple[str, ...]], list[str]]:
    if words[0] == "(":
        found, words = _or(words[1:])
        return found, words[1:]
    if words[0] == "any":
        return [("any",) * int(words[1])], words[2:]
    return [(words[2],) * int(words[0])], words[3:]
