"""A verifier that was written in another language, from docs/ledger-format.md and C2SP's texts alone, finds what ours find.

``verify.mjs`` beside this file runs where node is (Debian: nodejs); what it reads was made by ``make_node_vectors.sh``.  That our own
verifiers still read that, is looked at everywhere: where they do not, the format has changed, and page and program with it.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgpack
import pytest

from ledger import Batch, DataKey, Draft, Ledger, NoteSignature, NoteSigner, VerifierKey, origin_of
from ledger.cosignature import Cosigner
from ledger.published import opened
from ledger.tile_export import export
from ledger.witness_policy import Policy
from vienna_runtime.verify_evidence import verify_evidence

HERE = Path(__file__).parent
VECTORS = HERE.parent / "vectors" / "interop" / "node"
KEYS = json.loads((VECTORS / "keys.json").read_text())
FIRST, POLICY = KEYS["node_before"][-1], VECTORS / "witnesses.policy"
CASES = ["granted", "approved", "advance", "reviewed", "denied"]
FLIPS = 8  # of each kind; each is a process of its own
SEED = 20261123

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize("case", CASES)
def test_our_own_verifier_still_reads_the_vectors(case: str) -> None:
    evidence, policy = (VECTORS / f"{case}.evidence").read_bytes(), Policy.parse(POLICY.read_text())
    report = verify_evidence(evidence, VerifierKey.parse(FIRST), policy)
    assert [check.name for check in report.checks if check.outcome == "fail"] == []


# From here on with node itself.


@pytest.fixture
def verify() -> Run:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed here (Debian: nodejs): the verifier in JavaScript was not run")

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        ended = subprocess.run([node, HERE / "verify.mjs", *arguments], capture_output=True, text=True, timeout=120, check=False)
        assert ended.returncode in (0, 3), ended.stderr
        return ended

    return run


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    return shutil.copytree(VECTORS / "mirror", tmp_path / "mirror")


class Keys:
    """Every key derived from its log's name."""

    def sign(self, log: str, message: bytes) -> list[NoteSignature]:
        return [self._signer(log).sign(message)]

    def verifier(self, log: str) -> VerifierKey:
        return self._signer(log).verifier

    def verifiers(self, log: str) -> tuple[VerifierKey, ...]:
        return (self.verifier(log),)

    def data_key(self, log: str, month: str) -> DataKey:
        return DataKey(hashlib.sha256(f"{log} {month}".encode()).digest()[:8], hashlib.sha256(month.encode()).digest())

    def data_key_by_id(self, log: str, key_id: bytes) -> DataKey | None:
        return None

    def _signer(self, log: str) -> NoteSigner:
        return NoteSigner(origin_of("hofburg.example", log), hashlib.sha256(f"checkpoint key {log}".encode()).digest())


def files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


def flipped(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :]


@pytest.mark.parametrize("key", [KEYS["node"], *KEYS["node_before"]])
def test_the_tiles_of_every_log_verify_from_every_key_the_node_ever_had(verify: Run, key: str) -> None:
    ended = verify("tiles", VECTORS / "mirror", key, POLICY)
    assert ended.returncode == 0, ended.stderr
    assert [line.split(":")[0] for line in ended.stdout.splitlines()] == [
        "vienna.local",
        "vienna.local/belvedere",
        "vienna.local/schoenbrunn",
    ]


@pytest.mark.parametrize("size", [1, 255, 256, 257, 700])
def test_a_log_of_any_size_verifies_as_it_is_exported_today_and_not_with_another_byte(verify: Run, tmp_path: Path, size: int) -> None:
    ledger = Ledger.open(tmp_path / "ledger", node="hofburg.example", keys=Keys())
    ledger.create("belvedere", time=1, actor="operator")
    ledger.append_many([Batch("belvedere", 0, tuple(Draft("word.said/1", 10 + at, "ada", b"") for at in range(size)))])
    ledger.close()
    with opened(tmp_path / "ledger") as logs:
        export(logs["belvedere"], tmp_path / "out")
    key = Keys().verifier("belvedere").text
    assert verify("tiles", tmp_path / "out", key).stdout.startswith(f"hofburg.example/belvedere: {size} entries")
    bundle = files(tmp_path / "out" / "tile" / "entries")[0]
    whole = bundle.read_bytes()
    bundle.write_bytes(whole[1:] + whole[:1])
    assert verify("tiles", tmp_path / "out", key).returncode == 3


