from __future__ import annotations

import pytest

from actors.governance import budget_limits, toml_table
from actors.governance.bundle import Bundle, load
from actors.governance.finding import Finding, Findings
from actors.governance.source import Source
from actors.governance.state import Limit

TWO = '[actions."a.pay"]\n[actions."a.look"]\n'


def limits(text: str) -> tuple[tuple[Limit, ...], list[Finding]]:
    findings: list[Finding] = []
    root = toml_table.read("bundle.toml", text, findings)
    assert root is not None
    return budget_limits.read(root), findings


def test_every_scope_measure_and_window_is_read_and_warns_at_eighty_percent_unless_it_says_otherwise() -> None:
    found, findings = limits(
        TWO
        + '[budgets.tenant]\ncost_per_month = "50000"\n[budgets.each_agent]\ncost_per_day = "500.50"\ncount_per_hour = 60\nwarn_at = 50\n'
        '[budgets.agent.ada]\ncost_per_day = "2000"\n[budgets.action."a.pay"]\ncount_per_day = 3\n'
        '[budgets.each_agent_action."a.pay"]\ncount_per_hour = 1\n'
    )
    assert not findings
    assert found == (
        Limit(scope="tenant", what="cost", per="month", most=50_000_000_000, warn=40_000_000_000),
        Limit(scope="each_agent", what="cost", per="day", most=500_500_000, warn=250_250_000),
        Limit(scope="each_agent", what="count", per="hour", most=60, warn=30),
        Limit(scope="agent:ada", what="cost", per="day", most=2_000_000_000, warn=1_600_000_000),
        Limit(scope="action:a.pay", what="count", per="day", most=3, warn=2),
        Limit(scope="each_agent_action:a.pay", what="count", per="hour", most=1, warn=1),
    )


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('[budgets.tennant]\ncost_per_day = "5"', 3, "did you mean tenant?"),
        ('[budgets.tenant]\ncost_per_dya = "5"', 4, "did you mean cost_per_day?"),
        ('[budgets.tenant]\ncost_per_day = "5 EUR"', 4, "not an amount"),
        ("[budgets.tenant]\ncost_per_day = 5.5", 4, "text in quotes"),
        ("[budgets.tenant]\ncount_per_day = -1", 4, "whole number"),
        ("[budgets.tenant]\nwarn_at = 50", 3, "limits nothing"),
        ('[budgets.action."a.psy"]\ncount_per_day = 1', 3, "did you mean a.pay?"),
        ('[budgets.agent."Ada!"]\ncount_per_day = 1', 3, "cannot be an agent's name"),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_the_near_miss(text: str, line: int, says: str) -> None:
    _, findings = limits(TWO + text)
    assert says in str(findings[0])
    assert findings[0].line == line


def bundle(catalogue: str, annotation: str = "") -> Bundle | Findings:
    text = f'[bundle]\nname = "b"\n[budgets.each_agent]\ncost_per_day = "5"\n[actions."a.pay"]\nexecutor = "till"\n{catalogue}'
    policy = f'@id("p") @tier("T0") {annotation} permit (principal, action == Action::"a.pay", resource);'
    return load(Source({"bundle.toml": text.encode(), "p.cedar": policy.encode()}))


def test_an_action_of_unknown_cost_under_a_budget_of_cost_does_not_load() -> None:
    found = bundle("")
    assert isinstance(found, Findings)
    assert "a budget limits the cost of a.pay" in str(found.items[0])
    assert (found.items[0].file, found.items[0].line) == ("bundle.toml", 5)
    assert isinstance(bundle('cost = "0.10"'), Bundle)
    assert isinstance(bundle("", '@cost_cap("1")'), Bundle)
