"""The stand-alone verifier stands alone, and says of the same file the same."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vienna_runtime.evidence.checks import CEDAR, NAMES

EXAMPLE = Path(__file__).parents[2] / "examples" / "verify_evidence.py"


def imported() -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(EXAMPLE.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            assert node.level == 0
            found.add(node.module.partition(".")[0])
    return found


def test_it_imports_pynacl_msgpack_and_the_standard_library_alone() -> None:
    assert imported() - set(sys.stdlib_module_names) == {"nacl", "msgpack"}


@pytest.mark.parametrize("flag", [[], ["--json"]])
def test_what_is_no_evidence_ends_with_3(tmp_path: Path, flag: list[str]) -> None:
    (tmp_path / "none").write_bytes(b"\x80")
    key = "vienna.local+8ce88a58+Acp3zachS/nBAcp3zachS/nBAcp3zachS/nBAcp3zachS/nB"
    ended = subprocess.run([sys.executable, "-I", str(EXAMPLE), str(tmp_path / "none"), key, *flag], capture_output=True, text=True)
    assert ended.returncode == 3, ended.stderr
    assert "Traceback" not in ended.stderr


def test_its_checks_have_the_same_names_in_the_same_order(tmp_path: Path) -> None:
    (tmp_path / "none").write_bytes(b"\x80")
    ended = subprocess.run([sys.executable, "-I", str(EXAMPLE), str(tmp_path / "none"), "a+b+c", "--json"], capture_output=True, text=True)
    checks: list[dict[str, Any]] = json.loads(ended.stdout)["checks"]
    assert [check["name"] for check in checks] == list(NAMES)
    assert {check["name"] for check in checks if "Cedar" in check["said"]} == CEDAR
