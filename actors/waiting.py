"""An answer that comes when something is durable, or witnessed, and not before.

Nothing is promised by it: what was witnessed when it was answered stays so, and what was not yet may be a moment later.
"""

from __future__ import annotations

import trio

from actors.governance import commands as c
from actors.governance.refusals import Code, Refusal
from actors.messages import Done, Outcome, Respond
from actors.scribe import Scribe
from ledger import NODE, LedgerError

DURABLE, WITNESSED = "durable", "witnessed"
RETRY = 1000  # ms; witnesses are shown what has grown every few seconds


async def answer_when_so(scribe: Scribe, log: str, ask: c.Wait, respond: Respond) -> None:
    """Answers once, when it is so or when the time is over."""
    respond(await _waited(scribe, log, ask))


async def _waited(scribe: Scribe, log: str, ask: c.Wait) -> Outcome:
    if ask.state not in (DURABLE, WITNESSED):
        return Refusal(Code.MALFORMED, f"ledger.wait: the field state must be {DURABLE} or {WITNESSED}")
    if ask.case is not None and ask.size is not None:
        return Refusal(Code.MALFORMED, "ledger.wait: name a case or a size, not both")
    if ask.state == WITNESSED and not scribe.published.quorum:
        return Refusal(Code.NOT_WITNESSED, "this node shows its log to no witness: nothing of it is ever witnessed")
    try:
        return await _so(scribe, log, ask, _size(scribe, log, ask))
    except LedgerError as error:  # also one that comes while it is waited: the connection goes on
        return Refusal(Code.FROZEN, f"the log cannot be read: {error}")


async def _so(scribe: Scribe, log: str, ask: c.Wait, size: int) -> Outcome:
    with trio.move_on_after(ask.timeout / 1000):
        await _durable(scribe, log, size)
        if ask.state == WITNESSED:
            await scribe.published.wait_witnessed(log, size)
        return Done({"state": ask.state, "size": size, **_reached(scribe, log)})
    durable, witnessed = scribe.ledger.head(log).size, scribe.published.size(log)
    if durable < size:
        return Refusal(Code.BUSY, f"{durable} entries are durable, {size} are waited for", RETRY)
    return Refusal(Code.NOT_WITNESSED, f"{witnessed} entries are witnessed, {size} are waited for", RETRY)


def _reached(scribe: Scribe, log: str) -> dict[str, object]:
    return {"durable": scribe.ledger.head(log).size, "witnessed": scribe.published.size(log)}


def _size(scribe: Scribe, log: str, ask: c.Wait) -> int:
    if ask.case is not None:  # it was shown before this: what of it is durable is there
        return scribe.ledger.case_entries(log, ask.case)[-1] + 1
    if ask.size is not None:
        return ask.size
    return scribe.position(log) if log != NODE else scribe.ledger.head(NODE).size  # the node's log has writers beside the scribe's queue


async def _durable(scribe: Scribe, log: str, size: int) -> None:
    await scribe.grown.wait_for(log, size, scribe.ledger.head(log).size)
