"""What an agent may do itself: propose and redeem in one message, act, and hand in its own signed receipt."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping

from actors.governance.canonical import Value
from actors.governance.ids import Cost, Instant, RunId, WarrantId
from actors.governance.intent import args_digest
from actors.governance.receipt import Receipt
from vienna_runtime.client import Progress, Vienna
from vienna_runtime.client.vienna import now
from vienna_runtime.demo.errors import DemoError


async def granted(agent: Vienna, action: str, resource: str, params: Mapping[str, Value], *, purpose: str, run: str, key: str) -> Progress:
    """The case with its run open; repeated under the same key it is the same."""
    case = await agent.propose(action, resource, params, purpose=purpose, run=run, key=key, wait=False)
    if case.outcome != "running":
        raise DemoError(f"{action} was to run at once, and is {case.outcome}: {case.why}")
    return case


async def told(
    agent: Vienna, case: Progress, action: str, resource: str, params: Mapping[str, Value], run: str, act: Callable[[], Awaitable[bytes]]
) -> Progress:
    """Acts, and reports what was done."""
    started = now()
    result = await act()
    receipt = Receipt(
        warrant=WarrantId(await _warrant(agent, case)),
        run=RunId(run),
        started=Instant(started),
        ended=Instant(now()),
        outcome="succeeded",
        action=action,
        resource=resource,
        args_digest=args_digest(action, resource, params),
        cost=Cost(0),
        result_digest=hashlib.sha256(result).digest(),
        evidence={"bytes": len(result)},
    )
    return await agent.report(receipt)


async def _warrant(agent: Vienna, case: Progress) -> str:
    """From the answer, or from the case's entries where the answer was a repetition."""
    if case.warrant is not None:
        return case.warrant.unverified_terms().warrant
    entries = (await agent.case(case.case))["entries"]
    return str(next(entry["body"]["warrant"] for entry in entries if entry["tag"].startswith("warrant.issued/")))
