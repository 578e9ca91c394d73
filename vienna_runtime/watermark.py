"""What was released is remembered outside the ledger, so that an old or another ledger put back in its place is noticed.

    file = slot ‖ slot          written in turn, each synced before the next: whatever is torn, the other one is whole
    slot = magic (8) ‖ turn (8) ‖ length (4) ‖ SHA-256 of turn ‖ length ‖ content ‖ content ‖ zeros

The content names the node and, for each of its logs, the size and the root that were durable when it was written.  It is
taken from the ledger after a commit, so it is never ahead of it, and is on the disk within about a second.  The checksum
finds damage and not malice: whoever can write this file can write the ledger, too, which is why it is best on another disk.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeAlias, cast

import attrs
import structlog
import trio

from actors.governance import canonical
from actors.kernel.cell import Life
from ledger import Head
from vienna_runtime import private_file
from vienna_runtime.errors import WatermarkLost

log = structlog.get_logger(__name__)

PERIOD = 0.5  # s between two writings: with a slow sync, within the second that is promised
_MAGIC = b"vienna\x00w"  # no text file begins so
_FRAME = struct.Struct(">8sQI32s")
_SMALLEST = 4096  # bytes of a slot: a page, some forty logs
_LARGEST = 64 << 20  # bytes of the file; a hundred thousand logs are 10 MB


@attrs.frozen
class Mark:
    """A log had this size and this root at least once."""

    size: int
    root: bytes


Runner: TypeAlias = Callable[[Callable[[], None]], Awaitable[None]]
Marks: TypeAlias = Mapping[str, Mark]  # by log, the node's own under ``""``


@attrs.define(eq=False)
class Watermark:
    """The file, and what it says.  One at a time may write."""

    path: Path
    node: str
    marks: dict[str, Mark] = attrs.Factory(dict)
    _turn: int = attrs.field(default=0, alias="turn")
    _slot: int = attrs.field(default=0, alias="slot")  # bytes; 0 before there is a file

    @classmethod
    def read(cls, path: Path, node: str) -> Watermark:
        """The newest slot that is whole; raises ``WatermarkLost`` where there is none, or none of this node."""
        try:
            with path.open("rb") as file:
                content = file.read(_LARGEST + 1)
        except FileNotFoundError:
            raise WatermarkLost(f"{path}, which says how far the ledger had come, is not there") from None
        half = len(content) // 2
        whole = [found for found in (_parsed(content[:half]), _parsed(content[half:])) if found is not None]
        if not whole or len(content) > _LARGEST:
            raise WatermarkLost(f"{path}, which says how far the ledger had come, is damaged in both of its places")
        turn, of, marks = max(whole, key=lambda found: found[0])
        if of != node:
            raise WatermarkLost(f"{path} says how far the ledger of another node had come, {of!a}")
        return cls(path, node, marks, turn, half)

    def advance(self, heads: Mapping[str, Head]) -> bool:
        """Notes where the logs are; whether that is news.  A log that does not match keeps the mark it had."""
        fresh = {name: Mark(head.size, head.root) for name, head in heads.items() if head.frozen is None}
        if all(self.marks.get(name) == mark for name, mark in fresh.items()):
            return False
        self.marks.update(fresh)
        return True

    def write(self) -> None:
        """Puts what is noted on the disk, over the older slot; blocks for a sync."""
        turn = self._turn + 1
        packed = _packed(turn, self.node, self.marks)
        if len(packed) > self._slot or not self._fits():
            turn += turn % 2  # an even turn belongs into the first slot
            slot = max(_SMALLEST, 1 << (2 * len(packed) - 1).bit_length())  # twice what is needed: growing replaces the file
            packed = _packed(turn, self.node, self.marks)
            private_file.replace(self.path, packed + bytes(2 * slot - len(packed)))
            self._slot, self._turn = slot, turn
            return
        handle = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            if os.pwrite(handle, packed, (turn % 2) * self._slot) != len(packed):
                raise OSError(f"{self.path} could not be written whole")
            os.fdatasync(handle)
        finally:
            os.close(handle)
        self._turn = turn

    def _fits(self) -> bool:
        try:
            return self.path.lstat().st_size == 2 * self._slot
        except FileNotFoundError:  # taken away while the node ran: made anew
            return False


async def keep(
    watermark: Watermark, heads: Callable[[], Mapping[str, Head]], runner: Runner = trio.to_thread.run_sync, *, task_status: Life
) -> None:
    """Writes what is new until cancelled, and once more then.  A disk that cannot be written to is a warning, and tried again.

    ``runner`` runs what blocks: in a thread, or inline in tests.
    """
    owed = False

    async def catch_up() -> None:
        nonlocal owed
        owed = watermark.advance(heads()) or owed
        if owed:
            try:
                await runner(watermark.write)
                owed = False
            except OSError as error:
                log.warning("the watermark cannot be written: a rollback from here on would not be noticed", why=str(error))

    task_status.started()
    try:
        while True:
            await catch_up()
            await trio.sleep(PERIOD)
    finally:
        with trio.CancelScope(shield=True):
            await catch_up()


def _packed(turn: int, node: str, marks: Marks) -> bytes:
    content = canonical.pack_fields([("node", node), ("logs", [[name, mark.size, mark.root] for name, mark in sorted(marks.items())])])
    return _FRAME.pack(_MAGIC, turn, len(content), _checksum(turn, content)) + content


def _checksum(turn: int, content: bytes) -> bytes:
    return hashlib.sha256(struct.pack(">QI", turn, len(content)) + content).digest()


def _parsed(slot: bytes) -> tuple[int, str, dict[str, Mark]] | None:
    """Turn, node and marks of a slot; None for one that is damaged or was never written."""
    if len(slot) < _FRAME.size:
        return None
    magic, turn, length, checksum = _FRAME.unpack_from(slot)
    content = slot[_FRAME.size : _FRAME.size + length]
    if magic != _MAGIC or len(content) != length or _checksum(turn, content) != checksum:
        return None
    try:
        fields = canonical.unpack_fields(content, ("node", "logs"))
        rows = cast("list[tuple[str, int, bytes]]", fields["logs"])
        return turn, cast(str, fields["node"]), {name: Mark(size, root) for name, size, root in rows}
    except (canonical.NotCanonical, TypeError, ValueError):
        return None
