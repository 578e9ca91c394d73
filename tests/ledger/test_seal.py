from __future__ import annotations

import pickle

import pytest

from ledger.errors import VerificationError
from ledger.keys import DataKey
from ledger.seal import checked, commit, is_whole, key_id, open_body, open_sealed, seal, unchecked

KEY = DataKey(b"\x01" * 8, b"\x07" * 32)
SALT = b"s" * 32
SEALED = seal(KEY, b"n" * 24, SALT + b"the body")


def test_a_body_opens_with_its_key_to_what_was_committed() -> None:
    assert open_body(KEY, SEALED, commit(SALT, b"the body")) == b"the body"
    assert key_id(SEALED) == KEY.id


def test_every_flipped_bit_of_a_sealed_body_is_found_with_the_key_and_without() -> None:
    stored = checked(SEALED)
    assert is_whole(stored)
    assert unchecked(stored) == SEALED
    for bit in range(len(stored) * 8):
        flipped = (int.from_bytes(stored, "big") ^ 1 << bit).to_bytes(len(stored), "big")
        assert not is_whole(flipped)
        if unchecked(flipped) != SEALED:
            with pytest.raises(VerificationError):
                open_sealed(KEY, unchecked(flipped))


def test_another_body_another_key_and_cut_bytes_are_refused() -> None:
    with pytest.raises(VerificationError, match="commits"):
        open_body(KEY, SEALED, commit(SALT, b"another"))
    with pytest.raises(VerificationError, match="another key"):
        open_body(DataKey(b"\x02" * 8, KEY.secret), SEALED, commit(SALT, b"the body"))
    with pytest.raises(VerificationError, match="do not open"):
        open_body(DataKey(KEY.id, bytes(32)), SEALED, commit(SALT, b"the body"))
    for length in (0, 8, 31, 40):
        with pytest.raises(VerificationError):
            open_sealed(KEY, SEALED[:length])


def test_a_data_key_shows_its_id_only() -> None:
    assert repr(KEY) == "DataKey(id=0101010101010101, secret=…)"
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(KEY)
    with pytest.raises(ValueError, match="bytes"):
        DataKey(b"", KEY.secret)
