"""One witness as its client sees it: a checkpoint goes there, and a cosignature, a size or a refusal comes back.

One connection is kept and dialled anew when it is gone.  Everything is bounded: the time of a request, the size of an
answer.  No redirect is followed, no proxy is used.  Whatever is no answer of a witness is ``Unreachable``.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence
from typing import TypeAlias
from urllib.parse import urlsplit

import attrs
import h11
import trio

from ledger import NoteSignature, VerificationError, VerifierKey
from ledger.cosignature import open_cosignatures
from vienna_runtime.errors import ConfigError
from vienna_runtime.witness import rules

LARGEST_ANSWER = 64 << 10  # bytes; a cosignature's line has some two hundred
_READ = 16 << 10
HANGING_UP = 1.0  # s: closing forcefully waits for nobody, so this is never used up
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n?")


class Unreachable(Exception):  # the fact; the root of vienna's errors is for what is told to a person who asked
    """No answer of a witness came; the text says why."""


@attrs.frozen
class Cosigned:
    """Verified over the checkpoint that was sent."""

    signature: NoteSignature


@attrs.frozen
class Knows:
    """The witness has cosigned this many entries, which is not what was supposed."""

    size: int


@attrs.frozen
class Rejected:
    """Refused by the witness's rules, with its words (not to be believed, nor shown unescaped)."""

    status: int
    unverified_why: str


Answer: TypeAlias = Cosigned | Knows | Rejected


@attrs.frozen
class Address:
    """Where a witness is asked."""

    host: str
    port: int
    tls: bool
    path: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """The submission prefix of a policy's witness line; raises ConfigError."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ConfigError("witness policy", url[:200], "this is no URL") from None
        plain = parts.hostname and not (parts.username or parts.password or parts.query or parts.fragment)
        if parts.scheme not in ("http", "https") or not plain or not url.isascii() or not url.isprintable():
            raise ConfigError("witness policy", ascii(url[:200]), "a witness's URL is http(s)://HOST[:PORT][/PREFIX]")
        tls = parts.scheme == "https"
        return cls(parts.hostname or "", port if port is not None else 443 if tls else 80, tls, parts.path.rstrip("/"))


class Door:
    """The way to one witness; for one task at a time."""

    def __init__(self, url: str, key: VerifierKey, *, tls: ssl.SSLContext, patience: float) -> None:
        self._address, self._key, self._tls, self._patience = Address.parse(url), key, tls, patience
        self._stream: trio.abc.Stream | None = None
        self._http = h11.Connection(h11.CLIENT)

    async def ask(self, text: str, old: int, proof: Sequence[bytes], note: bytes) -> Answer:
        """Have a checkpoint cosigned; raises Unreachable."""
        status, kind, body = await self._post(rules.compose(old, proof, note))
        if status == 200:
            try:
                return Cosigned(open_cosignatures(text, body, [self._key])[0])
            except VerificationError as error:
                raise Unreachable(f"its answer does not verify: {error}") from None
        if status == 409 and kind == rules.SIZE_TYPE and (size := _SIZE.fullmatch(body)) is not None:
            return Knows(int(size[1]))
        if status in (400, 403, 404, 409, 422):
            return Rejected(status, body[:200].decode(errors="replace").strip())
        raise Unreachable(f"it answered {status}")

    async def close(self) -> None:
        """Hang up."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await trio.aclose_forcefully(stream)

    async def _post(self, body: bytes) -> tuple[int, str, bytes]:
        kept = self._stream is not None
        with trio.move_on_after(self._patience):
            try:
                return await self._once(body)
            except Unreachable:
                await self.close()
                if not kept:
                    raise
            except BaseException:
                with trio.move_on_after(HANGING_UP, shield=True):
                    await self.close()
                raise
            # A kept connection may have been closed by the peer in the meantime. Asking twice does no harm: it is told the size.
            try:
                return await self._once(body)
            except BaseException:
                with trio.move_on_after(HANGING_UP, shield=True):
                    await self.close()
                raise
        await self.close()
        raise Unreachable(f"no answer within {self._patience:g} s")

    async def _once(self, body: bytes) -> tuple[int, str, bytes]:
        try:
            stream = self._stream or await self._dial()
            self._stream = stream
            address = self._address
            host = f"[{address.host}]" if ":" in address.host else address.host
            headers = [("Host", f"{host}:{address.port}"), ("Content-Length", str(len(body))), ("Content-Type", "text/plain")]
            head = self._http.send(h11.Request(method="POST", target=f"{address.path}/add-checkpoint", headers=headers)) or b""
            sent = (self._http.send(h11.Data(data=body)) or b"") + (self._http.send(h11.EndOfMessage()) or b"")
            await stream.send_all(head + sent)
            return await self._read(stream)
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError, ssl.SSLError, h11.ProtocolError) as error:
            raise Unreachable(str(error) or type(error).__name__) from None

    async def _dial(self) -> trio.abc.Stream:
        self._http = h11.Connection(h11.CLIENT)
        stream = await trio.open_tcp_stream(self._address.host, self._address.port)
        if not self._address.tls:
            return stream
        return trio.SSLStream(stream, self._tls, server_hostname=self._address.host, https_compatible=True)

    async def _read(self, stream: trio.abc.Stream) -> tuple[int, str, bytes]:
        status, kind, body = 0, "", b""
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(bytes(await stream.receive_some(_READ)))
            elif isinstance(event, h11.Response):
                status = event.status_code
                kind = next((value.decode("latin-1") for name, value in event.headers if name == b"content-type"), "")
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
                if len(body) > LARGEST_ANSWER:
                    await self.close()
                    raise Unreachable("its answer is too large")
            elif isinstance(event, h11.EndOfMessage):
                break
            elif not isinstance(event, h11.InformationalResponse):
                raise Unreachable("it hung up")
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            await self.close()
        return status, kind.partition(";")[0].strip(), body
