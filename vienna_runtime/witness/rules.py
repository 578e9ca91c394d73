"""What a witness answers to ``add-checkpoint``: the steps of C2SP tlog-witness, in their order, without a clock, a disk or a socket.

    body ── parse ──▶ AddCheckpoint ── judge ──┬─▶ Consistent     may be recorded, then cosigned
             │                                 └─▶ Refused        403 404 400 409 422
             └─▶ Refused 400

``judge`` compares with what the witness knows *now*.  Whoever calls it records the outcome before anyone else is judged for
the same log ("must be performed atomically"), and lets nothing leave before it is recorded.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from hmac import compare_digest
from typing import TypeAlias

import attrs

from ledger import Checkpoint, VerificationError, VerifierKey, verify_consistency
from ledger.note import NoteSignature, open_note, strict_base64
from ledger.tree import EMPTY_ROOT, HASH_SIZE

MOST_PROOF_LINES = 63  # "The client MUST NOT send more than 63 consistency proof lines"
SIZE_TYPE = "text/x.tlog.size"  # the content type of a 409 that tells the size the witness knows

_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)


@attrs.frozen
class AddCheckpoint:
    """A request that has the right form; nothing in it is believed."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes
    unverified_text: str
    unverified_checkpoint: Checkpoint


@attrs.frozen
class Seen:
    """The latest checkpoint that was cosigned for a log, or the beginning of every log."""

    size: int = 0
    root: bytes = EMPTY_ROOT


@attrs.frozen
class Consistent:
    """Signed by its log, and what was seen before is its beginning."""

    checkpoint: Checkpoint
    text: str  # extension lines included: what is cosigned
    signatures: tuple[NoteSignature, ...]  # the log's own, verified


@attrs.frozen
class Refused:
    """Not cosigned.  ``size`` is what a 409 tells the client to start from; ``fork``: the log signed two different histories."""

    status: int
    why: str
    size: int | None = None
    fork: bool = False


Verdict: TypeAlias = Consistent | Refused


def parse(body: bytes) -> AddCheckpoint | Refused:
    """The request in a POST's body: "old" line, proof lines, an empty line, the checkpoint."""
    head, found, note = body.partition(b"\n\n")
    try:
        if not found:
            raise VerificationError("an empty line must stand before the checkpoint")
        first, *lines = head.decode("ascii").split("\n")
        old = _OLD.fullmatch(first)
        if old is None:
            raise VerificationError("the first line must be: old SIZE")
        if len(lines) > MOST_PROOF_LINES:
            raise VerificationError(f"more than {MOST_PROOF_LINES} proof lines")
        proof = tuple(_hash(line) for line in lines)
        text = note.decode().partition("\n\n")[0] + "\n"
        return AddCheckpoint(int(old[1]), proof, note, text, _checkpoint(text))
    except (VerificationError, UnicodeDecodeError) as error:
        return Refused(400, f"malformed: {error}")


def judge(request: AddCheckpoint, keys: Sequence[VerifierKey], seen: Seen) -> Verdict:
    """Whether the checkpoint may be cosigned; ``keys`` are those trusted for its origin, none where that is unknown."""
    stated = request.unverified_checkpoint
    if not keys:
        return Refused(404, "a log of this origin is not known here")
    try:
        note = open_note(request.note, keys)
    except VerificationError as error:
        return Refused(403, str(error))
    if note.text != request.unverified_text:
        return Refused(400, "malformed: the checkpoint has an empty line within")
    if request.old > stated.size:
        return Refused(400, "the old size is larger than the checkpoint's")
    if request.old != seen.size:
        return Refused(409, f"{seen.size} entries were witnessed", size=seen.size)
    if stated.size == seen.size and not compare_digest(stated.root, seen.root):
        return Refused(409, "another root was witnessed at this size: the log has forked", fork=True)
    try:
        verify_consistency(seen.size, stated.size, request.proof, seen.root, stated.root)
    except VerificationError as error:
        return Refused(422, f"the consistency proof does not hold: {error}")
    return Consistent(stated, note.text, note.verified)


def _checkpoint(text: str) -> Checkpoint:
    """Its first three lines; tlog-checkpoint allows extension lines, of which a witness says nothing but which it cosigns."""
    lines = text.split("\n")
    if any(not line for line in lines[3:-1]):
        raise VerificationError("an extension line is empty")
    return Checkpoint.parse("\n".join(lines[:3]) + "\n")


def _hash(line: str) -> bytes:
    data = strict_base64(line)
    if len(data) != HASH_SIZE:
        raise VerificationError("a proof line is no hash")
    return data


def compose(old: int, proof: Sequence[bytes], note: bytes) -> bytes:
    """The body of a request, for whoever asks a witness."""
    return b"".join([b"old %d\n" % old, *(b64encode(line) + b"\n" for line in proof), b"\n", note])
