"""Real files, and the ways out of a root."""

from __future__ import annotations

import errno
import hashlib
import os
import resource
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from vienna_runtime.executors.config import ExecutorConfig
from vienna_runtime.executors.errors import ConfigurationInvalid
from vienna_runtime.executors.means import ABSENT, CHANGED, NOTHING, Failed, Outcome, Succeeded, Unknown, Work
from vienna_runtime.executors.repertoire import Repertoire

Load = Callable[[str], ExecutorConfig]


EMPTY = hashlib.sha256(b"").digest()


class Desk:
    """The three operations on one root."""

    def __init__(self, config: ExecutorConfig) -> None:
        self._repertoire = Repertoire(config)

    async def do(self, op: str, path: object, *, state: bytes | None = None, **more: object) -> Outcome:
        work = Work(action=op, resource=f"file/{path}", params={"path": path, **more}, effect_id="e", state=state)
        return await self._repertoire.execute(work)

    async def state(self, path: str, op: str = "write", **more: object) -> bytes | None:
        return await self._repertoire.state(Work(action=op, resource=f"file/{path}", params={"path": path, **more}, effect_id="e"))


def action(op: str, root: Path, more: str = "", kind: str = "text") -> str:
    content = 'content = "{content}"\n' if op == "write" else ""
    declared = f'path = "{kind}"' + (', content = "text"' if op == "write" else "")
    return (
        f'[actions.{op}]\nkind = "file"\nop = "{op}"\nparams = {{ {declared} }}\nresource = "file/{{path}}"\n'
        f'root = "{root}"\npath = "{{path}}"\nmax_size = "1KiB"\n{content}{more}\n'
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret").write_text("outside")
    return root


@pytest.fixture
def desk(loaded: Load, root: Path) -> Desk:
    return Desk(loaded("".join(action(op, root) for op in ("read", "write", "delete"))))


async def test_what_is_written_is_read_again_and_deleted(desk: Desk, root: Path) -> None:
    digest = hashlib.sha256("grüß".encode()).digest()
    written = await desk.do("write", "note", content="grüß")
    assert isinstance(written, Succeeded)
    assert written.result_digest == digest
    assert stat.S_IMODE((root / "note").stat().st_mode) == 0o644

    read = await desk.do("read", "note")
    assert isinstance(read, Succeeded)
    assert (read.result, read.result_digest) == ("grüß".encode(), digest)

    deleted = await desk.do("delete", "note")
    assert isinstance(deleted, Succeeded)
    assert deleted.result_digest == NOTHING
    assert snapshot(root) == {}


async def test_a_write_replaces_the_file_and_leaves_no_temporary(desk: Desk, root: Path) -> None:
    (root / "note").write_text("old")
    outcome = await desk.do("write", "note", content="new")
    assert isinstance(outcome, Succeeded)
    assert outcome.evidence["replaced"] is True
    assert snapshot(root) == {str(root / "note"): "new"}


def snapshot(directory: Path) -> dict[str, str]:
    return {str(path): path.read_text() if path.is_file() and not path.is_symlink() else "" for path in directory.rglob("*")}


ESCAPES = [
    "../secret",
    "a/../../secret",
    "/etc/passwd",
    "..",
    ".",
    "",
    "a/",
    "a//b",
    "./a",
    "a\0b",
    "link",
    "dir/secret",
    "fifo",
    "sub",
    "sub/x/y",
]


@pytest.mark.parametrize("op", ["read", "write", "delete"])
@pytest.mark.parametrize("path", ESCAPES)
async def test_no_path_leads_out_of_the_root(desk: Desk, root: Path, tmp_path: Path, op: str, path: str) -> None:
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "dir").symlink_to(tmp_path)
    (root / "sub").mkdir()
    os.mkfifo(root / "fifo")
    before = snapshot(tmp_path)
    with trio.fail_after(60):  # a fifo opened the plain way would block for ever
        outcome = await desk.do(op, path, **({"content": "x"} if op == "write" else {}))
    assert isinstance(outcome, Failed)
    assert outcome.done is None
    assert snapshot(tmp_path) == before


async def test_a_device_is_not_read(loaded: Load) -> None:
    outcome = await Desk(loaded(action("read", Path("/dev")))).do("read", "zero")
    assert isinstance(outcome, Failed)
    assert "device" in outcome.why


@pytest.mark.parametrize("op", ["read", "delete"])
async def test_a_file_with_a_second_name_is_refused_unless_that_is_allowed(
    loaded: Load, desk: Desk, root: Path, tmp_path: Path, op: str
) -> None:
    os.link(tmp_path / "secret", root / "alias")
    outcome = await desk.do(op, "alias")
    assert isinstance(outcome, Failed)
    assert "hard links" in outcome.why
    allowed = await Desk(loaded(action(op, root, "hard_links = true"))).do(op, "alias")
    assert isinstance(allowed, Succeeded)
    assert (tmp_path / "secret").read_text() == "outside"


async def test_a_write_to_a_second_name_does_not_reach_the_first(desk: Desk, root: Path, tmp_path: Path) -> None:
    os.link(tmp_path / "secret", root / "alias")
    outcome = await desk.do("write", "alias", content="inside")
    assert isinstance(outcome, Succeeded)
    assert outcome.evidence["names_before"] == 2
    assert (tmp_path / "secret").read_text() == "outside"


