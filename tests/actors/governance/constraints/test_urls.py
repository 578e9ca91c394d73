from __future__ import annotations

import pytest

from actors.governance.canonical import NotCanonical, Value
from actors.governance.constraints.urls import Place, Url, place

API = Url("https", "api.example.org", None, "/v1")


@pytest.mark.parametrize(
    "value", ["https://api.example.org/v1", "https://api.example.org/v1/refunds", "https://api.example.org/v1/caf%C3%A9"]
)
def test_a_url_at_or_below_the_path_is_allowed(value: str) -> None:
    assert API.problem(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "https://api.example.org",
        "https://api.example.org/",
        "https://api.example.org/v1x",
        "https://api.example.org/v2",
        "https://api.example.org/v1/../admin",
        "https://api.example.org/v1/%2e%2e/admin",
        "https://api.example.org/v1/%2E%2E/admin",
        "https://api.example.org/v1/%252e%252e/admin",
        "https://api.example.org/v1%2fadmin",
        "https://api.example.org/v1/..%2Fadmin",
        "https://api.example.org/v1/..;/admin",
        "https://api.example.org/v1/..%3B/admin",
        "https://api.example.org/v1//admin",
        "https://api.example.org/v1/%61",
        "https://api.example.org/v1/caf%c3%a9",
        "https://api.example.org/v1/%zz",
        "https://api.example.org/v1/%00",
        "https://api.example.org/v1?x=1",
        "https://api.example.org/v1#x",
        "https://api.example.org/v1/a b",
        "https://api.example.org/v1/é",
        "http://api.example.org/v1",
        "HTTPS://api.example.org/v1",
        "https://API.example.org/v1",
        "https://api.example.org:443/v1",
        "https://api.example.org:8443/v1",
        "https://api.example.org:/v1",
        "https://api.example.org:0443/v1",
        "https://api.example.org./v1",
        "https://api.example.org@evil.org/v1",
        "https://evil.org@api.example.org/v1",
        "https://user:pw@api.example.org/v1",
        "https://evil.org\\@api.example.org/v1",
        "https:\\\\api.example.org\\v1",
        "https:/api.example.org/v1",
        "https:api.example.org/v1",
        "//api.example.org/v1",
        "/v1",
        "https://evil.org/v1",
        "https://api.example.org.evil.org/v1",
        "https://xapi.example.org/v1",
        "https://api.example.org%2eevil.org/v1",
        "https://аpi.example.org/v1",
        "https://api.example.org\t/v1",
        " https://api.example.org/v1",
        "https://evil.org/https://api.example.org/v1",
        "https://[::1]/v1",
        "https://2130706433/v1",
        "https://0x7f.1/v1",
        "https://127.1/v1",
        "",
        1,
        None,
    ],
)
def test_a_url_that_a_client_may_read_as_another_place_is_refused(value: Value) -> None:
    assert API.problem(value) is not None


def test_subdomains_are_those_of_the_host_and_never_the_host_itself() -> None:
    wild = Url("https", "*.example.org", None, "/")
    assert wild.problem("https://a.example.org/") is None
    assert wild.problem("https://a.b.example.org/x") is None
    assert wild.problem("https://example.org/") is not None
    assert wild.problem("https://evilexample.org/") is not None


def test_a_query_is_allowed_only_where_it_is_said() -> None:
    assert Url("https", "api.example.org", None, "/v1", True).problem("https://api.example.org/v1?page=2") is None
    assert Url("https", "api.example.org", None, "/v1", True).problem("https://api.example.org/v1?a\\b") is not None


def test_another_port_is_part_of_the_place() -> None:
    assert place("https://example.org:8443/") == Place("https", "example.org", 8443, "/", False)
    assert Url("https", "127.0.0.1", 8443, "/").problem("https://127.0.0.1:8443/x") is None


@pytest.mark.parametrize(
    ("host", "port", "path"),
    [
        ("Example.org", None, "/"),
        ("example.org", 443, "/"),
        ("example.org", None, ""),
        ("*.*.example.org", None, "/"),
        ("*", None, "/"),
        ("a", None, "/.."),
    ],
)
def test_a_constraint_has_one_spelling_too(host: str, port: int | None, path: str) -> None:
    with pytest.raises(NotCanonical):
        Url("https", host, port, path)
