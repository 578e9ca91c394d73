"""Which verdicts a bundle means to change, ``[[flip]]`` in its ``tests/*.toml``: what a replay may find without failing.

[[flip]]
name = "refunds from 200 on need two persons"
action = "payments.refund"
from = "T1"                          # T0, T1, T2 or deny; the same twice: other approvers or other terms at that tier
to = "T2"
# optional: agent = "ada", when = { currency = "EUR", amount = { min = "200.00", max = "500.00" } }

``when`` names parameters: by their value, or for numbers by the least and the greatest.  A flip that none of these describes is not
expected; neither is one by a policy that fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import attrs

from . import intent as intents
from . import toml_table
from .cases import Expected
from .catalogue import Action
from .finding import Finding, Malformed, did_you_mean
from .flip import Flip
from .params import Param, scale
from .source import Source, is_test, texts
from .toml_table import Table

_KEYS = ("name", "action", "from", "to", "agent", "when")
_LABELS = get_args(Expected)


@attrs.frozen(kw_only=True)
class ExpectedFlip:
    file: str
    line: int
    name: str
    action: str
    before: str
    after: str
    agent: str | None = None
    when: Mapping[str, Any] = attrs.field(factory=dict)

    def covers(self, flip: Flip, agent: str, wish: intents.Intent, catalogue: Mapping[str, Action]) -> bool:
        """Whether this flip of this intent is the one that was expected."""
        if flip.kind == "error" or (flip.before, flip.after) != (self.before, self.after) or wish.action != self.action:
            return False
        declared = {param.name: param for param in catalogue[self.action].params} if self.action in catalogue else {}
        return self.agent in (None, agent) and all(
            _holds(declared.get(name), wish.params.get(name), said) for name, said in self.when.items()
        )


def of(source: Source) -> list[ExpectedFlip]:
    """All of a bundle that has loaded, which has looked at them already."""
    none: list[Finding] = []
    return [flip for path, text in texts(source, none).items() if is_test(path) for flip in read(path, text, none)]


def read(file: str, text: str, findings: list[Finding]) -> list[ExpectedFlip]:
    """Those of one file; what is wrong with them becomes findings."""
    root = toml_table.read(file, text, findings)
    return [] if root is None else [_flip(table, number) for number, table in enumerate(root.tables("flip"), 1)]


def _flip(table: Table, number: int) -> ExpectedFlip:
    table.only(_KEYS)
    for key in ("action", "from", "to"):
        if key not in table.data:
            table.fault(None, f"the flip does not say {key}")
    before, after = table.text("from", "deny"), table.text("to", "deny")
    for key, said in (("from", before), ("to", after)):
        if said not in _LABELS:
            table.fault(key, f"{said!r} is no verdict", did_you_mean(said, _LABELS))
    if before == after == "deny":
        table.fault("to", "denied before and after is no flip")
    when = table.table("when")
    for name, said in when.data.items():
        if isinstance(said, dict) and said.keys() != {"dec"}:
            when.table(name).only(("min", "max"))
    return ExpectedFlip(
        file=table.file,
        line=table.place()[0],
        name=table.text("name", f"flip {number}"),
        action=table.text("action"),
        before=before,
        after=after,
        agent=table.text("agent") if "agent" in table.data else None,
        when=when.data,
    )


def _holds(param: Param | None, value: object, said: object) -> bool:
    """Whether a parameter is as the expectation says; one that cannot be compared is not."""
    if not isinstance(said, Mapping) or said.keys() == {"dec"}:
        return type(value) is type(said) and value == said
    number = None if param is None else _number(param, value)
    if param is None or number is None:
        return False
    lowest, highest = (_number(param, said[end]) if end in said else number for end in ("min", "max"))
    return lowest is not None and highest is not None and lowest <= number <= highest


def _number(param: Param, value: object) -> int | None:
    if param.kind == "integer":
        return value if type(value) is int else None
    if param.kind != "decimal":
        return None
    text = value.get("dec") if isinstance(value, Mapping) else value
    if isinstance(text, str):
        scaled = scale(text, param.places)
        return None if isinstance(scaled, Malformed) else scaled
    return None
