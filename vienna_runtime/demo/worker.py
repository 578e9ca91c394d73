"""A client process under load: looks orders up without pause, and writes down every answer it was given.

    python -m vienna_runtime.demo.worker CREDENTIAL AT-ONCE

One JSON line for each acknowledged answer.  SIGTERM lets it end what it has begun.  It knows nothing of the node's end
and start: the client dials and repeats.
"""

from __future__ import annotations

import json
import signal
import sys

import trio

from vienna_runtime.client import Patience, Refused, Vienna, connect
from vienna_runtime.demo import passback
from vienna_runtime.demo.play import fresh

ACTION = "payments.lookup"
_PATIENCE = Patience(seconds=90.0, longest=0.5)


def _say(**what: str) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def _looked() -> bytes:
    return b"an order"


async def _work(agent: Vienna, number: int, stopping: trio.Event) -> None:
    count = 0
    while not stopping.is_set():
        count += 1
        run, order = fresh("r"), f"order/{number * 100_000 + count}"
        case = await passback.granted(agent, ACTION, order, {}, purpose="somebody asks", run=run, key=run)
        _say(case=case.case, outcome=case.outcome)
        try:
            done = await passback.told(agent, case, ACTION, order, {}, run, _looked)
        except Refused as refused:
            if refused.code != "run_closed":
                raise
            continue  # the report was taken, its answer was lost: nothing was acknowledged to us
        _say(case=case.case, outcome=done.outcome)


async def work(credential: str, at_once: int) -> None:
    stopping = trio.Event()
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        async with connect(credential, patience=_PATIENCE) as agent, trio.open_nursery() as nursery:
            _say(ready=agent.credential.principal)
            for number in range(at_once):
                nursery.start_soon(_work, agent, number, stopping)
            async for _ in signals:
                stopping.set()
                break


if __name__ == "__main__":
    trio.run(work, sys.argv[1], int(sys.argv[2]))
