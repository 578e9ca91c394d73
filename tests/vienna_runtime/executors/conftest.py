"""A configuration file made from text, loaded as the executor loads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vienna_runtime.executors.config import ExecutorConfig, load


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[[str], ExecutorConfig]:
    def load_text(text: str) -> ExecutorConfig:
        path = tmp_path / "executor.toml"
        path.write_text('credential = "executor.vienna"\n' + text)
        path.chmod(0o600)
        return load(path)

    return load_text