async def test_sizes_are_capped_both_ways(desk: Desk, root: Path) -> None:
    (root / "big").write_bytes(b"x" * 1025)
    (root / "fits").write_bytes(b"x" * 1024)
    assert isinstance(await desk.do("read", "fits"), Succeeded)
    assert isinstance(await desk.do("read", "big"), Failed)
    assert isinstance(await desk.do("write", "new", content="x" * 1025), Failed)
    assert not (root / "new").exists()


async def test_the_name_of_a_temporary_file_is_not_to_be_had(desk: Desk, root: Path) -> None:
    outcome = await desk.do("write", ".vienna-0", content="x")
    assert isinstance(outcome, Failed)
    assert snapshot(root) == {}


async def test_a_missing_root_fails_and_makes_nothing(loaded: Load, root: Path) -> None:
    outcome = await Desk(loaded(action("write", root / "missing"))).do("write", "note", content="x")
    assert isinstance(outcome, Failed)
    assert "root" in outcome.why
    assert not (root / "missing").exists()


async def test_a_failed_write_leaves_the_old_file_and_no_temporary(desk: Desk, root: Path) -> None:
    (root / "note").write_text("old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))  # the system itself refuses, in the middle of the write
    try:
        outcome = await desk.do("write", "note", content="x" * 500)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert isinstance(outcome, Failed)
    assert "File too large" in outcome.why
    assert outcome.done is None
    assert snapshot(root) == {str(root / "note"): "old"}


@pytest.mark.parametrize("op", ["write", "delete"])
async def test_a_change_that_the_disk_does_not_confirm_is_unknown(desk: Desk, root: Path, monkeypatch: pytest.MonkeyPatch, op: str) -> None:
    (root / "note").write_text("old")
    sync = os.fsync

    def fault(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        sync(fd)

    monkeypatch.setattr(os, "fsync", fault)
    outcome = await desk.do(op, "note", **({"content": "new"} if op == "write" else {}))
    assert isinstance(outcome, Unknown)
    assert "did not confirm" in outcome.why


async def test_a_file_swapped_while_it_is_deleted_is_unknown(desk: Desk, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "note").write_text("looked at")
    unlink = os.unlink

    def mallory_first(name: bytes, *, dir_fd: int) -> None:
        (root / "note").rename(root / "kept")
        (root / "note").write_text("put there since")
        unlink(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", mallory_first)
    outcome = await desk.do("delete", "note")
    assert isinstance(outcome, Unknown)
    assert "another file" in outcome.why


async def test_a_path_is_refused_in_words_that_say_why(desk: Desk) -> None:
    for path, why in (("/etc/passwd", "absolute"), ("a/../b", "'..'"), ("x" * 256, "longer than 255"), ("missing", "does not exist")):
        outcome = await desk.do("read", path)
        assert isinstance(outcome, Failed)
        assert why in outcome.why


@pytest.mark.parametrize("op", ["read", "delete"])
def test_a_content_where_nothing_is_written_does_not_load(loaded: Load, root: Path, op: str) -> None:
    with pytest.raises(ConfigurationInvalid, match="content is not a setting here"):
        loaded(action(op, root, 'content = "x"'))


async def test_the_state_of_a_file_is_its_digest_and_zeros_where_there_is_none(desk: Desk, root: Path) -> None:
    assert await desk.state("note", content="new") == ABSENT == bytes(32)
    (root / "note").write_bytes(b"")
    assert await desk.state("note", content="new") == EMPTY
    (root / "note").write_bytes(b"old")
    for op, more in (("read", {}), ("write", {"content": "new"}), ("delete", {})):
        assert await desk.state("note", op, **more) == hashlib.sha256(b"old").digest()


@pytest.mark.parametrize("path", ["../secret", "linked", "heap", "large", "nowhere/note"])
async def test_what_is_no_file_below_the_root_has_no_state(desk: Desk, root: Path, path: str) -> None:
    (root / "linked").symlink_to(root.parent / "secret")
    (root / "heap").mkdir()
    (root / "large").write_bytes(b"x" * 1025)
    assert await desk.state(path, content="new") is None
    assert await Repertoire(desk._repertoire.config).state(Work(action="other", resource="r", params={}, effect_id="e")) is None


async def test_a_file_that_is_not_what_was_approved_any_more_is_left_alone(desk: Desk, root: Path) -> None:
    (root / "note").write_bytes(b"old")
    old = hashlib.sha256(b"old").digest()
    for op, more in (("read", {}), ("write", {"content": "new"}), ("delete", {})):
        outcome = await desk.do(op, "note", state=hashlib.sha256(b"older").digest(), **more)
        assert isinstance(outcome, Failed)
        assert outcome.why == CHANGED
        assert outcome.done is None
        assert os.listdir(root) == ["note"]
        assert (root / "note").read_bytes() == b"old"
    assert isinstance(await desk.do("write", "other", state=EMPTY, content="new"), Failed)  # nothing is not an empty file
    assert isinstance(await desk.do("write", "other", state=ABSENT, content="new"), Succeeded)
    assert isinstance(await desk.do("write", "note", state=old, content="new"), Succeeded)
    assert isinstance(await desk.do("delete", "note", state=hashlib.sha256(b"new").digest()), Succeeded)
