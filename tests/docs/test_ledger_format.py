"""A verifier written from ``docs/ledger-format.md`` alone, with public libraries and nothing of ours, agrees about a real ledger.

What it needed and did not find in the document would have been a gap there.
"""

from __future__ import annotations

import struct
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any
from zlib import crc32

import attrs
import lmdb
import msgpack
import pytest
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from ledger import Batch, DataKey, Draft, Ledger, NoteSignature, NoteSigner, Receipt, VerifierKey, origin_of

NODE = "hofburg.example"
FIELDS = ["version", "tag", "tenant", "sequence", "time", "actor", "case", "step", "previous", "follows", "commitment"]


# --- as the document says


class Wrong(Exception):
    pass


def require(holds: bool, what: str) -> None:
    if not holds:
        raise Wrong(what)


def root(frontier: list[bytes]) -> bytes:
    if not frontier:
        return sha256(b"").digest()
    found = frontier[-1]
    for left in reversed(frontier[:-1]):
        found = sha256(b"\x01" + left + found).digest()
    return found


def append(frontier: list[bytes], size: int, entry: bytes) -> list[bytes]:
    """The hashes that the leaf completes, itself first."""
    node = sha256(b"\x00" + entry).digest()
    completed = [node]
    while size & 1:
        node = sha256(b"\x01" + frontier.pop() + node).digest()
        completed.append(node)
        size >>= 1
    frontier.append(node)
    return completed


def signed_head(note: bytes, verifier_key: str) -> tuple[int, bytes]:
    """Size and root of a checkpoint, if that key signed it and it is its own log's."""
    name, key_id, encoded = verifier_key.split("+", 2)
    public = b64decode(encoded, validate=True)
    require(sha256(name.encode() + b"\n" + public).digest()[:4].hex() == key_id, "the key id is another key's")
    text, signatures = note.decode().split("\n\n")
    lines = [line.split(" ") for line in signatures.splitlines()]
    ours = [b64decode(line[2]) for line in lines if line[1] == name and b64decode(line[2])[:4].hex() == key_id]
    require(len(ours) == 1, "the checkpoint is not signed by the key")
    try:
        VerifyKey(public[1:]).verify(text.encode() + b"\n", ours[0][4:])
    except BadSignatureError:
        raise Wrong("the signature is over another checkpoint") from None
    origin, size, encoded_root = text.split("\n")
    require(origin == name, "a checkpoint of another log")
    return int(size), b64decode(encoded_root)


def verify(path: Path, verifier_key: str) -> dict[str, int]:
    """The size of every log in the directory, or ``Wrong``."""
    env = lmdb.open(str(path), readonly=True, lock=False, max_dbs=16)
    tables = {name: env.open_db(name.encode(), create=False) for name in ("entries", "bodies", "cases", "logs", "commitments")}
    try:
        with env.begin() as txn:
            rows = {key[1:].decode(): msgpack.unpackb(row) for key, row in txn.cursor(tables["logs"])}
            told = Told()
            sizes = {"": _log(txn, tables, "", 0, rows[""], verifier_key, told, {})}
            require(set(rows) == {"", *told.keys}, "the logs are not the admitted ones")
            for number, (name, key) in enumerate(told.keys.items(), 1):
                sizes[name] = _log(txn, tables, name, number, rows[name], key, None, told.committed.get(sha256(name.encode()).digest(), {}))
            return sizes
    finally:
        env.close()


@attrs.define
class Told:
    """What the node's log says of the others, in the order of admission."""

    keys: dict[str, str] = attrs.Factory(dict)
    committed: dict[bytes, dict[int, bytes]] = attrs.Factory(dict)


def _log(txn: Any, tables: Any, name: str, number: int, row: list[Any], key: str, told: Told | None, committed: dict[int, bytes]) -> int:
    stated_id, size, stated_frontier, last, _, _, checkpoint = row
    require(stated_id == number, "the log has another number")
    frontier: list[bytes] = []
    previous = bytes(32)
    for sequence in range(size):
        place = struct.pack(">IQ", number, sequence)
        value = txn.get(place, db=tables["entries"])
        require(value is not None, f"entry {sequence} of {name!r} is missing")
        nodes = ((sequence + 1) & -(sequence + 1)).bit_length()  # itself, and one for each trailing zero bit of sequence + 1
        entry = value[32 * nodes :]
        header = msgpack.unpackb(entry)
        require(msgpack.packb(header) == entry and list(header)[:11] == FIELDS, f"entry {sequence} of {name!r} is no header")
        require((header["tenant"], header["sequence"], header["previous"]) == (name, sequence, previous), "out of its place")
        require(b"".join(append(frontier, sequence, entry)) == value[: 32 * nodes], f"a node of entry {sequence} is another")
        previous = sha256(b"\x00" + entry).digest()
        if header["case"]:
            case = header["case"].encode()
            steps = struct.pack(">I", number) + bytes([len(case)]) + case + struct.pack(">QQ", header["step"], sequence)
            require(txn.get(steps, db=tables["cases"]) is not None, "missing from the index of its case")
        body = txn.get(place, db=tables["bodies"])
        require(body is not None and body[:4] == struct.pack(">I", crc32(body[4:])), f"the body of entry {sequence} is damaged")
        if sequence + 1 in committed:
            require(committed[sequence + 1] == root(frontier), "the node committed to another root")
        if told is not None:
            _heed(txn, tables, header, told)
    require((frontier, previous) == (list(stated_frontier), last if size else bytes(32)), "the end is another")
    require(signed_head(checkpoint, key) == (size, root(frontier)), "the checkpoint is of another tree")
    return size


