from __future__ import annotations

import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from vienna_runtime import private_file
from vienna_runtime.errors import FileTakenError, UnsafeFileError


@pytest.fixture(autouse=True)
def generous_umask() -> object:
    """The mode must not depend on what the operator's shell takes away."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def strace() -> list[str]:
    found = shutil.which("strace")
    if found is None or subprocess.run([found, "-qq", "-o", "/dev/null", "true"], capture_output=True).returncode:
        pytest.skip("strace is not installed, or may not follow a process here")
    return [found, "-qq"]


def traced(command: list[str], path: Path) -> list[str]:
    """What is asked of the kernel about names while a process creates that file."""
    program = (
        "import sys; from pathlib import Path; from vienna_runtime import private_file; private_file.create(Path(sys.argv[1]), b'secret')"
    )
    watched = ["-e", "trace=openat,fsync,link,linkat,rename,unlink", sys.executable, "-c", program, str(path)]
    return subprocess.run([*command, *watched], capture_output=True, text=True, check=True).stderr.splitlines()


def test_a_new_file_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    private_file.create(tmp_path / "new", b"content")
    private_file.replace(tmp_path / "replaced", b"content")
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    assert private_file.read(tmp_path / "new") == private_file.read(tmp_path / "replaced") == b"content"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o777])
def test_a_file_open_to_others_is_refused_with_the_way_out(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "open"
    private_file.create(path, b"content")
    path.chmod(mode)
    with pytest.raises(UnsafeFileError, match=f"chmod 600 {path}"):
        private_file.read(path)


def test_a_fifo_or_a_directory_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)
    with pytest.raises(UnsafeFileError, match="plain file"):
        private_file.read(tmp_path / "fifo")
    (tmp_path / "directory").mkdir(mode=0o700)
    with pytest.raises(UnsafeFileError, match="plain file"):
        private_file.read(tmp_path / "directory")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's file")
def test_another_users_file_is_refused(tmp_path: Path) -> None:
    private_file.create(tmp_path / "theirs", b"content")
    os.chown(tmp_path / "theirs", 4711, 4711)
    with pytest.raises(UnsafeFileError, match="another user"):
        private_file.read(tmp_path / "theirs")


def test_a_file_too_long_to_be_ours_is_refused_unread(tmp_path: Path) -> None:
    private_file.create(tmp_path / "long", b"123456")
    with pytest.raises(UnsafeFileError, match="6 bytes"):
        private_file.read(tmp_path / "long", largest=5)


def test_creating_overwrites_nothing_and_follows_no_link(tmp_path: Path) -> None:
    private_file.create(tmp_path / "there", b"first")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("there", "dangling"):
        with pytest.raises(FileTakenError, match="not overwritten"):
            private_file.create(tmp_path / name, b"second")
    assert private_file.read(tmp_path / "there") == b"first"
    assert not (tmp_path / "nowhere").exists()


def test_a_file_is_created_whole_before_it_has_its_name(tmp_path: Path, strace: list[str]) -> None:
    called = [line.split("(")[0] for line in traced(strace, tmp_path / "new") if str(tmp_path) in line or "sync" in line]
    assert called == ["openat", "fsync", "linkat", "unlink", "openat", "fsync"]
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize("said", ["EPERM", "EOPNOTSUPP", "ENOSYS"])
def test_where_there_are_no_links_a_name_that_is_there_is_taken_all_the_same(tmp_path: Path, strace: list[str], said: str) -> None:
    command = [*strace, "-e", f"inject=link,linkat:error={said}"]
    traced(command, tmp_path / "new")
    assert private_file.read(tmp_path / "new") == b"secret"
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("new", "dangling"):
        with pytest.raises(subprocess.CalledProcessError):
            traced(command, tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dangling", "new"]


def test_replacing_leaves_the_link_s_target_alone_and_no_draft_behind(tmp_path: Path) -> None:
    private_file.create(tmp_path / "target", b"first")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    private_file.replace(tmp_path / "link", b"second")
    assert private_file.read(tmp_path / "target") == b"first"
    assert private_file.read(tmp_path / "link") == b"second"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "target"]


def test_a_failed_replacement_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "kept").touch()
    with pytest.raises(OSError):
        private_file.replace(tmp_path / "place", b"a file cannot take a directory's place")
    assert [path.name for path in tmp_path.iterdir()] == ["place"]


def test_a_secret_that_could_not_be_written_whole_leaves_no_half_behind(tmp_path: Path) -> None:
    path = tmp_path / "half"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that the limit is an error and not a death
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        for write in (private_file.create, private_file.replace):
            with pytest.raises(OSError, match="File too large"):
                write(path, b"more than ten bytes of secret")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert not list(tmp_path.iterdir())
