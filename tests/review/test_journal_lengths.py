"""A rotten length is damage and not a torn end: what was begun is never forgotten by it."""

from __future__ import annotations

from pathlib import Path

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
    read_all_the_same = []
    for bit in range(len(whole) * 8):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            with open_journal(path, now=NOW) as journal:
                read_all_the_same.append(bit // 8)
                assert journal.runs["r1"].began == NOW
        except JournalDamaged:
            pass
    # The last mark says that what is before it was synced; without it that is whole and read all the same.
    assert not read_all_the_same or min(read_all_the_same) > whole.index(b"began")
