"""What can never match and what none can permit is found with its place, and nothing that could happen is ever called impossible."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from actors.governance import reach
from actors.governance.bundle import Bundle, Findings, Source, load, recall
from actors.governance.finding import Finding
from actors.governance.judge import judge
from actors.governance.question import Question

PROJECT = Path(__file__).parents[3]
MANIFEST = """
[facts]
founding = "boolean"
[actions."payments.refund"]
executor = "till"
[actions."payments.refund".params]
amount = "integer"
urgent = "boolean"
note = { type = "string", required = false }
[actions."payments.look"]
executor = "till"
[actions."payments.look".params]
order = "string"
"""
ALL = '@id("all") @tier("T1")\npermit (principal, action, resource);\n'


def source(policies: str, manifest: str = MANIFEST) -> Source:
    return Source({"bundle.toml": manifest.encode(), "all.cedar": policies.encode()})


def found(policies: str) -> list[Finding]:
    read = load(source(policies))
    return list(read) if isinstance(read, Findings) else []


# --- a policy that can never match ------------------------------------------------------------------------------------------

HEADS = (
    ('principal == Role::"support", action, resource', "principal ==", "no principal is that", "a principal is an Agent"),
    ("principal is Role, action, resource", "principal is", "no principal is that", "a principal is an Agent"),
    ('principal is Role in Role::"support", action, resource', "principal is", "no principal is that", "a principal is an Agent"),
    ('principal in Resource::"order/1", action, resource', "principal in", "no principal is that", "a principal is an Agent"),
    ('principal, action, resource == Agent::"ada"', "resource ==", "no resource is that", "a resource is a Resource"),
    ("principal, action, resource is Role", "resource is", "no resource is that", "a resource is a Resource"),
    ('principal, action, resource in Role::"support"', "resource in", "no resource is that", "a resource is a Resource"),
)


@pytest.mark.parametrize(("head", "at", "why", "hint"), HEADS)
@pytest.mark.parametrize("effect", ['@tier("T1") permit', "forbid"])
def test_a_head_that_nothing_fits_is_named_with_what_would_fit(effect: str, head: str, at: str, why: str, hint: str) -> None:
    text = f'{ALL}// a remark\n@id("vain") {effect}\n  ({head});\n'
    (finding,) = found(text)
    assert finding.message == f"vain can never match: {why}"
    assert hint in finding.hint
    assert (finding.file, text.splitlines()[finding.line - 1][finding.column - 1 :].startswith(at)) == ("all.cedar", True)


CONDITIONS = (
    ("action, resource) when { false }", "false"),
    ("action, resource) when { context.cost > 5 && context has nothing }", "context has nothing"),
    ("action, resource) when { context.cost > 5 } unless { true }", "unless"),
    ("action, resource) when { context.cost > 5 }\nwhen { !(true) }", "!(true)"),
    ("action, resource) when { principal == resource || false }", "when"),
    ('action == Action::"payments.look", resource) when { context.params has amount && context.cost > 3 }', "context.params has amount"),
    ('action == Action::"payments.look", resource) when { action == Action::"payments.refund" }', "action == Action::"),
    ("action, resource) when { action == Action::\"payments.refund\" && context.params has order }", "context.params has order"),
    ("action, resource) when { principal is Role }", "principal is Role"),
    ('action, resource) when { principal in Resource::"order/1" }', "principal in Resource"),
    ('action, resource) when { resource.kind == "order" && (if context.cost > 1 then false else false) }', "(if"),
)  # fmt: skip


@pytest.mark.parametrize(("rest", "at"), CONDITIONS)
@pytest.mark.parametrize("effect", ['@tier("T1") permit', "forbid"])
def test_a_condition_that_is_never_so_is_found_where_it_stands(effect: str, rest: str, at: str) -> None:
    text = f'{ALL}@id("vain") {effect} (principal, {rest};\n'
    (finding,) = found(text)
    assert finding.message.startswith("vain can never match: from here on nothing is left of ")
    assert text.splitlines()[finding.line - 1][finding.column - 1 :].startswith(at)


def test_every_one_of_them_is_named() -> None:
    vain = [f'@id("v{number}") forbid (principal, {rest};\n' for number, (rest, _) in enumerate(CONDITIONS)]
    assert [finding.message.split()[0] for finding in found(ALL + "".join(vain))] == [f"v{number}" for number in range(len(CONDITIONS))]


def test_of_very_many_only_the_first_are_told_to_the_condition_and_none_is_left_out() -> None:
    vain = [f'@id("v{number}") forbid (principal, action, resource)\nwhen {{ false }};\n' for number in range(reach.EXACT + 9)]
    findings = found(ALL + "".join(vain))
    assert [finding.message.split()[0] for finding in findings] == [f"v{number}" for number in range(reach.EXACT + 9)]
    assert [finding.column for finding in findings] == [8] * reach.EXACT + [1] * 9


def test_a_long_condition_is_searched_by_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    known = reach.reached
    monkeypatch.setattr(reach, "reached", lambda text, schema: (asked.append(text), known(text, schema))[1])
    parts = ["context.cost > 1"] * 60
    parts[37] = "context has nothing"
    joined = " &&\n".join(parts)
    (finding,) = found(f'{ALL}@id("vain") forbid (principal, action, resource) when {{\n{joined} }};')
    assert finding.line == 4 + 37
    assert len(asked) < 8


@pytest.mark.parametrize(
    "policy",
    [
        'permit (principal == Agent::"ada", action, resource)',
        'permit (principal in Agent::"ada", action, resource)',
        "permit (principal is Agent, action, resource is Resource)",
        'permit (principal is Agent in Role::"support", action, resource in Resource::"order/1")',
        "permit (principal, action, resource) when { context.params has amount && context.params.amount > 3 }",
        'permit (principal, action, resource) when { action == Action::"payments.look" && context.params.order like "a*" }',
        'permit (principal, action in [Action::"payments.look", Action::"payments.refund"], resource) when { context.params has order }',
        'permit (principal, action == Action::"payments.refund", resource) when { context.params has note && context.params.note == "x" }',
        'permit (principal, action, resource) when { context.phase == "execute" } unless { false }',
        "permit (principal, action, resource) when { true }",
        "permit (principal, action, resource) when { if context.cost > 5 then true else false }",
        "permit (principal, action, resource) when { context.facts.founding || false }",
    ],
)
@pytest.mark.parametrize("effect", ['@tier("T1") permit', "forbid"])
def test_what_can_match_is_not_called_impossible(effect: str, policy: str) -> None:
    assert found(f'{ALL}@id("one") {policy.replace("permit", effect, 1)};') == []


# --- an action that none can permit -----------------------------------------------------------------------------------------


def test_an_action_without_a_permit_is_named_where_the_catalogue_declares_it() -> None:
    (finding,) = found('@id("refund") @tier("T1") permit (principal, action == Action::"payments.refund", resource);')
    assert (finding.file, MANIFEST.splitlines()[finding.line - 1]) == ("bundle.toml", '[actions."payments.look"]')
    assert finding.message == "no policy can ever permit payments.look: none applies to it"
    assert "write a permit for it, leave the action out, or forbid it by name" in finding.hint


def test_a_permit_that_is_never_so_for_an_action_does_not_make_it_reachable_and_is_no_fault_by_itself() -> None:
    (finding,) = found('@id("amounts") @tier("T1") permit (principal, action, resource) when { context.params has amount };')
    assert finding.message == "no policy can ever permit payments.look: what would permit it never matches there: amounts"


def test_a_permit_in_vain_is_a_fault_and_so_is_what_it_was_to_permit() -> None:
    some = '@id("refund") @tier("T1") permit (principal, action == Action::"payments.refund", resource);'
    vain = '@id("look") @tier("T0") permit (principal is Role, action == Action::"payments.look", resource);'
    assert [finding.message.split(":")[0] for finding in found(some + vain)] == [
        "look can never match",
        "no policy can ever permit payments.look",
    ]


def test_an_empty_bundle_permits_nothing_and_says_so_of_every_action() -> None:
    assert [finding.message.split()[5].rstrip(":") for finding in found("")] == ["payments.refund", "payments.look"]


def test_what_is_forbidden_by_name_and_without_conditions_needs_no_permit() -> None:
    some = '@id("refund") @tier("T1") permit (principal, action == Action::"payments.refund", resource);\n'
    never = '@id("never") @reason("we do not look") forbid (principal, action == Action::"payments.look", resource);'
    assert found(some + never) == []
    for weaker in (
        never.replace("principal,", 'principal == Agent::"ada",'),
        never.replace("resource)", 'resource == Resource::"order/1")'),
        never.replace(";", " when { context.cost > 0 };"),
        never.replace('action == Action::"payments.look"', "action"),
    ):
        assert [finding.message.split(":")[0] for finding in found(some + weaker)] == ["no policy can ever permit payments.look"]


def test_whoever_stops_everything_in_a_hurry_is_not_held_up() -> None:
    assert found(ALL + '@id("stop") @reason("an intruder") forbid (principal, action, resource);') == []


# --- whose fault it is ------------------------------------------------------------------------------------------------------


def test_a_bundle_of_the_ledger_is_read_as_it_was_when_it_was_pushed() -> None:
    old = source('@id("vain") forbid (principal is Role, action, resource);')
    assert isinstance(load(old), Findings)
    bundle = recall(old)
    assert isinstance(bundle, Bundle)
    assert [policy.reached for policy in bundle.policies] == [frozenset()]


@pytest.mark.parametrize("policies", ["permit", '@id("x") permit (principal, action, resource);'])
def test_every_other_fault_is_one_for_both(policies: str) -> None:
    assert isinstance(recall(source(policies)), Findings)
    assert load(source(policies)) == recall(source(policies))


def test_what_does_not_load_for_another_reason_is_not_also_said_to_permit_nothing() -> None:
    (finding,) = found('@id("all") permit (principal, action, resource);')
    assert "a permit needs a tier" in finding.message


# --- the bundles that come with the program ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "directory",
    sorted([*(PROJECT / "vienna_runtime" / "templates").iterdir(), *(PROJECT / "examples" / "bundles").iterdir()]),
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_no_policy_of_a_template_or_an_example_is_called_impossible(directory: Path) -> None:
    files = {path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    bundle = load(Source(files))
    assert isinstance(bundle, Bundle), str(bundle)
    assert all(policy.reached == policy.actions for policy in bundle.policies)


# --- any policy and any question: what is called impossible never decides -----------------------------------------------------

ATOMS = (
    "true",
    "false",
    "principal is Role",
    "principal is Agent",
    'principal in Role::"support"',
    'principal in Resource::"order/1"',
    'principal == Agent::"ada"',
    "principal == resource",
    "principal has owner",
    "principal has nothing",
    'resource.kind == "order"',
    'resource == Resource::"order/1"',
    "resource is Agent",
    'action == Action::"payments.look"',
    'action in [Action::"payments.refund"]',
    "context has nothing",
    "context.cost > 10",
    'context.phase == "execute"',
    "context.params has amount",
    "context.params has amount && context.params.amount > 5",
    'context.params has order && context.params.order == "x"',
    'context.params has note && context.params.note == "please"',
    "context.facts.founding",
    "1 < 2",
)
conditions = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(("&&", "||")), inner).map(lambda parts: f"({' '.join(parts)})"),
        inner.map(lambda condition: f"!({condition})"),
        st.tuples(inner, inner, inner).map(lambda parts: "(if {} then {} else {})".format(*parts)),
    ),
    max_leaves=5,
)
heads = st.builds(
    "({}, {}, {})".format,
    st.sampled_from(("principal", 'principal in Role::"support"', 'principal == Agent::"ada"', "principal is Role")),
    st.sampled_from(("action", 'action == Action::"payments.refund"', 'action in [Action::"payments.refund", Action::"payments.look"]')),
    st.sampled_from(("resource", "resource is Resource", 'resource == Resource::"order/1"')),
)
clauses = st.lists(st.builds("{} {{ {} }}".format, st.sampled_from(("when", "unless")), conditions), max_size=3).map(" ".join)
PARAMS = {
    "payments.refund": st.fixed_dictionaries(
        {"amount": st.sampled_from((0, 6)), "urgent": st.booleans()}, optional={"note": st.sampled_from(("please", "now"))}
    ),
    "payments.look": st.fixed_dictionaries({"order": st.sampled_from(("x", "y"))}),
}
questions = st.sampled_from(sorted(PARAMS)).flatmap(
    lambda action: st.builds(
        Question,
        phase=st.sampled_from(("propose", "execute")),
        agent=st.sampled_from(("ada", "ben")),
        roles=st.sets(st.sampled_from(("support", "sales"))).map(frozenset),
        owner=st.just("clara"),
        action=st.just(action),
        resource=st.sampled_from(("order/1", "vault/1")),
        params=PARAMS[action],
        cost=st.sampled_from((0, 50)),
        approvals=st.integers(0, 2),
        facts=st.fixed_dictionaries({"founding": st.booleans()}),
    )
)


@settings(max_examples=40)
@given(head=heads, clause=clauses, asked=st.lists(questions, min_size=1, max_size=12))
def test_what_is_called_impossible_decides_nothing(head: str, clause: str, asked: list[Question]) -> None:
    """A forbid beside one permit for everything: where it matches, it is what decides."""
    bundle = recall(source(f'{ALL}@id("one") forbid {head} {clause};'))
    assume(isinstance(bundle, Bundle))
    assert isinstance(bundle, Bundle)
    one = bundle.policies[1]
    event(f"possible for {len(one.reached)} of {len(one.actions)} actions")
    matched = {question.action for question in asked if "one" in judge(bundle, question).policies}
    assert matched <= one.reached
    assert isinstance(load(source(f'{ALL}@id("one") forbid {head} {clause};')), Bundle) == bool(one.reached)
