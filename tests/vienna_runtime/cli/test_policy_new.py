"""``vienna policy new``: a bundle that can be worked on, written whole or not at all."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from vienna_runtime.cli import policy_new
from vienna_runtime.cli.main import run, vienna
from vienna_runtime.cli.policy_templates import DIRECTORY, templates


def files(directory: Path) -> dict[str, bytes]:
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_a_new_directory_holds_the_template_and_what_comes_next_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "our policy"
    assert run(["policy", "new", str(target), "--template", "payments"]) == 0
    assert files(target) == files(DIRECTORY / "payments")
    assert [path.name for path in tmp_path.iterdir()] == ["our policy"]
    said = capsys.readouterr().out
    assert "10 policies, 3 actions" in said
    for line in said.splitlines():
        if line.startswith("  vienna policy check"):
            assert run(shlex.split(line)[1:]) == 0
            break
    else:
        pytest.fail("the check is not named")


def test_an_empty_directory_stays_the_one_that_a_shell_may_stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = tmp_path.stat().st_ino
    assert run(["policy", "new", ".", "--template", "files", "--name", "papers"]) == 0
    assert tmp_path.stat().st_ino == before
    assert files(tmp_path).keys() == files(DIRECTORY / "files").keys()
    assert 'name = "papers"' in Path("bundle.toml").read_text()


def test_a_directory_that_is_not_empty_is_left_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".hidden").write_text("mine")
    assert run(["policy", "new", str(tmp_path), "--template", "files"]) == 1
    assert "is not empty, nothing was written" in capsys.readouterr().err
    assert files(tmp_path) == {".hidden": b"mine"}


@pytest.mark.parametrize("there", [True, False])
def test_when_writing_fails_nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    target = tmp_path / "policy"
    if there:
        target.mkdir()
    written = Path.write_bytes

    def fails(path: Path, data: bytes) -> int:
        if path.name == "refunds.cedar":
            raise OSError(28, "No space left on device", str(path))
        return written(path, data)

    monkeypatch.setattr(Path, "write_bytes", fails)
    assert run(["policy", "new", str(target), "--template", "payments"]) == 2
    assert [*tmp_path.rglob("*")] == ([target] if there else [])


def test_what_was_moved_is_taken_back_when_another_file_appears_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    move = policy_new._move

    def late(stage: Path, directory: Path) -> None:
        (directory / "refunds.cedar").write_text("somebody else's")
        move(stage, directory)

    monkeypatch.setattr(policy_new, "_move", late)
    assert run(["policy", "new", str(tmp_path), "--template", "payments"]) == 1
    assert files(tmp_path) == {"refunds.cedar": b"somebody else's"}


def test_the_list_names_every_template_with_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "new", "--list"]) == 0
    said = capsys.readouterr().out
    assert all(one.name in said and one.description in said for one in templates().values())
    assert run(["policy", "new", "--list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["templates"]
    assert [one["name"] for one in listed] == list(templates())
    assert listed[-2]["actions"] == ["payments.lookup", "payments.refund", "payments.payout"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["policy"], "name a template"),
        ([], "name a DIRECTORY and a template"),
        (["policy", "--template", "payment"], "one of: database, deployment, email, files, payments, research"),
        (["policy", "--list"], "--list stands by itself"),
        (["policy", "--template", "files", "--name", " "], "letters that can be seen"),
        (["policy", "--template", "files", "--name", "a\nb"], "letters that can be seen"),
    ],
)
def test_wrong_usage_says_what_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["policy", "new", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == []


def test_a_directory_is_not_made_below_one_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "new", str(tmp_path / "a" / "b"), "--template", "files"]) == 1
    assert "make it first" in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == []


def test_the_shell_completes_templates() -> None:
    shell = ShellComplete(vienna, {}, "vienna", "_VIENNA_COMPLETE")
    assert [item.value for item in shell.get_completions(["policy", "new", "x", "--template"], "d")] == ["database", "deployment"]
    (payments,) = shell.get_completions(["policy", "new", "x", "--template"], "pay")
    assert payments.help == templates()["payments"].description
