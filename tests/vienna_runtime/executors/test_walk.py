"""Names that change while somebody walks along them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vienna_runtime.executors import walk
from vienna_runtime.executors.errors import ValueRefused


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret").write_text("outside")
    return root


def test_a_directory_swapped_for_a_link_during_the_walk_leads_nowhere_else(root: Path, tmp_path: Path) -> None:
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "secret").write_text("inside")
    with walk.root(str(root)) as top, walk.directory(top, [b"a"]) as held:
        (root / "a").rename(root / "gone")
        (root / "a").symlink_to(tmp_path)
        with walk.directory(held, [b"b"]) as below, walk.place(below, b"secret") as found:
            assert found is not None
            fd = walk.readable(found[0])
            assert os.read(fd, 100) == b"inside"
            os.close(fd)
        with pytest.raises(ValueRefused, match="link"), walk.directory(top, [b"a"]):
            pytest.fail("walked through a link")


def test_a_file_swapped_for_a_link_after_it_was_looked_at_is_still_the_file(root: Path, tmp_path: Path) -> None:
    (root / "note").write_text("inside")
    with walk.root(str(root)) as top, walk.place(top, b"note") as found:
        assert found is not None
        (root / "note").unlink()
        (root / "note").symlink_to(tmp_path / "secret")
        fd = walk.readable(found[0])
        assert os.read(fd, 100) == b"inside"
        os.close(fd)


def test_a_refused_walk_leaks_no_descriptor(root: Path) -> None:
    (root / "link").symlink_to("/")
    with walk.root(str(root)) as top:
        before = len(os.listdir("/proc/self/fd"))
        for parts in ([b"link"], [b"missing"], [b"link", b"etc"]):
            with pytest.raises(ValueRefused), walk.directory(top, parts):
                pytest.fail("walked")
            walked: list[bytes] = [*parts, b"x"]
            if parts[0] == b"link":
                with pytest.raises(ValueRefused):
                    walk.unlinked(top, walked)
        assert len(os.listdir("/proc/self/fd")) == before
