"""Moves closed months of a log out of LMDB, one segment a call, while the node runs.

Files are written in a thread of their own; the ledger's thread only names them and drops rows, a few milliseconds at a time,
in turn with the commits.
"""

from __future__ import annotations

from functools import partial

import attrs
import trio

from actors.governance import commands as c
from actors.messages import Done, Outcome
from actors.scribe import Scribe
from ledger import NODE


@attrs.frozen
class Archivist:
    """The chore ``ledger.archive``."""

    scribe: Scribe

    async def archive(self, ask: c.Archive, by: str) -> Outcome:
        """One segment, and the rows of it and of any segment whose sweeping was cut short."""
        ledger, log = self.scribe.ledger, NODE if ask.tenant is None else ask.tenant
        segment = await trio.to_thread.run_sync(partial(ledger.prepare_segment, log, before=ask.before))
        if segment is not None:
            await self.scribe.errand(partial(ledger.adopt_segment, segment))
        while await self.scribe.errand(partial(ledger.sweep_archived, log)):
            pass
        found = None if segment is None else [segment.start, segment.stop]
        return Done({"log": log, "moved": found, "archived": ledger.archived(log), "size": ledger.head(log).size})
