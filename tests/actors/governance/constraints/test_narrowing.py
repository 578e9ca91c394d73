"""Of constraints compared and joined: what is called narrower never allows more."""

from __future__ import annotations

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from actors.governance import canonical
from actors.governance.canonical import NotCanonical, Value
from actors.governance.constraints import (
    All,
    Constraint,
    Domain,
    Exact,
    Matching,
    OneOf,
    Prefix,
    Range,
    Under,
    Url,
    check,
    form,
    intersect,
    narrower,
    read,
    read_one,
    violation,
)

TEXTS = st.sampled_from(
    [
        "drafts/a",
        "drafts/a/b",
        "drafts",
        "drafts/../x",
        "drafts//a",
        "/srv/out/a",
        "a",
        "ab",
        "abc",
        "main",
        "next",
        "12",
        "café",
        "cafe\u0301",
        "https://api.example.org/v1",
        "https://api.example.org/v1/x?y=1",
        "https://x.api.example.org/v1/x",
        "https://evil.org/v1",
        "ada@example.org",
        "ada@mail.example.org",
        "ada@evilexample.org",
    ]
)
VALUES: st.SearchStrategy[Value] = st.one_of(
    TEXTS,
    st.integers(-5, 30),
    st.booleans(),
    st.none(),
    st.builds(lambda n, places: {"dec": f"{n}.{'5' * places}"}, st.integers(0, 5), st.integers(1, 3)),
    st.lists(st.sampled_from(["a", "b"]), max_size=2),
)


@st.composite
def ranges(draw: st.DrawFn) -> Range:
    low, high = draw(st.none() | st.integers(-5, 30)), draw(st.none() | st.integers(-5, 30))
    places = draw(st.sampled_from([None, 1, 2]))
    assume(low is not None or high is not None)
    assume(low is None or high is None or low <= high)
    scale = 10 ** (places or 0)
    return Range(None if low is None else low * scale, None if high is None else high * scale, places)


ATOMS: st.SearchStrategy[Constraint] = st.one_of(
    VALUES.map(Exact),
    st.lists(VALUES, min_size=1, max_size=4, unique_by=canonical.pack).map(lambda found: OneOf(tuple(found))),
    ranges(),
    st.sampled_from(["a", "ab", "d", "drafts/", "drafts/a", "https://api", "/srv"]).map(Prefix),
    st.sampled_from(["[a-z]+", "drafts/.*", "a(b|c)*", r"\d+", ".*"]).map(Matching),
    st.sampled_from([".", "/", "drafts", "drafts/a", "/srv", "/srv/out"]).map(Under),
    st.builds(
        Url,
        st.just("https"),
        st.sampled_from(["api.example.org", "*.example.org", "*.api.example.org", "evil.org"]),
        st.sampled_from([None, 8443]),
        st.sampled_from(["/", "/v1", "/v1/x"]),
        st.booleans(),
    ),
    st.builds(Domain, st.sampled_from(["example.org", "mail.example.org"]), st.booleans()),
)


@st.composite
def constraints(draw: st.DrawFn) -> Constraint:
    found = draw(st.lists(ATOMS, min_size=1, max_size=3, unique_by=lambda atom: canonical.pack(atom.form())))
    return found[0] if len(found) == 1 else All(tuple(found))  # type: ignore[arg-type]  # atoms all


@given(constraints(), constraints(), VALUES)
@settings(max_examples=700, deadline=None)
def test_whatever_a_narrower_constraint_allows_the_wider_one_allows(one: Constraint, other: Constraint, value: Value) -> None:
    if narrower(one, other):
        event("narrower")
        if check(one, value) is None:
            event("allowed")
            assert check(other, value) is None


@given(constraints(), constraints(), VALUES)
@settings(max_examples=700, deadline=None)
def test_an_intersection_allows_exactly_what_both_allow(one: Constraint, other: Constraint, value: Value) -> None:
    both = check(one, value) is None and check(other, value) is None
    joined = intersect(one, other)
    assert (joined is not None and check(joined, value) is None) == both


