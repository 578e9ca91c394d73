from __future__ import annotations

import pytest

from actors.governance.constraints import hosts


@pytest.mark.parametrize(
    "host", ["example.org", "a-b.example.org", "xn--bcher-kva.example", "_dmarc.example.org", "127.0.0.1", "localhost", "3com.example"]
)
def test_a_host_in_its_one_form_is_taken(host: str) -> None:
    assert hosts.problem(host) is None


@pytest.mark.parametrize(
    "host",
    [
        "",
        "bücher.example",
        "EXAMPLE.org",
        "example.org.",
        "a..b",
        "-a.org",
        "a-.org",
        "a b",
        "a%2e",
        "127.1",
        "0x7f.0.0.1",
        "127.0.0.01",
        "1.2.3.256",
        "2130706433",
        "x" * 64 + ".org",
        "a." * 127 + "org",
    ],
)
def test_a_host_that_clients_read_differently_is_not(host: str) -> None:
    assert hosts.problem(host) is not None


def test_a_subdomain_ends_at_a_dot() -> None:
    assert hosts.is_below("a.example.org", "example.org")
    assert not hosts.is_below("aexample.org", "example.org")
    assert not hosts.is_below("example.org", "example.org")
