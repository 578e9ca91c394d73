from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger import sealer
from ledger.keys import DataKey
from ledger.seal import NONCE_SIZE, checked, is_whole, open_sealed, seal, unchecked
from ledger.sealer import Sealer

KEY = DataKey(b"key-2611", bytes(range(32)))
NONCE = bytes(range(NONCE_SIZE))


@given(st.binary(max_size=300), st.binary(min_size=NONCE_SIZE, max_size=NONCE_SIZE))
@example(b"", NONCE)
@example(bytes(4096), NONCE)
@example(bytes(4097), NONCE)
@example(bytes(70_000), NONCE)
@example(bytes((1 << 20) + 1), NONCE)
def test_what_is_stored_is_what_the_public_functions_make(content: bytes, nonce: bytes) -> None:
    stored = Sealer().stored(KEY, nonce, content)
    assert stored == checked(seal(KEY, nonce, content))
    assert is_whole(stored)
    assert open_sealed(KEY, unchecked(stored)) == content


def test_a_short_body_after_a_long_one_carries_nothing_of_it() -> None:
    one = Sealer()
    long, short = one.stored(KEY, NONCE, b"x" * 9000), one.stored(KEY, NONCE, b"y")
    assert short == Sealer().stored(KEY, NONCE, b"y")
    assert len(long) - len(short) == 8999


def test_two_sealers_share_no_buffer() -> None:
    first, second = Sealer(), Sealer()
    mine = first.stored(KEY, NONCE, b"of belvedere")
    second.stored(KEY, NONCE, b"of schoenbrunn")
    assert mine == checked(seal(KEY, NONCE, b"of belvedere"))


@pytest.mark.parametrize("nonce", [b"", NONCE[1:], NONCE + b"\x00"])
def test_a_nonce_of_another_size_is_refused_before_the_binding_reads_beyond_it(nonce: bytes) -> None:
    with pytest.raises((TypeError, ValueError)):
        Sealer().stored(KEY, nonce, b"body")


def test_this_pynacl_has_the_binding() -> None:
    """Otherwise sealing is slower, and somebody should know."""
    assert sealer._make_stored() is not sealer._through_wrapper


def test_without_the_binding_the_public_function_seals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nacl._sodium", None)  # an import of it fails
    assert sealer._make()() is sealer._through_wrapper


def test_a_binding_that_makes_other_bytes_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    from nacl._sodium import ffi

    class Other:
        @staticmethod
        def crypto_secretbox_easy(*_: Any) -> int:
            return 0

    monkeypatch.setitem(sys.modules, "nacl._sodium", type("module", (), {"ffi": ffi, "lib": Other}))
    assert sealer._make()() is sealer._through_wrapper
