"""One checkpoint is shown to one witness, from wherever that witness stands; what it says about our log's past is a finding.

known size right ──▶ cosigned
another (409)    ──▶ asked once more from there ──┬─▶ cosigned
                 └─▶ larger than our whole log    └─▶ another root, or no proof holds (409, 422)
                     = rolled back                    = forked
"""

from __future__ import annotations

from typing import TypeAlias

import attrs

from ledger import Ledger, NoteSignature
from vienna_runtime.witness.asking import Cosigned, Door, Knows, Rejected
from vienna_runtime.witness.gathering import Target

ROLLED_BACK, FORKED = "rolled back", "forked"


@attrs.frozen
class Finding:
    """A witness has seen another history of a log than the one that is here."""

    witness: str
    log: str
    what: str  # ROLLED_BACK or FORKED
    size: int  # of the checkpoint that was shown
    root: bytes
    known: int  # entries that the witness had cosigned

    def __str__(self) -> str:
        name = f"the log of {self.log}" if self.log else "the node's own log"
        if self.what == ROLLED_BACK:
            return f"the witness {self.witness} has cosigned {self.known} entries of {name}, which ends after {self.size}"
        return f"the witness {self.witness} has cosigned another history of {name} than the one here, up to its size {self.known}"


@attrs.frozen
class Ahead:
    """It has cosigned a newer checkpoint of this very log: nothing is wrong, and the next one will do."""


Outcome: TypeAlias = NoteSignature | Ahead | Finding | Rejected


async def show(door: Door, witness: str, ledger: Ledger, target: Target, known: int) -> tuple[int, Outcome]:
    """How many entries the witness is known to have cosigned afterwards, and what came of it; raises Unreachable."""
    if known > target.size:
        return known, Ahead()
    answer = await door.ask(target.text, known, _proof(ledger, target, known), target.note)
    if isinstance(answer, Knows) and answer.size <= target.size:
        known = answer.size
        answer = await door.ask(target.text, known, _proof(ledger, target, known), target.note)
    match answer:
        case Cosigned(signature=signature):
            return target.size, signature
        case Knows(size=size) if size > (whole := ledger.head(target.log).size):
            return size, Finding(witness, target.log, ROLLED_BACK, whole, ledger.head(target.log).root, size)
        case Knows(size=size):
            return size, Ahead()
        case Rejected(status=409 | 422):
            return known, Finding(witness, target.log, FORKED, target.size, target.root, known)
        case Rejected():
            return known, answer


def _proof(ledger: Ledger, target: Target, known: int) -> tuple[bytes, ...]:
    return ledger.prove_consistency(target.log, known, target.size) if known else ()
