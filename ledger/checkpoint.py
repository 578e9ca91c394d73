"""C2SP tlog-checkpoint: what a log signs about itself, three lines: origin, size, base64 root.

No extension lines and no time: freshness belongs to witnesses.  A checkpoint with more than three lines is refused.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence

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


def open_checkpoint(data: bytes, keys: VerifierKey | Sequence[VerifierKey]) -> Checkpoint:
    """The checkpoint of the log that ``keys`` are named after: at least one of them signed it, and none wrongly.

    A log has two keys while one takes over from the other; which of them counts for which size is ``ledger.trust``'s.
    """
    keys = (keys,) if isinstance(keys, VerifierKey) else keys
    names = {key.name for key in keys}
    if len(names) != 1:
        raise VerificationError("a checkpoint is opened with the keys of one log")
    checkpoint = Checkpoint.parse(open_note(data, keys).text)
    if checkpoint.origin not in names:
        raise VerificationError(f"a checkpoint of {checkpoint.origin}, not of {keys[0].name}")
    return checkpoint
