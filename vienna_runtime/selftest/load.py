"""Agents that work at a given pace and write down what was acknowledged to them: a case each, from intent to verdict.

A lost connection is dialled again and a call repeated under its key, as every client does; what a lane waits for it waits for
as long as that takes, so there are never more cases on their way than lanes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import attrs
import trio

from actors.governance import kinds
from actors.governance.ids import Cost, Instant, RunId
from actors.governance.intent import args_digest
from actors.governance.receipt import Receipt
from vienna_runtime.client import NotAdmitted, OutcomeUnknown, Patience, Progress, Refused, Unreachable, Vienna, connect
from vienna_runtime.client.errors import Untrusted
from vienna_runtime.client.vienna import now
from vienna_runtime.credential import Credential
from vienna_runtime.selftest.workplace import Cast

AGENTS = tuple(Cast(name, kinds.AGENT) for name in ("ada", "ben", "cleo", "dora"))
PROBE = Cast("emma", kinds.AGENT)
LANES = 16  # of each agent
PATIENCE = Patience(seconds=300.0, first=0.02, longest=0.25, answer=5.0)  # what is measured is the node, not the client's pauses
ACTION = "notes.read"
BUNDLE = {
    "bundle.toml": b"""
[bundle]
name = "chaos"
description = "granted at once and passed back"
[actions."notes.read"]
effect = "read"
params = { path = "string" }
""",
    "notes.cedar": b'@id("read") @tier("T0") @executor("agent")\npermit (principal, action == Action::"notes.read", resource);\n',
}
WAITS = frozenset({"read_only", "busy", "rate_limited"})  # nothing was decided, and it passes
_NOTHING = hashlib.sha256(b"").digest()


@attrs.define
class Acknowledged:
    """What the node said that it has; nothing of it may be missing afterwards."""

    cases: dict[str, str] = attrs.Factory(dict)  # by idempotency key
    reports: set[str] = attrs.Factory(set)  # by run
    asked_again: Counter[str] = attrs.Factory(Counter)  # calls, by why
    answer_lost: set[str] = attrs.Factory(set)  # runs whose report a repetition called taken


@attrs.define(eq=False)
class Load:
    acknowledged: Acknowledged
    agents: Sequence[Vienna]
    interval: float = 0.0  # s between two cases of a lane; 0: as fast as it can
    _over: bool = False

    async def run(self, *, name: str) -> None:
        """Until ``end``, and until what is on its way is answered."""
        self._over = False
        async with trio.open_nursery() as nursery:
            for at, agent in enumerate(self.agents):
                for lane in range(LANES):
                    nursery.start_soon(self._lane, agent, f"{name}-{at}-{lane}")

    def end(self) -> None:
        self._over = True

    async def _lane(self, agent: Vienna, name: str) -> None:
        number, due = 0, trio.current_time()
        while not self._over:
            number += 1
            await self.case(agent, f"{name}-{number}")
            due = max(due + self.interval, trio.current_time() - self.interval)  # what was missed is not made up for in a burst
            await trio.sleep_until(due)

    async def case(self, agent: Vienna, key: str) -> None:
        propose = partial(agent.propose, ACTION, "notes/today", {"path": "today"}, purpose="to see", key=key, run=f"r{key}", wait=False)
        granted = await self._written(propose)
        self.acknowledged.cases[key] = granted.case
        receipt = await _receipt(agent, granted, f"r{key}")
        try:
            await self._written(partial(agent.report, receipt))
        except Refused as refused:
            if refused.code != "run_closed":
                raise
            self.acknowledged.answer_lost.add(f"r{key}")
        else:
            self.acknowledged.reports.add(f"r{key}")

    async def _written(self, ask: Callable[[], Awaitable[Progress]]) -> Progress:
        """While the node cannot write, or is not there, it is asked again until it can."""
        while True:
            try:
                return await ask()
            except Refused as refused:
                if refused.code not in WAITS:
                    raise
                self.acknowledged.asked_again[refused.code] += 1
            except (NotAdmitted, Untrusted):
                raise
            except (Unreachable, OutcomeUnknown) as error:  # a key says what was asked before
                self.acknowledged.asked_again["in doubt" if isinstance(error, OutcomeUnknown) else "unreachable"] += 1
            await trio.sleep(PATIENCE.longest)


async def _receipt(agent: Vienna, granted: Progress, run: str) -> Receipt:
    if granted.warrant is not None:
        warrant = granted.warrant.unverified_terms().warrant
    else:  # the answer was a repetition of a case that is over
        entries = (await agent.case(granted.case))["entries"]
        warrant = next(entry["body"]["warrant"] for entry in entries if entry["tag"].startswith("warrant.issued/"))
    at = Instant(now())
    return Receipt(
        warrant=warrant,
        run=RunId(run),
        started=at,
        ended=at,
        outcome="succeeded",
        action=ACTION,
        resource="notes/today",
        args_digest=args_digest(ACTION, "notes/today", {"path": "today"}),
        cost=Cost(0),
        result_digest=_NOTHING,
        evidence={},
    )


@asynccontextmanager
async def sessions(credentials: Sequence[Credential]) -> AsyncIterator[list[Vienna]]:
    """A session of each."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(connect(credential, patience=PATIENCE)) for credential in credentials]
