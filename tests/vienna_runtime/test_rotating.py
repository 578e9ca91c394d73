from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from actors.governance.signing import Purpose as SigningPurpose
from actors.governance.signing import signed_bytes, verifies
from ledger import NODE, Batch, CommitFailed, Draft, Ledger, VerificationError, VerifierKey, rotation, verify_directory
from ledger.cosignature import Cosigner
from ledger.key_chain import follow, gather
from ledger.rotation import Kind
from vienna_runtime import rotating
from vienna_runtime.admission import public_part
from vienna_runtime.errors import UnknownOwnerError
from vienna_runtime.keyring import Purpose, State
from vienna_runtime.keystore import Keystore
from vienna_runtime.ledger_keys import LedgerKeys
from vienna_runtime.rotating import DAY, Wanted, retire, rotate, settle
from vienna_runtime.sealing import RawKey
from vienna_runtime.secret import Secret

KEY = RawKey(Secret(b"k" * 32))
LOGS = pytest.mark.parametrize("log", [NODE, "belvedere"])


class Crash(BaseException):
    """The process is gone."""


class Place:
    """A node's keystore and ledger, which can be left at any write point and come back to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 1000
        self.points: list[tuple[str, int]] = []  # which pass of which write point ends the process, or fails
        self.failure: BaseException = Crash()
        self.keystore = Keystore.create(path / "keystore", KEY, node="vienna.local", now=lambda: self.now)
        self.keystore.admit_tenant("belvedere")
        self.node_key = LedgerKeys(self.keystore).verifier(NODE)
        self.open()
        self.ledger.create("belvedere", public=public_part(self.keystore.issuer_public("belvedere")), time=1, actor="operator")
        self.grow()

    def open(self) -> None:
        self.keystore = Keystore.open(self.path / "keystore", KEY, now=lambda: self.now)
        self.ledger = Ledger.open(self.path / "ledger", node="vienna.local", keys=LedgerKeys(self.keystore), fault=self._fault)

    def start(self) -> None:
        """After a crash, as the node does."""
        self.ledger.close()
        self.points.clear()
        self.open()
        assert {log: head.frozen for log, head in self.ledger.logs().items()} == {NODE: None, "belvedere": None}
        settle(self.ledger, self.keystore)

    def grow(self) -> None:
        for log in (NODE, "belvedere"):
            self.ledger.append_many([Batch(log, self.ledger.head(log).size, (Draft("t/1", 2, "ada", b""),))])

    def rotate(self, log: str = NODE, kind: Kind = Kind.CHECKPOINT, *, compromised: bool = False) -> None:
        rotate(
            self.ledger,
            self.keystore,
            Wanted(log=log, kind=kind, compromised=compromised, overlap=DAY, now=3, actor="operator:otto"),
        )

    def signers(self, log: str) -> tuple[VerifierKey, ...]:
        return LedgerKeys(self.keystore).verifiers(log)

    def verify(self, *keys: VerifierKey) -> None:
        """By the first key of all and by the newest, offline, with everything there is."""
        self.ledger.close()
        for key in {self.node_key, *keys}:
            verify_directory(self.path / "ledger", key)
        self.open()

    def _fault(self, point: str) -> None:
        for index, (name, passes) in enumerate(self.points):
            if name == point:
                self.points[index] = (name, passes - 1)
                if passes == 1:
                    raise self.failure


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.ledger.close()


@LOGS
def test_both_keys_sign_during_the_overlap_and_then_the_new_one_alone(place: Place, log: str) -> None:
    (old,) = place.signers(log)
    place.rotate(log)
    new, still = place.signers(log)
    assert (still, new) != (old, old)
    assert still == old
    place.grow()
    place.verify(place.signers(NODE)[0])
    place.now += DAY
    assert place.signers(log) == (new,)
    place.grow()
    place.verify(place.signers(NODE)[0])
    settle(place.ledger, place.keystore)
    assert [key.state for key in place.keystore.listed() if (key.purpose, key.owner) == (Purpose.CHECKPOINT, log)] == [
        State.RETIRED,
        State.COUNTS,
    ]


@LOGS
def test_what_was_witnessed_before_a_rotation_is_still_the_logs_by_the_newest_key(place: Place, log: str) -> None:
    """Until a witness has cosigned again, the kept note carries the old key's signature alone."""
    checkpoint = place.ledger.head(log).checkpoint
    text = checkpoint.decode().partition("\n\n")[0] + "\n"
    place.ledger.put_witnessed(log, checkpoint + Cosigner("witness.example/emil", bytes(32)).cosign(text, 7).line().encode())
    for _ in range(2):
        place.rotate(log, compromised=True)
        place.rotate(NODE, compromised=True)
    place.ledger.verify()
    place.verify(place.signers(NODE)[0])


@LOGS
def test_without_an_overlap_the_old_key_is_over_at_once(place: Place, log: str) -> None:
    rotate(place.ledger, place.keystore, Wanted(log=log, kind=Kind.CHECKPOINT, overlap=0, now=3, actor="operator:otto"))
    assert len(place.signers(log)) == 1
    place.grow()
    place.verify(place.signers(NODE)[0])


