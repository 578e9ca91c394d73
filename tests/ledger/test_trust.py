from __future__ import annotations

import pytest

from ledger import admission, canonical
from ledger.admission import Admission
from ledger.errors import VerificationError
from ledger.header import FIRST, Header
from ledger.note import NoteSigner
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
