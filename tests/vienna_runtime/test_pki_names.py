from __future__ import annotations

import ipaddress

from cryptography import x509

from vienna_runtime.pki_names import canonical, constraints, general


def test_names_and_addresses_have_one_spelling() -> None:
    assert canonical("0:0::1") == "::1"
    assert canonical("Vienna.Example") == "vienna.example"


def test_an_address_is_never_written_as_a_name() -> None:
    assert general("10.0.0.1") == x509.IPAddress(ipaddress.ip_address("10.0.0.1"))
    assert general("vienna.example") == x509.DNSName("vienna.example")


def test_constraints_permit_loopback_and_the_given_and_nothing_wider() -> None:
    permitted = constraints(["vienna.example", "10.0.0.1", "localhost", "::2"]).permitted_subtrees
    assert permitted is not None
    assert {str(subtree.value) for subtree in permitted} == {
        "localhost",
        "127.0.0.0/8",
        "::1/128",
        "vienna.example",
        "10.0.0.1/32",
        "::2/128",
    }
    assert len(permitted) == 6
