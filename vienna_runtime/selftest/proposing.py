"""A client process: proposes what it is told on its standard input, waits for the end, and says what it hears.

    python -m vienna_runtime.selftest.proposing CREDENTIAL

A line of input is an idempotency key and the name of a piece of work.  Told the same again after its death, it asks the same.
"""

from __future__ import annotations

import json
import sys

import trio

from vienna_runtime.client import Vienna, connect
from vienna_runtime.selftest.workplace import PATIENCE

ACTION = "work.do"


def _say(**what: str) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def _propose(agent: Vienna, key: str, name: str) -> None:
    proposed = await agent.propose(ACTION, f"work/{name}", {"name": name}, purpose="a self-test", key=key, wait=False)
    _say(key=key, case=proposed.case)
    ended = await agent.wait(proposed.case)
    _say(key=key, case=proposed.case, outcome=ended.outcome)


async def work(credential: str) -> None:
    async with connect(credential, patience=PATIENCE) as agent, trio.open_nursery() as nursery:
        _say(ready=agent.credential.principal)
        async with trio.lowlevel.FdStream(sys.stdin.fileno()) as told:
            rest = b""
            async for part in told:
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    key, name = line.decode().split()
                    nursery.start_soon(_propose, agent, key, name)
        nursery.cancel_scope.cancel()  # whoever tells is gone


if __name__ == "__main__":
    trio.run(work, sys.argv[1])
