"""Evidence from a real node, as people write and verify it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from vienna_runtime.cli.main import run


class Said(Protocol):
    code: int
    out: str
    err: str
    json: dict[str, Any]


class House(Protocol):
    node: Path
    node_key: str


As = Callable[..., Said]
COMMIT = ("git.commit", "repo/vienna", "-p", "branch=main", "--purpose", "write it down")


def test_evidence_of_a_held_case_is_written_for_its_reader_alone_and_verified_anywhere(
    as_: As, house: House, tmp_path: Path, capsys: Any
) -> None:
    case = as_("ada", "propose", *COMMIT, "-p", "message=one", "--no-wait", json=True).json["case"]
    file = tmp_path / "one.evidence"
    said = as_("clara", "evidence", case, "-o", str(file), json=True)
    assert (said.code, said.json["closed"], said.json["outcome"]) == (0, False, "held"), said.err
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["one.evidence"]
    capsys.readouterr()
    assert run(["verify", str(file), "--key", house.node_key, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["verified"], report["case"]) == (True, case)
    assert {check["outcome"] for check in report["checks"] if check["name"] == "case counter"} == {"open"}


def test_a_file_that_is_there_is_not_overwritten_unless_asked(as_: As, tmp_path: Path) -> None:
    case = as_("ada", "propose", *COMMIT, "-p", "message=two", "--no-wait", json=True).json["case"]
    file = tmp_path / "two.evidence"
    file.write_text("something else")
    said = as_("clara", "evidence", case, "-o", str(file))
    assert (said.code, file.read_text()) == (2, "something else")
    assert "--force" in said.err
    assert as_("clara", "evidence", case, "-o", str(file), "--force").code == 0
    assert file.stat().st_size > 10_000


def test_evidence_that_was_altered_ends_with_3_and_names_the_check(as_: As, house: House, tmp_path: Path, capsys: Any) -> None:
    case = as_("ada", "propose", *COMMIT, "-p", "message=three", "--no-wait", json=True).json["case"]
    file = tmp_path / "three.evidence"
    assert as_("clara", "evidence", case, "-o", str(file)).code == 0
    file.write_bytes(file.read_bytes().replace(b"message", b"massage"))
    capsys.readouterr()
    assert run(["verify", str(file), "--key", house.node_key]) == 3
    said = capsys.readouterr().out
    assert "NOT verified: bodies" in said


def test_a_case_that_is_somebody_elses_or_nobodys_has_no_evidence(as_: As, tmp_path: Path) -> None:
    said = as_("clara", "evidence", "c0000", "-o", str(tmp_path / "none.evidence"))
    assert said.code == 1
    assert as_("emil", "evidence", "c0000", "-o", str(tmp_path / "none.evidence")).code == 1
    assert as_("ada", "evidence", "c0000", "-o", str(tmp_path / "none.evidence")).code == 1
    assert list(tmp_path.iterdir()) == []
