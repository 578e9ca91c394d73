"""How people have to look at a case: one map in the verdict and on the card, with no more in it than policy asks for.

barred     persons who fill no seat beside those whom the case excludes: who wrote the policy, and who put it in force
then       whom it escalates to: [quorum, persons, µs to decide], in their order
reading    µs between the moment somebody opens the card and their approval
second     true where the case was drawn for a second reader; nothing that was signed in advance counts then
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from .ids import Micros


def barred(review: Mapping[str, object]) -> frozenset[str]:
    return frozenset(cast("list[str]", review.get("barred", ())))


def then(review: Mapping[str, object]) -> list[tuple[str, int, Micros]]:
    """Each stage after the first: its quorum, the persons it takes at least, and how long it waits."""
    rows = cast("list[tuple[str, int, int]]", review.get("then", ()))
    return [(stage, persons, Micros(within)) for stage, persons, within in rows]


def waiting(review: Mapping[str, object], stage: int) -> Micros:
    """How long a case that has escalated so often may still wait for others, once the time of those whom it asks now is over."""
    return Micros(sum(within for _, _, within in then(review)[stage:]))


def shortened(review: Mapping[str, object], most: Micros) -> dict[str, object]:
    """The same with stages that last no longer than this together: the last ones are cut."""
    stages: list[list[object]] = []
    for stage, persons, within in then(review):
        if most > 0:
            stages.append([stage, persons, min(within, most)])
        most = Micros(most - within)
    return {**{name: value for name, value in review.items() if name != "then"}, **({"then": stages} if stages else {})}


def reading(review: Mapping[str, object]) -> Micros:
    return Micros(cast(int, review.get("reading", 0)))


def second(review: Mapping[str, object]) -> bool:
    return review.get("second") is True


def problem(review: Mapping[str, object]) -> str | None:
    """What of a map from elsewhere is not of the form above, or None; a name that is not known here is no problem."""
    barred, then = review.get("barred", []), review.get("then", [])
    if type(barred) is not list or any(type(person) is not str for person in barred):
        return "barred is not a list of persons"
    if type(then) is not list or any(type(row) is not list or tuple(map(type, row)) != (str, int, int) for row in then):
        return "an escalation is a quorum, persons and a time"
    if type(review.get("reading", 0)) is not int or type(review.get("second", True)) is not bool:
        return "reading is a time, second is true or false"
    return None
