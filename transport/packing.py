"""Strict msgpack: a frame is whole maps back to back, of plain values within the limits, or it is refused by name.

msgpack readers are lenient: duplicate keys win silently, keys may be anything, extension types become objects, a
truncated tail is kept for later.  Each of these is a way to show two readers two messages, so each is refused here.
Floats are refused because no money and no time is ever one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn, TypeAlias

import msgpack

from transport.errors import FrameRefused, IllegalMessage
from transport.limits import Limits

Message: TypeAlias = dict[str, Any]

_KEYS = frozenset({str})
_PLAIN = frozenset({str, int, bytes, bool, type(None), dict, list})  # exact types: msgpack never yields subclasses
_NESTED = frozenset({dict, list})

_pack = msgpack.Packer(use_bin_type=True, strict_types=True).pack


def encode_one(message: Message) -> bytes:
    """The bytes of one message.  Its values are taken to be plain: `require_plain` checks what others hand in."""
    packed: bytes = _pack(message)
    return packed


def encode(messages: Iterable[Message]) -> bytes:
    """The bytes of one frame: messages back to back."""
    return b"".join(map(_pack, messages))


def decode_frame(data: bytes, limits: Limits) -> list[Message]:
    """The messages of one frame, all of them plain and within ``limits``, in order; raises FrameRefused otherwise."""
    size = len(data)
    if size > limits.max_frame:
        raise FrameRefused(f"a frame of more than {limits.max_frame} bytes")
    unpacker = msgpack.Unpacker(
        object_pairs_hook=_strict_map,
        list_hook=_strict_list,
        ext_hook=_refuse_extension,
        strict_map_key=False,  # keys are checked below, with a sentence of ours
        max_buffer_size=limits.max_frame,
        max_str_len=limits.max_string,
        max_bin_len=limits.max_bytes,
        max_array_len=limits.max_list,
        max_map_len=limits.max_map,
    )
    unpacker.feed(data)
    unpack, tell = unpacker.unpack, unpacker.tell
    messages: list[Message] = []
    if not data:
        raise FrameRefused("an empty frame")
    try:
        # Not by iterating: at a truncated tail the iterator ends quietly, with the position at the end of the data.
        while True:
            messages.append(unpack())
            if tell() == size:
                break
            if len(messages) == limits.messages_per_frame:
                raise FrameRefused(f"more than {limits.messages_per_frame} messages in a frame")
    except msgpack.OutOfData:
        raise FrameRefused("a truncated message at the end of the frame") from None
    except FrameRefused:
        raise
    except UnicodeDecodeError:
        raise FrameRefused("a string that is not UTF-8") from None
    except (ValueError, msgpack.UnpackException, TypeError) as error:
        raise FrameRefused(_in_our_words(error)) from None
    for message in messages:
        if type(message) is not dict:
            raise FrameRefused("a message that is not a map")
        if not _NESTED.isdisjoint(map(type, message.values())):
            _require_depth(message, limits.max_depth)
    return messages


def require_plain(message: Message, limits: Limits) -> bytes:
    """The bytes of a message the other side will accept; raises IllegalMessage for one it would refuse."""
    try:
        packed = encode_one(message)
        if len(packed) > limits.max_message:
            raise IllegalMessage(f"a message of {len(packed)} bytes; the limit is {limits.max_message}")
        decode_frame(packed, limits)
    except (FrameRefused, TypeError, ValueError, OverflowError) as error:
        raise IllegalMessage(f"this cannot be sent: {error}") from None
    return packed


def _strict_map(pairs: list[tuple[Any, Any]]) -> Message:
    try:
        found = dict(pairs)
    except TypeError:
        raise FrameRefused("a map key that is not a string") from None
    if len(found) != len(pairs):
        raise FrameRefused("a duplicate key")
    if not _KEYS.issuperset(map(type, found)):
        raise FrameRefused("a map key that is not a string")
    if not _PLAIN.issuperset(map(type, found.values())):
        _refuse_values(found.values())
    return found


def _strict_list(values: list[Any]) -> list[Any]:
    if not _PLAIN.issuperset(map(type, values)):
        _refuse_values(values)
    return values


def _refuse_values(values: Iterable[Any]) -> NoReturn:
    if any(type(value) is float for value in values):
        raise FrameRefused("a float: amounts and times are integers")
    raise FrameRefused("an extension type")


def _refuse_extension(_code: int, _data: bytes) -> NoReturn:
    raise FrameRefused("an extension type")


def _require_depth(value: object, left: int) -> None:
    """At most ``left`` containers inside each other, this one included.  Recursion ends at the limit, not at the data's depth."""
    if left == 0:
        raise FrameRefused("values nested too deep")
    for inner in value.values() if isinstance(value, dict) else value:  # type: ignore[attr-defined]  # a list, seen below
        if type(inner) in _NESTED:
            _require_depth(inner, left - 1)


def _in_our_words(error: Exception) -> str:
    """msgpack's own sentence quotes no content, but names its parameters; this names ours."""
    text = str(error)
    for parameter, what in (
        ("max_str_len", "a string that is too long"),
        ("max_bin_len", "a byte string that is too long"),
        ("max_array_len", "a list that is too long"),
        ("max_map_len", "a map that is too wide"),
        ("max_buffer_size", "a frame that is too long"),
    ):
        if parameter in text:
            return what
    if isinstance(error, msgpack.StackError):
        return "values nested too deep"
    return "bytes that are not msgpack"
