from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.governance.finding import Finding
from actors.governance.ids import MINUTE, SECOND, Micros
from actors.governance.toml_table import Table, read

TEXT = """\
[breaker]
failures = 3
window = "5m"

[actions."git.push"]
effect = "write"

[[case]]
name = "first"
[[case]]
  name = 2
"""


def root(text: str) -> tuple[Table, list[Finding]]:
    findings: list[Finding] = []
    table = read("bundle.toml", text, findings)
    assert table is not None, findings
    return table, findings


def test_fields_are_read_with_their_types() -> None:
    table, findings = root(TEXT)
    breaker = table.table("breaker")
    assert (breaker.integer("failures", 5, 1, 9), breaker.duration("window", Micros(SECOND))) == (3, 5 * MINUTE)
    assert breaker.duration("cool_down", Micros(SECOND)) == SECOND
    assert [case.data["name"] for case in table.tables("case")] == ["first", 2]
    assert findings == []


def test_a_fault_names_the_line_of_its_key_under_its_header() -> None:
    table, findings = root(TEXT)
    table.table("breaker").integer("failures", 5, 1, 2)
    table.table("actions").table("git.push").only(("efect",))
    list(table.tables("case"))[1].text("name")
    assert [(finding.line, finding.column) for finding in findings] == [(2, 1), (6, 1), (11, 3)]
    assert findings[1].hint == "did you mean efect?"


@pytest.mark.parametrize(
    ("text", "line"),
    [("x =", 1), ("\n\nx = [\n", 4), ("a = 1\na = 2", 2), ("x = " + "[" * 5_000, 1), ("x = 1" + "0" * 5_000, 1)],
)
def test_what_is_not_toml_is_one_finding(text: str, line: int) -> None:
    findings: list[Finding] = []
    assert read("bundle.toml", text, findings) is None
    assert [finding.line for finding in findings] == [line]


@pytest.mark.parametrize("value", ["true", "1", "1.5", "[]", "{}", "2020-01-01"])
def test_another_type_is_a_finding_and_the_default_goes_on(value: str) -> None:
    table, findings = root(f"x = {value}")
    assert table.text("x", "default") == "default"
    assert len(findings) == 1


@given(st.text(max_size=60))
def test_any_text_is_read_or_is_a_finding(text: str) -> None:
    findings: list[Finding] = []
    assert (read("bundle.toml", text, findings) is None) == bool(findings)
