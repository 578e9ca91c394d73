"""The newest checkpoint of each log that others have cosigned: kept only as the log's own, and never a smaller one after a larger.

    table witnessed   log id (4) → the note: the log's checkpoint under its signatures, with the cosignatures' lines behind them

Whose cosignatures are enough is a policy's question (``ledger.witness_policy``) and no business of the table: it keeps what
it is given, and whoever reads it checks it by a policy of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hmac import compare_digest

from ledger.checkpoint import Checkpoint
from ledger.environment import Environment, Txn
from ledger.errors import VerificationError
from ledger.note import VerifierKey, open_note, unverified_signers

TABLE = "witnessed"


def get(env: Environment, txn: Txn, number: int) -> bytes | None:
    """The note kept for a log; None where there is none yet, or the ledger is older than the table."""
    table = env.find_table(TABLE)
    note = None if table is None else txn.get(_key(number), db=table)
    return None if note is None else bytes(note)


def put_all(env: Environment, txn: Txn, notes: Mapping[int, bytes]) -> None:
    """Keep what ``check`` has passed, by log id."""
    for number, note in notes.items():
        txn.put(_key(number), note, db=env.table(TABLE))


def check(
    note: bytes, keys: Sequence[VerifierKey], *, size: int, root_at: Callable[[int], bytes], before: bytes | None = None
) -> Checkpoint:
    """The note's checkpoint, when it is one of this log; else VerificationError.

    1  one of the log's own ``keys`` signed it, for the log of its name
    2  it is no larger than the log, which has ``size`` durable entries, and the log had that root at that size
    3  it is no smaller than the one kept ``before``
    """
    checkpoint = Checkpoint.parse(open_note(note, keys).text)
    if all(checkpoint.origin != key.name for key in keys):
        raise VerificationError(f"a checkpoint of {checkpoint.origin}")
    if checkpoint.size > size:
        raise VerificationError(f"a witnessed checkpoint of size {checkpoint.size}, and the log ends at {size}")
    if not compare_digest(checkpoint.root, root_at(checkpoint.size)):
        raise VerificationError(f"the witnessed checkpoint of size {checkpoint.size} is of another root than the log had")
    if before is not None and checkpoint.size < size_of(before):
        raise VerificationError(f"a witnessed checkpoint of size {checkpoint.size} after one of {size_of(before)}")
    return checkpoint


def to_publish(cosigned: bytes | None, latest: bytes) -> bytes:
    """The cosigned checkpoint, where every key that signs the log by now has signed it; else the latest.

    Who knows the newest key alone could not open the other, and no file beside it leads from that key to the one before: an
    earlier key counts only where the root is held against a log that a key of now has signed.
    """
    return cosigned if cosigned is not None and unverified_signers(latest) <= unverified_signers(cosigned) else latest


def size_of(note: bytes) -> int:
    """The size a kept note names; it was checked when it was put."""
    return Checkpoint.parse(note.decode().partition("\n\n")[0] + "\n").size


def _key(number: int) -> bytes:
    return number.to_bytes(4, "big")
