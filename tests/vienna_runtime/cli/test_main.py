"""The command line as a whole: every command has help, every failure is one sentence and a code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from vienna_runtime.cli import main


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("VIENNA_CREDENTIAL", "VIENNA_PASSPHRASE_FILE", "VIENNA_PASSPHRASE_FD", "VIENNA_DEBUG"):
        monkeypatch.delenv(name, raising=False)


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from leaves(found, (*path, name))
    else:
        yield path, command


def test_every_command_that_is_listed_exists_and_shows_an_example() -> None:
    for path, command in leaves(main.vienna):
        assert "Example" in (command.help or "") or path[0] in ("executor", "verifier"), f"{' '.join(path)} shows no example"


def test_help_imports_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in main.COMMANDS)


def test_a_group_in_the_list_names_its_commands() -> None:
    for name, (_, _, short) in main.COMMANDS.items():
        command = main.vienna.get_command(click.Context(main.vienna), name)
        for part in command.list_commands(click.Context(command)) if isinstance(command, click.Group) else ():
            assert re.search(rf"[:,] {part}[,.]", short), f"vienna --help says of {name} {short!r}, without {part}"


@pytest.mark.parametrize("arguments", [[], ["policy"], ["seat"]])
def test_a_group_alone_shows_its_help_once(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(arguments) == 2
    said = capsys.readouterr()
    assert (said.out + said.err).count("Usage: ") == 1
    assert "Commands:" in said.out + said.err


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("vienna ")


def test_without_a_credential_it_is_said_how_to_name_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["status"]) == 2
    assert "--credential" in capsys.readouterr().err


def test_with_several_credentials_none_is_guessed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ada.vienna").touch()
    (tmp_path / "ben.vienna").touch()
    assert main.run(["status"]) == 2
    assert "ada.vienna, ben.vienna" in capsys.readouterr().err


def test_an_unknown_command_is_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["prpose"]) == 2
    assert "prpose" in capsys.readouterr().err


def test_a_misspelt_command_is_answered_with_the_one_that_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["aproval"]) == 2
    said = capsys.readouterr().err
    assert "approval" in said.partition("Did you mean")[2]
    assert "More: vienna --help" in said


def test_a_directory_without_a_ledger_is_said_to_have_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = "vienna.local+a622a2a1+AXMAzxc+4wvFj3DDK2wMLrcXShvswkGPOJKbKTEKohQm"
    assert main.run(["verify", str(tmp_path), "--key", key]) == 2
    assert "there is no ledger in" in capsys.readouterr().err


def test_a_missing_file_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--credential", "nobody.vienna", "status"]) == 2
    said = "there is no credential nobody.vienna; name yours with --credential FILE or in VIENNA_CREDENTIAL\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("where", [["--json", "status"], ["status", "--json"]])
def test_errors_are_json_too_wherever_json_was_asked_for(where: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(where) == 2
    assert json.loads(capsys.readouterr().err)["error"]["exit"] == 2


def test_a_bug_is_one_line_and_its_place_only_when_asked_for(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def broken() -> None:
        raise ZeroDivisionError("here")

    monkeypatch.setattr(main.Lazy, "get_command", lambda *_: broken)
    assert main.run(["broken"]) == 1
    said = capsys.readouterr().err
    assert "ZeroDivisionError: here" in said
    assert "Traceback" not in said
    monkeypatch.setenv("VIENNA_DEBUG", "1")
    assert main.run(["broken"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interruption_ends_without_a_word_of_python(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def waiting() -> None:
        raise BaseExceptionGroup("a nursery's", [KeyboardInterrupt()])

    monkeypatch.setattr(main.Lazy, "get_command", lambda *_: waiting)
    assert main.run(["waiting"]) == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_names_this_program(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["completion", shell]) == 0
    assert "_VIENNA_COMPLETE" in capsys.readouterr().out


def test_a_list_of_commands_cuts_no_sentence_on_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for group in ("retention", "keys", "witness", "selftest", "tenant", "policy"):
        assert main.run([group, "--help"]) == 0
        listed = capsys.readouterr().out.partition("Commands:")[2]
        assert listed
        assert "..." not in listed


def test_a_file_that_is_no_evidence_is_told_in_one_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = "vienna.local+503b6266+ASdNHqSBz821HOoQ/Y9Kgm7pwoUwZeWE7yhCN/aLaKjY"
    (tmp_path / "holiday.jpg").write_bytes(b"no evidence at all")
    assert main.run(["verify", str(tmp_path / "holiday.jpg"), "--key", key]) == 3
    assert capsys.readouterr().out.count("no evidence") == 2  # the row, and the verdict