def test_one_log_and_one_proof_verify_by_the_logs_own_newest_key_alone(verify: Run) -> None:
    below = VECTORS / "mirror" / "vienna.local" / "belvedere"
    for arguments in (("tiles", below), ("proof", VECTORS / "belvedere.tlog-proof")):
        assert verify(*arguments, KEYS["belvedere"], POLICY).returncode == 0
        assert verify(*arguments, KEYS["belvedere_before"][0]).returncode == 3


@pytest.mark.parametrize("case", CASES)
def test_evidence_verifies_with_every_check_by_its_name(verify: Run, case: str) -> None:
    ended = verify("evidence", VECTORS / f"{case}.evidence", FIRST, POLICY)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    report = verify_evidence((VECTORS / f"{case}.evidence").read_bytes(), VerifierKey.parse(FIRST))
    assert [line.split(":")[0] for line in ended.stdout.splitlines()] == [check.name for check in report.checks]


@pytest.mark.parametrize("case", CASES)
def test_evidence_without_one_of_its_entries_is_refused(verify: Run, tmp_path: Path, case: str) -> None:
    whole = msgpack.unpackb((VECTORS / f"{case}.evidence").read_bytes())
    kept = {
        "node_log": len(whole["node_log"]["entries"]),
        "tenant_log": len(whole["tenant_log"]["entries"]) - 1,
    }  # the last: then it is open
    every = [(log, at) for log, count in kept.items() for at in range(count)]
    for log, at in random.Random(SEED).sample(every, FLIPS):
        entries = [entry for number, entry in enumerate(whole[log]["entries"]) if number != at]
        (tmp_path / "cut").write_bytes(msgpack.packb({**whole, log: {**whole[log], "entries": entries}}))
        assert verify("evidence", tmp_path / "cut", FIRST).returncode == 3, (log, at)


@pytest.mark.parametrize("kind", ["evidence", "proof"])
def test_every_flipped_bit_of_a_file_is_refused(verify: Run, tmp_path: Path, kind: str) -> None:
    path, key = {
        "evidence": (VECTORS / "approved.evidence", FIRST),
        "proof": (VECTORS / "belvedere.tlog-proof", KEYS["belvedere"]),
    }[kind]
    dice = random.Random(SEED)
    for _ in range(FLIPS):
        (tmp_path / "flipped").write_bytes(flipped(path.read_bytes(), dice))
        assert verify(kind, tmp_path / "flipped", key, POLICY).returncode == 3


def test_every_flipped_bit_of_the_tiles_is_refused(verify: Run, mirror: Path) -> None:
    dice = random.Random(SEED)
    for _ in range(FLIPS):
        path = dice.choice(files(mirror))
        whole = path.read_bytes()
        path.write_bytes(flipped(whole, dice))
        assert verify("tiles", mirror, FIRST, POLICY).returncode == 3, path
        path.write_bytes(whole)


def test_tiles_without_one_of_their_files_are_refused(verify: Run, mirror: Path) -> None:
    for path in files(mirror / "vienna.local" / "tile") + files(mirror / "vienna.local" / "belvedere" / "tile"):
        whole = path.read_bytes()
        path.unlink()
        assert verify("tiles", mirror, FIRST).returncode == 3, path
        path.write_bytes(whole)


def test_a_log_that_the_node_committed_to_otherwise_is_refused(verify: Run, mirror: Path) -> None:
    heads = next(path for path in files(mirror / "vienna.local" / "heads"))
    whole = heads.read_bytes()
    heads.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert "heads" in verify("tiles", mirror, FIRST).stderr


def test_a_policy_that_was_not_met_refuses(verify: Run, tmp_path: Path) -> None:
    other = Cosigner("witness.example/fritz", bytes(32)).verifier.text
    policy = POLICY.read_text().replace("group enough 1 emil", f"witness fritz {other}\ngroup enough all emil fritz")
    (tmp_path / "policy").write_text(policy)
    assert "quorum" in verify("tiles", VECTORS / "mirror", FIRST, tmp_path / "policy").stderr
