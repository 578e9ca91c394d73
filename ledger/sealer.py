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

from nacl.bindings import crypto_secretbox_easy, crypto_secretbox_MACBYTES

from ledger.keys import SECRET_SIZE, DataKey
from ledger.seal import CHECK_SIZE, NONCE_SIZE

_FIRST_ROOM = 4096  # bytes; a body of the law has a few hundred
_LARGEST_ROOM = 1 << 20  # a larger body gets a buffer of its own, so that one such body does not hold memory for ever

_Easy = Callable[[bytes, bytes, bytes], bytes]


def _through_wrapper(content: bytes, nonce: bytes, secret: bytes) -> bytes:
    sealed: bytes = crypto_secretbox_easy(content, nonce, secret)
    return sealed


def _direct(easy: Any, ffi: Any) -> _Easy:
    room = _FIRST_ROOM
    out = ffi.new("unsigned char[]", room)
    view = ffi.buffer(out)

    def direct(content: bytes, nonce: bytes, secret: bytes) -> bytes:
        nonlocal room, out, view
        size = len(content) + crypto_secretbox_MACBYTES
        if type(content) is not bytes or len(nonce) != NONCE_SIZE or len(secret) != SECRET_SIZE:
            raise TypeError("content, nonce and key are bytes of their sizes")
        if size > room:
            if size > _LARGEST_ROOM:
                return _through_wrapper(content, nonce, secret)
            room = size * 2
            out = ffi.new("unsigned char[]", room)
            view = ffi.buffer(out)
        if easy(out, content, len(content), nonce, secret) != 0:
            raise AssertionError("libsodium refused to seal")  # it has no case in which it would
        return view[:size]  # type: ignore[no-any-return]  # a copy, as bytes

    return direct


def _make() -> Callable[[], _Easy]:
    """What makes a sealing function with a buffer of its own: direct where the binding is what it should be."""
    try:
        from nacl._sodium import ffi, lib  # no public module has it

        made = _direct(lib.crypto_secretbox_easy, ffi)
        for size in (0, 1, 232, _FIRST_ROOM):
            content, nonce, secret = bytes(range(1, 9)) * (size // 8) + bytes(size % 8), bytes(range(NONCE_SIZE)), bytes(range(SECRET_SIZE))
            if made(content, nonce, secret) != _through_wrapper(content, nonce, secret):
                return lambda: _through_wrapper
    except (ImportError, AttributeError, TypeError):
        return lambda: _through_wrapper
    return lambda: _direct(lib.crypto_secretbox_easy, ffi)


_make_easy = _make()


class Sealer:
    """For one thread at a time: it holds the buffer that libsodium writes into."""

    __slots__ = ("_easy",)

    def __init__(self) -> None:
        self._easy = _make_easy()

    def stored(self, key: DataKey, nonce: bytes, content: bytes) -> bytes:
        """``content`` sealed, with its check in front, as it is put on the disk.  Hot."""
        front = key.id + nonce
        sealed = self._easy(content, nonce, key.secret)
        return b"".join((crc32(sealed, crc32(front)).to_bytes(CHECK_SIZE, "big"), front, sealed))
