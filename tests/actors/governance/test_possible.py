"""Values that contradict each other or the catalogue are found, and nothing that some question could answer is ruled out."""

from __future__ import annotations

import re

import cedarpy
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from actors.governance.bundle import Bundle, Findings, Source, load, recall
from actors.governance.finding import Finding
from actors.governance.judge import judge
from actors.governance.params import Param
from actors.governance.possible import PHASES, domains, holding
from actors.governance.question import Question

PARAMS = (
    Param(name="amount", kind="decimal", places=2, lowest=1, highest=50_000),
    Param(name="count", kind="integer"),
    Param(name="currency", kind="string", choices=frozenset({"EUR", "USD"})),
    Param(name="note", kind="string", required=False),
    Param(name="urgent", kind="boolean"),
    Param(name="tags", kind="list", required=False, choices=frozenset({"a", "b"})),
)
MANIFEST = """
[actions."payments.refund"]
executor = "till"
[actions."payments.refund".params]
amount = { type = "decimal", places = 2, min = "0.01", max = "500.00" }
count = "integer"
currency = { type = "string", choices = ["EUR", "USD"] }
note = { type = "string", required = false }
urgent = "boolean"
tags = { type = "list", required = false, choices = ["a", "b"] }
"""
ALL = '@id("all") @tier("T1")\npermit (principal, action, resource);\n'


def possible(policy: str) -> set[str]:
    """The phases in which it can match."""
    (written,) = cedarpy.policies_to_pst(policy).static_policies.values()
    return {phase for phase in PHASES if not isinstance(holding(written, domains(phase, PARAMS)), int)}


def when(condition: str) -> set[str]:
    return possible(f"permit (principal, action, resource) when {{ {condition} }};")


BOTH = {"propose", "execute"}


@pytest.mark.parametrize(
    ("condition", "phases"),
    [
        ('context.phase == "exceute"', set()),
        ('context.phase == "execute"', {"execute"}),
        ('"propose" == context.phase', {"propose"}),
        ('context.phase != "propose"', {"execute"}),
        ('!(context.phase == "propose") || context.approvals > 1', {"execute"}),
        ('["propose"].contains(context.phase)', {"propose"}),
        ('context.phase like "pro*"', {"propose"}),
        ('context.phase like "p*o*e"', {"propose"}),
        ('context.phase like "*"', BOTH),
        ('context.phase like "execute"', {"execute"}),
        ('context.phase like "exec*cute"', set()),  # what stands before and behind a wildcard does not overlap
        ('context.phase like "*e*e*e"', {"execute"}),
        ('context.phase like "*e*e*e*e"', set()),
        ("context.approvals >= 1", {"execute"}),
        ("context.approvals == 0", BOTH),
        ("0 < context.approvals", {"execute"}),
        ("context.approvals < 0", set()),
        ("context.cost < 0", set()),
        ("context.cost <= 0", BOTH),
        ("context.params.amount > 50000", set()),
        ("context.params.amount >= 50000", BOTH),
        ("context.params.amount < 1", set()),
        ("50001 <= context.params.amount", set()),
        ("context.params.amount == 50001", set()),
        ("[50001, 60000].contains(context.params.amount)", set()),
        ("[50001, 7].contains(context.params.amount)", BOTH),
        ("context.params.amount > 5 && context.params.amount < 3", set()),
        ("context.params.count > 5 && context.params.count < 7", BOTH),
        ("context.params.count > 5 && context.params.count < 6", set()),
        ("!(context.params.count > 5) && context.params.count >= 6", set()),
        ("!(context.params.count <= 5) && context.params.count != 6 && context.params.count < 7", BOTH),  # not looked at so closely
        ("context.params.count == 5 && context.params.count != 5", set()),
        ('context.params.currency == "CHF"', set()),
        ('context.params.currency != "EUR" && context.params.currency != "USD"', set()),
        ('context.params.currency == "EUR" || context.params.currency == "CHF"', BOTH),
        ('(context.params.currency == "GBP" || context.params.currency == "CHF") && context.cost > 1', set()),
        ('resource.kind == "order" && resource.kind == "invoice"', set()),
        ('resource.kind == "order" && resource.id == "invoice"', BOTH),
        ("context.params.urgent && !context.params.urgent", set()),
        ("context.params.urgent == true && context.params.urgent != false", BOTH),
        ("context.params.urgent == true && context.params.urgent == false", set()),
        ('principal == Agent::"ada" && principal == Agent::"ben"', set()),
        ('principal == Agent::"ada" && resource == Resource::"ada"', BOTH),
        ('if context.params.urgent then context.phase == "execute" else context.approvals > 0', {"execute"}),
        ('if context.params.urgent then context.phase == "execute" else true', BOTH),
        # What is there is no value: these hold for a note that is there.
        ('(context.params has note) == true && context.params.note == "x"', BOTH),
        ('context.params has note && context.params.note == "x" && context.params.note != "y"', BOTH),
        ('context.params has tags && context.params.tags.contains("c")', BOTH),  # lists are not looked at
        ("{whole: context}.whole.cost < 0", BOTH),  # nor what is wrapped
        ("context.cost + 1 < 0", BOTH),  # nor sums
        ("context.params.amount == context.params.count", BOTH),
    ],
)
def test_when_a_condition_can_hold(condition: str, phases: set[str]) -> None:
    assert when(condition) == phases


