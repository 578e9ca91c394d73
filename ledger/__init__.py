"""A transparency log over LMDB: bytes in, receipts and proofs out.  Synchronous; see ``ledger.store``.

What opens a directory is imported when it is first asked for: a client, which checks notes and proofs and opens none, would
spend a tenth of its start on LMDB and the audit.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ledger.checkpoint import Checkpoint, open_checkpoint, origin_of
from ledger.entry import NODE, Answer, Batch, Conflict, Draft, Frozen, Head, Receipt, Record, Refused
from ledger.errors import (
    BadDraft,
    BodyRemoved,
    CallerError,
    Closed,
    CommitFailed,
    DirectoryBusy,
    DiskFull,
    LedgerError,
    LogExists,
    LogFrozen,
    UnknownLog,
    UnsuitableDirectory,
    VerificationError,
    WritingStopped,
)
from ledger.header import Header
from ledger.keys import DataKey, Keys
from ledger.note import Note, NoteSignature, NoteSigner, VerifierKey, open_note
from ledger.proofs import verify_consistency, verify_inclusion
from ledger.tree import leaf_hash, root_of

if TYPE_CHECKING:
    from ledger.audit import Report, Verified, verify_directory
    from ledger.audit_child import verify_in_child
    from ledger.snapshots import Snapshot
    from ledger.store import Ledger

__all__ = [
    "NODE",
    "Answer",
    "BadDraft",
    "Batch",
    "BodyRemoved",
    "CallerError",
    "Checkpoint",
    "Closed",
    "CommitFailed",
    "Conflict",
    "DataKey",
    "DirectoryBusy",
    "DiskFull",
    "Draft",
    "Frozen",
    "Head",
    "Header",
    "Keys",
    "Ledger",
    "LedgerError",
    "LogExists",
    "LogFrozen",
    "Note",
    "NoteSignature",
    "NoteSigner",
    "Receipt",
    "Record",
    "Refused",
    "Report",
    "Snapshot",
    "UnknownLog",
    "UnsuitableDirectory",
    "VerificationError",
    "Verified",
    "VerifierKey",
    "WritingStopped",
    "leaf_hash",
    "open_checkpoint",
    "open_note",
    "origin_of",
    "root_of",
    "verify_consistency",
    "verify_directory",
    "verify_in_child",
    "verify_inclusion",
]

_LATER = {
    "Ledger": "store",
    "Report": "audit",
    "Snapshot": "snapshots",
    "Verified": "audit",
    "verify_directory": "audit",
    "verify_in_child": "audit_child",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"ledger.{_LATER[name]}"), name)
