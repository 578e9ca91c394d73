"""NAME.known beside NAME.vienna: the log's key and the last signed head that its holder has believed.

The key is taken from the node once, at enrolment or on first use, over a connection that proved to be the node's; from then
on another key, or a head that does not continue the believed one, is a finding and not a surprise to get used to.
"""

from __future__ import annotations

import json
from pathlib import Path

import attrs

from ledger import VerificationError as LedgerVerificationError
from ledger.checkpoint import open_checkpoint
from ledger.note import VerifierKey
from vienna_runtime import private_file
from vienna_runtime.errors import CredentialError, VerificationError
from vienna_runtime.tail import Belief

SUFFIX = ".known"
LARGEST = 16 * 1024  # ours has a few hundred bytes


@attrs.frozen
class Known:
    """What is remembered about one log."""

    log: VerifierKey
    belief: Belief | None = None


def place(credential: Path) -> Path:
    """Where it lies for that credential file."""
    return credential.with_suffix(SUFFIX)


def read(path: Path) -> Known | None:
    """What is remembered, or ``None`` where nothing is; ``CredentialError`` where the file is damaged."""
    try:
        fields = json.loads(private_file.read(path, largest=LARGEST))
    except FileNotFoundError:
        return None
    except ValueError:
        raise _damaged(path) from None
    try:
        key, note = VerifierKey.parse(fields["log"]), fields["checkpoint"]
        if note is None:
            return Known(key)
        head = open_checkpoint(note.encode(), key)
    except (LedgerVerificationError, KeyError, TypeError, AttributeError):
        raise _damaged(path) from None
    return Known(key, Belief(head.size, head.root, note.encode()))


def write(path: Path, known: Known) -> None:
    """Remembered durably, whole or not at all."""
    note = None if known.belief is None else known.belief.note.decode()
    private_file.replace(path, json.dumps({"log": known.log.text, "checkpoint": note}).encode())


def settle(path: Path, told: VerifierKey) -> Known:
    """What is known of the log, its key pinned by now; ``VerificationError`` if the node names another key than before."""
    known = read(path)
    if known is None:
        known = Known(told)
        write(path, known)
    if known.log != told:
        raise VerificationError(f"the node names {told.text} as this log's key; it was {known.log.text} before ({path})")
    return known


def _damaged(path: Path) -> CredentialError:
    return CredentialError(f"{path} is damaged; what was believed about the log is lost: remove it only if you can say why")