@pytest.mark.parametrize(
    ("policy", "phases"),
    [
        ("permit (principal, action, resource) when { context.cost > 5 } unless { context.cost > 4 };", set()),
        ('forbid (principal, action, resource) unless { context.phase == "propose" || context.approvals >= 2 };', {"execute"}),
        ('permit (principal == Agent::"ada", action, resource) when { principal == Agent::"ben" };', set()),
        ('permit (principal, action, resource == Resource::"a") unless { resource == Resource::"a" };', set()),
        ('permit (principal in Role::"a", action, resource) when { principal in Role::"b" };', BOTH),
    ],
)
def test_when_a_policy_can_match(policy: str, phases: set[str]) -> None:
    assert possible(policy) == phases


# --- as findings --------------------------------------------------------------------------------------------------------------


def found(policies: str) -> list[Finding]:
    read = load(Source({"bundle.toml": MANIFEST.encode(), "all.cedar": policies.encode()}))
    return list(read) if isinstance(read, Findings) else []


def test_a_clause_that_leaves_nothing_is_named() -> None:
    text = f'{ALL}@id("vain") forbid (principal, action, resource)\nwhen {{ context.cost > 5 }}\nunless {{ context.cost > 4 }};\n'
    (finding,) = found(text)
    assert (
        finding.message == "vain can never match: this contradicts itself, what stands before it, or what payments.refund can be asked with"
    )
    assert (finding.line, finding.column) == (5, 1)


def test_a_permit_that_waits_for_approvals_never_lets_anything_be_proposed() -> None:
    (finding,) = found('@id("late") @tier("T1") permit (principal, action, resource) when { context.approvals >= 1 };')
    assert finding.file == "bundle.toml"
    assert finding.message == (
        "no policy can ever permit payments.refund: what would permit it never matches when it is proposed, "
        "before anybody has approved it: late"
    )


def test_a_permit_for_proposals_alone_never_lets_a_warrant_be_used() -> None:
    (finding,) = found('@id("early") @tier("T1") permit (principal, action, resource) when { context.phase == "propose" };')
    assert finding.message.endswith("what would permit it never matches when its warrant is used: early")


def test_two_permits_may_share_the_two_moments() -> None:
    early = '@id("early") @tier("T1") permit (principal, action, resource) when { context.phase == "propose" };'
    assert found(early + early.replace("early", "late").replace("propose", "execute")) == []


# --- any condition and any question -----------------------------------------------------------------------------------------

