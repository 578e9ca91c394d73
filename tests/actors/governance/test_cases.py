from __future__ import annotations

from actors.governance import cases
from actors.governance.cases import Case
from actors.governance.finding import Finding
from actors.governance.question import Question

FULL = """
[[case]]
name = "a large refund"
agent = "ada"
roles = ["support"]
owner = "clara"
action = "payments.refund"
resource = "order/8812"
params = { amount = { dec = "600.00" } }
cost = "600"
phase = "execute"
approvals = 2
facts = { founding = true }
expect = "T2"
policies = ["refund-large"]
"""


def load(text: str) -> tuple[list[Case], list[Finding]]:
    findings: list[Finding] = []
    return cases.read("tests/refunds.toml", text, findings), findings


def test_a_case_is_read_whole() -> None:
    (case,), findings = load(FULL)
    assert findings == []
    assert case == Case(
        file="tests/refunds.toml",
        line=2,
        name="a large refund",
        expect="T2",
        policies=frozenset({"refund-large"}),
        question=Question(
            phase="execute",
            agent="ada",
            roles=frozenset({"support"}),
            owner="clara",
            action="payments.refund",
            resource="order/8812",
            params={"amount": {"dec": "600.00"}},
            cost=600_000_000,
            approvals=2,
            facts={"founding": True},
        ),
    )


def test_a_case_that_expects_nothing_or_asks_nothing_is_a_finding() -> None:
    _, findings = load("[[case]]\n")
    assert [finding.message for finding in findings] == [
        f"the case does not say {key}" for key in ("agent", "action", "resource", "expect")
    ]


def test_a_misspelt_case_is_a_finding_with_its_line() -> None:
    _, findings = load(FULL.replace('"T2"', '"T3"').replace('"execute"', '"excute"').replace("roles", "rolse"))
    assert [(finding.line, finding.hint) for finding in findings] == [
        (5, "did you mean roles?"),
        (14, "one of: T0, T1, T2, deny"),
        (11, "did you mean execute?"),
    ]


def test_a_file_without_cases_under_another_name_is_a_finding() -> None:
    _, findings = load(FULL.replace("[[case]]", "[[cases]]"))
    assert [finding.hint for finding in findings] == ["did you mean case?"]
