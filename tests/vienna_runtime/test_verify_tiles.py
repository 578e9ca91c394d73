"""One key checks what was exported: a log by its own, everything by the node's, and a rotated key is followed."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from ledger import NODE, Batch, DataKey, Draft, Ledger, NoteSignature, NoteSigner, VerificationError, VerifierKey, origin_of, rotation
from ledger.cosignature import Cosigner
from ledger.published import opened
from ledger.rotation import Kind, Rotation
from ledger.tile_export import export
from ledger.tile_heads import compose, parse
from vienna_runtime.verify_tiles import Report, is_there, verify_tiles

NODE_NAME = "hofburg.example"
WITNESS = Cosigner("emil.example", b"w" * 32)


class Keys:
    """Every key derived from its name."""

    def sign(self, log: str, message: bytes) -> list[NoteSignature]:
        return [signer(log).sign(message)]

    def verifier(self, log: str) -> VerifierKey:
        return signer(log).verifier

    def verifiers(self, log: str) -> tuple[VerifierKey, ...]:
        return (signer(log).verifier,)

    def data_key(self, log: str, month: str) -> DataKey:
        return DataKey(sha256(f"{log} {month}".encode()).digest()[:8], sha256(month.encode()).digest())

    def data_key_by_id(self, log: str, key_id: bytes) -> DataKey | None:
        return None


def signer(log: str) -> NoteSigner:
    return NoteSigner(origin_of(NODE_NAME, log), sha256(f"checkpoint key {log}".encode()).digest())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Belvedere with 300 entries and an empty schoenbrunn, exported below one directory as ``--all`` does."""
    place = tmp_path_factory.mktemp("made")
    ledger = Ledger.open(place / "ledger", node=NODE_NAME, keys=Keys())
    for tenant in ("belvedere", "schoenbrunn"):
        ledger.create(tenant, time=1, actor="operator")
    for at in (0, 150):
        ledger.append_many([Batch("belvedere", at, tuple(Draft("word.said/1", 10 + at + number, "ada", b"") for number in range(150)))])
        ledger.commit_heads(time=400 + at, actor="node")
        ledger.close()
        with opened(place / "ledger") as logs:
            export(logs["belvedere"], place / ("earlier" if at == 0 else "later"))
        ledger = Ledger.open(place / "ledger", node=NODE_NAME, keys=Keys())
    ledger.close()
    with opened(place / "ledger") as logs:
        for log in logs.values():
            export(log, place / "out" / log.checkpoint.origin)
    return place / "out"


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "out"))


def verified(path: Path, log: str = NODE) -> Report:
    key = signer(log).verifier
    assert is_there(path, key)
    return verify_tiles(path, key, progress=lambda *_: None)


def test_the_nodes_key_checks_every_log_below(out: Path) -> None:
    for place in (out, out / NODE_NAME):
        report = verified(place)
        assert {log.log: log.audited.size for log in report.logs} == {NODE: 4, "belvedere": 300, "schoenbrunn": 0}
        assert report.absent == ()
        assert report.committed
        assert {log.log: (log.commitments, log.beyond) for log in report.logs} == {NODE: (0, 0), "belvedere": (2, 0), "schoenbrunn": (0, 0)}


def test_the_nodes_key_checks_one_tenants_log_by_the_nodes_above_it(out: Path) -> None:
    report = verified(out / NODE_NAME / "belvedere")
    assert [log.log for log in report.logs] == [NODE, "belvedere"]


def test_a_logs_own_key_checks_it_wherever_it_lies(out: Path, tmp_path: Path) -> None:
    shutil.copytree(out / NODE_NAME / "belvedere", tmp_path / "alone")
    assert [log.log for log in verified(tmp_path / "alone", "belvedere").logs] == ["belvedere"]
    with pytest.raises(VerificationError, match=r"says nothing about .* alone"):
        verified(tmp_path / "alone")


def test_a_log_that_is_not_there_is_said(out: Path) -> None:
    shutil.rmtree(out / NODE_NAME / "schoenbrunn")
    assert verified(out).absent == ("schoenbrunn",)


