from __future__ import annotations

import pytest
from nacl.signing import SigningKey

from ledger import admission, canonical, rotation
from ledger.admission import Admission
from ledger.checkpoint import Checkpoint, origin_of
from ledger.errors import VerificationError
from ledger.header import FIRST, Header
from ledger.note import NoteSigner, VerifierKey, compose
from ledger.rotation import Kind, Rotation
from ledger.trust import Trust

NODE = NoteSigner("hofburg.example", bytes(32))
LOG = NoteSigner("hofburg.example/belvedere", b"\x01" * 32)
ISSUER = b"\x02" * 32


def entry(sequence: int, tag: str, public: bytes) -> Header:
    return Header(
        tag=tag,
        tenant="",
        sequence=sequence,
        time=1,
        actor="operator",
        case="",
        step=0,
        previous=FIRST,
        follows=(),
        commitment=bytes(32),
        public=public,
    )


def admitted(sequence: int = 0, more: bytes = b"") -> Header:
    return entry(sequence, admission.TAG, admission.compose(Admission("belvedere", LOG.verifier, 1), more))


def test_a_log_is_checked_by_the_key_under_which_it_was_admitted() -> None:
    trust = Trust(NODE.verifier)
    assert trust.keys_of("") == (NODE.verifier,)
    trust.heed(entry(0, "node.tripped/1", b""))
    trust.heed(admitted(1, canonical.encode({"issuer": ISSUER})))
    assert trust.keys_of("belvedere") == (LOG.verifier,)
    assert trust.issuers_of("belvedere") == (ISSUER,)
    assert list(trust.admissions) == ["belvedere"]


def test_a_log_that_names_no_issuer_has_none() -> None:
    trust = Trust(NODE.verifier)
    trust.heed(admitted())
    assert trust.issuers_of("belvedere") == ()


def test_nobody_is_trusted_who_was_not_admitted() -> None:
    trust = Trust(NODE.verifier)
    for ask in (trust.keys_of, trust.issuers_of):
        with pytest.raises(VerificationError, match="admits"):
            ask("schoenbrunn")


def test_a_second_admission_cannot_take_a_log_over() -> None:
    trust = Trust(NODE.verifier)
    trust.heed(admitted())
    with pytest.raises(VerificationError, match=r"index 7.*twice"):
        trust.heed(admitted(7))


def test_an_issuer_key_that_is_none_is_refused() -> None:
    with pytest.raises(VerificationError, match="issuer"):
        Trust(NODE.verifier).heed(admitted(0, canonical.encode({"issuer": b"short"})))


# Rotations

KEYS = [SigningKey(bytes([number]) * 32) for number in range(10, 15)]
VERIFIERS = [VerifierKey("hofburg.example", bytes(key.verify_key)) for key in KEYS]


def rotated(
    sequence: int,
    old: SigningKey,
    new: SigningKey,
    *,
    log: str = "",
    size: int | None = None,
    kind: Kind = Kind.CHECKPOINT,
    compromised: bool = False,
) -> Header:
    change = Rotation(
        kind=kind,
        log=log,
        origin=origin_of("hofburg.example", log),
        previous=bytes(old.verify_key),
        key=bytes(new.verify_key),
        size=sequence if size is None else size,
        compromised=compromised,
    )
    public = rotation.compose(change, by_previous=lambda m: old.sign(m).signature, by_key=lambda m: new.sign(m).signature)
    return entry(sequence, rotation.TAG, public)


def note(log: str, size: int, *signers: SigningKey) -> bytes:
    text = Checkpoint(origin_of("hofburg.example", log), size, bytes(32)).text()
    signatures = [NoteSigner(origin_of("hofburg.example", log), bytes(key)).sign(text.encode()) for key in signers]
    return compose(text, signatures)


def test_the_first_key_leads_to_the_newest() -> None:
    trust = Trust(VERIFIERS[0])
    trust.heed(rotated(3, KEYS[0], KEYS[1]))
    trust.heed(rotated(8, KEYS[1], KEYS[2]))
    assert trust.keys_of("") == (VERIFIERS[2], VERIFIERS[1], VERIFIERS[0])
    assert trust.open("", note("", 20, KEYS[2])).size == 20


def test_a_later_key_vouches_for_what_came_before_it_and_for_no_key_before_it() -> None:
    trust = Trust(VERIFIERS[1])
    trust.heed(rotated(3, KEYS[0], KEYS[1]))
    assert trust.keys_of("") == (VERIFIERS[1],)
    trust.heed(rotated(8, KEYS[1], KEYS[2]))
    assert trust.keys_of("") == (VERIFIERS[2], VERIFIERS[1])
    with pytest.raises(VerificationError, match="none of the known"):
        trust.open("", note("", 3, KEYS[0]))


