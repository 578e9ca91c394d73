"""A first opening that was cut off is simply begun again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger import Ledger
from ledger.founding import DATA_FILE, DRAFT, LOCK_FILE
from ledger.medium import MOST_READERS


@pytest.mark.parametrize("left", [b"", b"half a page", bytes(8192)])
def test_what_a_first_opening_left_behind_is_in_nobodys_way(opened: Callable[..., Ledger], tmp_path: Path, left: bytes) -> None:
    draft = tmp_path / "ledger" / DRAFT
    draft.mkdir(parents=True)
    (draft / DATA_FILE).write_bytes(left)
    (draft / LOCK_FILE).write_bytes(left)
    ledger = opened()
    ledger.create("belvedere", time=1, actor="operator")
    assert not draft.exists()
    ledger.verify()


def test_a_data_file_that_is_there_is_never_made_anew(opened: Callable[..., Ledger], tmp_path: Path) -> None:
    ledger = opened()
    ledger.create("belvedere", time=1, actor="operator")
    ledger.close()
    before = (tmp_path / "ledger" / DATA_FILE).stat()
    again = opened()
    assert "belvedere" in again.logs()
    assert (tmp_path / "ledger" / DATA_FILE).stat().st_ino == before.st_ino


def test_the_table_of_readers_has_no_holes(opened: Callable[..., Ledger], tmp_path: Path) -> None:
    opened()
    about = (tmp_path / "ledger" / LOCK_FILE).stat()
    assert about.st_size >= MOST_READERS * 64
    assert about.st_blocks * 512 >= about.st_size  # one that is first touched on a full disk would be a bus error


FULL = """
import os, sys, threading
from pathlib import Path
from conftest import NODE_NAME, MemoryKeys
from ledger import Ledger
place = Path(sys.argv[1])
ledger = Ledger.open(place / "ledger", node=NODE_NAME, keys=MemoryKeys())
with (place / "ballast").open("wb", buffering=0) as ballast:
    try:
        while True:
            ballast.write(bytes(4096))
    except OSError:
        pass
inside = threading.Barrier(201)
def read():
    with ledger._env.reading():
        inside.wait()
threads = [threading.Thread(target=read) for _ in range(200)]
for thread in threads:
    thread.start()
inside.wait()
for thread in threads:
    thread.join()
print("ok")
"""


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="mounting a small disk needs root and unshare")
def test_two_hundred_readers_begin_on_a_full_disk_and_live(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=3m tmpfs "$1" && cd "$3" && exec "$2" -c "$4" "$1"'
    command = ["unshare", "--mount", "sh", "-c", script, "sh", str(tmp_path), sys.executable, str(Path(__file__).parent), FULL]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if "mount:" in ended.stderr:
        pytest.skip(f"no small disk can be mounted here: {ended.stderr.strip()}")
    assert (ended.returncode, ended.stdout) == (0, "ok\n"), ended.stderr
