from __future__ import annotations

import json

import attrs
import cedarpy
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from actors.governance.bundle import Bundle, Source, recall
from actors.governance.canonical import Value
from actors.governance.judge import judge
from actors.governance.params import typed
from actors.governance.question import Answer, Permitted, Question
from actors.governance.reads import Path
from actors.governance.view import View, view

MANIFEST = """
[facts]
founding = "boolean"
[actions."payments.refund"]
executor = "till"
[actions."payments.refund".params]
amount = "integer"
urgent = "boolean"
note = { type = "string", required = false }
tags = { type = "list", required = false }
[actions."payments.void"]
executor = "till"
[actions."payments.void".params]
amount = "integer"
urgent = "boolean"
note = { type = "string", required = false }
tags = { type = "list", required = false }
"""

# --- any bundle and any question: nothing that is not shown could have changed the answer ---------------------------------

ATOMS = (
    'principal in Role::"support"',
    'principal in [Role::"support", Role::"sre"]',
    'principal in (if context.params.urgent then Role::"support" else Role::"sre")',
    '(if context.params.urgent then principal else Agent::"ben") in Role::"sre"',
    'principal is Agent in Role::"sre"',
    'principal is Agent in (if context.params.urgent then Role::"support" else Role::"sre")',
    'principal == Agent::"ada"',
    'Agent::"ada" in Role::"support"',
    'principal.owner == "clara"',
    "principal.owner == resource.id",
    "principal has owner",
    'resource.kind == "order"',
    'resource.id like "order/*"',
    'resource == Resource::"order/1"',
    'resource in Resource::"order/1"',
    'resource in [Resource::"order/1", Resource::"vault/1"]',
    '[Resource::"order/1"].contains(resource)',
    'action == Action::"payments.void"',
    'context.phase == "execute"',
    "context has phase",
    "context.approvals >= 1",
    "context.cost > 10",
    "{whole: context}.whole.cost > 10",
    "context.params.amount < 100",
    "context.params.amount * 9223372036854775807 > 0",  # an error for most amounts
    "[context.params.amount, 5].contains(context.approvals)",
    "context.params has note",
    "context has params.note",
    'context.params has note && context.params.note == "please"',
    'context.params has tags && context.params.tags.contains("a")',
    "context.params has tags && context.params.tags.isEmpty()",
    'context["params"]["urgent"]',
    "{given: context.params}.given.amount < 100",
    "context.facts.founding",
)
conditions = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(("&&", "||")), inner).map(lambda parts: f"({' '.join(parts)})"),
        inner.map(lambda condition: f"!({condition})"),
        st.tuples(inner, inner, inner).map(lambda parts: "(if {} then {} else {})".format(*parts)),
    ),
    max_leaves=4,
)
policies = st.builds(
    lambda effect, who, what, on, clause, condition: f"{effect}({who}, {what}, {on}) {clause} {{ {condition} }};",
    st.sampled_from(('@tier("T0") permit', '@tier("T1") permit', '@tier("T2") permit', "forbid")),
    st.sampled_from(("principal", 'principal in Role::"support"', 'principal == Agent::"ada"', 'principal is Agent in Role::"sre"')),
    st.sampled_from(("action", 'action == Action::"payments.refund"', 'action in [Action::"payments.refund", Action::"payments.void"]')),
    st.sampled_from(("resource", "resource is Resource", 'resource == Resource::"order/1"')),
    st.sampled_from(("when", "unless")),
    conditions,
)
questions = st.builds(
    Question,
    phase=st.sampled_from(("propose", "execute")),
    agent=st.sampled_from(("ada", "ben")),
    roles=st.sets(st.sampled_from(("support", "sre", "sales"))).map(frozenset),
    owner=st.sampled_from(("clara", "order/1")),
    action=st.sampled_from(("payments.refund", "payments.void")),
    resource=st.sampled_from(("order/1", "order/2", "vault/1")),
    params=st.fixed_dictionaries(
        {"amount": st.sampled_from((0, 1, 5, 500)), "urgent": st.booleans()},
        optional={"note": st.sampled_from(("please", "now")), "tags": st.lists(st.sampled_from(("a", "b")), max_size=2)},
    ),
    cost=st.sampled_from((0, 50)),
    approvals=st.integers(0, 2),
    facts=st.fixed_dictionaries({"founding": st.booleans()}),
)


@attrs.frozen
class Verdict:
    """What Cedar says when it is shown the whole question, under the schema of the whole bundle."""

    allowed: bool
    policies: tuple[str, ...]
    failed: bool


def whole(bundle: Bundle, question: Question) -> Verdict:
    context = {
        "phase": question.phase,
        "approvals": question.approvals,
        "cost": question.cost,
        "params": dict(question.params),
        "facts": dict(question.facts),
    }
    agent, resource = {"type": "Agent", "id": question.agent}, {"type": "Resource", "id": question.resource}
    result = cedarpy.is_authorized(
        {"principal": agent, "action": {"type": "Action", "id": question.action}, "resource": resource, "context": context},
        "\n".join(policy.text for policy in bundle.policies),
        [
            {"uid": agent, "attrs": {"owner": question.owner}, "parents": [{"type": "Role", "id": role} for role in question.roles]},
            {"uid": resource, "attrs": {"id": question.resource, "kind": question.resource.split("/")[0]}, "parents": []},
        ],
        bundle.schema_text,
    )
    reasons = tuple(sorted(bundle.policies[int(reason.removeprefix("policy"))].id for reason in result.diagnostics.reasons))
    return Verdict(result.allowed, reasons, bool(result.diagnostics.errors))


