"""What an executor says it did, from what its means say came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from actors.governance import receipt as receipts
from actors.governance.canonical import Value
from actors.governance.ids import Cost, Instant, RunId
from actors.governance.intent import args_digest
from actors.governance.inventory import COUNTED
from actors.governance.receipt import Receipt
from actors.governance.warrant import Warrant
from vienna_runtime.executors.means import NOTHING, Done, Failed, Outcome, Succeeded, Unknown

RESULT = "result"  # in the evidence: the head of what came back, which a verifier may compare
_INTERRUPTED = "the executor ended between beginning this and learning how it ended"
_MOST_RESULT = 16 * 1024  # bytes of it; a receipt has 32 KiB for everything


def receipt(run: str, warrant: Warrant, outcome: Outcome, counted: tuple[str, int]) -> bytes:
    """The canonical bytes to sign.  Where nothing began it names what was asked: that is what failed.  ``counted``: in which journal,
    and which number it has there."""
    action, resource, params = warrant.action, warrant.resource, warrant.params
    if outcome.done is not None:
        action, resource = outcome.done.action, outcome.done.resource
        params = cast("Mapping[str, Value]", outcome.done.params)
    word, evidence, result = _told(outcome)
    return receipts.pack(
        Receipt(
            warrant=warrant.warrant,
            run=RunId(run),
            started=Instant(outcome.started),
            ended=Instant(outcome.ended),
            outcome=word,
            action=action,
            resource=resource,
            args_digest=args_digest(action, resource, params),
            cost=Cost(outcome.cost),
            result_digest=result,
            evidence={**evidence, COUNTED: {"journal": counted[0], "number": counted[1]}},
        )
    )


def _told(outcome: Outcome) -> tuple[str, dict[str, Value], bytes]:
    match outcome:
        case Succeeded():
            evidence: dict[str, Value] = {**outcome.evidence, RESULT: outcome.result[:_MOST_RESULT]}
            return "succeeded", evidence, outcome.result_digest
        case Failed():
            return "failed", {**outcome.evidence, "why": outcome.why, "began": outcome.done is not None}, NOTHING
        case Unknown():
            return "unknown", {**outcome.evidence, "why": outcome.why}, NOTHING


def interrupted(run: str, warrant: Warrant, began: int, now: int, counted: tuple[str, int]) -> bytes:
    """For a run that this executor began and did not live to see the end of."""
    done = Done(action=warrant.action, resource=warrant.resource, params=warrant.params)
    return receipt(run, warrant, Unknown(why=_INTERRUPTED, done=done, started=began, ended=max(began, now)), counted)
