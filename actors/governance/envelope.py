"""What an approver signs in advance: so many cases of exactly this kind, for so much at most, until then.

The statement names the template by its digest; both stand on the ledger.  A template says of every parameter what it may be
(``params``), or that it may be anything (``open``); an intent with a parameter that is in neither does not match.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import attrs

from . import canonical, constraints
from .constraints import Constraint
from .ids import DAY, Cost, Digest, Instant, MemberId, TenantId
from .intent import Intent
from .tiers import TIERS

FIELDS = ("tenant", "template", "count", "total", "until", "bundle", "tier", "reason", "nonce", "time")
TEMPLATE = ("agent", "action", "resource", "params", "open")
_KINDS: canonical.Kinds = {
    "tenant": (str,), "template": (bytes,), "count": (int,), "total": (int, type(None)), "until": (int,), "bundle": (bytes,),
    "tier": (str,), "reason": (str,), "nonce": (bytes,), "time": (int,),
}  # fmt: skip

LONGEST_LIFE = 31 * DAY  # what is approved for longer belongs into the policy, where it is reviewed
MOST_COUNT = 10_000  # likewise
MOST_OPEN = 16  # parameters that may be anything


@attrs.frozen
class Template:
    """Which intents are approved.  The agent and the action are exact; the resource is bounded as a text."""

    agent: MemberId
    action: str
    resource: Constraint
    params: Mapping[str, Constraint]
    open: tuple[str, ...] = ()  # parameters that may be anything


@attrs.frozen
class Statement:
    """Everything that the signature binds.  ``tier`` is the highest that it approves; ``total`` None: what it costs is not counted."""

    tenant: TenantId
    template: Digest
    count: int
    total: Cost | None
    until: Instant
    bundle: bytes
    tier: str
    reason: str
    nonce: bytes
    time: Instant


def pack_template(template: Template) -> bytes:
    return canonical.pack_fields(
        (
            ("agent", template.agent),
            ("action", template.action),
            ("resource", template.resource.form()),
            ("params", constraints.form(template.params)),
            ("open", sorted(template.open)),
        )
    )


def unpack_template(packed: bytes) -> Template:
    """Raises ``NotCanonical`` for anything that is not exactly one."""
    fields = canonical.unpack_fields(packed, TEMPLATE)
    named = fields["open"]
    if type(fields["agent"]) is not str or type(fields["action"]) is not str or not isinstance(named, list):
        raise canonical.NotCanonical("agent and action are texts, open is a list")
    if any(type(name) is not str for name in named) or len(named) > MOST_OPEN or sorted(set(cast("list[str]", named))) != named:
        raise canonical.NotCanonical(f"open names at most {MOST_OPEN} parameters, in order, none twice")
    params = constraints.read(fields["params"])
    if params.keys() & set(named):
        raise canonical.NotCanonical("a parameter is both bounded and open")
    template = Template(
        MemberId(fields["agent"]), fields["action"], constraints.read_one(fields["resource"]), params, tuple(cast("list[str]", named))
    )
    if pack_template(template) != packed:
        raise canonical.NotCanonical("the template is not in its one form")
    return template


def pack(statement: Statement) -> bytes:
    return canonical.pack_fields([(name, getattr(statement, name)) for name in FIELDS])


def unverified_unpack(packed: bytes) -> Statement:
    """The statement as it stands, nothing checked but its form; raises ``NotCanonical``."""
    fields = canonical.unpack_typed(packed, FIELDS, _KINDS)
    return Statement(**cast("dict[str, object]", fields))  # type: ignore[arg-type]  # names and kinds were checked


def mismatch(template: Template, agent: str, wish: Intent) -> str | None:
    """None where the template approves exactly such an intent of this agent, else what differs.  Types count."""
    if agent != template.agent:
        return f"it is for {template.agent}"
    if wish.action != template.action:
        return f"it is for {template.action}"
    if (wrong := template.resource.problem(wish.resource)) is not None:
        return f"the resource {wrong}"
    for name in wish.params:
        if name not in template.params and name not in template.open:
            return f"it says nothing of the parameter {name}"
    for name in template.open:
        if name not in wish.params:
            return f"the parameter {name} is missing"
    return constraints.violation(template.params, wish.params)


def covers(tier: str, of_case: str) -> bool:
    """Whether an envelope up to ``tier`` may count in a case of that tier."""
    return of_case in TIERS[1:] and TIERS.index(of_case) <= TIERS.index(tier)
