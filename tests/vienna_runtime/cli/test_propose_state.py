"""What an agent says at the command line about the state that it saw."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from vienna_runtime.cli import main
from vienna_runtime.cli.propose import _state_of


def test_the_state_of_a_file_is_what_executors_read(tmp_path: Path) -> None:
    assert _state_of(tmp_path / "none") == bytes(32)
    (tmp_path / "note").write_bytes(b"old")
    assert _state_of(tmp_path / "note") == hashlib.sha256(b"old").digest()


@pytest.mark.parametrize(
    ("options", "why"), [(["--state", "00" * 32, "--state-of", "x"], "say the same thing"), (["--state", "00"], "64 hexadecimal digits")]
)
def test_a_state_that_cannot_be_meant_is_refused(options: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["propose", "a.b", "r/1", "--purpose", "x", *options]) == 2
    assert why in capsys.readouterr().err
