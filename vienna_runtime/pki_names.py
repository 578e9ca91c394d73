"""Which names an authority may vouch for: those it was made with, and this machine itself.

A name constraint for ``example.org`` would by RFC 5280 (4.2.1.10) also permit everything below it; that is accepted,
whoever runs a node under a name controls what is below it.  Addresses are permitted one by one, loopback as networks.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from cryptography import x509

from vienna_runtime.errors import CertificateError

_LOOPBACK_NAMES = ("localhost",)
_LOOPBACK_NETWORKS = ("127.0.0.0/8", "::1/128")


def canonical(name: str) -> str:
    """One spelling for each name or address."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.lower()


def general(name: str) -> x509.GeneralName:
    """As a certificate says it: an address or a DNS name."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name.lower())


def constraints(names: Iterable[str]) -> x509.NameConstraints:
    """Permits these names and addresses, loopback, and nothing else."""
    permitted: dict[x509.GeneralName, None] = {x509.DNSName(name): None for name in _LOOPBACK_NAMES}
    permitted.update((x509.IPAddress(ipaddress.ip_network(network)), None) for network in _LOOPBACK_NETWORKS)
    for name in names:
        permitted[_network(name) if isinstance(general(name), x509.IPAddress) else general(name)] = None
    return x509.NameConstraints(permitted_subtrees=list(permitted), excluded_subtrees=None)


def check_permitted(authority: x509.Certificate, names: Sequence[str]) -> None:
    """Raise ``CertificateError`` for a name that clients would refuse from this authority: better here than at each client."""
    if not names:
        raise CertificateError("a server certificate needs at least one name or address")
    permitted = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    for name in names:
        if not any(_covers(subtree, general(name)) for subtree in permitted):
            raise CertificateError(
                f"the development authority was not made for {name}, so no client would accept its certificate; "
                "make the node with that name, or bring a certificate of your own"
            )


def _network(address: str) -> x509.IPAddress:
    return x509.IPAddress(ipaddress.ip_network(address))


def _covers(subtree: x509.GeneralName, name: x509.GeneralName) -> bool:
    match subtree, name:
        case x509.DNSName(), x509.DNSName():
            return name.value == subtree.value or name.value.endswith("." + subtree.value)
        case x509.IPAddress(), x509.IPAddress():
            network, address = subtree.value, name.value
            if isinstance(network, ipaddress.IPv4Network) and isinstance(address, ipaddress.IPv4Address):
                return address in network
            return isinstance(network, ipaddress.IPv6Network) and isinstance(address, ipaddress.IPv6Address) and address in network
        case _:
            return False
