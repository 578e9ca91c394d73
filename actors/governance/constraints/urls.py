"""URLs of one scheme, host and port, at or below one path, written in their one normal form.

Clients differ in what they make of a backslash, of user info, of letters that are not ASCII, of an encoded slash or dot, of a
port that goes without saying.  Whatever two clients may read differently is refused, so that what was allowed and what is
fetched are the same place: this is the normal form of RFC 3986, 6.2.2 and 6.2.3, and nothing beside it is taken.
"""

from __future__ import annotations

import re

import attrs

from ..canonical import NotCanonical, Value
from . import hosts

LONGEST_URL = 8_192  # characters: what clients and servers commonly take
_SHAPE = re.compile(r"([a-z][a-z0-9+.-]{0,31})://([^/?#]+)(/[^?#]*)(?:\?([^#]*))?", re.ASCII)
_CHARACTERS = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-F]{2})*", re.ASCII)  # RFC 3986, 3.3 and 3.4
_PLAIN = re.compile(r"%(?:2[DE]|3[0-9]|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])")  # an unreserved sign in disguise
_HIDDEN = re.compile(r"%(?:2F|5C|00|25|3B|0[0-9A-F]|1[0-9A-F]|7F)")  # slash, backslash, NUL, a percent to decode twice, semicolon, controls
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}


@attrs.frozen
class Place:
    """What a URL names."""

    scheme: str
    host: str
    port: int | None  # None: the scheme's own
    path: str
    has_query: bool


def place(url: str) -> Place | str:
    """What a URL in normal form names, or what is wrong with how it is written."""
    if not 1 <= len(url) <= LONGEST_URL:
        return f"must be a URL of 1 to {LONGEST_URL} characters"
    if "\\" in url or any(not "!" <= sign <= "~" for sign in url):
        return "must be a URL in printable ASCII without spaces or backslashes; other signs are percent-encoded, a host is xn--…"
    if "#" in url:
        return "must be a URL without a fragment, which is never sent"
    if "@" in url.partition("://")[2].partition("/")[0].partition("?")[0]:
        return "must be a URL without user name or password"
    found = _SHAPE.fullmatch(url)
    if found is None:
        return 'must be a URL with scheme, host and path, as in "https://api.example.org/v1", the scheme in small letters'
    scheme, authority, path, query = found.groups()
    host, colon, digits = authority.partition(":")
    if (wrong := hosts.problem(host)) is not None:
        return wrong
    port = None
    if colon:
        if not digits.isdigit() or digits[0] == "0" or int(digits[:6]) > 65_535 or len(digits) > 5:
            return "must name its port as a number from 1 to 65535"
        port = int(digits)
        if _DEFAULT_PORTS.get(scheme) == port:
            return f"must leave out the port {port}, which is that of {scheme}"
    return _path_problem(path) or _query_problem(query) or Place(scheme, host, port, path, query is not None)


def _path_problem(path: str) -> str | None:
    if not _CHARACTERS.fullmatch(path):
        return "must have a path of plain or percent-encoded signs (in capitals, as in %C3%A9)"
    if _PLAIN.search(path):
        return "must not percent-encode a letter, a digit or one of - . _ ~ in its path"
    if _HIDDEN.search(path):
        return "must not hide a slash, backslash, semicolon, percent or control character in its path"
    segments = path.split("/")[1:]
    if any(segment.partition(";")[0] in (".", "..") for segment in segments) or "" in segments[:-1]:
        return 'must have a path without empty segments and without "." or ".."'
    return None


def _query_problem(query: str | None) -> str | None:
    return None if query is None or _CHARACTERS.fullmatch(query) else "must have a query of plain or percent-encoded signs"


@attrs.frozen
class Url:
    """``host`` may begin with ``*.`` for any subdomain (never the domain itself); a path holds itself and what is below it."""

    scheme: str
    host: str
    port: int | None
    path: str
    query: bool = False  # whether a query may follow

    def __attrs_post_init__(self) -> None:
        plain = self.host.removeprefix("*.") if type(self.host) is str else ""
        known = place(f"{self.scheme}://{plain}{'' if self.port is None else f':{self.port}'}{self.path}")
        if not isinstance(known, Place) or known != Place(self.scheme, plain, self.port, self.path, False) or type(self.query) is not bool:
            raise NotCanonical('a URL is as in "https://api.example.org/v1" or "https://*.example.org/", in normal form')

    def problem(self, value: Value) -> str | None:
        if type(value) is not str:
            return "must be a text"
        named = place(value)
        if isinstance(named, str):
            return named
        if (named.scheme, named.port) != (self.scheme, self.port) or not self._has_host(named.host):
            return f"must be a URL of {self.origin}"
        if not _at_or_below(named.path, self.path):
            return f"must be a URL at or below {self.origin}{self.path}"
        return "must be a URL without a query" if named.has_query and not self.query else None

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}{'' if self.port is None else f':{self.port}'}"

    def _has_host(self, host: str) -> bool:
        return hosts.is_below(host, self.host[2:]) if self.host.startswith("*.") else host == self.host

    def form(self) -> Value:
        return {"url": {"scheme": self.scheme, "host": self.host, "port": self.port, "path": self.path, "query": self.query}}

    def words(self) -> str:
        return f"a URL at or below {self.origin}{self.path}{', a query allowed' if self.query else ', without a query'}"

    def holds(self, other: Url) -> bool:
        """Whether every URL of the other is one of this."""
        return (
            (self.scheme, self.port) == (other.scheme, other.port)
            and (other.host == self.host or (self.host.startswith("*.") and hosts.is_below(other.host.removeprefix("*."), self.host[2:])))
            and _at_or_below(other.path, self.path)
            and (self.query or not other.query)
        )


def _at_or_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root if root.endswith("/") else f"{root}/")
