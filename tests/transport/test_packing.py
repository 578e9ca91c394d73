from __future__ import annotations

import re

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.errors import FrameRefused, IllegalMessage
from transport.limits import DEFAULT, Limits
from transport.packing import decode_frame, encode, encode_one, require_plain

SMALL = Limits(max_message=64, max_frame=200, max_string=10, max_bytes=10, max_list=4, max_map=4, max_depth=3, messages_per_frame=5)

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=20) | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
messages = st.lists(st.dictionaries(st.text(max_size=8), plain, max_size=5), min_size=1, max_size=6)


@given(messages)
def test_what_is_encoded_back_to_back_is_decoded_the_same(said: list[dict[str, object]]) -> None:
    deep = Limits(max_depth=40)
    assert decode_frame(encode(said), deep) == said


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (b"", "an empty frame"),
        (msgpack.packb([1, 2]), "a message that is not a map"),
        (msgpack.packb(7), "a message that is not a map"),
        (msgpack.packb(None), "a message that is not a map"),
        (b"\x82\xa1a\x01\xa1a\x02", "a duplicate key"),
        (b"\x81\xa1a\x82\xa1b\x01\xa1b\x01", "a duplicate key"),
        (b"\x81\x01\x02", "a map key that is not a string"),
        (b"\x81\xc4\x01a\x02", "a map key that is not a string"),
        (b"\x81\x90\x02", "a map key that is not a string"),
        (msgpack.packb({"a": 1.5}), "a float"),
        (msgpack.packb({"a": [{"b": [float("nan")]}]}), "a float"),
        (b"\x81\xa1a\xca\x7f\x80\x00\x00", "a float"),
        (b"\x81\xa1a\xd4\x05x", "an extension type"),
        (b"\x81\xa1a\xd6\xff\x00\x00\x00\x01", "an extension type"),
        (b"\x81\xa1a\xa1\xff", "a string that is not UTF-8"),
        (b"\x81\xa1a\xa3\xed\xa0\x80", "a string that is not UTF-8"),
        (b"\x81\xa1a", "a truncated message"),
        (b"\x80\x81\xa1a", "a truncated message"),
        (b"\x80\x81", "a truncated message"),
        (b"\xc1", "bytes that are not msgpack"),
        (b"\x80\xc1", "bytes that are not msgpack"),
        (b"\x80" * 6, "more than 5 messages in a frame"),
        (encode_one({"a": "x" * 11}), "a string that is too long"),
        (encode_one({"a": b"x" * 11}), "a byte string that is too long"),
        (encode_one({"a": [1] * 5}), "a list that is too long"),
        (encode_one({str(n): 1 for n in range(5)}), "a map that is too wide"),
        (encode_one({"a": [[[1]]]}), "values nested too deep"),
        (encode_one({"a": {"b": {"c": {}}}}), "values nested too deep"),
        (b"\x81\xa1a" + b"\x91" * 190, "a truncated|values nested too deep"),
        (b"\x81\xa1a\xdd\xff\xff\xff\xff", "a list that is too long"),
        (b"\x81\xa1a\xdf\xff\xff\xff\xff", "a map that is too wide"),
        (b"\x81\xa1a\xdb\xff\xff\xff\xff", "a string that is too long|a truncated"),
        (b"\x80" * 201, "a frame of more than 200 bytes"),
    ],
)
def test_a_frame_that_is_not_strict_is_refused_by_name(frame: bytes, why: str) -> None:
    with pytest.raises(FrameRefused) as refused:
        decode_frame(frame, SMALL)
    assert re.match(why, str(refused.value))


def test_the_deepest_value_allowed_passes() -> None:
    assert decode_frame(encode_one({"a": [[1]]}), SMALL) == [{"a": [[1]]}]


def test_a_nest_deeper_than_any_stack_is_refused_and_not_followed() -> None:
    with pytest.raises(FrameRefused, match="nested too deep"):
        decode_frame(b"\x81\xa1a" + b"\x91" * 100_000 + b"\x01", DEFAULT)


@given(st.binary(max_size=200))
def test_random_bytes_are_decoded_or_refused_and_nothing_else(frame: bytes) -> None:
    try:
        said = decode_frame(frame, DEFAULT)
    except FrameRefused:
        return
    assert all(type(message) is dict for message in said)


@given(messages, st.data())
def test_a_frame_cut_anywhere_but_between_messages_is_refused(said: list[dict[str, object]], data: st.DataObject) -> None:
    deep = Limits(max_depth=40)
    frame = encode(said)
    ends = {len(encode(said[:n])) for n in range(len(said) + 1)}
    cut = data.draw(st.integers(1, len(frame)))
    if cut in ends:
        assert decode_frame(frame[:cut], deep) == said[: sorted(ends).index(cut)]
    else:
        with pytest.raises(FrameRefused):
            decode_frame(frame[:cut], deep)


@pytest.mark.parametrize("value", [1.5, {1: 2}, object(), 2**64, ["x" * 11], "x" * 60, (1,)])
def test_what_the_other_side_would_refuse_is_not_sent(value: object) -> None:
    with pytest.raises(IllegalMessage):
        require_plain({"a": value}, SMALL)


def test_a_plain_message_is_sent_as_it_is() -> None:
    assert require_plain({"a": [1, "b"]}, SMALL) == encode_one({"a": [1, "b"]})
