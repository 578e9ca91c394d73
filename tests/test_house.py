"""The arrows of the house hold, and a wrong arrow is caught."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("vienna_runtime", "actors", "ledger", "transport")
LINT = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"]


def house(tmp_path: Path) -> Path:
    """A copy of the packages and their contracts, to break."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(where: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(LINT, cwd=where, capture_output=True, text=True, env={"PYTHONPATH": str(where), "PATH": "/usr/bin:/bin"})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("ledger/tree.py", "import transport.limits", "One direction"),
        ("transport/limits.py", "import actors.errors", "One direction"),
        ("actors/kernel/ref.py", "import actors.governance.ids", "The kernel knows no domain"),
        ("actors/governance/ids.py", "import trio", "The law is pure"),
        ("actors/governance/ids.py", "import random", "The law is pure"),
        ("ledger/tree.py", "import trio", "The ledger is synchronous"),
        ("actors/tenant.py", "import lmdb", "One door to lmdb"),
        ("actors/gateway.py", "import trio_websocket", "One door to trio-websocket"),
    ],
)
def test_a_seeded_violation_is_caught_by_its_contract(tmp_path: Path, file: str, line: str, contract: str) -> None:
    copy = house(tmp_path)
    with (copy / file).open("a") as seeded:
        seeded.write(f"\n{line}\n")
    found = lint(copy)
    assert found.returncode != 0
    broken = [said for said in found.stdout.splitlines() if said.endswith("BROKEN")]
    assert any(contract in said for said in broken) or contract in found.stdout.split("Broken contracts")[-1]


@pytest.mark.slow
def test_the_house_as_it_stands_breaks_no_contract(tmp_path: Path) -> None:
    found = lint(house(tmp_path))
    assert found.returncode == 0, found.stdout


def test_no_file_is_longer_than_five_hundred_lines() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {count}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if (count := len(path.read_text().splitlines())) > 500
    ]
    assert not long


def test_no_room_is_called_utils_or_the_like() -> None:
    banned = {"utils", "helpers", "common", "base", "manager"}
    assert not [path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.stem in banned]


def test_no_file_imports_itself_around_a_corner() -> None:
    imports = grimp.build_graph(*PACKAGES, include_external_packages=False, cache_dir=None)
    arrows = {module: imports.find_modules_directly_imported_by(module) for module in imports.modules}
    while leaves := {module for module, targets in arrows.items() if not targets & arrows.keys()}:
        arrows = {module: targets for module, targets in arrows.items() if module not in leaves}
    assert not arrows, f"a circle among {sorted(arrows)}"
