"""The demo as a user runs it: every step comes out as it must, and nothing of it lives on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-P", "-m", "vienna_runtime.demo", "--keep"]

# the steps that must be there; that each of them came out as it must is the demo's own exit code
EXPECTED = (
    "the tenant belvedere → founding",
    "the founding of belvedere to end → sealed",
    "a new auditor in the sealed tenant, alone → held",
    "to approve the change → applied",
    "git log, which it runs itself → consistent",
    "a commit, approved by clara → verified",
    "a push, approved by clara and dora → verified",
    "a commit that clara denies → denied",
    "a commit that nobody approves within 2 s → expired",
    "to read .env, which policy forbids → denied",
    "the warrant of its git log again → refused: warrant_over",
    "9999.00 with a warrant for 10.00 → refused: warrant_forged",
    "every acknowledged answer after SIGKILL and restart → 0 missing",
    "a push, approved by two, which the liar says it made → mismatched",
    "what the breaker of ben says → open",
    "anything more → refused: breaker_open",
    "to read a file → refused: paused",
    "to let ada go on → applied",
    "the remote compared with the ledger → nobody warranted refs/heads/shortcut",
    "what somebody should have heard of → all told",
    "to verify the data directory offline → verified",
    "the same by another key of the same name → refused",
)


def processes_of(directory: Path) -> list[str]:
    """The command lines of processes that work in the demo's directory."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and (entry / "cwd").readlink() == directory:
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # it has ended, or is not ours
            continue
    return found


@pytest.mark.slow
def test_the_demo_shows_what_it_says_and_leaves_nothing_running(tmp_path: Path) -> None:
    ended = subprocess.run([*COMMAND, str(tmp_path / "kept")], capture_output=True, text=True, timeout=240, check=False, cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for step in EXPECTED:
        assert f"✓ {step}" in ended.stdout or f": {step}" in ended.stdout, step
    assert "✗" not in ended.stdout
    assert "What was asked, and what became of it" in ended.stdout
    assert ended.stdout.count("approval.given") == 2  # the lineage of the push
    assert processes_of(tmp_path / "kept") == []
    for log in (tmp_path / "kept" / "logs").iterdir():
        assert "Traceback" not in log.read_text(), log


@pytest.mark.slow
def test_an_interrupted_demo_leaves_nothing_running(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with (tmp_path / "out").open("wb") as out:
        demo = subprocess.Popen([*COMMAND, str(kept)], stdout=out, stderr=out, cwd=tmp_path, start_new_session=True)
        deadline = time.monotonic() + 120
        while "emil of belvedere ready" not in (tmp_path / "out").read_text() and time.monotonic() < deadline and demo.poll() is None:
            time.sleep(0.1)  # real processes, no clock of ours
        assert processes_of(kept) != []
        os.kill(demo.pid, signal.SIGINT)
        assert demo.wait(60) == 130, (tmp_path / "out").read_text()
    assert processes_of(kept) == []


def test_a_directory_that_is_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "something").write_text("of somebody's")
    ended = subprocess.run([*COMMAND, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path)
    assert ended.returncode == 2
    assert "is not empty" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["something"]
