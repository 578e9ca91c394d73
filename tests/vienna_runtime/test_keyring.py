from __future__ import annotations

import attrs
import msgpack
import pytest

from vienna_runtime.errors import VerificationError
from vienna_runtime.keyring import FOREVER, Key, Keyring, Purpose, State, decode
from vienna_runtime.secret import Secret


def key(number: int, purpose: Purpose = Purpose.DATA, *, owner: str = "belvedere", month: str = "") -> Key:
    return Key(
        id=bytes([number]) * 8,
        purpose=purpose,
        owner=owner,
        month=month or ("2026-11" if purpose is Purpose.DATA else ""),
        created=number,
        until=FOREVER,
        secret=Secret(bytes([number]) * 32),
    )


RING = Keyring.of("vienna.local", [key(number, purpose) for number, purpose in enumerate(Purpose)])


def test_a_ring_reads_back_to_the_same_bytes() -> None:
    again = decode(RING.encode().reveal())
    assert again.encode() == RING.encode()
    assert again.node == "vienna.local"
    assert set(again.signing) == {(Purpose.CHECKPOINT, "belvedere"), (Purpose.ISSUER, "belvedere")}


def test_the_later_key_for_the_same_thing_comes_first() -> None:
    ring = Keyring.of("vienna.local", [key(1, Purpose.CHECKPOINT), key(2, Purpose.CHECKPOINT), key(3), key(4)])
    assert [pair.id[0] for pair in ring.signing[Purpose.CHECKPOINT, "belvedere"]] == [2, 1]
    assert ring.data["belvedere", "2026-11"].id[0] == 4
    assert len(ring.data_by_id) == 2


def test_a_larger_ring_signs_with_the_pairs_of_the_smaller() -> None:
    larger = RING.plus(key(9))
    place = (Purpose.ISSUER, "belvedere")
    assert larger.signing[place][0] is RING.signing[place][0]
    assert larger.without("belvedere", bytes([9]) * 8).encode() == RING.encode()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: {**body, "version": 3},
        lambda body: {**body, "version": 1},
        lambda body: {**body, "keys": [{**body["keys"][0], "state": "retired"}]},
        lambda body: {**body, "keys": [{**body["keys"][0], "public": bytes(32)}]},
        lambda body: {**body, "keys": [{**body["keys"][0], "state": "perhaps"}]},
        lambda body: {**body, "more": 1},
        lambda body: dict(reversed(body.items())),
        lambda body: {**body, "keys": [{**body["keys"][0], "secret": b"short"}]},
        lambda body: {**body, "keys": [{**body["keys"][0], "id": b"short"}]},
        lambda body: {**body, "keys": [{**body["keys"][0], "purpose": "everything"}]},
        lambda body: {**body, "keys": [dict(reversed(body["keys"][0].items()))]},
        lambda body: {**body, "keys": [7]},
        lambda body: {**body, "keys": 7},
        lambda body: {"version": 1},
        lambda body: [body],
        lambda body: None,
    ],
)
def test_what_is_not_exactly_a_ring_is_refused_and_shows_nothing(spoil: object) -> None:
    assert callable(spoil)
    body = spoil(msgpack.unpackb(RING.encode().reveal()))
    with pytest.raises(VerificationError, match="not a set of keys") as refused:
        decode(msgpack.packb(body))
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_bytes_after_the_end_and_bytes_that_are_nothing_are_refused() -> None:
    for encoded in (RING.encode().reveal() + b"\xc0", RING.encode().reveal()[:-1], b"", b"\xc1"):
        with pytest.raises(VerificationError):
            decode(encoded)


def test_a_ring_of_the_first_version_reads_as_keys_that_count() -> None:
    body = msgpack.unpackb(RING.encode().reveal())
    first = [{name: value for name, value in fields.items() if name not in ("state", "public")} for fields in body["keys"]]
    again = decode(msgpack.packb({**body, "version": 1, "keys": first}))
    assert again.encode() == RING.encode()
    with pytest.raises(VerificationError):
        decode(msgpack.packb({**body, "version": 1, "keys": first, "more": 1}))


def test_only_keys_that_count_sign_and_a_compromised_issuer_is_not_among_those_to_check_by() -> None:
    def over(number: int, state: State) -> Key:
        return attrs.evolve(key(number, Purpose.ISSUER), state=state, secret=Secret(b""), public=bytes([number]) * 32)

    prepared = attrs.evolve(key(4, Purpose.ISSUER), state=State.PREPARED)
    ring = Keyring.of(
        "vienna.local", [over(1, State.RETIRED), over(2, State.COMPROMISED), key(3, Purpose.ISSUER), prepared, over(5, State.RETIRED)]
    )
    ring = decode(ring.encode().reveal())
    (pair,) = ring.signing[Purpose.ISSUER, "belvedere"]
    assert pair.id[0] == 3
    assert ring.issuers["belvedere"] == (bytes([5]) * 32, pair.public, bytes([1]) * 32)
    assert ring.prepared[Purpose.ISSUER, "belvedere"].id[0] == 4
