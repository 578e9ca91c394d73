"""The expectations a bundle carries about itself, ``tests/*.toml``: who asks for what, and what must come of it.

[[case]]
name = "a small refund is granted at once"
agent = "ada"
roles = ["support"]
action = "payments.refund"
resource = "order/8812"
params = { amount = { dec = "12.50" } }
expect = "T0"                        # or "T1", "T2", "deny"
policies = ["refund-small"]          # optional: exactly these decide
# optional: owner, cost = "12.50", phase = "execute", approvals = 2, facts = { founding = true }
"""

from __future__ import annotations

from typing import Literal, TypeAlias, cast, get_args

import attrs

from . import toml_table
from .finding import Finding, did_you_mean
from .question import Question
from .toml_table import Table

Expected: TypeAlias = Literal["T0", "T1", "T2", "deny"]

_KEYS = (
    "name", "agent", "roles", "owner", "action", "resource", "params", "cost", "phase", "approvals", "facts", "expect", "policies",
)  # fmt: skip


@attrs.frozen(kw_only=True)
class Case:
    file: str
    line: int
    name: str
    question: Question
    expect: Expected
    policies: frozenset[str] | None  # None: not said


def read(file: str, text: str, findings: list[Finding]) -> list[Case]:
    """The cases of one file; what is wrong with them becomes findings."""
    root = toml_table.read(file, text, findings)
    if root is None:
        return []
    root.only(("case", "flip"))  # the latter are read by expected_flips.py
    return [_case(table, number) for number, table in enumerate(root.tables("case"), 1)]


def _case(table: Table, number: int) -> Case:
    table.only(_KEYS)
    for key in ("agent", "action", "resource", "expect"):
        if key not in table.data:
            table.fault(None, f"the case does not say {key}")
    expect, phase = table.text("expect", "deny"), table.text("phase", "propose")
    if expect not in get_args(Expected):
        table.fault("expect", f"{expect!r} cannot be expected", did_you_mean(expect, get_args(Expected)))
    if phase not in ("propose", "execute"):
        table.fault("phase", f"{phase!r} is not a phase", did_you_mean(phase, ("propose", "execute")))
    agent = table.text("agent")
    return Case(
        file=table.file,
        line=table.place()[0],
        name=table.text("name", f"case {number}"),
        expect=cast(Expected, expect),
        policies=frozenset(table.texts("policies")) if "policies" in table.data else None,
        question=Question(
            phase="execute" if phase == "execute" else "propose",
            agent=agent,
            roles=frozenset(table.texts("roles")),
            owner=table.text("owner", agent),
            action=table.text("action"),
            resource=table.text("resource"),
            params=table.table("params").data,
            cost=table.amount("cost") or 0,
            approvals=table.integer("approvals", 0, 0, 1_000),
            facts=table.table("facts").data,
        ),
    )
