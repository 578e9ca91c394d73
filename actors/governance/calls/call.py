"""One row of the protocol, and the fields that rows share."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ..kinds import ADMIN, APPROVER, AUDITOR, MEMBER_KINDS, NOTIFIER, OPERATOR
from ..wire_fields import Bytes, Field, Text


@attrs.frozen
class Call:
    """One row of the protocol: a tag, who may send it, its fields, and what it asks."""

    tag: str
    who: frozenset[str]
    fields: Mapping[str, Field]
    build: type
    what: str
    urgent: bool = False  # has a lane of its own that ordinary load cannot fill
    fixed: Mapping[str, str] = attrs.field(factory=dict)  # fields the tag itself decides


CASE, RUN, NAME, REASON, KEY = Text(64), Text(64), Text(40), Text(1024), Text(128)
DIGEST, SIGNATURE, SIGNED = Bytes(32, 32), Bytes(64, 64), Bytes(1, 32768)
EVERYBODY = MEMBER_KINDS - {NOTIFIER} | {OPERATOR}  # a notifier hears of alerts and of nothing else
READERS = frozenset({ADMIN, APPROVER, AUDITOR})
GUARDS = frozenset({ADMIN, OPERATOR})


def call(
    tag: str,
    who: frozenset[str],
    build: type,
    what: str,
    /,
    *,
    urgent: bool = False,
    fixed: Mapping[str, str] | None = None,
    **fields: Field,
) -> Call:
    return Call(tag, who, fields, build, what, urgent, fixed or {})
