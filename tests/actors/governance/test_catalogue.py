from __future__ import annotations

import pytest

from actors.governance import catalogue
from actors.governance.catalogue import Action, Fixed, FromParam
from actors.governance.finding import Finding
from actors.governance.observations import Observation
from actors.governance.params import Param
from actors.governance.toml_table import read

REFUND = """
[actions."payments.refund"]
description = "pay back"
executor = "till"
cost = { param = "amount" }
[actions."payments.refund".params]
amount = { type = "decimal", places = 2, min = "0.01", max = "500" }
order = "string"
note = { type = "string", required = false }
[actions."payments.refund".observe]
kind = "file_digest"
path = "{resource.name}/{params.order}"
"""


def load(text: str) -> tuple[dict[str, Action], list[Finding]]:
    findings: list[Finding] = []
    root = read("bundle.toml", text, findings)
    assert root is not None, findings
    return catalogue.read(root), findings


def refund() -> Action:
    actions, findings = load(REFUND)
    assert findings == []
    return actions["payments.refund"]


def test_an_action_is_read_whole() -> None:
    assert refund() == Action(
        name="payments.refund",
        params=(
            Param(name="amount", kind="decimal", places=2, lowest=1, highest=50_000),
            Param(name="order", kind="string"),
            Param(name="note", kind="string", required=False),
        ),
        effect="write",
        cost=FromParam("amount", 10_000),
        executor="till",
        checks=(Observation(name="file_digest", kind="file_digest", arguments={"path": "{resource.name}/{params.order}"}),),
        description="pay back",
    )


def test_the_worst_cost_is_in_micro_units() -> None:
    assert refund().worst_cost({"amount": {"dec": "12.50"}, "order": "8812"}) == 12_500_000
    assert Action(name="a.b", params=(), cost=Fixed(catalogue.Cost(7))).worst_cost({}) == 7
    assert Action(name="a.b", params=()).worst_cost({}) is None


def test_parameters_that_do_not_fit_have_no_cost_rather_than_none_to_pay() -> None:
    assert refund().worst_cost({"amount": "12.50", "order": "8812"}) is None
    assert refund().worst_cost({"order": "8812"}) is None


@pytest.mark.parametrize(
    ("old", "new", "line", "hint"),
    [
        ('"payments.refund"]\nd', '"refund"]\nd', 2, "a dotted verb in quotes"),
        ("executor =", "executer =", 4, "did you mean executor?"),
        ('executor = "till"', 'executor = "agent"', 4, 'use @executor("agent")'),
        ('executor = "till"', 'executor = "the till"', 4, "letters"),
        ('description = "pay back"', 'effect = "raed"', 3, "did you mean read?"),
        ('param = "amount"', 'param = "amout"', 5, "did you mean amount?"),
        ('param = "amount"', 'param = "order"', 5, "one of: amount"),
        ('"decimal"', '"decimla"', 7, "did you mean decimal?"),
        ("min =", "mim =", 7, "did you mean min?"),
        ('min = "0.01"', 'min = "0.001"', 7, "write it in quotes"),
        ('order = "string"', 'order = "sting"', 8, "did you mean string?"),
        ('order = "string"', 'order = "string"\nOrder = "string"', 9, "small letters"),
        ("kind =", "kinde =", 10, "one of: exit_code"),
        ('"file_digest"', '"file_digset"', 11, "did you mean file_digest?"),
        ("{params.order}", "{params.odrer}", 12, "did you mean params.order?"),
        ("{params.order}", "{params.amount}", 12, "did you mean params.note?"),
        ("path =", "dec =", 12, "give it another name"),
    ],
)
def test_a_misspelt_catalogue_is_a_finding_with_its_line(old: str, new: str, line: int, hint: str) -> None:
    assert old in REFUND
    _, findings = load(REFUND.replace(old, new))
    assert any(finding.line == line and finding.hint.startswith(hint) for finding in findings), findings


@pytest.mark.parametrize("word", ["yes", "no", "by:payments.charge"])
def test_an_action_says_whether_and_by_what_it_can_be_undone(word: str) -> None:
    text = f'[actions."payments.refund"]\nreversible = "{word}"\non_failure = "nothing was paid"\n[actions."payments.charge"]\n'
    actions, findings = load(text)
    assert findings == []
    assert (actions["payments.refund"].reversible, actions["payments.refund"].on_failure) == (word, "nothing was paid")


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("maybe", "does not say whether it can be undone"),
        ("nó", "does not say whether it can be undone"),
        ("by:payments.chrge", "did you mean payments.charge?"),
        ("by:payments.refund", "no other action is called 'payments.refund'"),
        ("by:", "no other action is called ''"),
    ],
)
def test_a_way_back_that_is_none_is_a_finding_in_its_line(word: str, says: str) -> None:
    _, (finding,) = load(f'[actions."payments.charge"]\n[actions."payments.refund"]\nreversible = "{word}"\n')
    assert finding.line == 3
    assert says in str(finding)
