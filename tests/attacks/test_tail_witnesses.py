"""A member who demands witnesses is told when there are none, and how far they have come when there are."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import trio

from ledger.checkpoint import Checkpoint
from ledger.cosignature import Cosigner
from vienna_runtime.cli.main import run

WITNESS = Cosigner("witness.example", bytes(range(32)))


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    made = tmp_path / "witnesses.policy"
    made.write_text(f"witness w1 {WITNESS.verifier.text}\nquorum w1\n")
    return made


def cosign(stage: Any, log: str) -> int:
    """Keeps the log's newest head as a witness would have cosigned it; how many entries that has."""
    ledger = stage.ledger()
    try:
        note = ledger.head(log).checkpoint
        text = note.decode().partition("\n\n")[0] + "\n"
        signature = WITNESS.cosign(text, time.time_ns() // 10**9)
        ledger.put_witnessed(log, note + signature.line().encode())
        return Checkpoint.parse(text).size
    finally:
        ledger.close()


def test_a_demand_for_witnesses_is_met_by_their_cosignatures_alone(fresh: Any, policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fresh.serve()
    trio.run(fresh.found_tenant, "belvedere", None, ())
    fresh.end()

    def tail(*more: str) -> tuple[int, str]:
        fresh.serve()
        capsys.readouterr()
        try:
            operator = ["--credential", str(fresh.home / "operator.vienna"), "--address", ":".join(map(str, fresh.address))]
            code = run([*operator, "tail", "--verify", *more])
        finally:
            fresh.end()
        said = capsys.readouterr()
        return code, said.out + said.err

    demand = ("--policy", str(policy), "--lag", "1ms")
    code, said = tail(*demand)
    assert code == 3
    assert "no quorum of witnesses has cosigned the entries from 0 and on" in said
    assert "no head with cosignatures came" in said
    assert tail("--policy", str(policy), "--lag", "1h")[0] == 0  # it is not an hour old
    size = cosign(fresh, "")
    code, said = tail("--policy", str(policy), "--lag", "1h")
    assert code == 0
    assert f"a quorum of witnesses has cosigned the first {size}" in said
    fresh.serve()
    trio.run(fresh.found_tenant, "schoenbrunn", None, ())
    fresh.end()
    code, said = tail(*demand)
    assert code == 3
    assert f"the entries from {size} and on" in said


def test_a_policy_without_verifying_is_wrong_usage(fresh: Any, policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["--credential", str(fresh.home / "operator.vienna"), "tail", "--policy", str(policy)])
    assert (code, "--policy goes with --verify" in capsys.readouterr().err) == (2, True)


def test_a_policy_that_cannot_be_read_names_file_and_line(fresh: Any, policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy.write_text("witness w1 nonsense\nquorum w1\n")
    code = run(["--credential", str(fresh.home / "operator.vienna"), "tail", "--verify", "--policy", str(policy)])
    said = capsys.readouterr().err
    assert (code, str(policy) in said, "line 1" in said) == (2, True, True)
