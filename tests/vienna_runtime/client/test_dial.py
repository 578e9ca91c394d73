"""Why there is no session, in a sentence that says what to do: against real TLS servers that are wrong in one thing each."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from ledger.note import NoteSigner
from transport.connection import Connection
from transport.gate import Admission, Rejection
from transport.server import serve
from transport.tls import server_context
from vienna_runtime import pki
from vienna_runtime.client import NotAdmitted, Unreachable, Untrusted
from vienna_runtime.client.dial import Door, dial, host_and_port
from vienna_runtime.errors import CredentialError
from vienna_runtime.secret import Secret

NODE = "vienna.example"
KEY = NoteSigner(NODE, bytes(range(32))).verifier.text
NAMES = ("localhost", "127.0.0.1")


class Gate:
    """Lets in who brings the word."""

    async def admit(self, bearer: str | None, remote: str) -> Admission | Rejection:
        known = bearer == "vk_open"
        return Admission(principal="ada", public_key=None, identity="ada") if known else Rejection(status=401)


async def handle(connection: Connection) -> None:
    while True:
        await connection.receive()


def certificates(directory: Path, *, now: dt.datetime, names: tuple[str, ...] = NAMES) -> pki.Places:
    places = pki.Places(directory)
    authority = pki.make_dev_authority(places, NODE, names, now)
    pki.make_server_certificate(places, authority, names, now)
    return places


@asynccontextmanager
async def node(places: pki.Places, *, origin: str = NODE) -> AsyncIterator[str]:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    tls = server_context(places.server, places.server_key)
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(serve, listeners, tls=tls, origin=origin, gate=Gate(), handle=handle))
        yield f"127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


def door(address: str, places: pki.Places, *, bearer: str = "vk_open", server_name: str = "localhost") -> Door:
    ca = places.authority.read_text()
    return Door(address=address, server_name=server_name, ca=ca, node_key=KEY, bearer=Secret(bearer.encode()), signing_key=None)


async def why(door_: Door) -> Unreachable:
    with pytest.raises(Unreachable) as raised:
        async with dial(door_):
            pytest.fail("a session opened")
    return raised.value


NOW = dt.datetime.now(dt.UTC)


async def test_the_right_door_opens(tmp_path: Path) -> None:
    places = certificates(tmp_path / "tls", now=NOW)
    async with node(places) as address, dial(door(address, places)) as link:
        assert link.principal == "ada"


async def test_a_key_the_node_does_not_know_is_said_to_be_so(tmp_path: Path) -> None:
    places = certificates(tmp_path / "tls", now=NOW)
    async with node(places) as address:
        error = await why(door(address, places, bearer="vk_other"))
    assert isinstance(error, NotAdmitted)
    assert "does not accept this credential" in str(error)


async def test_an_expired_certificate_is_named(tmp_path: Path) -> None:
    places = certificates(tmp_path / "tls", now=NOW - dt.timedelta(days=1000))
    async with node(places) as address:
        error = await why(door(address, places))
    assert isinstance(error, Untrusted)
    assert "has expired" in str(error)


async def test_a_certificate_of_tomorrow_asks_about_the_clock(tmp_path: Path) -> None:
    places = certificates(tmp_path / "tls", now=NOW + dt.timedelta(days=1))
    async with node(places) as address:
        error = await why(door(address, places))
    assert isinstance(error, Untrusted)
    assert "not valid yet" in str(error)


async def test_a_certificate_for_another_name_is_another_server(tmp_path: Path) -> None:
    places = certificates(tmp_path / "tls", now=NOW)
    async with node(places) as address:
        error = await why(door(address, places, server_name="vienna.elsewhere"))
    assert isinstance(error, Untrusted)
    assert "for another name than vienna.elsewhere" in str(error)


async def test_a_certificate_of_another_authority_is_another_server_or_a_node_made_anew(tmp_path: Path) -> None:
    places, others = certificates(tmp_path / "tls", now=NOW), certificates(tmp_path / "other", now=NOW)
    async with node(others) as address:
        error = await why(door(address, places))
    assert isinstance(error, Untrusted)
    assert "not issued by the authority this credential trusts" in str(error)


async def test_nobody_at_the_address_is_a_sentence_with_the_address(tmp_path: Path) -> None:
    places = certificates(tmp_path / "tls", now=NOW)
    error = await why(door("127.0.0.1:1", places))
    assert not isinstance(error, (Untrusted, NotAdmitted))
    assert str(error).startswith("nothing answers at 127.0.0.1:1: connection refused")


async def test_a_name_without_an_address_is_said_to_have_none(tmp_path: Path) -> None:
    places = certificates(tmp_path / "tls", now=NOW)
    error = await why(door("nowhere.invalid:7443", places))  # RFC 6761, section 6.4: never resolves
    assert str(error) == "nothing answers at nowhere.invalid:7443: no address is known for this name"


@pytest.mark.parametrize(
    ("text", "place"),
    [("localhost:80", ("localhost", 80)), ("[::1]:80", ("::1", 80)), ("127.0.0.1", ("127.0.0.1", 7443)), ("::1", ("::1", 7443))],
)
def test_an_address_is_read_in_each_of_its_forms(text: str, place: tuple[str, int]) -> None:
    assert host_and_port(text) == place


@pytest.mark.parametrize("text", ["", ":80", "host:0", "host:65536", "host:x", "host:٣"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(CredentialError):
        host_and_port(text)
