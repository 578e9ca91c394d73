"""Addresses of e-mail at one domain, where no mail program can see another domain or a second address.

The local part is an unquoted one (RFC 5321, 4.1.2), which leaves one ``@`` and one spelling, without the characters by which
programs have been led to another domain: ``%`` and ``!`` route (RFC 1123, 5.2.16), and ``?`` begins an encoded word, which some
decode before they look for the ``@`` (``=?utf-8?q?mallory=40evil.org=3e?=@example.org``).
"""

from __future__ import annotations

import re

import attrs

from ..canonical import NotCanonical, Value
from . import hosts

_ATEXT = r"[A-Za-z0-9#$&'*+/=^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*", re.ASCII)
_LONGEST_LOCAL = 64  # RFC 5321, 4.5.3.1.1


@attrs.frozen
class Domain:
    """Any address at ``domain``, and at its subdomains where it says so."""

    domain: str
    subdomains: bool = False

    def __attrs_post_init__(self) -> None:
        if (
            type(self.domain) is not str
            or hosts.problem(self.domain) is not None
            or "." not in self.domain
            or type(self.subdomains) is not bool
        ):
            raise NotCanonical('the domain of addresses is as in "example.org", in small ASCII letters')

    def problem(self, value: Value) -> str | None:
        if type(value) is not str:
            return "must be a text"
        local, at, domain = value.rpartition("@")
        if not at or not _LOCAL.fullmatch(local) or len(local) > _LONGEST_LOCAL:
            return "must be one plain e-mail address, as in ada@example.org"
        if (wrong := hosts.problem(domain)) is not None:
            return wrong
        if domain == self.domain or (self.subdomains and hosts.is_below(domain, self.domain)):
            return None
        return f"must be {self.words()}"

    def form(self) -> Value:
        return {"domain": {"domain": self.domain, "subdomains": self.subdomains}}

    def words(self) -> str:
        return f"an e-mail address at {self.domain}{' or a subdomain of it' if self.subdomains else ''}"

    def holds(self, other: Domain) -> bool:
        """Whether every address of the other is one of this."""
        if other.domain == self.domain:
            return self.subdomains or not other.subdomains
        return self.subdomains and hosts.is_below(other.domain, self.domain)
