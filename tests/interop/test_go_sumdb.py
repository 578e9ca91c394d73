"""Go's checksum database code and ours agree: notes, trees, proofs and tiles, each made there and checked here, and the reverse.

What was made there lies in ``tests/vectors/interop`` and is checked everywhere; the program beside this file runs where Go
and golang.org/x/mod are (Debian: golang-go golang-golang-x-mod-dev).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest

from ledger import (
    Batch,
    DataKey,
    Draft,
    Ledger,
    NoteSignature,
    NoteSigner,
    VerificationError,
    VerifierKey,
    leaf_hash,
    open_checkpoint,
    origin_of,
    verify_consistency,
    verify_inclusion,
)
from ledger.proofs import prove_consistency, prove_inclusion
from ledger.published import opened
from ledger.tile_audit import audit_tiles
from ledger.tile_export import export
from ledger.tile_paths import ENTRIES, Tile, tiles_of
from ledger.tile_reader import TileReader, directory, fold
from ledger.tiles import bundle
from ledger.tree import EMPTY_ROOT

HERE = Path(__file__).parent
VECTORS = json.loads((HERE.parent / "vectors" / "interop" / "go_sumdb.json").read_text())
LOGS = [pytest.param(log, id=log["Origin"]) for log in VECTORS["Logs"]]
GOCODE = Path("/usr/share/gocode")
LOG, NODE_NAME = "belvedere", "hofburg.example"


def entries(size: int) -> list[bytes]:
    return [b"go entry %d" % number for number in range(size)]


class Tree:
    """The plain tree over some entries, by our hashing."""

    def __init__(self, content: list[bytes]) -> None:
        self.content, self._levels = content, [[leaf_hash(entry) for entry in content]]
        while len(self._levels[-1]) > 1:
            last = self._levels[-1]
            self._levels.append([fold(last[at : at + 2]) for at in range(0, len(last) - 1, 2)])

    def node_at(self, level: int, index: int) -> bytes:
        return self._levels[level][index]

    def tile(self, tile: Tile) -> bytes:
        at, until = tile.start, tile.start + tile.width
        return bundle(self.content[at:until]) if tile.level == ENTRIES else b"".join(self._levels[8 * tile.level][at:until])


@pytest.mark.parametrize("log", LOGS)
def test_their_checkpoint_opens_and_its_root_is_the_one_we_make(log: dict[str, Any]) -> None:
    key = VerifierKey.parse(log["Key"])
    assert key.text == log["Key"]
    checkpoint = open_checkpoint(log["Checkpoint"].encode(), key)
    tree = Tree(entries(checkpoint.size))
    reader = TileReader(lambda path: tree.tile(tile) if (tile := Tile.parse(path)) else None, checkpoint.size, checkpoint.root)
    reader.check_root()
    with pytest.raises(VerificationError):
        open_checkpoint(log["Checkpoint"].replace("\n", "\r\n", 1).encode(), key)


@pytest.mark.parametrize("log", LOGS)
def test_their_proofs_are_ours_to_the_byte_and_verify(log: dict[str, Any]) -> None:
    for claim in log["Claims"]:
        size, index, proof = claim["Size"], claim["Index"], [b64decode(item) for item in claim["Proof"] or ()]
        root, tree = b64decode(claim["Root"]), Tree(entries(size)) if size <= 700 else None
        if "Leaf" in claim:
            leaf = b64decode(claim["Leaf"])
            assert leaf == leaf_hash(b"go entry %d" % index)
            verify_inclusion(leaf, index, size, proof, root)
            assert tree is None or tuple(proof) == prove_inclusion(tree.node_at, index, size)
        else:
            verify_consistency(index, size, proof, b64decode(claim["Old"]), root)
            assert tree is None or tuple(proof) == prove_consistency(tree.node_at, index, size)


@pytest.mark.parametrize("log", [pytest.param(log, id=log["Origin"]) for log in VECTORS["Logs"] if log["Tiles"]])
def test_their_tiles_have_our_names_and_our_bytes(log: dict[str, Any]) -> None:
    size = int(log["Checkpoint"].split("\n")[1])
    tree = Tree(entries(size))
    ours = {tile.path: b64encode(hashlib.sha256(tree.tile(tile)).digest()).decode() for tile in tiles_of(size)}
    assert ours == log["Tiles"]


# From here on with Go itself.


@pytest.fixture(scope="session")
def interop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    go = shutil.which("go")
    if go is None or not (GOCODE / "src/golang.org/x/mod/sumdb").is_dir():
        pytest.skip("Go and golang.org/x/mod are not installed here (Debian: golang-go golang-golang-x-mod-dev); the vectors are checked")
    place = tmp_path_factory.mktemp("go")
    own = {"GO111MODULE": "off", "GOPATH": str(GOCODE), "GOCACHE": str(place / "cache"), "GOFLAGS": "", "GOTOOLCHAIN": "local"}
    built = [go, "build", "-o", str(place / "interop"), str(HERE / "interop.go")]
    subprocess.run(built, check=True, env={**os.environ, **own}, cwd=place, timeout=300)
    return place / "interop"


def run(program: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(program), *arguments], input=given, capture_output=True, text=True, timeout=120, check=False)


class Keys:
    """Every key derived from its name."""

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
        return NoteSigner(origin_of(NODE_NAME, log), hashlib.sha256(f"checkpoint key {log}".encode()).digest())


def exported(tmp_path: Path, size: int) -> tuple[Path, list[dict[str, Any]]]:
    """A ledger of ours as tiles, and every proof of it as claims."""
    ledger = Ledger.open(tmp_path / "ledger", node=NODE_NAME, keys=Keys())
    ledger.create(LOG, time=1, actor="operator")
    ledger.append_many([Batch(LOG, 0, tuple(Draft("word.said/1", 10 + number, "ada", b"") for number in range(size)))])
    leaves = ledger.leaf_hashes(LOG, 0, size)
    text = {"Size": size, "Root": said(ledger.head(LOG).root)}
    claims = [
        *(
            {**text, "Index": at, "Leaf": said(leaves[at]), "Proof": [said(h) for h in ledger.prove_inclusion(LOG, at, size)]}
            for at in range(size)
        ),
        *(
            {**text, "Index": at, "Old": said(ledger.root_at(LOG, at)), "Proof": [said(h) for h in ledger.prove_consistency(LOG, at, size)]}
            for at in range(1, size + 1)
        ),
    ]
    ledger.close()
    with opened(tmp_path / "ledger") as logs:
        export(logs[LOG], tmp_path / "out")
    return tmp_path / "out", claims


def said(data: bytes) -> str:
    return b64encode(data).decode()


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 700])
def test_go_opens_our_checkpoint_and_proves_every_entry_and_every_size_by_our_tiles(interop: Path, tmp_path: Path, size: int) -> None:
    out, claims = exported(tmp_path, size)
    found = run(interop, "read", str(out), Keys().verifier(LOG).text)
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout) == {"size": size, "records": size, "trees": size}
    found = run(interop, "proofs", given=json.dumps(claims))
    assert (found.returncode, found.stdout) == (0, f"{2 * size}\n"), found.stderr


def test_go_refuses_what_we_refuse(interop: Path, tmp_path: Path) -> None:
    out, claims = exported(tmp_path, 300)
    claims[7]["Leaf"] = claims[8]["Leaf"]
    assert "claim 7" in run(interop, "proofs", given=json.dumps(claims)).stderr
    assert run(interop, "read", str(out), Keys().verifier("schoenbrunn").text).returncode == 1
    for name in ("checkpoint", "tile/0/000", "tile/1/000.p/1", "tile/entries/001.p/44"):
        whole = (out / name).read_bytes()
        (out / name).write_bytes(whole[:30] + bytes([whole[30] ^ 1]) + whole[31:])
        assert run(interop, "read", str(out), Keys().verifier(LOG).text).returncode == 1, name
        with pytest.raises(VerificationError):
            audit_tiles(out, open_checkpoint((out / "checkpoint").read_bytes(), Keys().verifier(LOG)))
        (out / name).write_bytes(whole)


@pytest.mark.parametrize("size", [1, 256, 700, 66_000])
def test_we_verify_a_log_that_go_made(interop: Path, tmp_path: Path, size: int) -> None:
    found = run(interop, "make", str(tmp_path), "go.example/log", str(size))
    assert found.returncode == 0, found.stderr
    key = VerifierKey.parse(found.stdout.strip())
    checkpoint = open_checkpoint((tmp_path / "checkpoint").read_bytes(), key)
    audited = audit_tiles(tmp_path, checkpoint)
    assert (audited.size, audited.beyond) == (size, 0)
    assert audited.files == len(list(tiles_of(size)))
    reader = TileReader(directory(tmp_path), checkpoint.size, checkpoint.root)
    assert reader.entry(size // 2) == b"go entry %d" % (size // 2)
    assert reader.prove_consistency(0, EMPTY_ROOT) == ()


def test_the_vectors_are_what_go_makes(interop: Path) -> None:
    assert json.loads(run(interop, "vectors").stdout) == VECTORS
