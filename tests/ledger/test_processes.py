"""What only a process of its own can show: a killed writer, a second writer, a full disk."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger import DirectoryBusy, Ledger

WRITER = str(Path(__file__).with_name("writer_process.py"))
SEED = 19


def test_every_acknowledged_entry_is_there_after_a_writer_was_killed_at_any_moment(opened: Callable[..., Ledger], tmp_path: Path) -> None:
    chosen = random.Random(SEED)
    for _ in range(6):
        # Killed after a random number of acknowledgements: the moment within the next commit is chance.
        lines = chosen.randrange(1, 60)
        writer = subprocess.Popen([sys.executable, WRITER, "killed", str(tmp_path / "ledger")], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(lines)]
        writer.kill()
        acknowledged += [int(line) for line in writer.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")]
        writer.stdout.close()
        writer.wait()
        ledger = opened()
        assert ledger.head("belvedere").frozen is None
        assert ledger.head("belvedere").size >= acknowledged[-1]
        bodies = [ledger.open_body("belvedere", record) for record in ledger.read("belvedere", 0, acknowledged[-1])]
        assert bodies == [b"body %d " % number + bytes(100) for number in range(acknowledged[-1])]
        ledger.verify()
        ledger.close()


def test_a_second_process_is_refused_at_once_with_the_pid_of_the_first(opened: Callable[..., Ledger], tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, WRITER, "killed", str(tmp_path / "ledger")], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    try:
        writer.stdout.readline()
        with pytest.raises(DirectoryBusy) as caught:
            opened()
        assert caught.value.pid == writer.pid
    finally:
        writer.kill()
        writer.stdout.close()
        writer.wait()
    assert opened().head("belvedere").size > 0


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="mounting a small disk needs root and unshare")
def test_a_full_disk_loses_nothing_acknowledged_and_writing_comes_back_with_room(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=3m tmpfs "$1" && exec "$2" "$3" full "$1/node"'
    command = ["unshare", "--mount", "sh", "-c", script, "sh", str(tmp_path), sys.executable, WRITER]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if "mount:" in ended.stderr:
        pytest.skip(f"no small disk can be mounted here: {ended.stderr.strip()}")
    assert ended.stdout == "ok\n", ended.stderr
