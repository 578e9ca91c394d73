"""How often one address may come to the door, before anything is spent on it: no handshake, no certificate, no key is looked up.

The generic cell rate algorithm of ``actors.governance.rates``, kept in memory.  A customer of IPv6 has a whole /64 to come
from (RFC 6177), so that counts as one address.  Who comes too often finds the connection closed at once: an answer would
have to be encrypted first, which is what is saved here.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable

import attrs

from actors.governance.rates import Rate, after, wait

MOST_ADDRESSES = 10_000  # remembered at once; whoever came least lately is forgotten, and would have had to come from that many


@attrs.define(eq=False)
class Doorstep:
    """``now`` gives µs of a clock that never goes back; ``note`` counts a refusal by source and code."""

    rate: Rate
    now: Callable[[], int]
    note: Callable[[str, str], None]
    _arrivals: OrderedDict[str, int] = attrs.field(factory=OrderedDict, init=False)

    def lets_in(self, remote: str) -> bool:
        """Whether whoever comes from there may begin a handshake; counted either way."""
        who, now = neighbourhood(remote), self.now()
        arrival = self._arrivals.pop(who, 0)
        conforms = not wait(self.rate, arrival, now)
        self._arrivals[who] = after(self.rate, arrival, now) if conforms else arrival
        if not conforms:
            self.note(who, "knocking")
        elif len(self._arrivals) > MOST_ADDRESSES:
            self._arrivals.popitem(last=False)
        return conforms


def neighbourhood(remote: str) -> str:
    """The address, or the /64 it is in; what is no address stands for itself."""
    try:
        address = ipaddress.ip_address(remote.partition("%")[0])
    except ValueError:
        return remote
    if isinstance(address, ipaddress.IPv4Address):
        return remote
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))
