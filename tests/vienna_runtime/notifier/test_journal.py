from __future__ import annotations

import stat
from pathlib import Path

import pytest

from vienna_runtime.executors.errors import JournalDamaged, JournalTaken
from vienna_runtime.notifier import journal as journals
from vienna_runtime.notifier.journal import Delivery, Journal
from vienna_runtime.notifier.message import Message, message


def told(number: int) -> Message:
    return Message(name=f"msg_{number}", number=number, kind="run.unknown", severity="warning", body=b"{}")


def due(journal: Journal, target: str, now: float = 0.0) -> Delivery:
    found = journal.due(target, now)
    assert isinstance(found, Delivery)
    return found


def test_what_was_taken_in_is_there_after_a_restart_once_for_each_target(tmp_path: Path) -> None:
    first = Journal(tmp_path / "j")
    first.take(told(3), ["a", "b"], 0.0)
    first.take(told(3), ["a", "b"], 0.0)
    first.done(due(first, "a"))
    first.close()
    again = Journal(tmp_path / "j")
    assert again.fact("position") == 4
    assert again.due("a", 0.0) is None
    assert (due(again, "b").number, due(again, "b").body) == (3, b"{}")
    assert stat.S_IMODE((tmp_path / "j").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "j" / "journal.sqlite").stat().st_mode) == 0o600


def test_what_failed_waits_and_the_next_one_goes_before_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for number in (1, 2):
        journal.take(told(number), ["a"], 0.0)
    journal.again(due(journal, "a"), "it answered 500", 60.0, hold=False)
    assert due(journal, "a").number == 2
    journal.again(due(journal, "a"), "it answered 429", 90.0, hold=True)
    assert journal.due("a", 70.0) == 90.0  # also of what would be due before
    assert due(journal, "a", 90.0).attempts == 1


def test_who_wants_nothing_more_gets_nothing_until_a_dead_letter_is_tried_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.take(told(1), ["a", "b"], 0.0)
    journal.gone("a", "410")
    journal.take(told(2), ["a", "b"], 0.0)
    assert journal.due("a", 0.0) is None
    assert [(letter.number, letter.why) for letter in journal.dead()] == [(2, "410"), (1, "410")]
    assert journal.revive(journal.dead("a")[:1]) == 1
    assert (due(journal, "a").number, due(journal, "a").attempts) == (2, 0)
    journal.take(told(3), ["a"], 0.0)
    assert len(journal.dead()) == 1
    assert journal.dead("b") == []


def test_what_waits_for_a_target_that_is_gone_from_the_configuration_is_not_forgotten(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.take(told(1), ["a", "b"], 0.0)
    journal.only({"b"})
    assert [letter.target for letter in journal.dead()] == ["a"]
    assert journal.waiting() == 1


def test_dead_letters_are_bounded_the_oldest_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "MOST_DEAD", 3)
    journal = Journal(tmp_path)
    for number in range(5):
        journal.take(told(number), ["a"], 0.0)
        journal.dies(due(journal, "a"), "x")
    assert [letter.number for letter in journal.dead()] == [4, 3, 2]


def test_two_notifiers_do_not_carry_from_one_journal(tmp_path: Path) -> None:
    with Journal(tmp_path).taken(), pytest.raises(JournalTaken), Journal(tmp_path).taken():
        raise AssertionError
    with Journal(tmp_path).taken():
        pass


def test_what_is_no_journal_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(JournalDamaged):
        Journal(tmp_path)


def test_the_message_is_the_same_at_every_attempt_and_names_where_to_look() -> None:
    item = {"alert": 81, "time": 1_700_000_000_000_000, "kind": "run.mismatched", "severity": "critical", "about": "agent:ada",
            "case": "c12", "text": "files.write by ada is not what its warrant allowed", "count": 1}  # fmt: skip
    once, again = (message(item, node="n+1+k", tenant="belvedere", base="https://x.example/cases/") for _ in range(2))
    assert once == again
    assert once.name != message(item, node="n+1+k", tenant="schoenbrunn", base="").name
    assert "." not in once.name
    assert b'"link":"https://x.example/cases/c12"' in once.body
    assert b'"see":"vienna case c12"' in once.body
    assert b'"timestamp":"2023-11-14T22:13:20.000000Z"' in once.body
