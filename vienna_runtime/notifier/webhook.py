"""A webhook: one signed POST, its answer's status, and nothing kept of it."""

from __future__ import annotations

import ipaddress
import ssl
from urllib.parse import urlsplit

import attrs
import trio

from vienna_runtime.executors.errors import NotStarted
from vienna_runtime.http_exchange import BROKEN, Host, exchange
from vienna_runtime.notifier import signature
from vienna_runtime.notifier.schedule import Attempt, Failed, of_status
from vienna_runtime.secret import Secret

MOST_ANSWER = 64 << 10  # bytes that are read of an answer: only its status means something


@attrs.frozen
class Address(Host):
    target: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """Raises ``ValueError`` that says what is wrong.  In the clear only to this machine itself: alerts say what goes wrong here."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii() or not url.isprintable() or " " in url:
            raise ValueError("is not https://HOST[:PORT]/PATH")
        if parts.username or parts.password or parts.fragment:
            raise ValueError("has credentials or a fragment; what signs is in secrets_file")
        tls = parts.scheme == "https"
        if not tls and not _is_loopback(parts.hostname):
            raise ValueError("would be sent in the clear: outside of this machine it has to be https://")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(tls=tls, host=parts.hostname, port=parts.port or (443 if tls else 80), target=path)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@attrs.frozen(kw_only=True)
class Webhook:
    address: Address
    secrets: tuple[Secret, ...]
    tls: ssl.SSLContext = attrs.field(repr=False, eq=False)
    timeout: float

    async def attempt(self, name: str, body: bytes, now: float) -> Attempt:
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("User-Agent", "vienna-notifier"),
            *signature.headers(self.secrets, name, int(now), body),
        ]
        try:
            with trio.fail_after(self.timeout):
                answer = await exchange(self.address, "POST", self.address.target, headers, body, tls=self.tls, most=MOST_ANSWER)
        except trio.TooSlowError:
            return Failed(f"no whole answer within {self.timeout:g} s")
        except (NotStarted, *BROKEN) as error:
            return Failed(f"no answer: {str(error)[:200] or type(error).__name__}")
        return of_status(answer.status, answer.headers, now)
