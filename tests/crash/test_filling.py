"""A full disk refuses callers, serves readers, and loses nothing; with room it goes on by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from vienna_runtime.selftest import filling
from vienna_runtime.selftest.errors import CannotTry


@pytest.fixture
def disk() -> Iterator[Path]:
    try:
        with filling.small_disk(6 << 20) as place:
            yield place
    except CannotTry as why:
        pytest.skip(str(why))


@pytest.mark.slow
def test_thirty_two_callers_are_refused_while_the_disk_is_full_and_lose_nothing(disk: Path) -> None:
    found = filling.fill(disk, seconds=1)
    assert found.refused["ReadOnly"] >= filling.CALLERS
    assert found.reads > 0
    assert 0 < found.acknowledged_before < found.acknowledged
    assert found.acknowledged - found.acknowledged_before >= filling.AFTERWARDS
    assert found.entries >= found.acknowledged
    assert found.failures > 0


def test_a_large_disk_is_not_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "LARGEST", 1)
    with pytest.raises(CannotTry, match="a disk to fill has"):
        filling.fill(tmp_path, seconds=1)
    assert not list(tmp_path.iterdir())
