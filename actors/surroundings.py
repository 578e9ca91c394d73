"""What every tenant of a node shares."""

from __future__ import annotations

import os
from collections.abc import Callable

import attrs

from actors.aside import Aside, InThread
from actors.governance.ids import Instant
from actors.governance.refusals import Code, Refusal
from actors.held import Held
from actors.legal_time import LegalTime
from actors.messages import Outcome, Respond
from actors.node_standing import NodeStanding
from actors.scribe import Scribe
from actors.signer import Signer


def _nobody_compares(respond: Respond, _: Outcome) -> None:
    respond(Refusal(Code.BUSY, "nobody compares states here"))


@attrs.frozen(kw_only=True)
class Surroundings:
    scribe: Scribe
    held: Held
    signer: Signer
    time: LegalTime
    standing: NodeStanding
    snapshot_every: int = 20_000  # entries
    entropy: Callable[[int], bytes] = os.urandom
    compare: Callable[[Respond, Outcome], None] = _nobody_compares  # gives a state to whoever folds the log beside it
    witnessed: Callable[[str], Instant] = lambda log: Instant(0)  # the newest time that a quorum of witnesses signed for a log
    aside: Aside = attrs.field(factory=InThread, repr=False)  # where policies are read