def _heed(txn: Any, tables: Any, header: dict[str, Any], told: Told) -> None:
    public = header.get("public", {})
    if header["tag"] == "log.admitted/1":
        require(public["id"] == len(told.keys) + 1, "admitted out of turn")
        told.keys[public["tenant"]] = public["verifier"]
    elif header["tag"] == "log.heads/1":
        packed = txn.get(struct.pack(">Q", header["sequence"]), db=tables["commitments"])
        leaves = [packed[at : at + 72] for at in range(0, len(packed), 72)]
        frontier: list[bytes] = []
        for index, leaf in enumerate(leaves):
            append(frontier, index, leaf)
        require((public["count"], public["root"]) == (len(leaves), root(frontier)), "the leaves are not the committed ones")
        for leaf in leaves:
            told.committed.setdefault(leaf[:32], {})[struct.unpack(">Q", leaf[32:40])[0]] = leaf[40:]


# --- against the real one


class Keys:
    """Checkpoint and data keys in memory."""

    def _signer(self, log: str) -> NoteSigner:
        return NoteSigner(origin_of(NODE, log), sha256(f"checkpoint key of {log}".encode()).digest())

    def sign(self, log: str, message: bytes) -> list[NoteSignature]:
        return [self._signer(log).sign(message)]

    def verifier(self, log: str) -> VerifierKey:
        return self._signer(log).verifier

    def verifiers(self, log: str) -> tuple[VerifierKey, ...]:
        return (self.verifier(log),)

    def data_key(self, log: str, month: str) -> DataKey:
        return DataKey(sha256(f"id of {log} {month}".encode()).digest()[:8], sha256(f"data key of {log} {month}".encode()).digest())

    def data_key_by_id(self, log: str, key_id: bytes) -> DataKey | None:
        return None


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "ledger"
    made = Ledger.open(path, node=NODE, keys=Keys())
    for tenant in ("belvedere", "schoenbrunn"):
        made.create(tenant, time=1, actor="operator:olga")
        for size in range(0, 21, 3):
            drafts = tuple(
                Draft(tag="intent.proposed/1", time=size + more + 2, actor="ada", body=b"body %d" % more, case=f"c{size}", step=more + 1)
                for more in range(3)
            )
            (answer,) = made.append_many([Batch(tenant, size, drafts)])
            assert isinstance(answer, Receipt)
        made.commit_heads(time=30, actor="scribe")
    made.close()
    return path


def test_a_verifier_made_from_the_document_agrees(directory: Path) -> None:
    sizes = verify(directory, Keys().verifier("").text)
    assert sizes["belvedere"] == sizes["schoenbrunn"] == 21
    assert sizes[""] >= 4  # two admissions, two commitments


def test_it_is_not_content_with_another_key(directory: Path) -> None:
    with pytest.raises(Wrong, match="signed"):
        verify(directory, NoteSigner(NODE, bytes(32)).verifier.text)


@pytest.mark.parametrize(("table", "what"), [("entries", "header|node|place"), ("bodies", "damaged")])
def test_it_finds_a_changed_byte(directory: Path, table: str, what: str) -> None:
    env = lmdb.open(str(directory), max_dbs=16)
    place = struct.pack(">IQ", 1, 7)
    with env.begin(write=True) as txn:
        opened = env.open_db(table.encode(), txn=txn)
        value = bytearray(txn.get(place, db=opened))
        value[-1] ^= 1
        txn.put(place, bytes(value), db=opened)
    env.close()
    with pytest.raises(Wrong, match=what):
        verify(directory, Keys().verifier("").text)


def test_a_checkpoint_reads_as_the_document_shows_it(directory: Path) -> None:
    env = lmdb.open(str(directory), readonly=True, lock=False, max_dbs=16)
    logs = env.open_db(b"logs", create=False)
    with env.begin() as txn:
        note = msgpack.unpackb(txn.get(b"/belvedere", db=logs))[-1].decode()
    env.close()
    lines = note.split("\n")
    assert lines[:2] == [f"{NODE}/belvedere", "21"]
    assert b64encode(b64decode(lines[2])).decode() == lines[2]
    assert lines[3] == ""
    assert lines[4].startswith(f"— {NODE}/belvedere ")
    assert lines[5:] == [""]
