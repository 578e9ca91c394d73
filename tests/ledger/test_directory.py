from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.directory import NETWORK_TYPES, WriterLock, file_system, prepare
from ledger.errors import DirectoryBusy, UnsuitableDirectory

MOUNTS = """\
22 1 252:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:40 / /srv rw - nfs4 files:/srv rw
31 30 252:1 / /srv/local\\040disk rw - xfs /dev/vdb rw
40 22 0:41 / /mnt rw - ext4 /dev/vdc rw
41 40 0:42 / /mnt rw - cifs //files/mnt rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/vienna", "ext4"),
        ("/srv/vienna", "nfs4"),
        ("/srv", "nfs4"),
        ("/srvother", "ext4"),
        ("/srv/local disk/vienna", "xfs"),
        ("/mnt/vienna", "cifs"),
    ],
)
def test_the_innermost_and_latest_mount_says_what_holds_a_path(path: str, kind: str) -> None:
    assert file_system(Path(path), MOUNTS) == kind


def test_a_network_file_system_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = f"22 1 252:0 / / rw - ext4 /dev/vda rw\n23 22 0:9 / {tmp_path} rw - nfs4 files:/ rw\n"
    monkeypatch.setattr(Path, "read_text", lambda path: mounts)
    with pytest.raises(UnsuitableDirectory, match=r"network file system \(nfs4\)"):
        prepare(tmp_path / "ledger")
    assert "ext4" not in NETWORK_TYPES


def test_a_new_directory_is_for_its_owner_alone(tmp_path: Path) -> None:
    prepare(tmp_path / "ledger")
    assert (tmp_path / "ledger").stat().st_mode & 0o777 == 0o700


def test_a_path_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_text("")
    with pytest.raises(UnsuitableDirectory, match="directory of its own"):
        prepare(tmp_path / "ledger")


def test_a_second_writer_in_this_process_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    first = WriterLock(tmp_path)
    with pytest.raises(DirectoryBusy, match=f"process {os.getpid()}") as caught:
        WriterLock(tmp_path)
    assert caught.value.pid == os.getpid()
    first.release()
    WriterLock(tmp_path).release()


def test_a_second_process_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path)
    program = "import sys; from pathlib import Path; from ledger.directory import WriterLock; WriterLock(Path(sys.argv[1]))"
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False)
    assert f"process {os.getpid()} writes to this ledger" in ended.stderr
    assert ended.returncode == 1
    lock.release()
