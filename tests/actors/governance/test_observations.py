from __future__ import annotations

import pytest

from actors.governance import observations
from actors.governance.finding import Finding
from actors.governance.ids import SECOND
from actors.governance.observations import OBSERVED, Observation
from actors.governance.params import Param
from actors.governance.toml_table import read

PARAMS = (Param(name="order", kind="string"), Param(name="note", kind="string", required=False), Param(name="count", kind="integer"))
TWO = """
[[checks]]
name = "shipped"
kind = "http"
path = "orders/{params.order}"
retry_for = "30s"
stable_for = "5s"
[[checks]]
kind = "sql"
order = "{resource.name}"
"""


def load(text: str) -> tuple[tuple[Observation, ...], Observation | None, list[Finding]]:
    findings: list[Finding] = []
    root = read("bundle.toml", text, findings)
    assert root is not None, findings
    return observations.read(root, PARAMS), observations.probe(root, PARAMS), findings


def test_one_check_is_a_table_and_several_are_a_list_with_names() -> None:
    (one,), _, findings = load('[observe]\nkind = "git_ref"\nref = "refs/heads/main"')
    assert (one.name, one.kind, one.arguments, findings) == ("git_ref", "git_ref", {"ref": "refs/heads/main"}, [])
    checks, probe, findings = load(TWO)
    assert [check.name for check in checks] == ["shipped", "sql"]
    assert (probe, findings) == (None, [])


def test_a_check_is_filled_from_the_case_and_says_how_long_to_look() -> None:
    (shipped, row), _, _ = load(TWO)
    assert shipped.filled("order/8812", {"order": "8812"}) == {
        "name": "shipped", "kind": "http", "arguments": {"path": "orders/8812"}, "retry_for": 30 * SECOND, "stable_for": 5 * SECOND,
    }  # fmt: skip
    assert row.filled("order/8812", {"order": "x"}) == {"name": "sql", "kind": "sql", "arguments": {"order": "8812"}}


def test_a_check_whose_text_is_absent_looks_at_nothing() -> None:
    (shipped, row), _, _ = load(TWO)
    assert shipped.filled("order/8812", {}) is None
    assert row.filled("order", {"order": "8812"}) is None


def test_a_value_that_looks_like_a_template_is_not_filled_again() -> None:
    (shipped, _), _, _ = load(TWO)
    filled = shipped.filled("order/1", {"order": "{resource}"})
    assert filled is not None
    assert filled["arguments"] == {"path": "orders/{resource}"}


def test_a_probe_is_a_check_of_the_same_kinds() -> None:
    _, probe, findings = load('[probe]\nkind = "tcp"\nhost = "{params.order}"')
    assert probe is not None
    assert (probe.kind, findings) == ("tcp", [])


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('[observe]\nkind = "htp"', "'htp' is not a kind", "did you mean http?"),
        ('[observe]\nkind = "http"\npath = "{params.oder}"', "nothing is called {params.oder} here", "did you mean params.order?"),
        ('[observe]\nkind = "http"\npath = "{params.count}"', "nothing is called {params.count} here", ""),
        ('[observe]\nkind = "http"\ndec = "1"', "no argument can be called dec", ""),
        ('[observe]\nkind = "http"\npath = 1', "path must be text in quotes", ""),
        ('[observe]\nkind = "http"\nstable_for = "5"', "'5' is not a duration", ""),
        ('[observe]\nkind = "http"\nretry_for = "2h"', "retry_for is longer than an hour", "look later"),
        ('[observe]\nkind = "http"\nname = "No Name"', "'No Name' is not the name of a check", ""),
        ('[[checks]]\nkind = "http"\n[[checks]]\nkind = "http"', "two checks are called 'http'", "a name of its own"),
        ('[observe]\nkind = "http"\n[[checks]]\nkind = "tcp"', "either observe or checks", ""),
        ('[[checks]]\nkind = "http"\n' * 17, "at most 16 checks", ""),
    ],
)
def test_what_does_not_say_what_to_look_at_is_a_finding(text: str, message: str, hint: str) -> None:
    _, _, findings = load(text)
    assert any(message in found.message and hint in found.hint for found in findings), findings


def test_every_kind_of_look_can_be_written() -> None:
    for kind in OBSERVED:
        (check,), _, findings = load(f'[observe]\nkind = "{kind}"')
        assert (check.kind, findings) == (kind, [])
