"""A configuration tried on a case: everything that a verifier would look at, and nothing that is signed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import trio

from transport.answers import Reply
from vienna_runtime.executors import identity
from vienna_runtime.executors.errors import NotServing
from vienna_runtime.executors.identity import ANSWER_SECONDS, Identity
from vienna_runtime.executors.line import Dial
from vienna_runtime.verifiers.looks import Looks, looks
from vienna_runtime.verifiers.observe import Sight
from vienna_runtime.verifiers.task import Forged, checked


def dry_run(who: Identity, dial: Dial, checks: Mapping[str, Sight], case: str) -> Looks:
    """What is seen now of the newest run of the case; raises ``NotServing`` where there is none that could be looked at."""
    return trio.run(_dry_run, who, dial, checks, case)


async def _dry_run(who: Identity, dial: Dial, checks: Mapping[str, Sight], case: str) -> Looks:
    async with dial() as connection:
        issuers = (await identity.greet(connection, who, "verifier")).issuers
        answer = await connection.call("case.show", {"case": case}, timeout=ANSWER_SECONDS)
    if not isinstance(answer, Reply):
        raise NotServing(f"the node does not show {who.member} the case {case}: {answer.why}")
    try:
        task = checked(_item(case, answer.value["entries"]), issuers, who.tenant)
        return await looks(task, task.asked, checks, trio.Semaphore(1))
    except Forged as error:
        raise NotServing(f"the case {case} cannot be looked at: {error}") from None


def _item(case: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    """As the inbox would say it: of a report, or where there is none as a probe."""
    newest = {entry["tag"]: entry["body"] for entry in entries}
    opened, issued, told = (newest.get(tag) for tag in ("run.opened/1", "warrant.issued/1", "run.reported/1"))
    if opened is None or issued is None:
        raise NotServing(f"the case {case} has no run yet: there is nothing to look at")
    item = {"case": case, "run": opened["run"], "fields": issued["fields"], "signature": issued["signature"]}
    if told is None:
        return {**item, "kind": "probe", "quiet": 0}
    return {**item, "kind": "verify", "receipt": told["receipt"], "receipt_signature": told["signature"]}
