"""A TLS stream that gives everything there is in one wake-up, over a socket of its own.

`trio.SSLStream` returns one TLS record a call, so that every small frame costs a full wake-up and system call; this one
reads the socket once and opens all records that came.  It takes the descriptor over from the trio stream, because a
socket that is used directly needs one scheduling point a read where `SocketStream` needs three.

One task may read while another writes.  `aclose` says goodbye in TLS, then reads on for a moment: closing a socket with
unread bytes resets the connection and destroys what the peer has not read yet.
"""

from __future__ import annotations

import contextlib
import socket
import ssl

import trio

# One read of the socket.  Holds four full TLS records; several frames of 64 KiB are rare, and a larger buffer only costs its allocation.
_READ = 64 * 1024


class TlsStream(trio.abc.Stream):
    def __init__(self, stream: trio.SocketStream, context: ssl.SSLContext, *, server_hostname: str | None = None, linger: float) -> None:
        """A server's side without ``server_hostname``, a client's with it.  ``linger`` is in seconds."""
        self._socket = socket.socket(fileno=stream.socket.detach())
        self._socket.setblocking(False)
        self._linger = linger
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=server_hostname is None, server_hostname=server_hostname)
        self._unread = b""
        self._allowance = float("inf")
        self._sending = False
        self._eof = False
        self._broken = False
        self._closed = False

    @property
    def remote(self) -> str:
        """The peer's address, without the port: by it are limits counted."""
        name = self._socket.getpeername()
        return str(name[0]) if isinstance(name, tuple) and name else "unknown"

    def peer_certificate(self) -> bytes:
        """The DER of the certificate the peer presented in this connection; empty if none."""
        return self._tls.getpeercert(binary_form=True) or b""

    async def do_handshake(self) -> None:
        """Raises trio.BrokenResourceError when no TLS 1.3 connection comes about.  The caller sets the deadline."""
        await trio.lowlevel.checkpoint()
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._send_outgoing()
                if not await self._fill():
                    raise trio.BrokenResourceError("the peer left during the TLS handshake") from None
            except ssl.SSLError as error:
                self._say_what_fits()  # the alert, so that the peer's own error says why
                self._broken = True
                raise trio.BrokenResourceError(f"no TLS connection: {error.reason or error}") from error
            else:
                await self._send_outgoing()
                return

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """All the plain bytes that are there, at least one; empty at the end."""
        limit = _READ if max_bytes is None else max_bytes
        while True:
            if self._closed:
                raise trio.ClosedResourceError("this TLS stream is closed")
            if self._unread:
                await trio.lowlevel.checkpoint()
                data, self._unread = self._unread[:limit], self._unread[limit:]
                return data
            if data := self._open_records(limit):
                self._allowance -= len(data)
                if self._allowance < 0:
                    self._broken = True
                    raise trio.BrokenResourceError("the peer sent more than it may without completing a message")
                return data
            if self._eof or not await self._fill():
                await trio.lowlevel.checkpoint_if_cancelled()
                return b""

    def unread(self, data: bytes) -> None:
        """Put bytes back: the next read begins with them."""
        self._unread = data + self._unread

    def allow(self, size: int) -> None:
        """Let ``size`` bytes be read from here on; beyond them the stream counts as broken.  At first there is no bound."""
        self._allowance = size

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if self._closed:
            raise trio.ClosedResourceError("this TLS stream is closed")
        if self._broken:
            raise trio.BrokenResourceError("this TLS stream is broken")
        if self._sending:
            raise trio.BusyResourceError("another task is sending on this TLS stream")
        await trio.lowlevel.checkpoint_if_cancelled()
        if not data:
            return
        try:
            self._tls.write(data)  # into memory: takes everything, as many records as it needs
        except ssl.SSLError as error:
            self._broken = True
            raise trio.BrokenResourceError(str(error)) from error
        await self._send_outgoing()

    async def wait_send_all_might_not_block(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError("this TLS stream is closed")
        await trio.lowlevel.wait_writable(self._socket)

    async def aclose(self) -> None:
        """Close both ways, lingering briefly so that the peer can read our last bytes.  Cancelled, it closes at once."""
        if self._closed:
            await trio.lowlevel.checkpoint()
            return
        self._closed = True
        trio.lowlevel.notify_closing(self._socket)
        try:
            self._say_goodbye()
            with trio.move_on_after(self._linger):
                while not self._eof and not self._broken:
                    await trio.lowlevel.wait_readable(self._socket)
                    self._eof = not self._socket.recv(_READ)
        except (OSError, trio.ClosedResourceError):
            pass  # the peer is gone, or another task aborted this stream meanwhile: closed is what was asked for
        finally:
            self._socket.close()

    def abort(self) -> None:
        """Close now, without a word.  Tasks that wait on the stream get trio.ClosedResourceError."""
        if self._socket.fileno() < 0:
            return
        self._closed = True
        trio.lowlevel.notify_closing(self._socket)
        self._socket.close()

    def _open_records(self, limit: int) -> bytes:
        """Plain bytes of all records that are complete in memory, up to ``limit``."""
        if not self._incoming.pending and not self._tls.pending():
            return b""
        parts: list[bytes] = []
        while limit > 0 and not self._eof:
            try:
                part = self._tls.read(limit)
            except ssl.SSLWantReadError:
                break
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                part = b""
            except ssl.SSLError as error:
                self._say_what_fits()
                self._broken = True
                raise trio.BrokenResourceError(f"the TLS connection broke: {error.reason or error}") from error
            if not part:
                self._eof = True
                break
            parts.append(part)
            limit -= len(part)
            if not self._incoming.pending and not self._tls.pending():
                break  # spares the exception that one more read would raise
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _fill(self) -> bool:
        """Wait for the socket and take what it has; False at its end.

        Waiting comes first, even if bytes may be there: it is the one scheduling point, and keeps a flood from starving others.
        """
        while True:
            await trio.lowlevel.wait_readable(self._socket)
            if self._socket.fileno() < 0:
                raise trio.ClosedResourceError("this TLS stream is closed")
            try:
                data = self._socket.recv(_READ)
            except BlockingIOError:
                continue
            except OSError as error:
                self._broken = True
                raise trio.BrokenResourceError(f"the connection broke: {error.strerror}") from error
            if not data:
                self._eof = True  # without TLS's goodbye too: what was cut off shows in the framing above
                return False
            self._incoming.write(data)
            return True

    async def _send_outgoing(self) -> None:
        """Send the ciphertext in memory.  Cancelled midway the stream is broken: a record would be missing its end."""
        self._sending = True
        try:
            data = memoryview(self._outgoing.read())
            while data:
                try:
                    data = data[self._socket.send(data) :]
                except BlockingIOError:
                    await trio.lowlevel.wait_writable(self._socket)
            self._sending = False
        except OSError as error:
            raise trio.BrokenResourceError(f"the connection broke: {error.strerror}") from error
        finally:
            self._broken = self._broken or self._sending
            self._sending = False

    def _say_goodbye(self) -> None:
        if not self._broken and not self._sending:
            # It always asks to wait for the peer's goodbye, which is not needed: the framing above has its own.
            with contextlib.suppress(ssl.SSLError):
                self._tls.unwrap()
        self._say_what_fits()
        self._socket.shutdown(socket.SHUT_WR)

    def _say_what_fits(self) -> None:
        """Send what is in memory as far as the socket takes it now."""
        if self._sending:
            return  # half a record of another task is under way; nothing may come between
        data = self._outgoing.read()
        if not data:
            return
        try:
            self._socket.send(data)
        except OSError:
            self._broken = True
