"""The tables in the documents say what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    found = importlib.util.spec_from_file_location("docs_generate", PROJECT / "docs" / "generate.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_every_generated_table_is_current(generate: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    outdated = generate.main(["--check"])
    assert outdated == 0, f"run: python docs/generate.py\n{capsys.readouterr().out}"


def test_every_table_stands_in_some_document(generate: ModuleType) -> None:
    documents = [PROJECT / "README.md", *(PROJECT / "docs").rglob("*.md")]
    used = {name for path in documents for _, name, _ in generate.BLOCK.findall(path.read_text())}
    assert used == generate.TABLES.keys()


def test_an_outdated_table_is_noticed(generate: ModuleType) -> None:
    stale = "<!-- generated: calls -->\n| nothing |\n<!-- end -->"
    assert "`propose`" in generate.current(stale)
    assert generate.current(generate.current(stale)) == generate.current(stale)
