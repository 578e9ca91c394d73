"""Everything an executor can do, by action.  An action that is not listed is not done."""

from __future__ import annotations

import attrs

from vienna_runtime.executors.config import ExecutorConfig, wall_clock
from vienna_runtime.executors.means import Failed, Outcome, Work


@attrs.frozen
class Repertoire:
    """The means of one executor process; itself a means."""

    config: ExecutorConfig

    async def execute(self, work: Work) -> Outcome:
        means = self.config.actions.get(work.action)
        if means is None:
            now = wall_clock()
            return Failed(why="this executor has no means for that action", done=None, started=now, ended=now)
        return await means.execute(work)

    async def state(self, work: Work) -> bytes | None:
        means = self.config.actions.get(work.action)
        return None if means is None else await means.state(work)
