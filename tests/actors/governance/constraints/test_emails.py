from __future__ import annotations

import pytest

from actors.governance.canonical import NotCanonical, Value
from actors.governance.constraints.emails import Domain


@pytest.mark.parametrize("value", ["ada@example.org", "ada+x.y@example.org", "o'ada_b@example.org", "srs0=x=ada@example.org"])
def test_an_address_of_the_domain_is_allowed(value: str) -> None:
    assert Domain("example.org").problem(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "ada@evil.org",
        "ada@example.org@evil.org",
        "ada@example.org.evil.org",
        "ada@sub.example.org",
        "ada@evilexample.org",
        "ada@example.org.",
        "ada@EXAMPLE.org",
        "ada@exаmple.org",
        "ada@",
        "@example.org",
        "ada",
        "",
        "a@evil.org,b@example.org",
        "a@evil.org;b@example.org",
        "a@evil.org b@example.org",
        "<a@evil.org>@example.org",
        "Ada <ada@example.org>",
        "ada@example.org\nBcc: x@evil.org",
        "ada\0@example.org",
        "ada(x@evil.org)@example.org",
        '"a,b@evil.org"@example.org',
        '"a@evil.org"@example.org',
        '"ada"@example.org',
        "=?utf-8?q?ada=40evil.org=3e?=@example.org",
        "ada%evil.org@example.org",
        "evil.org!ada@example.org",
        '"a"b"@example.org',
        '"a\\"@example.org',
        ".ada@example.org",
        "a..b@example.org",
        "ada@[127.0.0.1]",
        "ädä@example.org",
        "x" * 65 + "@example.org",
        1,
        None,
        ["ada@example.org"],
    ],
)
def test_an_address_that_somebody_may_read_as_another_is_refused(value: Value) -> None:
    assert Domain("example.org").problem(value) is not None


def test_subdomains_are_allowed_only_where_it_is_said() -> None:
    assert Domain("example.org", subdomains=True).problem("ada@mail.example.org") is None
    assert Domain("example.org", subdomains=True).problem("ada@evilexample.org") is not None


@pytest.mark.parametrize("domain", ["", "Example.org", "localhost", "example.org.", "bücher.example", "@example.org"])
def test_a_domain_has_one_spelling_too(domain: str) -> None:
    with pytest.raises(NotCanonical):
        Domain(domain)