ATOMS = (
    'context.phase == "propose"', 'context.phase != "execute"', 'context.phase like "*e"', "context.approvals >= 1",
    "1 > context.approvals",
    "context.cost > 3", "context.cost <= 3", "context.cost != 0", "context.params.amount > 200", "context.params.amount <= 200",
    "context.params.amount == 50000", "[1, 50000].contains(context.params.amount)", "context.params.count < 0",
    "context.params.count >= -1",
    "context.params.count == 0", 'context.params.currency == "EUR"', 'context.params.currency like "*U*"',
    '["EUR"].contains(context.params.currency)', "context.params has note", 'context.params has note && context.params.note == "x"',
    '(context.params has note) == false', 'context.params has note && context.params.note like "x*"', "context.params.urgent",
    "context.params.urgent == false", 'context.params has tags && context.params.tags.contains("a")', 'resource.kind == "order"',
    'resource.kind != "order"', 'resource == Resource::"order/1"', 'principal == Agent::"ada"', 'principal != Agent::"ada"',
    'principal in Role::"support"', "context.params.amount == context.params.count", "context.cost + 1 > 3",
)  # fmt: skip
conditions = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: f"({' && '.join(parts)})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({' || '.join(parts)})"),
        inner.map(lambda condition: f"!({condition})"),
        st.tuples(inner, inner, inner).map(lambda parts: "(if {} then {} else {})".format(*parts)),
    ),
    max_leaves=6,
)
clauses = st.lists(st.builds("{} {{ {} }}".format, st.sampled_from(("when", "unless")), conditions), min_size=1, max_size=3).map(" ".join)
questions = st.sampled_from(sorted(PHASES)).flatmap(
    lambda phase: st.builds(
        Question,
        phase=st.just(phase),
        agent=st.sampled_from(("ada", "ben")),
        roles=st.sets(st.sampled_from(("support", "sales"))).map(frozenset),
        owner=st.just("clara"),
        action=st.just("payments.refund"),
        resource=st.sampled_from(("order/1", "order/2", "vault/1")),
        params=st.fixed_dictionaries(
            {
                "amount": st.sampled_from(("0.01", "2.00", "2.01", "500.00")).map(lambda text: {"dec": text}),
                "count": st.integers(-2, 1),
                "currency": st.sampled_from(("EUR", "USD")),
                "urgent": st.booleans(),
            },
            optional={"note": st.sampled_from(("x", "xy", "z")), "tags": st.lists(st.sampled_from(("a", "b")), max_size=2)},
        ),
        cost=st.sampled_from((0, 3, 4)),
        approvals=st.just(0) if phase == "propose" else st.integers(0, 2),
    )
)


@settings(max_examples=40)
@given(head=st.sampled_from(("principal", 'principal == Agent::"ada"')), clause=clauses, asked=st.lists(questions, min_size=4, max_size=24))
def test_in_a_phase_in_which_a_policy_is_ruled_out_it_decides_nothing(head: str, clause: str, asked: list[Question]) -> None:
    """A forbid beside one permit for everything: where it matches, it is what decides."""
    one = f'@id("one") forbid ({head}, action, resource) {clause};'
    bundle = recall(Source({"bundle.toml": MANIFEST.encode(), "all.cedar": f"{ALL}{one}".encode()}))
    assume(isinstance(bundle, Bundle))
    assert isinstance(bundle, Bundle)
    phases = possible(one)
    event(f"possible in {len(phases)} phases")
    assert {question.phase for question in asked if "one" in judge(bundle, question).policies} <= phases


@given(pattern=st.text("ab*", max_size=9), text=st.text("ab", max_size=9))
def test_what_is_like_a_pattern_is_what_a_regular_expression_finds_like_it(pattern: str, text: str) -> None:
    fits = re.fullmatch(pattern.replace("*", ".*"), text) is not None
    assert bool(when(f'context.params.note == "{text}" && context.params.note like "{pattern}"')) is fits


def test_no_pattern_keeps_everybody_waiting() -> None:
    """As a regular expression this one would take the age of the universe, and no other thread would run meanwhile."""
    assert not when(f'context.params.note == "{"a" * 200}" && context.params.note like "{"*a" * 40}*b"')
