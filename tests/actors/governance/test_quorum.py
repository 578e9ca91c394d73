from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.governance import quorum as q
from actors.governance.finding import Malformed
from actors.governance.quorum import Anyone, Either, Every, Named, Quorum, Role, Seats

ROLES = ("sre", "finance", "reviewer")
PEOPLE = ("clara", "dora", "emil", "ada")


def read(text: str) -> Quorum:
    quorum = q.parse(text)
    assert not isinstance(quorum, Malformed), quorum
    return quorum


whos = st.one_of(st.just(Anyone()), st.sampled_from(ROLES).map(Role))
leaves = st.one_of(st.builds(Seats, st.integers(1, 2), whos), st.sampled_from(PEOPLE).map(lambda person: Seats(1, Named(person))))


def _grouped(kind: type[Every | Either], parts: list[Quorum]) -> Quorum:
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,))]
    return kind(tuple(flat))


quorums = st.recursive(
    leaves,
    lambda inner: st.builds(_grouped, st.sampled_from((Every, Either)), st.lists(inner, min_size=2, max_size=3)),
    max_leaves=4,
)
seatings = st.lists(st.tuples(st.sampled_from(PEOPLE), st.frozensets(st.sampled_from(ROLES))), max_size=5)


def by_trying_everything(quorum: Quorum, people: dict[str, frozenset[str]]) -> bool:
    """The oracle: is there any way to seat these people?"""

    def chairs(quorum: Quorum) -> list[list[q.Who]]:
        match quorum:
            case Seats(count, who):
                return [[who] * count]
            case Either(parts):
                return [way for part in parts for way in chairs(part)]
            case Every(parts):
                ways: list[list[q.Who]] = [[]]
                for part in parts:
                    ways = [way + more for way in ways for more in chairs(part)]
                return ways

    def fits(who: q.Who, person: str) -> bool:
        return isinstance(who, Anyone) or (isinstance(who, Role) and who.name in people[person]) or who == Named(person)

    return any(
        all(fits(who, person) for who, person in zip(way, seated, strict=True))
        for way in chairs(quorum)
        if len(way) <= len(people)
        for seated in permutations(people, len(way))
    )


@given(quorums)
def test_a_quorum_reads_back_from_its_own_text(quorum: Quorum) -> None:
    again = q.parse(str(quorum))
    assert again == quorum or (isinstance(again, Malformed) and "too many" in again.message)


@given(quorums, seatings)
def test_matching_agrees_with_trying_every_seating(quorum: Quorum, seats: list[tuple[str, frozenset[str]]]) -> None:
    people: dict[str, frozenset[str]] = {}
    for person, roles in seats:
        people[person] = people.get(person, frozenset()) | roles
    assert q.satisfied(quorum, seats, persons=0) == by_trying_everything(quorum, people)


@given(quorums, seatings, st.tuples(st.sampled_from(PEOPLE), st.frozensets(st.sampled_from(ROLES))))
def test_one_more_person_never_hurts_and_helps_by_one_at_most(
    quorum: Quorum, seats: list[tuple[str, frozenset[str]]], more: tuple[str, frozenset[str]]
) -> None:
    before, after = q.missing(quorum, seats), q.missing(quorum, [*seats, more])
    assert after <= before
    assert more[0] in dict(seats) or before - after <= 1


@given(quorums)
def test_the_least_number_of_persons_is_what_nobody_yet_leaves_missing(quorum: Quorum) -> None:
    assert q.least(quorum) == q.missing(quorum, [])


@given(st.text(alphabet="0123456789 ()andorfyrle:soi", max_size=40))
def test_any_text_is_a_quorum_or_says_why_not(text: str) -> None:
    quorum = q.parse(text)
    if isinstance(quorum, Malformed):
        assert quorum.message
        assert 1 <= quorum.column <= len(text) + 1
    else:
        assert q.least(quorum) >= 1


def test_nobody_fills_two_seats_however_many_roles_they_have() -> None:
    both = read("1 of role:sre and 1 of role:finance")
    assert not q.satisfied(both, [("clara", {"sre", "finance"})])
    assert q.satisfied(both, [("clara", {"sre", "finance"}), ("dora", {"sre"})])


