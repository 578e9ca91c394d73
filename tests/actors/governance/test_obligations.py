from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.governance import quorum as q
from actors.governance.ids import MINUTE, Cost, Micros
from actors.governance.obligations import Obligations, Terms, demand, merged, strongest, terms
from actors.governance.settings import Settings
from actors.governance.tiers import Tier

SETTINGS = Settings()


def together(*permits: Terms, executor: str = "workshop", observable: bool = False) -> Obligations:
    obligations = merged(permits, settings=SETTINGS, executor=executor, observable=observable)
    assert isinstance(obligations, Obligations), obligations
    return obligations


def test_the_strictest_of_each_annotation_holds() -> None:
    loose = Terms(tier="T0", ttl=Micros(60 * MINUTE), uses=5, cost_cap=Cost(100), verify="receipt")
    strict = Terms(tier="T2", quorum=q.parse_known("2 of role:sre"), ttl=Micros(MINUTE), uses=1, cost_cap=Cost(7), verify="observed")
    for order in ((loose, strict), (strict, loose)):
        assert together(*order) == Obligations(
            tier="T2",
            quorum=q.parse_known("2 of role:sre"),
            persons=2,
            ttl=Micros(MINUTE),
            uses=1,
            executor="workshop",
            verify="observed",
            cost_cap=Cost(7),
        )


def test_quorums_are_joined_by_and() -> None:
    sre, finance = q.parse_known("2 of role:sre"), q.parse_known("1 of role:finance")
    both = together(Terms(tier="T2", quorum=sre), Terms(tier="T1", quorum=finance))
    assert str(both.quorum) == "2 of role:sre and 1 of role:finance"
    assert both.persons == 3


def test_a_permit_that_names_no_quorum_asks_for_its_tiers_default() -> None:
    sre = q.parse_known("2 of role:sre")
    assert together(Terms(tier="T2", quorum=sre), Terms(tier="T1")).quorum == sre
    assert str(together(Terms(tier="T2"), Terms(tier="T1", quorum=q.parse_known("1 of role:sre"))).quorum) == "1 of role:sre and any 1"
    assert str(together(Terms(tier="T1")).quorum) == "any 1"


def test_t0_asks_nobody() -> None:
    assert (together(Terms(tier="T0")).quorum, together(Terms(tier="T0")).persons) == (None, 0)


def test_two_different_executors_are_no_permit() -> None:
    said = merged(
        [Terms(tier="T0", executor="till"), Terms(tier="T0", executor="workshop")], settings=SETTINGS, executor="", observable=False
    )
    assert said == "the permitting policies name different executors: till, workshop"


def test_the_policys_executor_goes_before_the_actions_and_none_is_no_permit() -> None:
    assert together(Terms(tier="T0", executor="till"), Terms(tier="T0")).executor == "till"
    assert isinstance(merged([Terms(tier="T0")], settings=SETTINGS, executor="", observable=False), str)


def test_passback_is_lost_when_another_policy_raises_the_tier() -> None:
    assert together(Terms(tier="T0", executor="agent")).executor == "agent"
    assert isinstance(
        merged([Terms(tier="T0", executor="agent"), Terms(tier="T1")], settings=SETTINGS, executor="workshop", observable=False), str
    )


def test_what_can_be_observed_is_unless_every_policy_is_content_with_the_receipt() -> None:
    assert together(Terms(tier="T0"), observable=True).verify == "observed"
    assert together(Terms(tier="T0", verify="receipt"), observable=True).verify == "receipt"
    assert together(Terms(tier="T0", verify="receipt"), Terms(tier="T0"), observable=True).verify == "observed"


@pytest.mark.parametrize(
    ("demands", "together"),
    [
        (["receipt"], "receipt"), (["receipt", "observed"], "observed"), (["observed", "2 of 3"], "2 of 2"),
        (["2 of 3", "3 of 5"], "3 of 4"),
        (["1 of 2"], "1 of 2"), (["2 of 3", "2 of 3"], "2 of 3"), (["9 of 9", "1 of 9"], "9 of 9"),
    ],
)  # fmt: skip
def test_several_demands_take_the_most_persons_and_let_the_fewest_see_nothing(demands: list[str], together: str) -> None:
    assert strongest(demands) == together


@pytest.mark.parametrize("value", ["2 of 1", "0 of 2", "2of3", "10 of 10", "observe", "two of three", "2 of 3 ", ""])
def test_a_verification_that_does_not_say_how_many_is_a_fault(value: str) -> None:
    _, faults = terms({"id": "x", "tier": "T0", "verify": value})
    assert [fault.annotation for fault in faults] == ["verify"]