def test_another_key_does_not_check_it(out: Path) -> None:
    with pytest.raises(VerificationError, match="the key is of"):
        verify_tiles(out / NODE_NAME, NoteSigner("elsewhere.example", b"m" * 32).verifier, progress=lambda *_: None)
    for place, name in ((NODE_NAME, NODE_NAME), (f"{NODE_NAME}/belvedere", f"{NODE_NAME}/belvedere")):
        with pytest.raises(VerificationError, match="signed by none of the known keys"):
            verify_tiles(out / place, NoteSigner(name, b"m" * 32).verifier, progress=lambda *_: None)


def test_tenants_exchanged_for_each_other_are_found(out: Path) -> None:
    one, other = out / NODE_NAME / "belvedere", out / NODE_NAME / "schoenbrunn"
    one.rename(out / "aside")
    other.rename(one)
    (out / "aside").rename(other)
    with pytest.raises(VerificationError):
        verified(out)


@pytest.mark.parametrize(
    "name", ["checkpoint", "tile/0/000.p/4", "tile/entries/000.p/4", "heads/000.p/4", "belvedere/tile/0/000", "belvedere/checkpoint"]
)
def test_a_changed_file_is_named_with_the_directory_it_lies_in(out: Path, name: str) -> None:
    path = out / NODE_NAME / name
    whole = bytearray(path.read_bytes())
    whole[-9] ^= 2
    path.write_bytes(whole)
    with pytest.raises(VerificationError, match=str(path.parent).split("/tile")[0].split("/heads")[0]):
        verified(out)


def test_every_byte_of_what_the_node_committed_to_counts(out: Path) -> None:
    path = out / NODE_NAME / "heads/000.p/4"
    whole = path.read_bytes()
    assert len(whole) == 4 * 4 + 2 * 72
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        with pytest.raises(VerificationError):
            verified(out)


@pytest.mark.parametrize("width", [2, 3])
def test_every_byte_of_an_earlier_width_counts_too(out: Path, width: int) -> None:
    lists = parse((out / NODE_NAME / "heads/000.p/4").read_bytes(), 4)
    path = out / NODE_NAME / f"heads/000.p/{width}"
    whole = compose(lists[:width])
    path.write_bytes(whole)
    verified(out)
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        with pytest.raises(VerificationError, match=rf"heads/000\.p/{width}"):
            verified(out)


def test_what_a_later_checkpoint_will_vouch_for_may_lie_there_and_nothing_else(out: Path) -> None:
    heads = out / NODE_NAME / "heads"
    (heads / "000").write_bytes((heads / "000.p/4").read_bytes() + bytes(4 * 252))
    (heads / "001.p").mkdir()
    (heads / "001.p/1").write_bytes(bytes(4))
    verified(out)
    (heads / "notes.txt").write_bytes(b"")
    with pytest.raises(VerificationError, match=r"heads/notes\.txt is no list of leaves"):
        verified(out)


@pytest.mark.parametrize("change", [b"", b"more", None])
def test_leaves_that_are_cut_missing_or_too_many_are_found(out: Path, change: bytes | None) -> None:
    path = out / NODE_NAME / "heads/000.p/4"
    if change is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes() + change if change else b"")
    with pytest.raises(VerificationError, match=r"heads/000\.p/4"):
        verified(out)


def test_a_log_that_was_rewritten_by_its_own_key_is_found_by_what_the_node_committed_to(out: Path, tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "ledger", node=NODE_NAME, keys=Keys())
    ledger.create("belvedere", time=1, actor="operator")
    ledger.append_many([Batch("belvedere", 0, tuple(Draft("word.said/1", 11 + number, "ada", b"") for number in range(300)))])
    ledger.close()
    shutil.rmtree(out / NODE_NAME / "belvedere")
    with opened(tmp_path / "ledger") as logs:
        export(logs["belvedere"], out / NODE_NAME / "belvedere")
    assert verified(out / NODE_NAME / "belvedere", "belvedere").logs[0].audited.size == 300  # its own key alone does not tell
    with pytest.raises(VerificationError, match="index 149: the node committed to another root at this size"):
        verified(out)


