"""A witness remembers what a disk forgot: where no watermark survived, it tells that a backup is not the newest."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PROGRAM = [sys.executable, "-m", "vienna_runtime.cli.main"]


@pytest.fixture
def witness(node: Any, tmp_path: Path) -> Iterator[str]:
    """A witness that trusts the node's own log; its line of a policy."""
    directory = tmp_path / "witness"
    made = subprocess.run(
        [*PROGRAM, "witness", "init", str(directory), "--name", "w.example", "--unsealed"], capture_output=True, check=True
    )
    assert made.returncode == 0
    subprocess.run([*PROGRAM, "witness", "add-log", str(directory), node.key], capture_output=True, check=True)
    serve = [*PROGRAM, "witness", "serve", str(directory), "--listen", "127.0.0.1:0", "--json"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            said = json.loads(process.stdout.readline())
            yield f"witness w1 {said['key']} {said['ready']}"
        finally:
            process.terminate()
            process.wait(60)


def backed_up_twice(node: Any, say: Any, tmp_path: Path) -> None:
    """An older backup and a newer one."""
    for name in ("older", "newer"):
        node.serve().grow(1)
        node.end()
        assert say("backup", tmp_path / name, "--node", node.home)[0] == 0


def test_an_older_backup_is_refused_by_a_witness_that_has_seen_the_newer(node: Any, say: Any, tmp_path: Path, witness: str) -> None:
    (tmp_path / "policy").write_text(f"{witness}\nquorum w1\n")
    backed_up_twice(node, say, tmp_path)
    asked = ("--key", node.key, "--policy", tmp_path / "policy")
    code, said = say("restore", tmp_path / "newer", tmp_path / "one", *asked)
    assert (code, said["silent"]) == (0, [])
    code, why = say("restore", tmp_path / "older", tmp_path / "two", *asked)
    assert code == 3
    assert "is older than what was seen" in why
    assert "w1" in why
    assert not (tmp_path / "two").exists()
    code, said = say("restore", tmp_path / "older", tmp_path / "two", *asked, "--fork", "the newer one burnt")
    assert code == 0
    assert "w1" in said["stale"][0]


def test_the_policy_of_the_settings_is_in_the_backup_and_is_heeded(node: Any, say: Any, tmp_path: Path, witness: str) -> None:
    (node.home / "witnesses.policy").write_text(f"{witness}\nquorum w1\n")
    settings = node.home / "vienna.toml"
    text = settings.read_text()
    assert "# policy = " in text
    settings.write_text("\n".join('policy = "witnesses.policy"' if line.startswith("# policy = ") else line for line in text.split("\n")))
    backed_up_twice(node, say, tmp_path)  # the running node has shown the witness all of it by its start
    assert (tmp_path / "newer" / "witness" / "policy").exists()
    assert say("restore", tmp_path / "newer", tmp_path / "one", "--key", node.key)[0] == 0
    assert (tmp_path / "one" / "witnesses.policy").read_text() == (node.home / "witnesses.policy").read_text()
    code, why = say("restore", tmp_path / "older", tmp_path / "two", "--key", node.key)
    assert (code, "w1" in why) == (3, True), why


def test_a_witness_that_does_not_answer_is_named_and_stops_nothing(node: Any, say: Any, tmp_path: Path, witness: str) -> None:
    nobody = witness.rpartition(":")[0] + ":9"
    (tmp_path / "policy").write_text(f"{nobody}\nquorum w1\n")
    assert say("backup", tmp_path / "backup", "--node", node.home)[0] == 0
    code, said = say("restore", tmp_path / "backup", tmp_path / "one", "--key", node.key, "--policy", tmp_path / "policy")
    assert (code, said["silent"]) == (0, ["w1"])