@given(constraints(), constraints())
@settings(deadline=None)
def test_an_intersection_is_narrower_than_each_of_its_sides(one: Constraint, other: Constraint) -> None:
    joined = intersect(one, other)
    assert joined is None or (narrower(joined, one) and narrower(joined, other))


@given(constraints())
@settings(deadline=None)
def test_a_constraint_is_read_back_from_its_form_and_has_one_form_only(constraint: Constraint) -> None:
    packed = canonical.pack(constraint.form())
    again = read_one(canonical.unpack(packed))
    assert again == constraint
    assert hash(again) == hash(constraint)
    assert canonical.pack(again.form()) == packed
    assert constraint.words()


def test_a_constraint_is_narrower_than_itself_and_equal_ones_join_to_one() -> None:
    assert narrower(Matching("a+"), Matching("a+"))
    assert intersect(Range(1, 5), Range(3, 9)) == Range(3, 5)
    assert intersect(Range(1, 2), Range(3, 4)) is None
    assert intersect(Under("drafts"), Under("drafts/a")) == Under("drafts/a")
    assert intersect(OneOf(("a", "b")), OneOf(("b", "c"))) == OneOf(("b",))
    assert intersect(Exact("a"), Exact("b")) is None


def test_one_and_true_and_their_texts_are_different_values() -> None:
    assert check(Exact(1), True) is not None
    assert check(Exact(True), 1) is not None
    assert check(OneOf((1, True, "1")), {"dec": "1.0"}) is not None
    assert Exact(1) != Exact(True)
    assert not narrower(Exact(True), Exact(1))


def test_a_missing_parameter_is_a_violation_and_the_sentence_names_it() -> None:
    wanted = {"amount": Range(1, 2000, 2)}
    assert violation(wanted, {}) == "the parameter amount is missing"
    assert violation(wanted, {"amount": {"dec": "20.01"}}) == "the parameter amount must be from 0.01 to 20.00"
    assert violation(wanted, {"amount": {"dec": "20.00"}}) is None


@pytest.mark.parametrize(
    "form",
    [
        None,
        {},
        {"exactly": 1},
        {"exact": 1, "one_of": [1]},
        {"exact": 1.5},
        {"one_of": []},
        {"one_of": ["b", "a"]},
        {"one_of": ["a", "a"]},
        {"one_of": "ab"},
        {"range": {"low": 2, "high": 1, "places": None}},
        {"range": {"low": True, "high": 2, "places": None}},
        {"range": {"low": None, "high": None, "places": None}},
        {"range": {"low": 1, "high": 2}},
        {"range": {"low": 1, "high": 2, "places": 0}},
        {"range": [1, 2, None]},
        {"prefix": ""},
        {"prefix": 1},
        {"matching": "(?i)a"},
        {"under": "a/../b"},
        {"url": {"scheme": "https", "host": "Example.org", "port": None, "path": "/", "query": False}},
        {"url": {"scheme": "https", "host": "example.org", "port": 443, "path": "/", "query": False}},
        {"domain": {"domain": "localhost", "subdomains": False}},
        {"all": [{"exact": 1}]},
        {"all": [{"exact": 1}, {"exact": 1}]},
        {"all": [{"exact": 1}, {"all": [{"exact": 1}, {"exact": 2}]}]},
        {"all": {"exact": 1}},
    ],
)
def test_what_is_not_exactly_one_form_of_a_constraint_is_refused(form: Value) -> None:
    with pytest.raises(NotCanonical):
        read_one(form)


def test_constraints_on_several_parameters_are_read_as_a_map_and_nothing_else() -> None:
    made = {"a": Range(1, 2), "b": Exact("x")}
    assert read(form(made)) == made
    with pytest.raises(NotCanonical):
        read([{"exact": 1}])


def test_a_parameter_has_at_most_sixteen_constraints_at_once() -> None:
    with pytest.raises(NotCanonical):
        All(tuple(Matching(f"a{{{n}}}") for n in range(1, 18)))
