from __future__ import annotations

import math
import re
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.governance import canonical
from actors.governance.canonical import MAX_DEPTH, MAX_INTEGER, NotCanonical

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
INTEGERS = st.integers(-MAX_INTEGER, MAX_INTEGER)
KEYS = TEXT.filter(lambda key: key != "dec")
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | TEXT | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_packed_is_read_back_and_packs_to_the_same_bytes(value: Any) -> None:
    packed = canonical.pack(value)
    assert canonical.unpack(packed) == value
    assert canonical.pack(canonical.unpack(packed)) == packed


@given(st.dictionaries(KEYS, INTEGERS, max_size=8), st.randoms())
def test_the_order_of_a_free_map_makes_no_difference(value: dict[str, int], random: Any) -> None:
    items = list(value.items())
    random.shuffle(items)
    packed = canonical.pack(dict(items))
    assert packed == canonical.pack(value)
    keys = list(msgpack.unpackb(packed))
    assert keys == sorted(keys, key=str.encode)


def test_declared_fields_keep_their_order_and_bind_it() -> None:
    packed = canonical.pack_fields((("b", 1), ("a", 2)))
    assert canonical.unpack_fields(packed, ("b", "a")) == {"b": 1, "a": 2}
    for names in (("a", "b"), ("b",), ("b", "a", "c")):
        with pytest.raises(NotCanonical, match="expected the fields"):
            canonical.unpack_fields(packed, names)


@pytest.mark.parametrize(
    "value",
    [
        1.0, math.nan, math.inf, MAX_INTEGER + 1, -MAX_INTEGER - 1, 2**64, 2**400, "\ud800", {"\udfff": 1}, {"a": "\ud800", "b": 2},
        {1: 2},
        {b"a": 1}, {True: 1}, object(), {1, 2}, msgpack.Timestamp(0, 0), (1.5,), {"dec": "1"}, {"dec": "1.0", "x": 1},
        {"dec": 1}, {"dec": "-0.0"}, {"dec": "01.0"}, {"dec": "1e5"}, {"dec": "١.0"}, {"dec": "1.0\n"}, {"dec": "NaN"},
    ],
    ids=lambda value: re.sub(" at 0x[0-9a-f]+", "", ascii(value)),
)  # fmt: skip
def test_what_has_no_canonical_form_is_refused_by_name(value: Any) -> None:
    for packer in (canonical.pack, lambda v: canonical.pack_fields((("field", v),)), lambda v: canonical.pack([[v]])):
        with pytest.raises(NotCanonical):
            packer(value)


def test_a_refused_value_leaves_nothing_behind_in_the_next() -> None:
    with pytest.raises(NotCanonical):
        canonical.pack(["left over" * 100, "\ud800"])
    assert canonical.pack("x") == b"\xa1x"


def test_true_one_and_their_texts_are_four_values() -> None:
    assert len({canonical.pack(value) for value in (True, 1, "1", b"1", [1], {"1": 1})}) == 6
    assert canonical.pack(True) != canonical.pack(1)


def test_nesting_ends_at_its_limit() -> None:
    value: Any = 1
    for _ in range(MAX_DEPTH):
        value = [value]
    canonical.pack(value)
    with pytest.raises(NotCanonical, match="nested"):
        canonical.pack([value])
    with pytest.raises(NotCanonical):
        canonical.unpack(b"\x91" * 5_000 + b"\x01")


@pytest.mark.parametrize(
    "packed",
    [
        b"", b"\xc1", b"\xcc\x05", b"\xcd\x00\x05", b"\xd9\x01a", b"\xc4", b"\x82\xa1a\x01\xa1a\x01", b"\x82\xa1b\x01\xa1a\x01",
        b"\x01\x01",
        b"\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00", b"\xd4\x01\x00", b"\xa1\xff", b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x81\xc4\x01a\x01",
    ],
    ids=bytes.hex,
)  # fmt: skip
def test_any_other_bytes_for_a_value_are_refused(packed: bytes) -> None:
    with pytest.raises(NotCanonical):
        canonical.unpack(packed)


@given(st.binary(max_size=40))
def test_no_bytes_raise_anything_else(packed: bytes) -> None:
    try:
        value = canonical.unpack(packed)
    except NotCanonical:
        return
    assert canonical.pack(value) == packed
