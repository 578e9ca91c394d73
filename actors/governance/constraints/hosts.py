"""Names of hosts in the one form that every resolver, client and mail server takes alike."""

from __future__ import annotations

import re

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_OCTETS = frozenset(map(str, range(256)))
_LONGEST = 253  # RFC 1035, 2.3.4, without the dot at the end


def problem(host: str) -> str | None:
    """What is wrong with how a host's name is written, or None.

    Clients do not agree on a name in other letters than ASCII (IDNA 2003, 2008 and UTS 46 make different hosts of ``ß``), nor on a
    dot at the end, nor on numbers in place of an address: such a name is not taken.
    """
    if not host.isascii():
        return "must name its host in ASCII, as in xn--bcher-kva.example: clients differ in what they make of other letters"
    if host != host.lower():
        return "must name its host in small letters"
    if not 1 <= len(host) <= _LONGEST:
        return f"must name a host of 1 to {_LONGEST} characters"
    labels = host.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        return "must name its host by labels of letters, digits and hyphens, joined by single dots"
    last = labels[-1]
    if (last.isdigit() or last.startswith("0x")) and not _is_address(labels):
        return "must write an address as four numbers from 0 to 255: clients read other forms in different ways"
    return None


def _is_address(labels: list[str]) -> bool:
    return len(labels) == 4 and all(
        label.isdigit() and len(label) <= 3 and str(int(label)) == label and int(label) <= 255 for label in labels
    )


def is_below(host: str, domain: str) -> bool:
    """Whether it is a proper subdomain."""
    return host.endswith(f".{domain}")
