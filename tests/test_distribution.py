"""What is handed out: one wheel that holds exactly the four packages and runs where it is put."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PACKAGES = {"vienna_runtime", "actors", "ledger", "transport"}
PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, without fetching anything, beside directories that must stay outside."""
    copy = tmp_path_factory.mktemp("copy")
    for package in PACKAGES:
        shutil.copytree(PROJECT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    for outside in ("tests", "bench", "examples", "docs"):
        (copy / outside).mkdir()
        (copy / outside / "__init__.py").touch()
    shutil.copy(PROJECT / "pyproject.toml", copy)
    for text in ("README.md", "LICENSE"):  # what they say makes no difference here
        (copy / text).touch()
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(copy / "dist"), str(copy)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = (copy / "dist").iterdir()
    return built


@pytest.mark.slow
def test_the_wheel_holds_exactly_the_four_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == PACKAGES
    for package in PACKAGES:
        held = {name for name in names if name.startswith(f"{package}/") and name.endswith(".py")}
        assert held == {path.relative_to(PROJECT).as_posix() for path in (PROJECT / package).rglob("*.py")}
        assert f"{package}/py.typed" in names
    templates = {path.relative_to(PROJECT).as_posix() for path in (PROJECT / "vienna_runtime" / "templates").rglob("*") if path.is_file()}
    assert templates == {name for name in names if name.startswith("vienna_runtime/templates/")}
    assert len(templates) > 30


@pytest.mark.slow
def test_the_wheel_finds_itself_at_home_where_it_is_unpacked_and_notices_an_altered_file(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from vienna_runtime.provenance import check_provenance; check_provenance()"
    )
    run = [sys.executable, "-I", "-S", "-B", "-c", script]
    assert subprocess.run(run, capture_output=True, check=False).returncode == 0
    with (tmp_path / "ledger" / "__init__.py").open("a") as file:
        file.write("\n")
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert "IntruderError" in done.stderr
    assert str(tmp_path / "ledger" / "__init__.py") in done.stderr
