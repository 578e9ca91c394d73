from __future__ import annotations

import time

import msgpack
import pytest

from vienna_runtime.errors import VerificationError
from vienna_runtime.sealing import (
    INSECURE_TEST_COST,
    LARGEST_MEMLIMIT,
    LARGEST_OPSLIMIT,
    MODERATE,
    Opener,
    Passphrase,
    RawKey,
    new_seal,
    unseal,
    unverified_asks_passphrase,
)
from vienna_runtime.secret import Secret

KIND = "vienna/keystore/1"
HIDDEN = b"what clara signs with"
KEY = RawKey(Secret(bytes(32)))
WORDS = Passphrase(Secret(b"dem Narren zum Trotz"))
OPENERS = [KEY, WORDS]


def sealed(opener: Opener, *, kind: str = KIND, context: bytes = b"") -> bytes:
    return new_seal(kind, opener, cost=INSECURE_TEST_COST).seal(HIDDEN, context=context)


def refusal(file: bytes, opener: Opener, *, kind: str = KIND, context: bytes = b"") -> str:
    with pytest.raises(VerificationError) as caught:
        unseal(kind, file, opener, context=context)
    return str(caught.value)


def with_header(file: bytes, **changes: object) -> bytes:
    size = int.from_bytes(file[:2], "big")
    header = msgpack.packb({**msgpack.unpackb(file[2 : 2 + size]), **changes})
    return len(header).to_bytes(2, "big") + header + file[2 + size :]


@pytest.mark.parametrize("opener", OPENERS)
def test_what_was_sealed_opens_and_seals_again_without_deriving(opener: Opener) -> None:
    seal, secrets = unseal(KIND, sealed(opener, context=b"readable"), opener, context=b"readable")
    assert secrets == HIDDEN
    assert unseal(KIND, seal.seal(b"more"), opener)[1] == b"more"


def test_no_sealed_file_shows_the_secret_and_no_two_are_alike() -> None:
    seal = new_seal(KIND, KEY)
    first, second = seal.seal(HIDDEN), seal.seal(HIDDEN)
    assert HIDDEN not in first
    assert first[-len(HIDDEN) - 16 :] != second[-len(HIDDEN) - 16 :]
    assert HIDDEN.decode() not in repr(seal)


def test_every_flipped_bit_of_a_file_under_a_key_is_refused_alike() -> None:
    file = sealed(KEY)
    wrong_key = refusal(file, RawKey(Secret(b"\1" * 32)))
    for bit in range(len(file) * 8):
        flipped = bytearray(file)
        flipped[bit // 8] ^= 1 << bit % 8
        assert refusal(bytes(flipped), KEY) == wrong_key


def test_a_flipped_bit_in_every_byte_of_a_file_under_a_passphrase_is_refused_like_a_wrong_passphrase() -> None:
    file = sealed(WORDS)
    wrong_passphrase = refusal(file, Passphrase(Secret(b"dem Narren zum trotz")))
    for index in range(len(file)):
        flipped = bytearray(file)
        flipped[index] ^= 1  # the lowest bit: the costs, if it hits them, stay small
        assert refusal(bytes(flipped), WORDS) == wrong_passphrase


@pytest.mark.parametrize("opener", OPENERS)
def test_every_truncation_and_any_addition_is_refused(opener: Opener) -> None:
    file = sealed(opener)
    for length in range(len(file)):
        refusal(file[:length], opener)
    refusal(file + b"\0", opener)


@pytest.mark.parametrize(
    "costs",
    [
        {"memlimit": LARGEST_MEMLIMIT + 1},
        {"memlimit": 1 << 50},
        {"memlimit": -1},
        {"memlimit": 0},
        {"opslimit": LARGEST_OPSLIMIT + 1},
        {"opslimit": (1 << 32) - 1},
        {"opslimit": 0},
        {"opslimit": True},
        {"opslimit": 1.0},
        {"salt": b""},
        {"nonce": b"short"},
        {"kdf": "none"},
        {"kdf": ""},
        {"kind": 7},
    ],
)
def test_costs_out_of_bounds_are_refused_before_anything_is_derived(costs: dict[str, object]) -> None:
    started = time.process_time()
    refusal(with_header(sealed(WORDS), **costs), WORDS)
    assert time.process_time() - started < 1  # deriving with any of these would take hours, or more memory than there is


def test_a_header_in_another_spelling_is_refused() -> None:
    file = sealed(KEY)
    size = int.from_bytes(file[:2], "big")
    header = msgpack.unpackb(file[2 : 2 + size])
    for other in (dict(reversed(header.items())), {**header, "more": 1}, [*header.values()]):
        packed = msgpack.packb(other)
        refusal(len(packed).to_bytes(2, "big") + packed + file[2 + size :], KEY)


def test_what_is_sealed_for_one_kind_context_or_opener_is_not_opened_for_another() -> None:
    file = sealed(KEY, context=b"address one")
    refusal(file, KEY, context=b"address two")
    refusal(file, KEY)
    refusal(file, KEY, kind="vienna/credential/1", context=b"address one")
    refusal(sealed(WORDS), RawKey(WORDS.secret))
    refusal(sealed(KEY), Passphrase(KEY.secret))


def test_the_same_key_gives_each_file_a_master_key_of_its_own() -> None:
    assert new_seal(KIND, KEY).master != new_seal(KIND, KEY).master
    assert new_seal(KIND, WORDS, cost=INSECURE_TEST_COST).master != new_seal(KIND, WORDS, cost=INSECURE_TEST_COST).master


def test_the_cheap_derivation_marks_what_it_seals_as_insecure_and_the_default_does_not() -> None:
    assert unseal(KIND, sealed(WORDS), WORDS)[0].insecure
    seal, _ = unseal(KIND, new_seal(KIND, WORDS).seal(HIDDEN), WORDS)
    assert not seal.insecure
    assert seal.cost == MODERATE


def test_a_file_says_whether_to_ask_for_a_passphrase() -> None:
    assert unverified_asks_passphrase(sealed(WORDS))
    assert not unverified_asks_passphrase(sealed(KEY))
    assert unverified_asks_passphrase(b"anything else: asking costs nothing and opening will refuse")