def test_a_log_exported_earlier_than_the_nodes_is_no_fault_and_is_said(out: Path, made: Path) -> None:
    shutil.copytree(made.parent / "earlier", out / NODE_NAME / "belvedere", dirs_exist_ok=True)
    (tenant,) = [log for log in verified(out).logs if log.log == "belvedere"]
    assert (tenant.audited.size, tenant.commitments, tenant.beyond) == (150, 1, 1)


def test_without_what_lies_beside_the_tiles_it_is_said_that_nothing_was_compared(out: Path) -> None:
    shutil.rmtree(out / NODE_NAME / "heads")
    assert not verified(out).committed


class TurningKeys(Keys):
    """A keystore whose logs take on new keys, newest first."""

    def __init__(self) -> None:
        self.seeds: dict[str, list[bytes]] = {log: [sha256(f"checkpoint key {log}".encode()).digest()] for log in (NODE, "belvedere")}

    def sign(self, log: str, message: bytes) -> list[NoteSignature]:
        return [self._signer(log).sign(message)]

    def verifier(self, log: str) -> VerifierKey:
        return self._signer(log).verifier

    def verifiers(self, log: str) -> tuple[VerifierKey, ...]:
        return (self.verifier(log),)

    def hand_over(self, ledger: Ledger, log: str, seed: bytes) -> None:
        old, new = SigningKey(self.seeds[log][0]), SigningKey(seed)
        change = Rotation(
            kind=Kind.CHECKPOINT,
            log=log,
            origin=origin_of(NODE_NAME, log),
            previous=bytes(old.verify_key),
            key=bytes(new.verify_key),
            size=ledger.head(log).size,
        )
        public = rotation.compose(change, by_previous=lambda m: old.sign(m).signature, by_key=lambda m: new.sign(m).signature)
        ledger.rotate(public, time=2, actor="operator")
        self.seeds[log].insert(0, seed)
        ledger.sign_again(log)

    def _signer(self, log: str) -> NoteSigner:
        return NoteSigner(origin_of(NODE_NAME, log), self.seeds[log][0])


@pytest.mark.parametrize("cosigned_before", [False, True])
def test_the_nodes_first_key_leads_to_every_key_that_took_over(tmp_path: Path, cosigned_before: bool) -> None:
    keys = TurningKeys()
    first, tenants_first = keys.verifier(NODE), keys.verifier("belvedere")
    ledger = Ledger.open(tmp_path / "ledger", node=NODE_NAME, keys=keys)
    ledger.create("belvedere", time=1, actor="operator")
    for seed in (b"1" * 32, b"2" * 32):
        at = ledger.head("belvedere").size
        ledger.append_many([Batch("belvedere", at, (Draft("word.said/1", 10, "ada", b""),))])
        for name in (NODE, "belvedere") if cosigned_before else ():
            note = ledger.head(name).checkpoint
            text = note.decode().partition("\n\n")[0] + "\n"
            ledger.put_witnessed(name, note + WITNESS.cosign(text, 1).line().encode())
        keys.hand_over(ledger, "belvedere", seed)
        keys.hand_over(ledger, NODE, bytes(reversed(seed[:31])) + b"n")
    ledger.close()
    with opened(tmp_path / "ledger") as logs:
        for log in logs.values():
            export(log, tmp_path / "out" / log.checkpoint.origin)
    for key in (first, keys.verifier(NODE)):
        report = verify_tiles(tmp_path / "out", key, progress=lambda *_: None)
        assert [log.audited.size for log in report.logs] == [5, 2]
    alone = tmp_path / "out" / NODE_NAME / "belvedere"
    verify_tiles(alone, keys.verifier("belvedere"), progress=lambda *_: None)
    with pytest.raises(VerificationError, match="none of the known keys"):
        verify_tiles(alone, tenants_first, progress=lambda *_: None)  # only the node's log says what took over from it
