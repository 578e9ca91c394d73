from __future__ import annotations

import cedarpy
import pytest

from actors.governance.reads import EVERYTHING, Path, reads

PRINCIPAL, RESOURCE, CONTEXT = ("principal",), ("resource",), ("context",)
PARAMS = ("context", "params")


def of(policy: str) -> set[Path]:
    (template,) = cedarpy.policies_to_pst(policy).static_policies.values()
    return set(reads(template))


@pytest.mark.parametrize(
    ("condition", "paths"),
    [
        ("true", set()),
        ("1 + 2 > 2 && [1].contains(1) && !false", set()),
        ('action == Action::"a" || action in [Action::"b"]', set()),
        ('context.phase == "execute" || context.approvals > context.cost', {("context", p) for p in ("phase", "approvals", "cost")}),
        ("context.params.amount < 5", {(*PARAMS, "amount")}),
        ('context["params"]["amount"] < 5', {(*PARAMS, "amount")}),
        ("context.params.deep.er == 5", {(*PARAMS, "deep")}),
        ('context.params has note && context.params.note like "a*"', {(*PARAMS, "note")}),
        ("context has params.note", {PARAMS, (*PARAMS, "note")}),
        ("context has cost", {("context", "cost")}),
        ("context.facts.founding", {("context", "facts", "founding")}),
        ("context.params == context.facts", {PARAMS, ("context", "facts")}),
        ("context.elsewhere == 1", {CONTEXT}),
        ("[context].contains(context)", {CONTEXT}),
        ("{a: context}.a.cost > 1", {CONTEXT}),
        ("(if context.cost > 1 then context else context).cost > 1", {CONTEXT, ("context", "cost")}),
        ('principal in Role::"sre"', {("principal", "in", "sre")}),
        ('principal in [Role::"sre", Role::"dba"]', {("principal", "in", "sre"), ("principal", "in", "dba")}),
        ('principal in [Role::"sre", Agent::"ada"]', {PRINCIPAL}),
        ('principal in (if context.cost > 1 then Role::"sre" else Role::"dba")', {PRINCIPAL, ("context", "cost")}),
        ("principal in principal", {PRINCIPAL}),
        ("principal in resource", {PRINCIPAL, RESOURCE}),
        ('principal == Agent::"ada"', {PRINCIPAL}),
        ("principal.owner == resource.id", {("principal", "owner"), ("resource", "id")}),
        ("principal has owner", {("principal", "owner")}),
        ("principal has elsewhere", {PRINCIPAL}),
        ('resource.kind == "order"', {("resource", "kind")}),
        ('resource == Resource::"order/1"', {RESOURCE}),
        ('resource in Resource::"order/1"', {RESOURCE}),
        ("principal is Agent && resource is Resource", set()),
        ('principal is Agent in Role::"sre"', {PRINCIPAL}),
        ('principal is Agent in (if context.cost > 1 then Role::"sre" else Role::"dba")', {PRINCIPAL, ("context", "cost")}),
        ('Agent::"ada".owner == "clara"', {PRINCIPAL}),
        ('Agent::"ada" in Role::"sre"', {PRINCIPAL}),
        ('Resource::"order/1".kind == "order"', {RESOURCE}),
        ('Role::"sre" in Role::"dba"', set()),
        ('Elsewhere::"x" == Elsewhere::"y"', EVERYTHING),
        ('decimal("1.0").lessThan(decimal("2.0"))', set()),
        ('if resource.kind == "a" then context.cost > 1 else true', {("resource", "kind"), ("context", "cost")}),
    ],
)
def test_a_condition_reads_what_it_names_and_the_whole_of_what_it_hands_around(condition: str, paths: set[Path]) -> None:
    for clause in ("when", "unless"):
        assert of(f"permit(principal, action, resource) {clause} {{ {condition} }};") == paths


@pytest.mark.parametrize(
    ("scope", "paths"),
    [
        ("principal, action, resource", set()),
        ('principal, action == Action::"a", resource', set()),
        ("principal is Agent, action, resource is Resource", set()),
        ('principal in Role::"sre", action, resource', {("principal", "in", "sre")}),
        ('principal is Agent in Role::"sre", action, resource', {("principal", "in", "sre")}),
        ('principal in Agent::"ada", action, resource', {PRINCIPAL}),
        ('principal == Agent::"ada", action, resource', {PRINCIPAL}),
        ('principal, action, resource == Resource::"order/1"', {RESOURCE}),
        ('principal, action, resource in Resource::"order/1"', {RESOURCE}),
        ('principal, action, resource is Resource in Resource::"order/1"', {RESOURCE}),
    ],
)
def test_a_scope_reads_the_role_or_the_whole_party(scope: str, paths: set[Path]) -> None:
    assert of(f"permit({scope});") == paths


def test_all_clauses_of_a_policy_count() -> None:
    policy = 'forbid(principal in Role::"sre", action, resource) when { context.cost > 1 } unless { resource.kind == "a" };'
    assert of(policy) == {("principal", "in", "sre"), ("context", "cost"), ("resource", "kind")}


def test_a_placeholder_reads_the_whole_party() -> None:
    (template,) = cedarpy.policies_to_pst("permit(principal == ?principal, action, resource in ?resource);").templates.values()
    assert reads(template) == {PRINCIPAL, RESOURCE}