def test_a_replaced_key_signs_nothing_beyond_its_size_alone() -> None:
    trust = Trust(VERIFIERS[0])
    trust.heed(rotated(3, KEYS[0], KEYS[1]))
    assert trust.open("", note("", 4, KEYS[0])).size == 4  # the commit of the rotation itself: the new key may not sign it
    assert trust.open("", note("", 5, KEYS[0], KEYS[1])).size == 5
    with pytest.raises(VerificationError, match="size 5, signed by no key but one that was replaced"):
        trust.open("", note("", 5, KEYS[0]))


def test_a_tenants_log_is_bound_to_the_size_it_had() -> None:
    trust = Trust(NODE.verifier)
    trust.heed(admitted())
    log = SigningKey(b"\x01" * 32)
    trust.heed(rotated(5, log, KEYS[0], log="belvedere", size=40))
    assert trust.open("belvedere", note("belvedere", 40, log)).size == 40
    with pytest.raises(VerificationError, match=r"'belvedere'.*size 41"):
        trust.open("belvedere", note("belvedere", 41, log))
    with pytest.raises(VerificationError, match="smaller size"):
        trust.heed(rotated(6, KEYS[0], KEYS[1], log="belvedere", size=39))


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([rotated(1, KEYS[0], KEYS[1]), rotated(2, KEYS[0], KEYS[2])], "not its newest"),
        ([rotated(1, KEYS[0], KEYS[1]), rotated(2, KEYS[1], KEYS[0])], "replaced before"),
        ([rotated(1, KEYS[0], KEYS[1]), rotated(2, KEYS[1], KEYS[2]), rotated(3, KEYS[2], KEYS[0])], "replaced before"),
        ([rotated(1, KEYS[3], KEYS[4]), rotated(2, KEYS[0], KEYS[1])], "follows from none"),
        ([rotated(1, KEYS[3], KEYS[4]), rotated(2, KEYS[2], KEYS[0])], "follows from none"),
        ([rotated(1, KEYS[3], KEYS[0]), rotated(2, KEYS[0], KEYS[3])], "replaced before"),
        ([rotated(1, KEYS[0], KEYS[1], size=0)], "another place"),
        ([rotated(1, KEYS[0], KEYS[1], log="belvedere")], "admits it"),
        ([admitted(), rotated(1, KEYS[0], KEYS[1], log="belvedere")], "not its newest"),
        ([admitted(), rotated(1, KEYS[0], KEYS[1], log="belvedere", kind=Kind.ISSUER)], "not its newest"),
    ],
)
def test_a_rotation_that_is_no_link_of_the_chain_is_refused(entries: list[Header], why: str) -> None:
    trust = Trust(VERIFIERS[0])
    for header in entries[:-1]:
        trust.heed(header)
    with pytest.raises(VerificationError, match=why):
        trust.heed(entries[-1])


def test_a_rotation_under_another_nodes_name_is_refused() -> None:
    with pytest.raises(VerificationError, match=r"a rotation of hofburg\.example"):
        Trust(VerifierKey("schwarzenberg.example", VERIFIERS[0].public)).heed(rotated(1, KEYS[0], KEYS[1]))


def test_a_replaced_issuer_key_still_counts_and_a_compromised_one_for_the_past_alone() -> None:
    trust = Trust(NODE.verifier)
    publics = [bytes(key.verify_key) for key in KEYS]
    trust.heed(admitted(0, canonical.encode({"issuer": publics[0]})))
    trust.heed(rotated(1, KEYS[0], KEYS[1], log="belvedere", kind=Kind.ISSUER))
    assert trust.issuers_of("belvedere") == trust.live_issuers_of("belvedere") == (publics[1], publics[0])
    trust.heed(rotated(2, KEYS[1], KEYS[2], log="belvedere", kind=Kind.ISSUER, compromised=True))
    assert trust.issuers_of("belvedere") == (publics[2], publics[1], publics[0])
    assert trust.live_issuers_of("belvedere") == (publics[2], publics[0])
    with pytest.raises(VerificationError, match="replaced before"):
        trust.heed(rotated(3, KEYS[2], KEYS[0], log="belvedere", kind=Kind.ISSUER))
    assert trust.keys_of("belvedere") == (LOG.verifier,)
