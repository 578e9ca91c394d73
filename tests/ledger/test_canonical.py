from __future__ import annotations

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.canonical import LARGEST, Value, decode, decode_map, encode
from ledger.errors import VerificationError

SCALARS = (
    st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | st.text(st.characters(codec="utf-8"), max_size=8) | st.binary(max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_encoded_reads_back_as_itself(value: Value) -> None:
    assert decode(encode(value)) == value


@given(st.dictionaries(st.text(max_size=4).filter(str.isascii), SCALARS, min_size=2, max_size=4))
def test_a_maps_order_changes_nothing(value: dict[str, Value]) -> None:
    turned = dict(reversed(list(value.items())))
    assert encode(turned) == encode(value)


@pytest.mark.parametrize(
    "data",
    [
        b"\xcc\x05",  # 5 in two bytes
        b"\xcd\x00\x05",  # 5 in three
        b"\xd9\x01a",  # a short text in the long form
        b"\x82\xa1a\x01\xa1a\x02",  # a key twice
        b"\x82\xa1b\x01\xa1a\x02",  # keys in another order
        b"\x81\x01\x02",  # a key that is no text
        b"\xcb" + bytes(8),  # a float
        b"\xd4\x01\x00",  # an extension type
        b"\xd6\xff\x00\x00\x00\x01",  # a timestamp
        b"\xcf" + b"\xff" * 8,  # beyond 2⁶³−1
        b"\xa1\xff",  # not UTF-8
        b"\x05\x05",  # two values
        b"\x91" * 40 + b"\x05",  # too deep
        b"",
    ],
)
def test_other_encodings_and_other_types_are_refused(data: bytes) -> None:
    with pytest.raises(VerificationError):
        decode(data)


@pytest.mark.parametrize("value", [1.5, float("nan"), {1: 2}, LARGEST + 1, -LARGEST - 1, object(), msgpack.ExtType(1, b"")])
def test_what_has_no_canonical_form_is_not_encoded(value: Value) -> None:
    with pytest.raises(ValueError):
        encode(value)


def test_a_list_is_no_map() -> None:
    with pytest.raises(VerificationError, match="map"):
        decode_map(encode([1]))
