"""A backup of a running node has all that was acknowledged before it began; what is restored verifies, or is not put in place."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from actors.governance import node_law
from actors.governance.codec import decode_node
from ledger import NODE, NoteSigner, VerifierKey, published, verify_in_child
from ledger.header import parse
from vienna_runtime import backup_manifest as manifests
from vienna_runtime import config
from vienna_runtime.keystore import Keystore
from vienna_runtime.keystore_opener import opener_for
from vienna_runtime.ledger_keys import LedgerKeys
from vienna_runtime.watermark import Watermark


def sizes(ledger: Path, key: str) -> dict[str, int]:
    return {log.log: log.size for log in verify_in_child(ledger, VerifierKey.parse(key)).logs}


def restored(say: Any, node: Any, backup: Path, place: Path, *more: object) -> tuple[int, Any]:
    code, said = say("restore", backup, place, "--key", node.key, *more)
    if code == 0 and not (place / "keystore.key").exists():
        shutil.copy2(node.home / "keystore.key", place / "keystore.key")  # kept elsewhere, as the backup says
    return code, said


def test_what_was_acknowledged_before_a_backup_began_is_in_it_while_the_node_goes_on(node: Any, say: Any, tmp_path: Path) -> None:
    node.serve()
    acknowledged, over = list[str](), threading.Event()

    def load() -> None:
        while not over.is_set():
            acknowledged.extend(node.grow(2))

    loading = threading.Thread(target=load)
    loading.start()
    try:
        for number in range(3):
            before = [*acknowledged]
            code, said = say("backup", tmp_path / f"backup{number}", "--node", node.home)
            assert code == 0, said
            held = {log["log"] for log in said["logs"]}
            assert held >= {NODE, *before}
            assert sizes(tmp_path / f"backup{number}" / "ledger", node.key) == {log["log"]: log["size"] for log in said["logs"]}
    finally:
        over.set()
        loading.join()
    assert len(acknowledged) > 2
    assert not list(tmp_path.glob("*.partial"))


def test_a_key_of_another_node_is_told_by_both_names(node: Any, say: Any, tmp_path: Path) -> None:
    assert say("backup", tmp_path / "backup", "--node", node.home)[0] == 0
    key = NoteSigner("elsewhere.example", bytes(32)).verifier.text
    code, why = say("restore", tmp_path / "backup", tmp_path / "other", "--key", key)
    assert code == 3
    assert "the key of 'elsewhere.example'" in why
    assert "b'" not in why


def test_a_restored_node_starts_and_goes_on_where_the_backup_ended(node: Any, say: Any, tmp_path: Path) -> None:
    node.serve().grow()
    assert say("backup", tmp_path / "backup", "--node", node.home)[0] == 0
    node.end()
    code, said = restored(say, node, tmp_path / "backup", tmp_path / "other")
    assert (code, said["stale"], said["kept"]) == (0, [], [])
    before = sizes(tmp_path / "other" / "ledger", node.key)
    other = type(node)(tmp_path / "other").serve()
    try:
        more = other.grow(1)
    finally:
        other.end()
    after = sizes(other.home / "ledger", node.key)
    assert after.keys() == {*before, *more}
    assert all(after[name] >= size for name, size in before.items())


def test_every_file_of_a_backup_is_for_its_owner_alone_and_the_key_file_is_not_among_them(node: Any, say: Any, tmp_path: Path) -> None:
    code, said = say("backup", tmp_path / "backup", "--node", node.home)
    assert code == 0
    assert any("keystore.key" in warning for warning in said["warnings"])
    files = [path for path in (tmp_path / "backup").rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert {path.relative_to(tmp_path / "backup").as_posix() for path in files} == {
        "ledger/data.mdb", "keystore", "vienna.toml", "manifest.json",
        "tls/authority.pem", "tls/authority.key", "tls/server.pem", "tls/server.key",
    }  # fmt: skip


def test_a_backup_without_keys_holds_no_secret_and_says_so(node: Any, say: Any, tmp_path: Path) -> None:
    code, said = say("backup", tmp_path / "backup", "--node", node.home, "--without-keys")
    assert (code, said["keys"]) == (0, False)
    names = {path.name for path in (tmp_path / "backup").rglob("*")}
    assert not names & {"keystore", "keystore.key", "authority.key", "server.key"}


def test_the_manifest_names_heads_and_digests_of_the_copy_itself(node: Any, say: Any, tmp_path: Path) -> None:
    node.serve().grow()
    assert say("backup", tmp_path / "backup", "--node", node.home, "--expires", "35")[0] == 0
    manifest = manifests.read(tmp_path / "backup")
    with published.opened(tmp_path / "backup" / "ledger") as logs:
        assert {h.log: (h.size, h.root, h.checkpoint.encode()) for h in manifest.logs} == {
            name: (log.checkpoint.size, log.checkpoint.root, log.note) for name, log in logs.items()
        }
    (tmp_path / "backup" / "ledger" / "lock.mdb").unlink()
    assert manifest.files == tuple(manifests.listed(tmp_path / "backup"))
    assert manifest.expires is not None
    assert manifest.expires - manifest.made == 35 * 86_400_000_000


def test_a_directory_that_is_not_empty_is_never_written_into(node: Any, say: Any, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    target.mkdir()
    (target / "mine").write_text("mine")
    code, why = say("backup", target, "--node", node.home)
    assert (code, "not empty" in why, [path.name for path in target.iterdir()]) == (2, True, ["mine"])
    (target / "mine").unlink()
    assert say("backup", target, "--node", node.home)[0] == 0  # an empty one is as good as none
    assert say("backup", target, "--node", node.home)[0] == 2


@pytest.mark.parametrize("room", [4 << 10, 30 << 10], ids=["in the tables", "in what comes after"])
def test_a_disk_that_is_full_in_the_middle_leaves_no_half_backup(node: Any, tmp_path: Path, room: int) -> None:
    node.serve().grow(8)
    node.end()
    keystore = node.home / "keystore"
    if room > 4 << 10:  # the tables fit, the keystore does not
        room = _used(node.home / "ledger" / "data.mdb")
        keystore.write_bytes(keystore.read_bytes() + bytes(room))

    def small() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    program = [sys.executable, "-m", "vienna_runtime.cli.main", "backup", str(tmp_path / "backup"), "--node", str(node.home)]
    done = subprocess.run(program, capture_output=True, text=True, preexec_fn=small, check=False)  # no threads here
    assert done.returncode == 2, done.stderr
    assert "large" in done.stderr.lower(), done.stderr
    assert not list(tmp_path.glob("backup*"))


def _used(file: Path) -> int:
    return max(file.stat().st_blocks * 512, file.stat().st_size)


def test_a_stale_backup_is_refused_by_the_watermark_that_survived_and_nothing_is_touched(node: Any, say: Any, tmp_path: Path) -> None:
    node.serve().grow()
    assert say("backup", tmp_path / "backup", "--node", node.home)[0] == 0
    node.grow()
    node.end()
    before = _content(node.home)
    code, why = restored(say, node, tmp_path / "backup", node.home, "--replace")
    assert code == 3
    assert "is older than what was seen" in why
    assert "it must have at least" in why
    assert _content(node.home) == before
    # The same on another machine, to which only the watermark was brought.
    code, why = restored(say, node, tmp_path / "backup", tmp_path / "other", "--watermark", node.home / "watermark")
    assert (code, "is older than what was seen" in why, (tmp_path / "other").exists()) == (3, True, False)


def _content(directory: Path) -> dict[str, bytes]:
    """Every file but those that a reader of the ledger leaves."""
    names = ("lock.mdb", "writer.pid")
    return {str(path): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file() and path.name not in names}


def test_a_fork_is_recorded_on_the_nodes_log_at_its_next_start(node: Any, say: Any, tmp_path: Path) -> None:
    node.serve().grow()
    assert say("backup", tmp_path / "backup", "--node", node.home)[0] == 0
    node.grow()
    node.end()
    code, said = restored(say, node, tmp_path / "backup", node.home, "--replace", "--fork", "the disk of Monday died")
    assert code == 0
    assert said["stale"]
    assert Path(said["aside"]).is_dir()
    node.serve()
    node.end()
    assert not (node.home / "forked.json").exists()
    accepted = _accepted(node.home)
    assert [event.reason for event in accepted] == ["the disk of Monday died"]
    assert "it must have at least" in accepted[0].found
    node.serve()  # and only once
    node.end()
    assert len(_accepted(node.home)) == 1
    assert sizes(node.home / "ledger", node.key)


def _accepted(home: Path) -> list[node_law.RollbackAccepted]:
    settings = config.load(home, environ={})
    keystore = Keystore.open(settings.keystore, opener_for(settings.keystore, key_file=settings.key_file, ask=_nobody))
    from ledger import Ledger

    ledger = Ledger.open(settings.ledger, node=keystore.node, keys=LedgerKeys(keystore))
    try:
        records = ledger.read(NODE, 0, ledger.head(NODE).size)
        bodies = [ledger.open_body(NODE, record) for record in records if parse(record.entry).tag == node_law.RollbackAccepted.TAG]
    finally:
        ledger.close()
    found = [decode_node(node_law.RollbackAccepted.TAG, body) for body in bodies]
    return [event for event in found if isinstance(event, node_law.RollbackAccepted)]


def _nobody() -> Any:
    raise RuntimeError("nobody is asked here")


def test_a_fork_from_what_nobody_has_seen_more_of_is_refused(node: Any, say: Any, tmp_path: Path) -> None:
    assert say("backup", tmp_path / "backup", "--node", node.home)[0] == 0
    code, why = restored(say, node, tmp_path / "backup", tmp_path / "other", "--fork", "just so")
    assert (code, "nothing to fork from" in why, (tmp_path / "other").exists()) == (2, True, False)


@pytest.mark.parametrize("name", ["ledger/data.mdb", "keystore", "vienna.toml", "tls/server.pem", "manifest.json"])
def test_a_damaged_backup_is_refused_and_the_file_is_named(node: Any, say: Any, tmp_path: Path, name: str) -> None:
    assert say("backup", tmp_path / "backup", "--node", node.home)[0] == 0
    file = tmp_path / "backup" / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 128  # no text of the manifest holds such a byte
    file.write_bytes(content)
    code, why = restored(say, node, tmp_path / "backup", tmp_path / "other")
    assert code == 3
    assert f"{file} is damaged" in why
    assert not (tmp_path / "other").exists()


def test_a_file_that_is_missing_or_too_many_is_named(node: Any, say: Any, tmp_path: Path) -> None:
    assert say("backup", tmp_path / "backup", "--node", node.home)[0] == 0
    (tmp_path / "backup" / "keystore").rename(tmp_path / "backup" / "keys")
    code, why = restored(say, node, tmp_path / "backup", tmp_path / "other")
    assert (code, f"{tmp_path / 'backup' / 'keys'} is no part of the backup" in why) == (3, True)
    (tmp_path / "backup" / "keys").unlink()
    code, why = restored(say, node, tmp_path / "backup", tmp_path / "other")
    assert (code, f"{tmp_path / 'backup' / 'keystore'} is missing" in why) == (3, True)


def test_a_manifest_that_was_made_to_fit_does_not_help_a_changed_ledger(node: Any, say: Any, tmp_path: Path) -> None:
    node.serve().grow()
    node.end()
    assert say("backup", tmp_path / "backup", "--node", node.home)[0] == 0
    data = tmp_path / "backup" / "ledger" / "data.mdb"
    content = data.read_bytes()
    at = content.index(b"log.admitted/1")
    data.write_bytes(content[:at] + b"log.admitted/2" + content[at + 14 :])
    manifest = tmp_path / "backup" / manifests.FILE
    held = json.loads(manifest.read_bytes())
    for file in held["files"]:
        size, sha256 = manifests.digest(tmp_path / "backup" / file["path"])
        file.update(size=size, sha256=sha256.hex())
    manifest.write_text(json.dumps(held, sort_keys=True, separators=(",", ":")) + "\n")
    code, why = restored(say, node, tmp_path / "backup", tmp_path / "other")
    assert (code, "index" in why, (tmp_path / "other").exists()) == (3, True, False), why


@pytest.mark.parametrize("path", ["../outside", "/tmp/outside", ""])
def test_a_manifest_cannot_name_what_lies_outside(node: Any, say: Any, tmp_path: Path, path: str) -> None:
    assert say("backup", tmp_path / "backup", "--node", node.home)[0] == 0
    manifest = tmp_path / "backup" / manifests.FILE
    held = json.loads(manifest.read_bytes())
    held["files"][0]["path"] = path
    manifest.write_text(json.dumps(held, sort_keys=True, separators=(",", ":")) + "\n")
    code, why = restored(say, node, tmp_path / "backup", tmp_path / "other")
    assert (code, f"{manifest} is damaged" in why) == (3, True)


def forge(backup: Path, name: str, content: bytes) -> None:
    """Puts a file into a backup with a manifest that fits, as whoever keeps the backup can."""
    (backup / name).parent.mkdir(exist_ok=True)
    (backup / name).write_bytes(content)
    manifest = backup / manifests.FILE
    held = json.loads(manifest.read_bytes())
    held["files"] = [file for file in held["files"] if file["path"] != name]
    held["files"].append({"path": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()})
    manifest.write_text(json.dumps(held, sort_keys=True, separators=(",", ":")) + "\n")


@pytest.mark.parametrize(
    ("setting", "name"),
    [("data.tls", "tls/authorized_keys"), ("data.keystore", "keystore"), ("witness.policy", "witness/policy"), ("data.watermark", "tls/x")],
)
def test_the_settings_of_a_forged_backup_put_nothing_outside_the_nodes_directory(
    node: Any, say: Any, tmp_path: Path, setting: str, name: str
) -> None:
    assert say("backup", tmp_path / "backup", "--node", node.home)[0] == 0
    victim, (section, key) = tmp_path / "victim", setting.split(".")
    victim.mkdir()
    aim = victim if name.startswith("tls/auth") else victim / "file"
    forge(tmp_path / "backup", "vienna.toml", f'[{section}]\n{key} = "{aim}"\n'.encode())
    forge(tmp_path / "backup", name, b"ssh-ed25519 mallory\n")
    code, why = restored(say, node, tmp_path / "backup", tmp_path / "other")
    assert (code, f"{setting} at" in why, list(victim.iterdir())) == (2, True, []), why
    assert not (tmp_path / "other").exists()


def test_a_forged_backup_puts_no_file_beside_the_certificates(node: Any, say: Any, tmp_path: Path) -> None:
    assert say("backup", tmp_path / "backup", "--node", node.home)[0] == 0
    forge(tmp_path / "backup", "tls/more", b"mallory's\n")
    assert restored(say, node, tmp_path / "backup", tmp_path / "other")[0] == 0
    assert not (tmp_path / "other" / "tls" / "more").exists()


def test_settings_that_the_operator_put_there_may_lie_elsewhere(node: Any, say: Any, tmp_path: Path) -> None:
    assert say("backup", tmp_path / "backup", "--node", node.home)[0] == 0
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "vienna.toml").write_text(f'[data]\nwatermark = "{tmp_path / "elsewhere"}"\n')
    assert restored(say, node, tmp_path / "backup", tmp_path / "other")[0] == 0
    assert (tmp_path / "elsewhere").exists()


def test_a_ledger_that_is_there_is_not_replaced_unless_that_is_said(node: Any, say: Any, tmp_path: Path) -> None:
    assert say("backup", tmp_path / "backup", "--node", node.home)[0] == 0
    code, why = restored(say, node, tmp_path / "backup", node.home)
    assert (code, "--replace" in why) == (2, True)
    node.serve()
    code, why = restored(say, node, tmp_path / "backup", node.home, "--replace")
    assert (code, "writes to this ledger" in why) == (2, True)
    node.end()


def test_what_survived_of_the_node_stays_as_it_is(node: Any, say: Any, tmp_path: Path) -> None:
    assert say("backup", tmp_path / "backup", "--node", node.home)[0] == 0
    node.serve().grow(1)  # another key in the keystore
    node.end()
    keystore = (node.home / "keystore").read_bytes()
    code, said = restored(say, node, tmp_path / "backup", node.home, "--replace", "--fork", "back to the beginning")
    assert (code, "keystore" in said["kept"]) == (0, True)
    assert (node.home / "keystore").read_bytes() == keystore


def test_an_expired_backup_is_refused_unless_that_is_said(node: Any, say: Any, tmp_path: Path) -> None:
    assert say("backup", tmp_path / "backup", "--node", node.home, "--expires", "1")[0] == 0
    manifest = tmp_path / "backup" / manifests.FILE
    held = json.loads(manifest.read_bytes())
    held["made"] -= 10 * 86_400_000_000
    held["expires"] -= 10 * 86_400_000_000
    manifest.write_text(json.dumps(held, sort_keys=True, separators=(",", ":")) + "\n")
    code, why = restored(say, node, tmp_path / "backup", tmp_path / "other")
    assert (code, "expired on" in why) == (2, True)
    assert restored(say, node, tmp_path / "backup", tmp_path / "other", "--even-expired")[0] == 0


def test_the_restored_nodes_watermark_is_the_ledger_that_was_restored(node: Any, say: Any, tmp_path: Path) -> None:
    node.serve().grow()
    node.end()
    assert say("backup", tmp_path / "backup", "--node", node.home)[0] == 0
    assert restored(say, node, tmp_path / "backup", tmp_path / "other")[0] == 0
    manifest = manifests.read(tmp_path / "backup")
    marks = Watermark.read(tmp_path / "other" / "watermark", manifest.node).marks
    assert {name: mark.size for name, mark in marks.items()} == {head.log: head.size for head in manifest.logs}
    shutil.rmtree(tmp_path / "other" / "ledger")
    assert os.listdir(tmp_path / "other")
    assert "an old or another ledger" in type(node)(tmp_path / "other").refusal()
