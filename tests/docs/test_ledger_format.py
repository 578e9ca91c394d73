"""A verifier written from ``docs/ledger-format.md`` alone, with public libraries and nothing of ours, agrees about a real ledger.

What it needed and did not find in the document would have been a gap there.
"""

from __future__ import annotations

import struct
from base64 import b64decode, b64encode
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from zlib import crc32

import attrs
import lmdb
import msgpack
import pytest
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from ledger import Batch, DataKey, Draft, Ledger, NoteSignature, NoteSigner, Receipt, VerifierKey, origin_of, rotation

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


def parsed(verifier_key: str) -> tuple[str, bytes]:
    """Name and public key."""
    name, key_id, encoded = verifier_key.split("+", 2)
    public = b64decode(encoded, validate=True)
    require(sha256(name.encode() + b"\n" + public).digest()[:4].hex() == key_id, "the key id is another key's")
    return name, public[1:]


def signed(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        VerifyKey(public).verify(message, signature)
    except BadSignatureError:
        return False
    return True


def signed_head(note: bytes, name: str, keys: list[Key]) -> tuple[int, bytes]:
    """Size and root of a checkpoint, if a key that counts at that size signed it and it is its own log's."""
    text, signatures = note.decode().split("\n\n")
    origin, size, encoded_root = text.split("\n")
    by = []
    for line in signatures.splitlines():
        _, signer, encoded = line.split(" ")
        for key in keys:
            if signer == name and b64decode(encoded)[:4] == sha256(name.encode() + b"\n\x01" + key.public).digest()[:4]:
                require(signed(key.public, text.encode() + b"\n", b64decode(encoded)[4:]), "the signature is over another checkpoint")
                by.append(key)
    require(bool(by), "the checkpoint is not signed by the key")
    require(any(key.until is None or int(size) <= key.until for key in by), "the checkpoint is signed by a key that was replaced")
    require(origin == name, "a checkpoint of another log")
    return int(size), b64decode(encoded_root)


def verify(path: Path, verifier_key: str) -> dict[str, int]:
    """The size of every log in the directory, or ``Wrong``."""
    env = lmdb.open(str(path), readonly=True, lock=False, max_dbs=16)
    tables = {name: env.open_db(name.encode(), create=False) for name in ("entries", "bodies", "cases", "logs", "commitments")}
    try:
        with env.begin() as txn:
            rows = {key[1:].decode(): msgpack.unpackb(row) for key, row in txn.cursor(tables["logs"])}
            node, given = parsed(verifier_key)
            told = Told(node, given)
            sizes = {"": _log(txn, tables, "", 0, rows[""], told, {})}
            require(set(rows) == {"", *told.keys}, "the logs are not the admitted ones")
            for number, name in enumerate(told.keys, 1):
                sizes[name] = _log(txn, tables, name, number, rows[name], told, told.committed.get(sha256(name.encode()).digest(), {}))
            return sizes
    finally:
        env.close()


@attrs.define
class Key:
    public: bytes
    until: int | None = None  # the largest size that it may sign alone


@attrs.define
class Told:
    """What the node's log says of the others, in the order of admission, and of its own keys; each log's oldest key first."""

    node: str
    given: bytes
    own: list[Key] = attrs.Factory(list)
    keys: dict[str, list[Key]] = attrs.Factory(dict)
    issuers: dict[str, list[bytes]] = attrs.Factory(dict)
    committed: dict[bytes, dict[int, bytes]] = attrs.Factory(dict)

    def of(self, name: str) -> tuple[str, list[Key]]:
        """The origin and the keys that count."""
        if name:
            return f"{self.node}/{name}", self.keys[name]
        chain = self.own or [Key(self.given)]
        places = [place for place, key in enumerate(chain) if key.public == self.given]
        require(bool(places), "the given key is none of the node's")
        return self.node, chain[places[0] :]


def _log(txn: Any, tables: Any, name: str, number: int, row: list[Any], told: Told, committed: dict[int, bytes]) -> int:
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
        if not name:
            _heed(txn, tables, header, told)
    require((frontier, previous) == (list(stated_frontier), last if size else bytes(32)), "the end is another")
    require(signed_head(checkpoint, *told.of(name)) == (size, root(frontier)), "the checkpoint is of another tree")
    return size


def _heed(txn: Any, tables: Any, header: dict[str, Any], told: Told) -> None:
    public = header.get("public", {})
    if header["tag"] == "log.admitted/1":
        require(public["id"] == len(told.keys) + 1, "admitted out of turn")
        name, key = parsed(public["verifier"])
        require(name == public["origin"] == f"{told.node}/{public['tenant']}", "admitted under another name")
        told.keys[public["tenant"]], told.issuers[public["tenant"]] = [Key(key)], [public.get("issuer", b"")]
    elif header["tag"] == "log.rotated/1":
        _rotated(header, public, told)
    elif header["tag"] == "log.heads/1":
        packed = txn.get(struct.pack(">Q", header["sequence"]), db=tables["commitments"])
        leaves = [packed[at : at + 72] for at in range(0, len(packed), 72)]
        frontier: list[bytes] = []
        for index, leaf in enumerate(leaves):
            append(frontier, index, leaf)
        require((public["count"], public["root"]) == (len(leaves), root(frontier)), "the leaves are not the committed ones")
        for leaf in leaves:
            told.committed.setdefault(leaf[:32], {})[struct.unpack(">Q", leaf[32:40])[0]] = leaf[40:]


def _rotated(header: dict[str, Any], public: dict[str, Any], told: Told) -> None:
    fields = {name: public[name] for name in sorted(public) if not name.startswith("signed_by_")}
    require(list(fields) == ["compromised", "key", "kind", "origin", "previous", "size", "tenant"], "a rotation of other fields")
    message = b"vienna/rotation/1\0" + msgpack.packb(fields)
    for whose in ("previous", "key"):
        require(signed(public[whose], message, public[f"signed_by_{whose}"]), f"a rotation that {whose} did not sign")
    name = public["tenant"]
    require(public["origin"] == (f"{told.node}/{name}" if name else told.node), "a rotation of another log")
    if public["kind"] == "issuer":
        known = told.issuers[name]
        require(public["previous"] == known[-1] and public["key"] not in known, "no next link of the issuer's keys")
        known.append(public["key"])
        return
    require(bool(name) or public["size"] == header["sequence"], "a rotation that names another place than its own")
    if not name and not told.own:
        told.own.append(Key(public["previous"]))
    chain = told.keys[name] if name else told.own
    require(public["previous"] == chain[-1].public and public["key"] not in [key.public for key in chain], "no next link of the keys")
    chain[-1].until = public["size"] + (not name)
    chain.append(Key(public["key"]))


# --- against the real one


class Keys:
    """Checkpoint and data keys in memory."""

    def __init__(self, turn: int = 0) -> None:
        self.turn = turn  # which of each log's keys signs

    def seed(self, log: str) -> bytes:
        return sha256(f"checkpoint key of {log} {self.turn}".encode()).digest()

    def _signer(self, log: str) -> NoteSigner:
        return NoteSigner(origin_of(NODE, log), self.seed(log))

    def hand_over(self, ledger: Ledger, *logs: str) -> None:
        """To the next key of each of these logs, which have to be all that grow from then on."""
        for log in logs:
            old, new = SigningKey(self.seed(log)), SigningKey(Keys(self.turn + 1).seed(log))
            change = rotation.Rotation(
                kind=rotation.Kind.CHECKPOINT,
                log=log,
                origin=origin_of(NODE, log),
                previous=bytes(old.verify_key),
                key=bytes(new.verify_key),
                size=ledger.head(log).size,
            )
            public = rotation.compose(change, by_previous=partial(_sign, old), by_key=partial(_sign, new))
            assert ledger.rotate(public, time=40, actor="operator:olga").log == ""
        self.turn += 1
        for log in logs:
            ledger.sign_again(log)

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


def _sign(key: SigningKey, message: bytes) -> bytes:
    return key.sign(message).signature


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


def test_it_follows_the_keys_from_the_first_of_the_node_and_from_a_later_one(directory: Path) -> None:
    keys = Keys()
    made = Ledger.open(directory, node=NODE, keys=keys)
    for _ in range(2):
        keys.hand_over(made, "belvedere", "schoenbrunn", "")  # the node's own last: its old key signs the entries of all
        drafts = (Draft(tag="intent.proposed/1", time=50, actor="ada", body=b"more"),)
        made.append_many([Batch("belvedere", made.head("belvedere").size, drafts)])
        made.commit_heads(time=60, actor="scribe")
    made.close()
    for turn in range(3):
        assert verify(directory, Keys(turn).verifier("").text)["belvedere"] == 23
    with pytest.raises(Wrong, match="none of the node's"):
        verify(directory, Keys(3).verifier("").text)


def test_it_refuses_a_log_that_went_on_under_a_key_that_was_replaced(directory: Path) -> None:
    keys = Keys()
    made = Ledger.open(directory, node=NODE, keys=keys)
    keys.hand_over(made, "belvedere", "schoenbrunn", "")
    keys.turn = 0
    made.append_many([Batch("belvedere", 21, (Draft(tag="intent.proposed/1", time=50, actor="ada", body=b"more"),))])
    made.close()
    with pytest.raises(Wrong, match="replaced"):
        verify(directory, Keys().verifier("").text)


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
