"""How the executor and verifier commands end when they cannot begin: one sentence, one exit code, nothing acted upon."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from ledger.note import VerifierKey
from vienna_runtime import credential, pki
from vienna_runtime.cli.exits import UNREACHABLE, USAGE
from vienna_runtime.credential import Credential
from vienna_runtime.executors.journal import open_journal
from vienna_runtime.secret import Secret

ACTION = """\
[actions."note.read"]
kind = "file"
op = "read"
params = {{ path = "path" }}
resource = "note/{{path}}"
root = "{0}"
path = "{{path}}"
"""
CHECK = ACTION.replace("actions", "checks").replace('"file"\nop = "read"', '"file_digest"')


@pytest.fixture
def place(tmp_path: Path, port: int) -> Path:
    """Two configurations and one credential for a node that is not there."""
    authority = pki.make_dev_authority(pki.Places(tmp_path / "tls"), "vienna.example", ["localhost"], dt.datetime.now(dt.UTC))
    held = Credential(
        address=f"127.0.0.1:{port}",
        server_name="localhost",
        ca=authority.pem,
        node_key=VerifierKey("vienna.example", bytes(SigningKey.generate().verify_key)).text,
        tenant="belvedere",
        principal="workshop",
        role="executor",
        api_key=Secret(b"vk_belvedere_" + b"0" * 16 + b"_" + b"0" * 64),
        signing_key=Secret(bytes(SigningKey.generate())),
    )
    credential.write(tmp_path / "workshop.vienna", held, passphrase=None)
    for name, text in (("executor", ACTION), ("verifier", CHECK)):
        path = tmp_path / f"{name}.toml"
        path.write_text('credential = "workshop.vienna"\n' + text.format(tmp_path))
        path.chmod(0o600)
    return tmp_path


def ended(kind: str, config: Path) -> subprocess.CompletedProcess[str]:
    """In a process of its own: it adopts orphans and says where its log goes, for good."""
    command = [sys.executable, "-P", "-m", "vienna_runtime.cli.main", kind, "run", "--config", str(config)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=config.parent)


@pytest.mark.parametrize("kind", ["executor", "verifier"])
def test_a_node_that_is_not_there_is_said_at_once(place: Path, kind: str) -> None:
    said = ended(kind, place / f"{kind}.toml")
    assert said.returncode == UNREACHABLE
    assert "nothing answers at 127.0.0.1" in said.stderr
    assert "Traceback" not in said.stderr
    assert said.stdout == ""  # never ready


def test_two_executors_with_one_journal_do_not_both_begin(place: Path) -> None:
    with open_journal(place / "workshop.vienna.journal", now=0):
        said = ended("executor", place / "executor.toml")
    assert said.returncode == USAGE
    assert "another executor runs with" in said.stderr


@pytest.mark.parametrize("kind", ["executor", "verifier"])
def test_a_configuration_that_does_not_load_is_named(place: Path, kind: str) -> None:
    path = place / f"{kind}.toml"
    path.write_text(path.read_text() + "colour = 1\n")
    said = ended(kind, path)
    assert said.returncode == USAGE
    assert "colour is not a setting here" in said.stderr
