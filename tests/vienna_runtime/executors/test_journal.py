"""The journal across ends of the process: whole, torn, rotten, taken, and tidied."""

from __future__ import annotations

from pathlib import Path

import pytest

from vienna_runtime.executors.errors import JournalDamaged, JournalTaken
from vienna_runtime.executors.journal import Journal, Run, open_journal

NOW = 1_800_000_000_000_000


def intended(name: str, expires_at: int = NOW) -> Run:
    return Run(run=name, warrant=b"fields", signature=b"s" * 64, mac=b"m" * 32, expires_at=expires_at)


async def filled(path: Path) -> None:
    with open_journal(path, now=NOW) as journal:
        await journal.pin(b"i" * 32)
        for name in ("r1", "r2", "r3", "r4"):
            journal.intend(intended(name))
        for name in ("r2", "r3", "r4"):
            await journal.begin(journal.runs[name], NOW + 1)
        for name in ("r3", "r4"):
            await journal.finish(journal.runs[name], b"receipt", b"signature")
        journal.close(journal.runs["r4"], "told")


def stages(journal: Journal) -> dict[str, tuple[bool, bool, bool]]:
    return {name: (run.began is not None, run.receipt is not None, run.open) for name, run in journal.runs.items()}


async def test_the_next_process_knows_how_far_each_run_got(tmp_path: Path) -> None:
    await filled(tmp_path / "j")
    for _ in range(2):  # opening writes it anew, and that must read the same
        with open_journal(tmp_path / "j", now=NOW) as journal:
            assert journal.issuer == b"i" * 32
            assert stages(journal) == {
                "r1": (False, False, True),
                "r2": (True, False, True),
                "r3": (True, True, True),
                "r4": (True, True, False),  # should the node miss it after all
            }
            assert journal.runs["r3"].receipt == (b"receipt", b"signature")
            assert (journal.counter, [run.run for run in journal.made(0)], [run.number for run in journal.made(1)]) == (
                2,
                ["r3", "r4"],
                [2],
            )


async def test_a_torn_last_record_is_cut_off_at_every_length(tmp_path: Path) -> None:
    await filled(tmp_path / "j")
    whole = (tmp_path / "j").read_bytes()
    with open_journal(tmp_path / "j", now=NOW) as journal:
        journal.intend(intended("r5"))
    longer = (tmp_path / "j").read_bytes()
    shortest = len(longer) - 150
    for size in range(shortest, len(longer)):
        (tmp_path / "j").write_bytes(longer[:size])
        with open_journal(tmp_path / "j", now=NOW) as journal:
            assert "r5" not in journal.runs
            assert journal.runs["r3"].receipt is not None
    assert whole


async def test_a_damaged_record_means_that_nothing_is_begun(tmp_path: Path) -> None:
    await filled(tmp_path / "j")
    content = bytearray((tmp_path / "j").read_bytes())
    content[60] ^= 1
    (tmp_path / "j").write_bytes(bytes(content))
    with pytest.raises(JournalDamaged, match="damaged at byte"):
        open_journal(tmp_path / "j", now=NOW)
    (tmp_path / "j").write_bytes(b"something else")
    with pytest.raises(JournalDamaged, match="not an executor's journal"):
        open_journal(tmp_path / "j", now=NOW)


def test_a_second_executor_with_the_same_journal_is_refused(tmp_path: Path) -> None:
    with open_journal(tmp_path / "j", now=NOW), pytest.raises(JournalTaken):
        open_journal(tmp_path / "j", now=NOW)


async def test_what_is_long_over_is_forgotten_and_what_is_open_never(tmp_path: Path) -> None:
    await filled(tmp_path / "j")
    with open_journal(tmp_path / "j", now=NOW + 48 * 3600 * 1_000_000) as journal:
        assert sorted(journal.runs) == ["r1", "r2", "r3"]


async def test_a_long_life_keeps_the_file_short(tmp_path: Path) -> None:
    with open_journal(tmp_path / "j", now=NOW) as journal:
        for number in range(10_001):
            run = intended(f"r{number}")
            journal.intend(run)
            journal.close(run, "told")
        await journal.tidy(NOW + 48 * 3600 * 1_000_000)
        assert (tmp_path / "j").stat().st_size < 1000
        journal.intend(intended("last"))  # the file it writes to from now on is the new one
    with open_journal(tmp_path / "j", now=NOW) as journal:
        assert list(journal.runs) == ["last"]


async def test_a_hole_among_records_that_were_never_synced_is_cut_off_with_what_follows(tmp_path: Path) -> None:
    await filled(tmp_path / "j")
    with open_journal(tmp_path / "j", now=NOW) as journal:
        before = (tmp_path / "j").stat().st_size
        for name in ("r5", "r6", "r7"):
            journal.intend(intended(name))
    content = bytearray((tmp_path / "j").read_bytes())
    content[before : before + 100] = bytes(100)  # the sector of r5 is lost, those of r6 and r7 are not
    (tmp_path / "j").write_bytes(bytes(content))
    with open_journal(tmp_path / "j", now=NOW) as journal:
        assert not {"r5", "r6", "r7"} & journal.runs.keys()
        assert journal.runs["r3"].receipt is not None


async def test_a_hole_among_records_that_were_synced_is_rot(tmp_path: Path) -> None:
    await filled(tmp_path / "j")
    with open_journal(tmp_path / "j", now=NOW) as journal:
        before = (tmp_path / "j").stat().st_size
        journal.intend(intended("r5"))
        await journal.begin(journal.runs["r5"], NOW)
        after = (tmp_path / "j").stat().st_size
    whole = (tmp_path / "j").read_bytes()
    mark = whole.rindex(b"\xa6synced") - 30
    for at in range(before, mark):
        (tmp_path / "j").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(JournalDamaged):
            open_journal(tmp_path / "j", now=NOW)
    assert before < mark < after


async def test_a_journal_without_marks_is_read_and_any_damage_in_it_is_rot(tmp_path: Path) -> None:
    await filled(tmp_path / "j")
    content = (tmp_path / "j").read_bytes()
    mark = content.rindex(b"\xa6synced") - 22  # where its frame begins
    old = content.replace(b"journal/2\n", b"journal/1\n")[:mark]
    (tmp_path / "j").write_bytes(old)
    with open_journal(tmp_path / "j", now=NOW) as journal:
        assert journal.runs["r3"].receipt is not None
    (tmp_path / "j").write_bytes(old[:-1] + bytes([old[-1] ^ 1]))
    with pytest.raises(JournalDamaged):
        open_journal(tmp_path / "j", now=NOW)


async def test_a_journal_that_is_begun_anew_has_another_name_and_one_that_goes_on_keeps_it(tmp_path: Path) -> None:
    names = []
    for path in ("j", "j", "k"):
        with open_journal(tmp_path / path, now=NOW) as journal:
            names.append(journal.name)
    assert names[0] == names[1] != names[2]


async def test_what_is_forgotten_leaves_the_counter_where_it_was(tmp_path: Path) -> None:
    await filled(tmp_path / "j")
    with open_journal(tmp_path / "j", now=NOW + 10**15) as journal:
        assert journal.counter == 2
        assert [run.run for run in journal.made(0)] == ["r3"]  # open, and told first
