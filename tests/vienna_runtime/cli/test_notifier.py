"""What a notifier's journal says of itself, without any node."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vienna_runtime.cli.main import run
from vienna_runtime.notifier.journal import Delivery, Journal
from vienna_runtime.notifier.message import Message

CONFIG = 'credential = "nora.vienna"\njournal = "journal"\n[commands.page]\nargv = ["/bin/true"]\n[commands.mail]\nargv = ["/bin/true"]\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "nora.toml"
    path.write_text(CONFIG)
    path.chmod(0o600)
    return path


def heard(config: Path, *, dies: bool = False) -> None:
    """Two alerts are taken in for both targets; ``dies``: and the first of them is given up at one."""
    journal = Journal(config.parent / "journal")
    for number in (1, 2):
        told = Message(name=f"msg_{number}", number=number, kind="run.unknown", severity="warning", body=b"{}")
        journal.take(told, ["page", "mail"], 0.0)
    if dies:
        first = journal.due("page", 0.0)
        assert isinstance(first, Delivery)
        journal.dies(first, "exit code 3")
    journal.close()


def listed(config: Path, capsys: Any, *more: str) -> str:
    assert run(["notifier", "dead-letters", "list", "--config", str(config), *more]) == 0
    return str(capsys.readouterr().out)


def test_what_still_waits_is_said_beside_the_dead_letters(config: Path, capsys: Any) -> None:
    heard(config)
    assert listed(config, capsys).startswith("4 deliveries still waiting")
    assert listed(config, capsys, "--target", "mail").startswith("2 deliveries still waiting")
    assert json.loads(listed(config, capsys, "--json")) == {"letters": [], "waiting": 4}


def test_waiting_is_said_also_where_letters_are_dead(config: Path, capsys: Any) -> None:
    heard(config, dies=True)
    said = listed(config, capsys)
    assert "exit code 3" in said
    assert "3 deliveries still waiting" in said


def test_nothing_dead_and_nothing_waiting_is_said_as_that(config: Path, capsys: Any) -> None:
    assert listed(config, capsys) == "There are no dead letters, and of what was heard nothing waits.\n"


def test_a_target_that_there_never_was_is_no_target_without_letters(config: Path, capsys: Any) -> None:
    heard(config, dies=True)
    assert run(["notifier", "dead-letters", "list", "--config", str(config), "--target", "pge"]) == 2
    assert "there are page, mail" in " ".join(capsys.readouterr().err.split())
