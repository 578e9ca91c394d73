"""C2SP tlog-proof: one entry, its place, and everything that proves it, in one text file that needs no network.

    c2sp.org/tlog-proof@v1
    extra <base64>                    ours: the entry itself, so that the file needs nothing beside it
    index <decimal>
    <base64 hash>                     the inclusion proof, RFC 6962 §2.1.1, leaf's sibling first
    (an empty line)
    <checkpoint>                      as it is: the log's signatures, and those of its witnesses

The extra data is not authenticated ("Format"): here it is hashed into the leaf, and so proved with it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable

import attrs

from ledger.checkpoint import Checkpoint
from ledger.errors import VerificationError
from ledger.note import LARGEST_NOTE, strict_base64
from ledger.proofs import verify_inclusion
from ledger.tree import HASH_SIZE, leaf_hash

MAGIC = "c2sp.org/tlog-proof@v1"
SUFFIX = ".tlog-proof"
LONGEST_PROOF = 63  # hashes: no tree has more than 2**63 leaves
LARGEST = LARGEST_NOTE + 200_000  # bytes: a note, an entry of any log in base64, and the hashes

_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)


@attrs.frozen(kw_only=True)
class ProofFile:
    """What such a file says; nothing of it is checked."""

    index: int
    hashes: tuple[bytes, ...]
    note: bytes
    extra: bytes | None = None

    def compose(self) -> bytes:
        """The file."""
        lines = [MAGIC]
        if self.extra is not None:
            lines.append(f"extra {b64encode(self.extra).decode()}")
        lines += [f"index {self.index}", *(b64encode(item).decode() for item in self.hashes), "", ""]
        return "\n".join(lines).encode() + self.note

    @classmethod
    def parse(cls, data: bytes) -> ProofFile:
        """What is in exactly such a file; else VerificationError."""
        head, empty, note = data.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise VerificationError("not a proof: something that is not ASCII before the checkpoint") from None
        if len(data) > LARGEST or lines.pop(0) != MAGIC or not empty:
            raise VerificationError(f"not a proof: {MAGIC} is expected")
        extra = strict_base64(lines.pop(0).removeprefix("extra ")) if lines and lines[0].startswith("extra ") else None
        found = _INDEX.fullmatch(lines.pop(0)) if lines else None
        if found is None or len(lines) > LONGEST_PROOF:
            raise VerificationError("not a proof: its index is expected, then at most 63 hashes")
        hashes = tuple(strict_base64(line) for line in lines)
        if any(len(item) != HASH_SIZE for item in hashes):
            raise VerificationError("not a proof: a line of it is no hash")
        return cls(index=int(found[1]), hashes=hashes, note=note, extra=extra)

    def verify(self, opened: Callable[[bytes], Checkpoint], entry: bytes | None = None) -> Checkpoint:
        """The checkpoint that ``opened`` makes of the note, which ``entry`` (else the one inside) is proved to stand under."""
        found = self.extra if entry is None else entry
        if found is None:
            raise VerificationError("the proof does not hold its entry; it must be given beside it")
        checkpoint = opened(self.note)
        verify_inclusion(leaf_hash(found), self.index, checkpoint.size, self.hashes, checkpoint.root)
        return checkpoint
