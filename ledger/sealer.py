"""Seals bodies by libsodium's ``crypto_secretbox_easy``, called without the wrapper's copies; the same bytes as ``seal.seal``.

PyNaCl's function for it allocates a buffer a call, pads, and copies twice: as much again as the arithmetic.  Its C
binding is not a public interface, so it is tried out when this module is loaded, on bytes whose seal the public
function makes too; a PyNaCl without it, or with another one, is used through the public function.  Sizes are checked here:
the binding takes pointers, and knows nothing of lengths.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zlib import crc32

from nacl.bindings import crypto_secretbox_MACBYTES

from ledger.keys import KEY_ID_SIZE, SECRET_SIZE, DataKey
from ledger.seal import CHECK_SIZE, NONCE_SIZE, checked, seal

_FIRST_ROOM = 4096  # bytes; a body of the law has a few hundred
_LARGEST_ROOM = 1 << 20  # a larger body goes through the public function, so that one such body does not hold memory for ever
_FRONT = KEY_ID_SIZE + NONCE_SIZE
_ADDED = _FRONT + crypto_secretbox_MACBYTES  # what sealing adds to a body

Stored = Callable[[DataKey, bytes, bytes], bytes]


def _through_wrapper(key: DataKey, nonce: bytes, content: bytes) -> bytes:
    return checked(seal(key, nonce, content))


def _direct(easy: Any, ffi: Any) -> Stored:
    """``easy`` with a buffer of its own, in which key id and nonce stand before what libsodium writes."""
    room = _FIRST_ROOM
    out = ffi.new("unsigned char[]", room + _ADDED)
    view, behind = ffi.buffer(out), out + _FRONT

    def stored(key: DataKey, nonce: bytes, content: bytes) -> bytes:
        nonlocal room, out, view, behind
        size = len(content)
        if type(content) is not bytes or len(nonce) != NONCE_SIZE:  # a data key has its sizes by construction
            raise TypeError("content and nonce are bytes, the nonce of its size")
        if size > room:
            if size > _LARGEST_ROOM:
                return _through_wrapper(key, nonce, content)
            room = size * 2
            out = ffi.new("unsigned char[]", room + _ADDED)
            view, behind = ffi.buffer(out), out + _FRONT
        view[:_FRONT] = key.id + nonce
        if easy(behind, content, size, nonce, key.secret) != 0:
            raise AssertionError("libsodium refused to seal")  # it has no case in which it would
        sealed: bytes = view[: size + _ADDED]  # a copy
        return crc32(sealed).to_bytes(CHECK_SIZE, "big") + sealed

    return stored


def _make() -> Callable[[], Stored]:
    """What makes a sealing function with a buffer of its own: direct where the binding is what it should be."""
    try:
        from nacl._sodium import ffi, lib  # no public module has it

        made = _direct(lib.crypto_secretbox_easy, ffi)
        key, nonce = DataKey(bytes(KEY_ID_SIZE), bytes(range(SECRET_SIZE))), bytes(range(NONCE_SIZE))
        for size in (0, 1, 232, _FIRST_ROOM):
            content = bytes(range(1, 9)) * (size // 8) + bytes(size % 8)
            if made(key, nonce, content) != _through_wrapper(key, nonce, content):
                return lambda: _through_wrapper
    except (ImportError, AttributeError, TypeError):
        return lambda: _through_wrapper
    return lambda: _direct(lib.crypto_secretbox_easy, ffi)


_make_stored = _make()


class Sealer:
    """For one thread at a time: it holds the buffer that libsodium writes into."""

    __slots__ = ("stored",)

    stored: Stored  # (key, nonce, content) → what is put on the disk: check ‖ key id ‖ nonce ‖ sealed content.  Hot.

    def __init__(self) -> None:
        self.stored = _make_stored()
