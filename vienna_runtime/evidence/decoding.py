"""The events of evidence, read from its bodies."""

from __future__ import annotations

from collections.abc import Sequence

from actors.governance import approval as approvals
from actors.governance import canonical, codec
from actors.governance import events as e
from vienna_runtime.evidence.checks import Checks
from vienna_runtime.evidence.proof import Shown


def decode(entries: Sequence[Shown], checks: Checks) -> dict[int, e.Event]:
    """What every body says, by sequence number; a body that says nothing the law knows is a failure."""
    found: dict[int, e.Event] = {}
    for shown in entries:
        if shown.body is None or shown.header.tag not in codec.EVENTS:
            continue
        try:
            event = codec.decode(shown.header.tag, shown.body)
            if isinstance(event, e.ApprovalGiven):
                approvals.unverified_unpack(event.statement)
        except canonical.NotCanonical as error:
            checks.no("bodies", f"the body of {shown.header.tag} cannot be read: {error}", shown.seq)
            continue
        found[shown.seq] = event
    return found