def agrees(answer: Answer, verdict: Verdict, question: Question) -> bool:
    if verdict.failed:
        return not isinstance(answer, Permitted) and bool(answer.errors)
    if isinstance(answer, Permitted):
        enough = question.phase == "propose" or question.approvals >= answer.obligations.persons
        return verdict.allowed and enough and answer.policies == verdict.policies
    if not verdict.allowed and not verdict.policies:
        return answer.why == f"no policy permits {question.action} on {question.resource!r} to {question.agent!r}"
    too_few = question.phase == "execute" and answer.why.endswith(f"there are {question.approvals}")
    return answer.policies == verdict.policies and (too_few if verdict.allowed else not answer.errors)


def unseen(policy: str, schema: cedarpy.Schema) -> list[str]:
    """What Cedar's own type checker says is not there in what a slice is shown.

    An action of another slice is unknown to it, and all it says of such a policy rests on that.
    """
    mistakes = [mistake.error for mistake in cedarpy.validate_policies(policy, schema).errors]
    return [] if any(" action" in mistake for mistake in mistakes) else mistakes


@given(st.lists(policies, min_size=1, max_size=4), st.lists(questions, min_size=1, max_size=12))
def test_what_is_not_shown_could_not_have_changed_the_answer(written: list[str], asked: list[Question]) -> None:
    text = "\n".join(f'@id("p{number}") {policy}' for number, policy in enumerate(written))
    bundle = recall(Source({"bundle.toml": MANIFEST.encode(), "all.cedar": text.encode()}))
    assume(isinstance(bundle, Bundle))  # some conditions do not pass Cedar's own checks
    assert isinstance(bundle, Bundle)
    for part in bundle.slices.values():
        for policy in part.policies:
            assert unseen(policy.text, part.schema) == [], text
    for question in (*asked, *reversed(asked)):
        assert agrees(judge(bundle, question), whole(bundle, question), question), (text, question)


# --- what is shown ---------------------------------------------------------------------------------------------------------


def loaded(policy: str) -> Bundle:
    bundle = recall(Source({"bundle.toml": MANIFEST.encode(), "all.cedar": policy.encode()}))
    assert isinstance(bundle, Bundle), bundle
    return bundle


ASKED = Question(
    phase="execute",
    agent="ada",
    roles=frozenset({"support", "sales"}),
    owner="clara",
    action="payments.refund",
    resource="order/1",
    params={"amount": 5, "urgent": True, "tags": ["a"]},
    cost=7,
    approvals=1,
    facts={"founding": False},
)


def shown(policy: str, question: Question = ASKED) -> tuple[tuple[object, ...], object]:
    bundle = loaded(policy)
    given_params: dict[str, Value] = dict(question.params)
    params, facts = typed(bundle.catalogue[question.action].params, given_params), typed(bundle.facts, question.facts)
    assert not isinstance(params, str)
    assert not isinstance(facts, str)
    sight = bundle.slices[question.action].view
    return sight.who(question), json.loads(sight.context(sight.what(question, params, facts)))


@pytest.mark.parametrize(
    ("condition", "who", "context"),
    [
        ("true", (None, frozenset(), None, None, None), {}),
        ('principal in Role::"support"', (None, frozenset({"support"}), None, None, None), {}),
        ('principal in Role::"sre"', (None, frozenset(), None, None, None), {}),
        ('principal == Agent::"ada"', ("ada", frozenset({"support", "sales"}), "clara", None, None), {}),
        ('principal.owner == "dora"', (None, frozenset(), "clara", None, None), {}),
        ('resource.kind == "order"', (None, frozenset(), None, None, "order"), {}),
        ('resource == Resource::"order/1"', (None, frozenset(), None, "order/1", "order"), {}),
        ("context.params.amount > 1", (None, frozenset(), None, None, None), {"params": {"amount": 5}}),
        ("context.params has note", (None, frozenset(), None, None, None), {"params": {}}),
        ("context.params has tags", (None, frozenset(), None, None, None), {"params": {"tags": ["a"]}}),
        (
            'context.phase == "execute" && context.approvals > 0 && context.cost > 1 && context.facts.founding',
            (None, frozenset(), None, None, None),
            {"phase": "execute", "approvals": 1, "cost": 7, "facts": {"founding": False}},
        ),
        (
            "[context].contains(context)",
            (None, frozenset(), None, None, None),
            {
                "phase": "execute",
                "approvals": 1,
                "cost": 7,
                "params": {"amount": 5, "urgent": True, "tags": ["a"]},
                "facts": {"founding": False},
            },
        ),
    ],
)
def test_a_policy_is_shown_what_it_reads_and_nothing_else(condition: str, who: tuple[object, ...], context: object) -> None:
    policy = f'@id("one") forbid(principal, action == Action::"payments.refund", resource) when {{ {condition} }};'
    assert shown(policy) == (who, context)


def test_policies_of_another_action_make_nothing_visible() -> None:
    policy = '@id("one") forbid(principal, action == Action::"payments.void", resource) when { context.cost > 1 && resource.id == "a" };'
    assert shown(policy) == ((None, frozenset(), None, None, None), {})


def test_a_parameter_that_the_action_does_not_have_is_not_shown_and_its_record_is() -> None:
    paths: set[Path] = {("context", "params", "elsewhere")}
    sight: View = view(paths, (), ())
    assert sight.context(sight.what(ASKED, {}, {})) == '{"params":{}}'
