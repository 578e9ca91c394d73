"""Every call of the protocol: its tag, who may send it, its fields with their limits, and the command it makes.

``CALLS`` is the only list: from it come the parser, the checks of who may ask, the reference in ``docs/protocol.md`` and
the tests that try every call of one tenant against another's things.
"""

from __future__ import annotations

from collections.abc import Mapping

from .. import commands as c
from ..canonical import Value
from ..refusals import Code, Refusal
from ..wire_fields import problem
from . import case, chores, conversation, envelopes, guards, keeping, pauses, reads, reconciling, recovery, seats, shadow, tenant, warrants
from .call import EVERYBODY, Call

_ROWS = (
    *case.ROWS, *conversation.ROWS, *envelopes.ROWS, *tenant.ROWS, *guards.ROWS, *keeping.ROWS, *chores.ROWS, *shadow.ROWS, *reads.ROWS,
    *warrants.ROWS, *recovery.ROWS, *seats.ROWS, *pauses.ROWS, *reconciling.ROWS,
)  # fmt: skip

CALLS: Mapping[str, Call] = {row.tag: row for row in _ROWS}
_URGENT = frozenset((row.build, row.fixed.get("decision")) for row in _ROWS if row.urgent)


def is_urgent(command: c.Command) -> bool:
    """Whether the call that makes this command has the urgent lane, at the scribe as at the mailbox."""
    return (type(command), getattr(command, "decision", None)) in _URGENT


def parse(tag: str, fields: Mapping[str, Value], kind: str) -> c.Ask | Refusal:
    """The command that a call makes, or why there is none.  ``fields`` are the message's without ``t`` and ``id``."""
    call = CALLS.get(tag)
    if call is None:
        return Refusal(Code.MALFORMED, f"there is no call {tag[:64]!a}")
    if kind not in call.who:
        return Refusal(Code.NOT_ALLOWED, f"{tag} is not for {kind}s; it is for {', '.join(f'{who}s' for who in sorted(call.who))}")
    specs = call.fields
    for name in fields:
        if name not in specs:
            return Refusal(Code.MALFORMED, f"{tag} has no field {name[:64]!a}; its fields are {', '.join(specs)}")
    values: dict[str, object] = dict(call.fixed)
    for name, spec in specs.items():
        value: object = fields[name] if name in fields else spec.absent()
        if (wrong := problem(spec, value)) is not None:
            return Refusal(Code.MALFORMED, f"{tag}: the field {name} {wrong}")
        values[name] = tuple(value) if isinstance(value, list) else value
    built: c.Ask = call.build(**values)
    return built


__all__ = ["CALLS", "EVERYBODY", "Call", "is_urgent", "parse"]
