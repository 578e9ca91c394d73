from __future__ import annotations

from typing import Any

import attrs
import pytest

from actors.governance.bundle import Bundle, Findings, Source, load
from actors.governance.expected_flips import ExpectedFlip, of
from actors.governance.flip import Flip
from actors.governance.ids import Cost
from actors.governance.intent import Intent

MANIFEST = b"""
[bundle]
name = "till"
[actions."orders.refund"]
executor = "till"
params = { amount = { type = "decimal", places = 2 }, count = { type = "integer", required = false }, currency = "string" }
"""
POLICY = b'@id("p") @tier("T1") permit (principal, action, resource);'
WISH = Intent("orders.refund", "order/1", {"amount": {"dec": "12.50"}, "count": 3, "currency": "EUR"}, "", Cost(0), None, None, None)
RAISED = Flip("tier", "T0", "T1")
FLIP = '[[flip]]\nname = "meant"\naction = "orders.refund"\nfrom = "T0"\nto = "T1"\n'


def loaded(tests: str) -> tuple[Bundle, list[ExpectedFlip]]:
    source = Source({"bundle.toml": MANIFEST, "p.cedar": POLICY, "tests/a.toml": tests.encode()})
    bundle = load(source)
    assert isinstance(bundle, Bundle), str(bundle)
    return bundle, of(source)


def covers(tests: str, flip: Flip = RAISED, agent: str = "ada", **params: Any) -> bool:
    bundle, (expected,) = loaded(tests)
    return expected.covers(flip, agent, attrs.evolve(WISH, params={**WISH.params, **params}), bundle.catalogue)


def test_a_flip_is_expected_by_its_action_and_its_two_verdicts() -> None:
    assert covers(FLIP)
    assert not covers(FLIP, Flip("tier", "T0", "T2"))
    assert not covers(FLIP, Flip("tier", "T1", "T1"))
    assert not covers(FLIP.replace('action = "orders.refund"', 'action = "orders.other"'))


def test_an_error_is_never_expected() -> None:
    assert not covers(FLIP.replace('"T0"', '"deny"'), Flip("error", "deny", "deny"))


def test_it_may_name_an_agent() -> None:
    assert covers(FLIP + 'agent = "ada"\n')
    assert not covers(FLIP + 'agent = "ben"\n')


@pytest.mark.parametrize(
    ("when", "covered"),
    [
        ('currency = "EUR"', True),
        ('currency = "USD"', False),
        ("count = 3", True),
        ("count = true", False),
        ('amount = { dec = "12.50" }', True),
        ('amount = { min = "12.50", max = "12.50" }', True),
        ('amount = { min = "12.51" }', False),
        ('amount = { max = "12.49" }', False),
        ("count = { min = 1, max = 3 }", True),
        ("count = { min = 4 }", False),
        ('count = { min = "many" }', False),
        ('currency = { min = "A" }', False),
        ("nowhere = 1", False),
    ],
)
def test_it_may_name_parameters_by_value_or_between_two_numbers(when: str, covered: bool) -> None:
    assert covers(f"{FLIP}when = {{ {when} }}\n") == covered


def test_a_parameter_that_is_not_there_is_not_between_two_numbers() -> None:
    bundle, (expected,) = loaded(FLIP + "when = { count = { min = 0 } }\n")
    wish = attrs.evolve(WISH, params={"amount": {"dec": "1.00"}, "currency": "EUR"})
    assert not expected.covers(Flip("tier", "T0", "T1"), "ada", wish, bundle.catalogue)


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        ('[[flip]]\nfrom = "T0"\nto = "T1"\n', "does not say action"),
        ('[[flip]]\naction = "a.b"\nfrom = "T0"\nto = "T3"\n', "'T3' is no verdict"),
        ('[[flip]]\naction = "a.b"\nfrom = "deny"\nto = "deny"\n', "no flip"),
        (FLIP + "wen = {}\n", "unknown setting 'wen'"),
        (FLIP + "when = { amount = { mn = 1 } }\n", "unknown setting 'mn'"),
        ('[[flop]]\nname = "x"\n', "unknown setting 'flop'"),
    ],
)
def test_what_does_not_read_keeps_the_bundle_from_loading(tests: str, said: str) -> None:
    found = load(Source({"bundle.toml": MANIFEST, "p.cedar": POLICY, "tests/a.toml": tests.encode()}))
    assert isinstance(found, Findings)
    assert said in str(found)