@LOGS
def test_a_compromised_key_signs_nothing_from_then_on(place: Place, log: str) -> None:
    (old,) = place.signers(log)
    place.rotate(log, compromised=True)
    (new,) = place.signers(log)
    assert new != old
    place.grow()
    place.verify(place.signers(NODE)[0])
    assert follow(place.node_key, gather(place.ledger, log)).keys_of(log) == (new, old)


def test_an_issuers_key_is_replaced_at_once_and_the_old_one_still_counts(place: Place) -> None:
    first = place.keystore.issuer_public("belvedere")
    place.rotate("belvedere", Kind.ISSUER)
    second = place.keystore.issuer_public("belvedere")
    assert place.keystore.issuer_publics("belvedere") == (second, first)
    place.rotate("belvedere", Kind.ISSUER, compromised=True)
    third = place.keystore.issuer_public("belvedere")
    assert place.keystore.issuer_publics("belvedere") == (third, first)
    trust = follow(place.node_key, gather(place.ledger, "belvedere"))
    assert trust.issuers_of("belvedere") == (third, second, first)
    assert trust.live_issuers_of("belvedere") == (third, first)
    place.verify()


def test_a_second_rotation_within_the_overlap_is_signed_by_all_three(place: Place) -> None:
    place.rotate()
    place.rotate()
    assert len(place.signers(NODE)) == 3
    assert retire(place.ledger, place.keystore, Kind.CHECKPOINT, NODE) == 2
    assert retire(place.ledger, place.keystore, Kind.CHECKPOINT, NODE) == 0
    place.grow()
    place.verify(place.signers(NODE)[0])


@pytest.mark.parametrize("kind", [Kind.CHECKPOINT, Kind.ISSUER])
@pytest.mark.parametrize("compromised", [False, True])
@pytest.mark.parametrize("point", [("begin", 1), ("commit", 1), ("committed", 1), ("begin", 2), ("commit", 2), ("committed", 2)])
def test_a_crash_at_every_write_of_a_rotation_is_put_right_on_starting(
    place: Place, kind: Kind, compromised: bool, point: tuple[str, int]
) -> None:
    before = {key.public for key in place.keystore.listed()}
    place.points = [point]
    if kind is Kind.CHECKPOINT or point[1] == 1:
        with pytest.raises(Crash):
            place.rotate("belvedere", kind, compromised=compromised)
    else:
        place.rotate("belvedere", kind, compromised=compromised)  # an issuer's signs no checkpoint: there is one commit
    place.start()
    place.grow()
    announced = point not in (("begin", 1), ("commit", 1))
    purpose = rotating.PURPOSES[kind]
    assert (place.keystore.signing(purpose, "belvedere")[0].public not in before) is announced
    if announced and compromised:
        assert len(place.keystore.signing(purpose, "belvedere")) == 1
    place.verify()
    place.rotate("belvedere", kind)
    place.grow()
    place.verify()


@pytest.mark.parametrize("compromised", [False, True])
@pytest.mark.parametrize("point", ["commit", "committed"])
@LOGS
def test_while_nobody_knows_whether_the_entry_is_there_both_keys_sign(place: Place, log: str, point: str, compromised: bool) -> None:
    (old,) = place.signers(log)
    place.points, place.failure = [(point, 1)], OSError(5, "Input/output error")
    with pytest.raises(CommitFailed):
        place.rotate(log, compromised=compromised)
    assert place.signers(log)[1:] == (old,)
    place.ledger.reopen()
    place.grow()  # somebody's commit comes before the question what became of it
    place.verify()
    settle(place.ledger, place.keystore)
    place.grow()
    place.verify(place.signers(NODE)[0])
    if point == "commit":
        assert place.signers(log) == (old,)
    else:
        assert place.signers(log)[0] != old
        assert len(place.signers(log)) == (1 if compromised else 2)


def test_nobody_who_was_never_admitted_gets_a_key(place: Place) -> None:
    before = len(place.keystore.listed())
    for log, kind in (("mallory", Kind.CHECKPOINT), (NODE, Kind.ISSUER)):
        with pytest.raises(UnknownOwnerError):
            place.rotate(log, kind)
    assert len(place.keystore.listed()) == before


@pytest.mark.parametrize("other", SigningPurpose)
def test_no_signature_made_for_another_purpose_is_a_rotation_and_none_of_a_rotation_is_anything_else(other: SigningPurpose) -> None:
    old, new = SigningKey(b"\x01" * 32), SigningKey(b"\x02" * 32)
    change = rotation.Rotation(
        kind=Kind.ISSUER,
        log="belvedere",
        origin="vienna.local/belvedere",
        previous=bytes(old.verify_key),
        key=bytes(new.verify_key),
        size=0,
    )
    packed = change.message().removeprefix(rotation.PURPOSE)
    assert not rotation.PURPOSE.startswith(other.value + b"\0")
    assert not (other.value + b"\0").startswith(rotation.PURPOSE)
    with pytest.raises(VerificationError, match="did not sign"):
        rotation.compose(
            change,
            by_previous=lambda message: old.sign(signed_bytes(other, packed)).signature,
            by_key=lambda message: new.sign(message).signature,
        )
    assert not verifies(other, bytes(old.verify_key), packed, old.sign(change.message()).signature)
