from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.limits import Limits
from transport.upgrade import OtherRequest, RequestReader, Unacceptable, Upgrade, refusal

LIMITS = Limits(handshake_bytes=1000)
REQUEST = (
    b"GET /vienna HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: other, vienna.v1.msgpack\r\n"
    b"Authorization: Bearer vk_belvedere_ada\r\n\r\n"
)


@given(st.lists(st.integers(1, len(REQUEST) - 1), max_size=8))
def test_a_request_is_read_in_any_pieces(cuts: list[int]) -> None:
    reader, outcome = RequestReader(LIMITS), None
    edges = [0, *sorted(set(cuts)), len(REQUEST)]
    for start, end in itertools.pairwise(edges):
        assert outcome is None
        outcome = reader.feed(REQUEST[start:end])
    assert outcome == Upgrade(bearer="vk_belvedere_ada", raw=REQUEST)


def test_without_authorization_there_is_no_bearer() -> None:
    bare = REQUEST.replace(b"Authorization: Bearer vk_belvedere_ada\r\n", b"")
    assert RequestReader(LIMITS).feed(bare) == Upgrade(bearer=None, raw=bare)


def test_a_plain_request_is_handed_on_as_it_came() -> None:
    plain = b"GET /cases?open=1 HTTP/1.1\r\nHost: h\r\n\r\n"
    assert RequestReader(LIMITS).feed(plain) == OtherRequest(path="/cases?open=1", raw=plain)


@pytest.mark.parametrize("drip", [1, 7, 999])
def test_a_head_beyond_the_limit_is_refused_however_slowly_it_comes(drip: int) -> None:
    reader, outcome, sent = RequestReader(LIMITS), None, 0
    endless = b"GET /vienna HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 5000
    while outcome is None:
        outcome = reader.feed(endless[sent : sent + drip])
        sent += drip
    assert outcome == Unacceptable(431)
    assert sent <= 1000 + 2 * drip


@given(st.binary(min_size=1, max_size=300))
def test_random_bytes_are_waited_on_or_refused(noise: bytes) -> None:
    outcome = RequestReader(LIMITS).feed(noise)
    assert outcome is None or isinstance(outcome, (Unacceptable, OtherRequest))


def test_a_refusal_says_nothing_of_its_reason() -> None:
    assert refusal(401).split(b"\r\n\r\n")[1] == b"Unauthenticated.\n"


@pytest.mark.parametrize(("wait", "seconds"), [(0, b"0"), (1, b"1"), (1000, b"1"), (1001, b"2")])
def test_a_wait_is_rounded_up_to_seconds(wait: int, seconds: bytes) -> None:
    assert b"retry-after: " + seconds + b"\r\n" in refusal(429, wait).lower()