def test_all_annotations_are_read() -> None:
    said, faults = terms(
        {
            "id": "x",
            "tier": "T1",
            "quorum": "1 of role:sre",
            "ttl": "5m",
            "uses": "2",
            "executor": "till",
            "verify": "observed",
            "cost_cap": "0.5",
        }
    )
    assert faults == []
    assert said == Terms(
        tier="T1",
        quorum=q.parse_known("1 of role:sre"),
        ttl=Micros(5 * MINUTE),
        uses=2,
        executor="till",
        verify="observed",
        cost_cap=Cost(500_000),
    )


@pytest.mark.parametrize(
    ("annotations", "annotation", "hint"),
    [
        ({}, "", "add @tier"),
        ({"tier": "T3"}, "tier", "one of: T0, T1, T2"),
        ({"tier": "t1"}, "tier", "did you mean T1?"),
        ({"tier": "T1", "teir": "T1"}, "teir", "did you mean tier?"),
        ({"tier": "T1", "ttl": "5"}, "ttl", "write a number and a unit"),
        ({"tier": "T1", "uses": "0"}, "uses", "a whole number from 1"),
        ({"tier": "T1", "uses": "-1"}, "uses", "a whole number from 1"),
        ({"tier": "T1", "verify": "observe"}, "verify", "did you mean observed?"),
        ({"tier": "T1", "executor": "the till"}, "executor", "letters"),
        ({"tier": "T1", "executor": "agent"}, "executor", "name an executor"),
        ({"tier": "T1", "cost_cap": "-5"}, "cost_cap", "write digits"),
        ({"tier": "T0", "quorum": "any 1"}, "quorum", "raise the tier"),
        ({"tier": "T1", "quorum": "any 2"}, "quorum", "raise the tier"),
        ({"tier": "T2", "quorum": "any 1 or any 2"}, "quorum", 'as in "any 2"'),
        ({"tier": "T2", "quorum": "2 of sre"}, "quorum", 'write "role:sre"'),
    ],
)
def test_a_misspelt_annotation_is_a_fault_with_a_hint(annotations: dict[str, str], annotation: str, hint: str) -> None:
    _, faults = terms(annotations)
    assert [fault.annotation for fault in faults] == [annotation]
    assert faults[0].hint.startswith(hint)


ONE = ("1 of role:sre", "1 of role:finance", "any 1")
TWO = ("any 2", "2 of role:sre", "1 of role:sre and 1 of role:sre", "1 of role:sre and 1 of role:finance", "2 of role:sre or any 3")
tiered = st.one_of(
    st.just(("T0", None)),
    st.tuples(st.just("T1"), st.none() | st.sampled_from(ONE).map(q.parse_known)),
    st.tuples(st.just("T2"), st.none() | st.sampled_from(TWO).map(q.parse_known)),
)
permits = st.builds(
    lambda said, **more: Terms(tier=said[0], quorum=said[1], **more),
    tiered,
    ttl=st.none() | st.integers(1, 10**9).map(Micros),
    uses=st.none() | st.integers(1, 9),
    verify=st.sampled_from((None, "receipt", "observed", "1 of 2", "2 of 2", "2 of 3", "3 of 9")),
    cost_cap=st.none() | st.integers(0, 99).map(Cost),
)


@given(st.lists(permits, min_size=1, max_size=4), permits)
def test_one_more_permit_never_loosens_anything(some: list[Terms], more: Terms) -> None:
    before, after = together(*some), together(*some, more)
    floor: dict[Tier, int] = {"T0": 0, "T1": 1, "T2": 2}
    assert floor[after.tier] >= floor[before.tier]
    assert after.persons >= max(before.persons, floor[after.tier])
    assert (after.ttl <= before.ttl, after.uses <= before.uses) == (True, True)
    assert before.cost_cap is None or (after.cost_cap is not None and after.cost_cap <= before.cost_cap)
    asked, now = demand(before.verify), demand(after.verify)
    assert now.needed >= asked.needed
    assert not asked.needed or now.of - now.needed <= asked.of - asked.needed


def test_a_stage_of_much_space_is_read_at_once_and_refused() -> None:
    """As a regular expression it took time in the square of its length, in which nothing else ran on the node."""
    for value in ("any 1" + " " * 2_000_000 + "x", "within 1h", "any 1 within", "any 1 within 1h 2h"):
        (fault,) = terms({"tier": "T1", "escalate": value})[1]
        assert "is no stage of an escalation" in fault.message
    said, faults = terms({"tier": "T1", "escalate": " any  1\twithin   1h "})
    assert (said is not None, faults) == (True, [])
