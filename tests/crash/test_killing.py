"""A writer that is killed at any moment has lost nothing that it acknowledged; one that boasts is found out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from vienna_runtime.selftest import killing
from vienna_runtime.selftest.told import Telling

SEED = 11


def test_whatever_was_acknowledged_before_a_kill_is_found_after_it(tmp_path: Path) -> None:
    found = killing.kill(rounds=20, seed=SEED, place=tmp_path)
    assert found.finding is None
    assert (found.rounds, found.kills.total()) == (20, 20)
    assert len(found.kills) >= 4
    assert found.entries > 500
    assert found.verified >= found.entries
    assert not list(tmp_path.iterdir())


def test_a_writer_that_acknowledges_before_it_has_committed_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def boast(self: Telling, to: Mapping[str, int]) -> None:
        self._say({"at": {log: [size, "00" * 32] for log, size in to.items()}, "snapshots": {}})

    monkeypatch.setattr(Telling, "begins", boast)
    found = killing.kill(rounds=20, seed=SEED, place=tmp_path)
    assert found.finding is not None
    assert found.kept is not None
    assert (Path(found.kept) / "ledger").is_dir()
