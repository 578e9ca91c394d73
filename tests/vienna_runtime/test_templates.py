"""Each template is a bundle that could be pushed as it is: it loads, its tests pass, and nothing about it is worth a note."""

from __future__ import annotations

import pytest

from actors.governance.bundle import Bundle, load
from actors.governance.bundle_tests import run_tests
from actors.governance.fact_notes import notes
from vienna_runtime.cli.policy_templates import named, templates


def test_these_are_the_templates() -> None:
    assert set(templates()) == {"payments", "deployment", "database", "files", "email", "research"}


@pytest.mark.parametrize("name", templates())
def test_a_template_loads_without_findings_and_its_tests_pass(name: str) -> None:
    source = named(name, None)
    bundle = load(source)
    assert isinstance(bundle, Bundle), str(bundle)
    assert bundle.name == name
    results = run_tests(bundle, source)
    assert len(results) >= 10
    assert [result.why for result in results if not result.passed] == []
    assert notes(bundle) == []


@pytest.mark.parametrize("name", templates())
def test_every_policy_of_a_template_decides_one_of_its_tests(name: str) -> None:
    source = named(name, None)
    bundle = load(source)
    assert isinstance(bundle, Bundle)
    decided = {policy for result in run_tests(bundle, source) for policy in result.policies}
    assert decided == {policy.id for policy in bundle.policies}


@pytest.mark.parametrize("name", templates())
def test_a_template_says_what_to_change_and_how_each_action_is_undone(name: str) -> None:
    source = named(name, None)
    assert b"Before it is in force, change" in source.files["README.md"]
    bundle = load(source)
    assert isinstance(bundle, Bundle)
    assert all(action.description for action in bundle.catalogue.values())
    assert all(action.reversible and action.on_failure for action in bundle.catalogue.values() if action.effect == "write")


def test_a_bundle_gets_another_name_and_keeps_every_comment() -> None:
    plain, other = named("payments", None), named("payments", 'Rosa\'s "refunds"')
    loaded = load(other)
    assert isinstance(loaded, Bundle)
    assert loaded.name == 'Rosa\'s "refunds"'
    before, after = (source.files["bundle.toml"].decode().splitlines() for source in (plain, other))
    assert [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]] == [
        ('name = "payments"', 'name = "Rosa\'s \\"refunds\\""')
    ]
