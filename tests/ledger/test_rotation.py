from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey

from ledger import canonical
from ledger.errors import VerificationError
from ledger.rotation import PURPOSE, Kind, Rotation, compose, parse

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "rotation.json").read_text())
OLD, NEW, MALLORY = (SigningKey(bytes([number]) * 32) for number in (1, 2, 3))
FIELDS: dict[str, Any] = {
    "kind": Kind.CHECKPOINT,
    "log": "belvedere",
    "origin": "hofburg.example/belvedere",
    "previous": bytes(OLD.verify_key),
    "key": bytes(NEW.verify_key),
    "size": 7,
}


def signed(key: SigningKey) -> Any:
    return lambda message: key.sign(message).signature


def public(**change: Any) -> bytes:
    return compose(Rotation(**{**FIELDS, **change}), by_previous=signed(OLD), by_key=signed(NEW))


@pytest.mark.parametrize("change", [{}, {"kind": Kind.ISSUER}, {"compromised": True}, {"log": "", "origin": "hofburg.example"}])
def test_a_rotation_reads_back(change: dict[str, Any]) -> None:
    assert parse(public(**change)) == Rotation(**{**FIELDS, **change})


def test_neither_key_can_be_left_out_or_stand_in_for_the_other() -> None:
    for by_previous, by_key, whose in ((MALLORY, NEW, "old"), (OLD, MALLORY, "new"), (NEW, OLD, "old")):
        with pytest.raises(VerificationError, match=whose):
            compose(Rotation(**FIELDS), by_previous=signed(by_previous), by_key=signed(by_key))


@pytest.mark.parametrize(
    "change",
    [
        {"compromised": True},
        {"kind": "issuer"},
        {"tenant": "schoenbrunn"},
        {"tenant": ""},
        {"origin": "hofburg.example/schoenbrunn"},
        {"size": 8},
        {"key": bytes(MALLORY.verify_key)},
        {"previous": bytes(MALLORY.verify_key)},
    ],
)
def test_no_field_can_be_changed_under_the_signatures(change: dict[str, canonical.Value]) -> None:
    fields = canonical.decode_map(public())
    with pytest.raises(VerificationError, match="did not sign"):
        parse(canonical.encode({**fields, **change}))


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "data"},
        {"size": True},
        {"size": -1},
        {"size": "7"},
        {"compromised": 0},
        {"key": "text"},
        {"tenant": None},
        {"signed_by_key": None},
        {"more": 1},
    ],
)
def test_fields_of_another_type_or_number_are_refused(change: dict[str, canonical.Value]) -> None:
    fields = canonical.decode_map(public())
    with pytest.raises(VerificationError, match="declared"):
        parse(canonical.encode({**fields, **change}))
    with pytest.raises(VerificationError):
        parse(canonical.encode({name: value for name, value in fields.items() if name != "size"}))
    with pytest.raises(VerificationError):
        parse(b"")


def test_signatures_of_another_length_are_refused() -> None:
    fields = canonical.decode_map(public())
    for name in ("signed_by_key", "signed_by_previous"):
        with pytest.raises(VerificationError, match="did not sign"):
            parse(canonical.encode({**fields, name: bytes(63)}))


def test_a_key_does_not_take_over_from_itself_and_a_weak_one_never() -> None:
    with pytest.raises(VerificationError, match="itself"):
        public(key=bytes(OLD.verify_key))
    with pytest.raises(VerificationError, match="full order"):
        public(key=bytes(32))


def test_the_signed_bytes_are_the_purpose_and_the_other_fields() -> None:
    message = Rotation(**FIELDS).message()
    assert message.startswith(PURPOSE)
    fields = canonical.decode_map(public())
    assert canonical.decode_map(message[len(PURPOSE) :]) == {k: v for k, v in fields.items() if not k.startswith("signed_by_")}


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: f"{case['kind']} {case['tenant']}")
def test_the_bytes_are_those_of_the_vectors(case: dict[str, Any]) -> None:
    old, new = (SigningKey(bytes.fromhex(VECTORS[name])) for name in ("previous_seed_hex", "key_seed_hex"))
    change = Rotation(
        kind=Kind(case["kind"]),
        log=case["tenant"],
        origin=case["origin"],
        previous=bytes(old.verify_key),
        key=bytes(new.verify_key),
        size=case["size"],
        compromised=case["compromised"],
    )
    assert change.message().hex() == case["message_hex"]
    assert compose(change, by_previous=signed(old), by_key=signed(new)).hex() == case["public_hex"]
    assert parse(bytes.fromhex(case["public_hex"])) == change
