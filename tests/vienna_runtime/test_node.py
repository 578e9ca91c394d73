"""The settings that a node hands on do what they say."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeVar

import attrs
import pytest
import trio
from trio.testing import MockClock

from actors.scribe import Full, Reservation
from ledger import Draft, Ledger
from transport.errors import ConnectionLost
from transport.tls import ServerTls, client_context, server_context
from vienna_runtime import config as configs
from vienna_runtime import credential, founding, node, pki
from vienna_runtime.cli.main import run
from vienna_runtime.client import connect
from vienna_runtime.client.dial import dial
from vienna_runtime.client.errors import Unreachable
from vienna_runtime.client.vienna import door_of
from vienna_runtime.keystore import Keystore
from vienna_runtime.keystore_opener import opener_for
from vienna_runtime.ledger_keys import LedgerKeys
from vienna_runtime.ports import Ports
from vienna_runtime.secret import Secret

T = TypeVar("T")
NAME = "hofburg.example"


def nobody(_what: str) -> Secret:
    raise AssertionError("no passphrase is asked for")


def ports() -> Ports:
    return Ports(door=_nowhere, runner=inline, keep=_nowhere)


async def _nowhere(**_: object) -> None:
    raise AssertionError


async def inline(function: Callable[[], T]) -> T:
    return function()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "node"
    wanted = founding.Wanted(directory=home, node=NAME, operator="operator", host="127.0.0.1", port=0, insecure_dev_keys=True, ask=nobody)
    founding.found(wanted, {})
    return home


@pytest.fixture
def parts(home: Path) -> Iterator[tuple[Keystore, Ledger, ServerTls]]:
    config = configs.load(home, environ={})
    keystore = Keystore.open(config.keystore, opener_for(config.keystore, key_file=config.key_file, ask=lambda: nobody("")))
    ledger = Ledger.open(config.ledger, node=NAME, keys=LedgerKeys(keystore))
    places = pki.Places(config.tls)
    yield keystore, ledger, server_context(places.server, places.server_key)
    ledger.close()


@pytest.mark.parametrize("most", [256, 1000])
async def test_as_many_entries_may_wait_for_the_disk_as_set(home: Path, parts: tuple[Keystore, Ledger, ServerTls], most: int) -> None:
    config = configs.load(home, environ={"VIENNA_LIMITS_SUBMISSIONS": str(most)})
    made = node.compose(config, *parts[:2], ports())
    async with trio.open_nursery() as nursery:
        await nursery.start(made.scribe.run)
        assert isinstance(made.scribe.reserve("", most // 2 + 1), Full)
        room = made.scribe.reserve("", most // 2)
        assert isinstance(room, Reservation)
        room.release()
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("seconds", [2, 300])
async def test_the_heads_are_committed_to_as_often_as_set(
    home: Path, parts: tuple[Keystore, Ledger, ServerTls], seconds: int, autojump_clock: MockClock
) -> None:
    config = configs.load(home, environ={"VIENNA_SCHEDULE_HEADS": f"{seconds}s"})
    made = node.compose(config, *parts[:2], ports())
    keystore, ledger, _ = parts
    keystore.admit_tenant("belvedere")
    async with trio.open_nursery() as nursery:
        await nursery.start(made.scribe.run)
        await made.scribe.admit("belvedere", public=b"", actor="operator")
        room = made.scribe.reserve("belvedere", 1)
        assert isinstance(room, Reservation)
        made.scribe.submit("belvedere", made.scribe.epoch("belvedere"), 0, [Draft("word.said/1", 1, "ada", b"")], room)
        size = ledger.head("").size
        await trio.sleep(seconds - 0.5)
        assert ledger.head("").size == size
        await trio.sleep(1)
        assert ledger.head("").size == size + 1
        nursery.cancel_scope.cancel()


@pytest.fixture
def served(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[credential.Credential]:
    """The operator of a node in a process of its own, where a principal may have two connections."""
    monkeypatch.setenv("VIENNA_LIMITS_CONNECTIONS_PER_PRINCIPAL", "2")
    command = [sys.executable, "-m", "vienna_runtime.cli.main", "serve", str(home), "--listen", "127.0.0.1:0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        try:
            assert server.stdout is not None
            address = json.loads(server.stdout.readline())["ready"]
            yield attrs.evolve(credential.read(home / "operator.vienna", ask=lambda: nobody("")), address=address)
        finally:
            server.terminate()
            server.wait(60)


async def test_a_principal_has_as_many_connections_as_set_and_no_more(served: credential.Credential) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await (await stack.enter_async_context(connect(served))).status()
        with pytest.raises(Unreachable):
            await stack.enter_async_context(connect(served))
    async with connect(served) as again:
        await again.status()


@pytest.fixture
def process(home: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "vienna_runtime.cli.main", "serve", str(home), "--listen", "127.0.0.1:0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        try:
            yield server
        finally:
            server.terminate()
            server.wait(60)


async def test_a_node_that_stops_says_so_to_everybody(process: subprocess.Popen[bytes], home: Path) -> None:
    assert process.stdout is not None
    address = json.loads(process.stdout.readline())["ready"]
    operator = attrs.evolve(credential.read(home / "operator.vienna", ask=lambda: nobody("")), address=address)
    async with dial(door_of(operator)) as link:
        await link.call("status", {}, timeout=60)
        process.terminate()
        with trio.fail_after(60):
            await link.wait_closed()
        with pytest.raises(ConnectionLost, match=r"\(stopping\): the server is stopping"):
            await link.call("status", {}, timeout=60)


@pytest.fixture
def mirrored(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[credential.Credential]:
    """The operator of a node in a process of its own, which serves its log as tiles to its operators."""
    monkeypatch.setenv("VIENNA_TILES_NODE", "operators")
    command = [sys.executable, "-m", "vienna_runtime.cli.main", "serve", str(home), "--listen", "127.0.0.1:0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        try:
            assert server.stdout is not None
            address = json.loads(server.stdout.readline())["ready"]
            yield attrs.evolve(credential.read(home / "operator.vienna", ask=lambda: nobody("")), address=address)
        finally:
            server.terminate()
            server.wait(60)


async def test_tiles_are_served_on_the_port_of_the_calls(mirrored: credential.Credential, home: Path) -> None:
    host, _, port = mirrored.address.rpartition(":")
    trusted = client_context(pki.Places(configs.load(home, environ={}).tls).authority)
    answers = dict[str, bytes]()
    for name, bearer in (("held", mirrored.api_key.reveal().decode()), ("nobody", "vk_node_mallory_x")):
        stream = trio.SSLStream(await trio.open_tcp_stream(host, int(port)), trusted, server_hostname="localhost", https_compatible=True)
        await stream.send_all(
            f"GET /checkpoint HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {bearer}\r\nConnection: close\r\n\r\n".encode()
        )
        answers[name] = b""
        with trio.fail_after(60):
            while data := await stream.receive_some():
                answers[name] += bytes(data)
        await stream.aclose()
    assert answers["held"].startswith(b"HTTP/1.1 200 ")
    assert f"\r\n\r\n{NAME}\n".encode() in answers["held"]
    assert answers["nobody"].startswith(b"HTTP/1.1 401 ")
    async with connect(mirrored) as beside:
        await beside.status()


def test_a_node_that_serves_tiles_is_mirrored_by_its_operator(
    mirrored: credential.Credential, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    url, out = f"https://localhost:{mirrored.address.rpartition(':')[2]}/", str(tmp_path / "mirror")
    asked = ["ledger", "mirror", url, "--key", mirrored.node_key, "--tiles", out, "--json"]
    assert run(["--credential", str(home / "operator.vienna"), *asked]) == 0
    assert json.loads(capsys.readouterr().out)["origin"] == NAME
    assert run(["verify", out, "--key", mirrored.node_key]) == 0
    assert run([*asked, "--ca", str(pki.Places(configs.load(home, environ={}).tls).authority)]) == 4  # nobody's key
    assert "401" in capsys.readouterr().err
