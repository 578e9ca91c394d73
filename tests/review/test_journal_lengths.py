"""A rotten length is damage and not a torn end: what was begun is never forgotten by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from vienna_runtime.executors.errors import JournalDamaged
from vienna_runtime.executors.journal import Run, open_journal

NOW = 1_800_000_000_000_000


async def test_no_flipped_bit_anywhere_makes_the_journal_forget_what_was_begun(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with open_journal(path, now=NOW) as journal:
        run = Run(run="r1", warrant=b"fields", signature=b"s" * 64, mac=b"m" * 32, expires_at=NOW)
        journal.intend(run)
        await journal.begin(run, NOW)
    whole = path.read_bytes()
    for bit in range(len(whole) * 8):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(JournalDamaged):
            open_journal(path, now=NOW).__exit__(None, None, None)
