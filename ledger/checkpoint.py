"""C2SP tlog-checkpoint: what a log signs about itself, three lines: origin, size, base64 root.

No extension lines and no time: freshness belongs to witnesses.  A checkpoint with more than three lines is refused.
"""

from __future__ import annotations

import re
from base64 import b64encode

import attrs

from ledger.entry import NODE
from ledger.errors import VerificationError
from ledger.note import VerifierKey, open_note, strict_base64
from ledger.tree import HASH_SIZE

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)  # int() would take "+1", "1_000" and Arabic digits


@attrs.frozen
class Checkpoint:
    """A tree head under its log's name."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """The checkpoint of exactly that text, or VerificationError."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0]:
            raise VerificationError("not a checkpoint: origin, size and root are expected, a line each")
        if not _SIZE.fullmatch(lines[1]):
            raise VerificationError("not a checkpoint: the size is no number")
        root = strict_base64(lines[2])
        if len(root) != HASH_SIZE:
            raise VerificationError("not a checkpoint: the root is no hash")
        return cls(lines[0], int(lines[1]), root)


def origin_of(node: str, log: str) -> str:
    """The name under which a log signs: the node's own, or the tenant's below it."""
    return node if log == NODE else f"{node}/{log}"


def open_checkpoint(data: bytes, key: VerifierKey) -> Checkpoint:
    """The checkpoint that ``key`` signed for the log of its own name; else VerificationError."""
    checkpoint = Checkpoint.parse(open_note(data, [key]).text)
    if checkpoint.origin != key.name:
        raise VerificationError(f"a checkpoint of {checkpoint.origin}, not of {key.name}")
    return checkpoint
