"""The stand-alone verifier stands alone, and says of the same file the same."""

from __future__ import annotations

import ast
import importlib.util
import json
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from actors.governance import quorum
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


def test_it_is_no_longer_than_somebody_reads_before_believing_it() -> None:
    assert len(EXAMPLE.read_text().splitlines()) <= 450


@pytest.mark.parametrize(
    "text",
    ["any 1", "any 2", "1 of role:sre", "2 of role:sre and 1 of role:finance", "1 of person:clara or any 3",
     "(any 2 or 1 of role:sre) and 1 of role:finance",
     "1 of role:sre and (1 of role:finance or 1 of person:dora) or any 4", "any 1 and any 1 and 1 of role:sre"],
)  # fmt: skip
def test_it_counts_seats_as_the_law_does(text: str, alone: ModuleType) -> None:
    parsed = quorum.parse_known(text)
    everybody = {"clara": ["sre"], "dora": ["finance"], "hugo": ["sre", "finance"], "otto": []}
    for names in (names for count in range(5) for names in combinations(everybody, count)):
        people = {name: everybody[name] for name in names}
        assert alone.filled(alone.ways(text), people) == quorum.satisfied(parsed, list(people.items()), persons=0), names


def test_a_quorum_made_to_be_multiplied_out_or_tried_for_ever_is_counted_at_once(alone: ModuleType) -> None:
    assert len(alone.ways(" and ".join(["(any 1 or any 2)"] * 200))) <= 65  # of 2**200; the law looks at no more
    crowd = {str(number): ["x"] for number in range(24)}
    assert not alone.filled(alone.ways("15 of role:x and 1 of role:y"), crowd)  # trying every order would take 24! / 9! steps
    assert alone.filled(alone.ways("15 of role:x and 1 of role:y"), {**crowd, "dora": ["y"]})
    with pytest.raises(ValueError, match="more seats"):
        alone.ways("any 99999999999")


@pytest.fixture(scope="module")
def alone() -> ModuleType:
    found = importlib.util.spec_from_file_location("alone", EXAMPLE)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize("flag", [[], ["--json"]])
def test_what_is_no_evidence_ends_with_3(tmp_path: Path, flag: list[str]) -> None:
    (tmp_path / "none").write_bytes(b"\x80")
    key = "vienna.local+8ce88a58+Acp3zachS/nBAcp3zachS/nBAcp3zachS/nBAcp3zachS/nB"
    ended = subprocess.run([sys.executable, "-I", str(EXAMPLE), str(tmp_path / "none"), key, *flag], capture_output=True, text=True)
    assert ended.returncode == 3, ended.stderr
    assert "Traceback" not in ended.stderr
    if not flag:
        assert ended.stdout.startswith("NOT VERIFIED: no evidence of a case in ")
        assert len(ended.stdout.splitlines()) == 1


def test_a_missing_file_ends_with_2_and_a_line(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-I", str(EXAMPLE), str(tmp_path / "none"), "a+b+c"], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (2, f"{tmp_path / 'none'}: No such file or directory\n")


def test_its_checks_have_the_same_names_in_the_same_order(tmp_path: Path) -> None:
    (tmp_path / "none").write_bytes(b"\x80")
    ended = subprocess.run([sys.executable, "-I", str(EXAMPLE), str(tmp_path / "none"), "a+b+c", "--json"], capture_output=True, text=True)
    checks: list[dict[str, Any]] = json.loads(ended.stdout)["checks"]
    assert [check["name"] for check in checks] == list(NAMES)
    assert {check["name"] for check in checks if "Cedar" in check["said"]} == CEDAR