def test_one_person_behind_two_members_counts_once() -> None:
    assert not q.satisfied(read("any 2"), [("clara", {"sre"}), ("clara", {"finance"})])


def test_a_seat_is_given_up_for_someone_who_fits_no_other() -> None:
    both = read("1 of role:sre and any 1")
    assert q.satisfied(both, [("clara", {"sre"}), ("dora", set())])
    assert q.satisfied(both, [("dora", set()), ("clara", {"sre"})])


def test_the_floor_of_persons_holds_beside_the_seats() -> None:
    assert q.satisfied(read("any 1"), [("clara", ())])
    assert not q.satisfied(read("any 1"), [("clara", ())], persons=2)


def test_and_binds_tighter_than_or() -> None:
    assert read("any 1 or any 2 and any 3") == Either((Seats(1, Anyone()), Every((Seats(2, Anyone()), Seats(3, Anyone())))))
    assert str(read("( any 1 or 2 of role:sre ) and 1 of person:clara")) == "(any 1 or 2 of role:sre) and 1 of person:clara"


def test_the_excluded_are_not_eligible_even_with_the_role() -> None:
    quorum = read("1 of role:sre or 1 of person:dora")
    assert q.eligible(quorum, "clara", {"sre"})
    assert q.eligible(quorum, "dora", ())
    assert not q.eligible(quorum, "emil", {"finance"})
    assert not q.eligible(quorum, "clara", {"sre"}, excluded={"clara"})


def test_joining_states_the_same_requirement_once_and_different_ones_with_seats_of_their_own() -> None:
    two = read("2 of role:sre")
    assert q.every([two, two]) == two
    assert q.every([two, read("1 of role:sre")]) == two
    assert q.least(q.every([two, read("1 of role:finance and 2 of role:sre")])) == 3


def test_joining_keeps_seats_that_one_quorum_asks_for_twice() -> None:
    twice = read("1 of role:sre and 1 of role:sre")
    assert q.least(q.every([twice])) == 2
    assert q.every([twice, read("1 of role:finance")]) == read("2 of role:sre and 1 of role:finance")


def test_any_asks_for_people_and_is_met_by_whoever_sits_elsewhere() -> None:
    assert q.every([read("any 1"), read("2 of role:sre")]) == read("2 of role:sre")
    assert q.every([read("any 3"), read("2 of role:sre")]) == read("2 of role:sre and any 1")


@given(st.lists(quorums, min_size=1, max_size=3), seatings)
def test_whoever_fills_the_joined_quorum_fills_each_of_them(some: list[Quorum], seats: list[tuple[str, frozenset[str]]]) -> None:
    joined = q.every(some)
    assert q.least(joined) >= max(map(q.least, some))
    if q.satisfied(joined, seats):
        assert all(q.satisfied(quorum, seats) for quorum in some)


@given(st.lists(quorums, min_size=1, max_size=3))
def test_a_joined_quorum_reads_back_from_the_ledger(some: list[Quorum]) -> None:
    joined = q.every(some)
    assert str(q.parse_known(str(joined))) == str(joined)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 1),
        ("2 role:sre", 1),
        ("0 of role:sre", 1),
        ("2 of sre", 6),
        ("any", 4),
        ("any 2 and", 10),
        ("(any 2", 1),
        ("any 2 any 3", 7),
        ("2 of person:clara", 1),
        ("9 of role:sre and 9 of role:finance", 1),
        ("(" * 9 + "any 1" + ")" * 9, 9),
        (" and ".join(["(any 1 or any 2)"] * 7), 1),
    ],
)
def test_a_malformed_quorum_names_the_column(text: str, column: int) -> None:
    fault = q.parse(text)
    assert isinstance(fault, Malformed)
    assert fault.column == column


def test_text_from_the_ledger_that_is_no_quorum_is_an_error() -> None:
    assert q.parse_known("any 2") == Seats(2, Anyone())
    with pytest.raises(ValueError, match="not a quorum"):
        q.parse_known("any")
