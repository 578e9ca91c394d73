"""Each case installs the program by hand into a directory of its own and asks a fresh interpreter that knows nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import vienna_runtime
from vienna_runtime.provenance import PACKAGES, check_provenance

SOURCE = Path(vienna_runtime.__file__).parent
ASK = "import sys; sys.path[:0] = sys.argv[1:]; from vienna_runtime.provenance import check_provenance; check_provenance(); print('ours')"


def lay_out(root: Path) -> None:
    for package in PACKAGES:
        (root / package / "inner").mkdir(parents=True)
        (root / package / "__init__.py").write_text(f'"""{package}."""\n')
        (root / package / "inner" / "__init__.py").write_text("")
    for name in ("errors.py", "provenance.py"):
        (root / "vienna_runtime" / name).write_bytes((SOURCE / name).read_bytes())


def install(root: Path, name: str = "vienna-runtime", packages: tuple[str, ...] = PACKAGES) -> None:
    """What an installer leaves behind: metadata and a record of every file with its digest (PEP 427, PEP 376)."""
    info = root / f"{name.replace('-', '_')}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    lines = []
    for path in sorted(path for package in packages for path in (root / package).rglob("*.py")):
        digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).decode().rstrip("=")
        lines.append(f"{path.relative_to(root).as_posix()},sha256={digest},{path.stat().st_size}\n")
    (info / "RECORD").write_text("".join(lines))


def ask(*path: Path) -> str:
    run = [sys.executable, "-I", "-S", "-B", "-c", ASK, *map(str, path)]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr.splitlines()[-1] if done.returncode else done.stdout


@pytest.fixture
def site(tmp_path: Path) -> Path:
    lay_out(tmp_path / "site")
    install(tmp_path / "site")
    return tmp_path / "site"


def test_this_very_installation_is_ours() -> None:
    check_provenance()


def test_an_installed_wheel_is_ours(site: Path) -> None:
    assert ask(site) == "ours\n"


@pytest.mark.parametrize("package", ["actors", "ledger", "transport"])
def test_a_directory_that_lies_where_python_looks_first_is_named(site: Path, tmp_path: Path, package: str) -> None:
    (tmp_path / "here" / package).mkdir(parents=True)
    (tmp_path / "here" / package / "__init__.py").touch()
    answer = ask(tmp_path / "here", site)
    assert "IntruderError" in answer
    assert str(tmp_path / "here" / package) in answer


def test_a_single_module_of_that_name_is_named(site: Path, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "ledger.py").touch()
    answer = ask(tmp_path / "here", site)
    assert "IntruderError" in answer
    assert str(tmp_path / "here" / "ledger.py") in answer


def test_a_distribution_that_overwrote_one_of_our_files_is_named(site: Path) -> None:
    (site / "ledger" / "__init__.py").write_text("print('some accounting package')\n")
    install(site, "general-ledger", ("ledger",))
    answer = ask(site)
    assert "IntruderError" in answer
    assert str(site / "ledger" / "__init__.py") in answer
    assert "general-ledger" in answer


def test_a_changed_module_deep_inside_is_found(site: Path) -> None:
    (site / "actors" / "inner" / "__init__.py").write_text("allow = True\n")
    assert f"{site / 'actors' / 'inner' / '__init__.py'} is not the file" in ask(site)


def test_a_module_that_was_put_among_ours_is_named(site: Path) -> None:
    (site / "transport" / "extra.py").touch()
    assert f"{site / 'transport' / 'extra.py'} lies among the modules" in ask(site)


def test_a_missing_package_is_refused(site: Path) -> None:
    (site / "actors").rename(site / "players")
    assert "the package actors would come from nowhere" in ask(site)


def test_a_package_scattered_over_two_directories_is_refused(site: Path, tmp_path: Path) -> None:
    (site / "ledger" / "__init__.py").unlink()
    (tmp_path / "more" / "ledger").mkdir(parents=True)
    answer = ask(site, tmp_path / "more")
    assert "IntruderError" in answer
    assert str(tmp_path / "more" / "ledger") in answer


def test_a_source_tree_that_nobody_installed_is_refused_with_the_way_to_do_it(tmp_path: Path) -> None:
    lay_out(tmp_path / "tree")
    answer = ask(tmp_path / "tree")
    assert "does not belong to an installed vienna-runtime" in answer
    assert "pip install" in answer


def editable(tmp_path: Path) -> tuple[Path, Path]:
    lay_out(tmp_path / "a tree")
    site = tmp_path / "site"
    site.mkdir()
    install(site, packages=())
    direct = {"url": (tmp_path / "a tree").as_uri(), "dir_info": {"editable": True}}
    (site / "vienna_runtime-1.dist-info" / "direct_url.json").write_text(json.dumps(direct))
    return site, tmp_path / "a tree"


def test_an_editable_install_is_ours_and_may_change(tmp_path: Path) -> None:
    site, tree = editable(tmp_path)
    (tree / "ledger" / "more.py").touch()
    assert ask(site, tree) == "ours\n"


def test_an_editable_install_is_shadowed_no_more_than_another(tmp_path: Path) -> None:
    site, tree = editable(tmp_path)
    (tmp_path / "here" / "ledger").mkdir(parents=True)
    (tmp_path / "here" / "ledger" / "__init__.py").touch()
    answer = ask(tmp_path / "here", site, tree)
    assert "IntruderError" in answer
    assert str(tmp_path / "here" / "ledger") in answer
    assert str(tree / "ledger") in answer
