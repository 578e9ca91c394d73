from __future__ import annotations

import pytest

from ledger import NoteSigner, VerificationError, canonical
from ledger.admission import Admission, compose, parse

KEY = NoteSigner("hofburg.example/belvedere", bytes(32)).verifier
ADMISSION = Admission("belvedere", KEY, 1)


def test_an_admission_reads_back_with_what_its_admitter_added_beside_it() -> None:
    public = compose(ADMISSION, canonical.encode({"issuer": bytes(32), "region": "1010"}))
    assert parse(public) == Admission("belvedere", KEY, 1, bytes(32))
    assert canonical.decode_map(public)["region"] == "1010"
    assert parse(compose(ADMISSION, b"")) == ADMISSION


def test_an_admitter_cannot_name_an_issuer_key_that_is_none() -> None:
    with pytest.raises(VerificationError, match="issuer"):
        compose(ADMISSION, canonical.encode({"issuer": b"key"}))


def test_an_admitter_cannot_say_what_the_admission_says_itself() -> None:
    for name in ("id", "origin", "tenant", "verifier"):
        with pytest.raises(VerificationError, match=name):
            compose(ADMISSION, canonical.encode({name: "mallory"}))


@pytest.mark.parametrize(
    "change", [{"verifier": "x"}, {"tenant": 1}, {"id": True}, {"origin": "hofburg.example/schoenbrunn"}, {"verifier": None}]
)
def test_an_admission_that_does_not_hold_together_is_refused(change: dict[str, canonical.Value]) -> None:
    fields = canonical.decode_map(compose(ADMISSION, b""))
    with pytest.raises(VerificationError):
        parse(canonical.encode({**fields, **change}))


def test_nothing_at_all_is_no_admission() -> None:
    with pytest.raises(VerificationError):
        parse(b"")
