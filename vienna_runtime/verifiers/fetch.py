"""One HTTP(S) answer, bounded in everything: time, headers, body, redirects; and only from where the configuration says.

No cookie, no proxy, no credential but the configured one.  The host is the configuration's; a redirect is followed only to the same
scheme, host and port and below the configured path, and otherwise it is an answer that could not be had.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from urllib.parse import urljoin, urlsplit

import attrs
import trio

from vienna_runtime.executors.errors import NotStarted
from vienna_runtime.http_exchange import BROKEN, Host, exchange


@attrs.frozen(kw_only=True)
class Place(Host):
    """Where answers may come from: everything below ``path``, which ends with a slash."""

    path: str

    @classmethod
    def parse(cls, url: str) -> Place:
        """Raises ``ValueError`` that says what is wrong."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii() or not url.isprintable():
            raise ValueError("is not http(s)://HOST[:PORT]/PATH/")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("has credentials, a query or a fragment; a token belongs into token_file")
        if not parts.path.endswith("/") or "//" in parts.path or "/../" in parts.path or "/./" in parts.path:
            raise ValueError("does not end with a slash, or is no plain path: say below which path one may look")
        tls = parts.scheme == "https"
        return cls(tls=tls, host=parts.hostname, port=parts.port or (443 if tls else 80), path=parts.path)

    def covers(self, url: str) -> bool:
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        same = (tls, parts.hostname, parts.port or (443 if tls else 80)) == (self.tls, self.host, self.port)
        same = same and parts.scheme in ("http", "https")
        inside = parts.path.startswith(self.path) and not {".", ".."} & set(parts.path.split("/")) and "%2e" not in parts.path.lower()
        return same and inside and not parts.username and not parts.password


@attrs.frozen
class Answer:
    status: int
    body: bytes


async def fetch(
    place: Place, target: str, headers: Sequence[tuple[str, str]], *, tls: ssl.SSLContext, timeout: float, most: int, redirects: int
) -> Answer:
    """The answer to a GET; raises ``NotStarted`` where none could be had."""
    try:
        with trio.fail_after(timeout):
            for _ in range(redirects + 1):
                answer = await exchange(place, "GET", target, headers, tls=tls, most=most)
                if answer.status not in (301, 302, 303, 307, 308) or not redirects:
                    return Answer(answer.status, answer.body)
                url = urljoin(place.origin + target, answer.headers.get("location", ""))
                if not place.covers(url):
                    raise NotStarted("the server sends elsewhere, which the configuration does not allow")
                parts = urlsplit(url)
                target = parts.path + (f"?{parts.query}" if parts.query else "")
            raise NotStarted(f"the server sends on and on, more than {redirects} times")
    except trio.TooSlowError:
        raise NotStarted(f"no whole answer within {timeout:g} s") from None
    except BROKEN as error:
        raise NotStarted(f"no answer: {str(error)[:200] or type(error).__name__}") from None
