"""A log of some hundred refunds, recorded by the law itself, and bundles to try on it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import attrs
import pytest

PROJECT = Path(__file__).parents[3]
INTENTS = 400


@attrs.frozen
class Recorded:
    home: Path
    tenant: str
    intents: int


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    home = tmp_path_factory.mktemp("recorded") / "node"
    sys.path.insert(0, str(PROJECT))
    try:
        module = import_module("bench.recorded")
        module.record(home, INTENTS)
    finally:
        sys.path.remove(str(PROJECT))
    return Recorded(home, module.TENANT, INTENTS)


@pytest.fixture
def candidate(tmp_path: Path) -> Callable[..., Path]:
    """The recorded bundle with texts exchanged in its files, and with more tests."""

    def make(*changes: tuple[str, str, str], tests: str = "") -> Path:
        directory = tmp_path / "candidate"
        for path in (PROJECT / "examples" / "bundles" / "payments").rglob("*"):
            if path.is_file() and path.parent.name != "tests":
                (directory / path.name).parent.mkdir(exist_ok=True)
                (directory / path.name).write_bytes(path.read_bytes())
        for file, old, new in changes:
            text = (directory / file).read_text()
            assert old in text
            (directory / file).write_text(text.replace(old, new))
        if tests:
            (directory / "tests").mkdir(exist_ok=True)
            (directory / "tests" / "flips.toml").write_text(tests)
        return directory

    return make
