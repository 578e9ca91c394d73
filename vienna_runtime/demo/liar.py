"""An executor that lies: it holds a real credential, redeems like any other, does nothing, and signs that it has.

python -m vienna_runtime.demo.liar CREDENTIAL JOURNAL
"""

from __future__ import annotations

import sys
from pathlib import Path

from vienna_runtime.executors import identity
from vienna_runtime.executors.config import wall_clock
from vienna_runtime.executors.journal import open_journal
from vienna_runtime.executors.means import NOTHING, Done, Outcome, Succeeded, Work
from vienna_runtime.executors.service import Executor
from vienna_runtime.executors.serving import credential, dialling, serve


class Nothing:
    """A means that is all receipt."""

    async def execute(self, work: Work) -> Outcome:
        done = Done(action=work.action, resource=work.resource, params=work.params)
        at = wall_clock()
        return Succeeded(done=done, result=b"", result_digest=NOTHING, evidence={"exit_code": 0}, cost=0, started=at, ended=at)

    async def state(self, work: Work) -> bytes | None:
        return work.state  # whatever it is to be


def main(held_at: Path, journal: Path) -> None:
    held = credential(held_at)
    with open_journal(journal, now=wall_clock()) as kept:
        who = identity.of(held)
        liar = Executor(who=who, dial=dialling(held), means=Nothing(), journal=kept, concurrency=1, now=wall_clock)
        serve(liar, f"an executor that lies, as {who.member} of {who.tenant}", once=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
