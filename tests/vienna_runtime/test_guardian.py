"""A supervised node is there again after it died and after it hung, and nothing of it outlives its guardian."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from actors.kernel import Backoff
from transport.http import Request
from transport.tls import client_context
from vienna_runtime.cli.main import run
from vienna_runtime.guardian import Guardian, answers
from vienna_runtime.health import Health
from vienna_runtime.notify import Notifier


@attrs.define
class Supervised:
    process: subprocess.Popen[bytes]
    lines: list[dict[str, Any]]

    def next(self) -> dict[str, Any]:
        """The next life's ready line."""
        assert self.process.stdout is not None
        line = json.loads(self.process.stdout.readline())
        self.lines.append(line)
        return dict(line)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    assert run(["init", str(tmp_path / "node"), "--insecure-dev-keys", "--listen", "127.0.0.1:0"]) == 0
    return tmp_path / "node"


def command(home: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "vienna_runtime.cli.main", "serve", str(home), "--json", *more]


@pytest.fixture
def supervised(home: Path) -> Iterator[Supervised]:
    program = command(home, "--supervised", "--hung-after", "8")  # a healthy node on a busy machine answers within that
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            yield Supervised(process, [])
        finally:
            process.kill()


def gone(pid: int) -> None:
    """Waits until there is no such process; it is no child of ours."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert trio.run(partial(_readable, watched)), f"process {pid} lives on"
    finally:
        os.close(watched)


async def _readable(descriptor: int) -> bool:
    with trio.move_on_after(60):
        await trio.lowlevel.wait_readable(descriptor)
        return True
    return False


async def get(address: str, context: ssl.SSLContext, path: str) -> bytes:
    host, _, port = address.rpartition(":")
    async with await trio.open_ssl_over_tcp_stream(host, int(port), ssl_context=context, https_compatible=True) as stream:
        await stream.send_all(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        return b"".join([part async for part in stream])


def test_it_comes_back_at_its_address_after_a_kill_and_after_a_hang_and_dies_with_its_guardian(supervised: Supervised, home: Path) -> None:
    first = supervised.next()
    assert first["supervised_by"] == supervised.process.pid
    os.kill(first["pid"], signal.SIGKILL)
    second = supervised.next()
    os.kill(second["pid"], signal.SIGSTOP)  # it accepts connections still, by the kernel's hand, and says nothing
    third = supervised.next()
    assert len({line["pid"] for line in supervised.lines}) == 3
    assert {line["ready"] for line in supervised.lines} == {first["ready"]}

    context = client_context(home / "tls" / "authority.pem")
    answer = trio.run(get, third["ready"], context, "/health")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"live": True, "ready": True}
    assert trio.run(get, third["ready"], context, "/nothing").startswith(b"HTTP/1.1 404 ")
    assert trio.run(get, third["ready"], context, "/vienna").startswith(b"HTTP/1.1 426 ")

    for more in ((), ("--supervised",)):  # the ledger's lock keeps everybody else out, who says so and gives up at once
        other = subprocess.run(command(home, *more), capture_output=True, check=False)
        assert (other.returncode, b"is in use" in other.stderr) == (2, True), other.stderr

    supervised.process.kill()
    gone(third["pid"])


def test_told_to_stop_it_stops_the_node_in_order_also_a_paused_one(supervised: Supervised) -> None:
    node = supervised.next()["pid"]
    os.kill(node, signal.SIGSTOP)
    supervised.process.terminate()
    assert supervised.process.wait(60) == 0
    gone(node)


def _guardian(program: str, told: list[Any], certificate: Path = Path("none")) -> Guardian:
    return Guardian(
        command=[sys.executable, "-c", program],
        first=[],
        certificate=certificate,
        server_name="localhost",
        hung_after=5.0,
        told=told.append,
        notifier=Notifier(None, None),
        jitter=lambda: 0.0,
        backoff=Backoff(first=0.01, limit=0.01),
    )


def test_what_cannot_start_is_not_tried_again_and_what_keeps_falling_is_given_up() -> None:
    async def code(program: str) -> tuple[int, int]:
        guardian = _guardian(program, [])
        return await guardian.run(), guardian.restarts

    assert trio.run(code, "raise SystemExit(2)") == (2, 0)
    assert trio.run(code, "raise SystemExit(1)") == (1, 5)


@pytest.mark.parametrize(
    ("says", "alive"),
    [
        (b"", True),  # closed at once: crowded
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", True),  # not even TLS
        (None, False),  # silent
    ],
)
async def test_silence_alone_is_death(home: Path, says: bytes | None, alive: bool) -> None:
    context = client_context(home / "tls" / "authority.pem")

    async def attend(stream: trio.SocketStream) -> None:
        if says is None:
            await trio.sleep_forever()
        elif says:
            await stream.send_all(says)

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, attend, 0, host="127.0.0.1"))
        host, port = listeners[0].socket.getsockname()
        answered = None
        with trio.move_on_after(0.5 if says is None else 60):
            answered = await answers(f"{host}:{port}", context, "localhost")
        assert (answered is True) is alive
        nursery.cancel_scope.cancel()
    assert not await answers(f"{host}:{port}", context, "localhost")  # nobody listens


async def test_a_node_that_cannot_write_lives_and_is_not_ready() -> None:
    ready = [True, False]
    health = Health(lambda: ready[0])
    live, able = Request(method="GET", target="/health"), Request(method="GET", target="/health/ready")
    assert [(await health.answer(request)).status for request in (live, able)] == [200, 200]
    ready[0] = False
    assert [(await health.answer(request)).status for request in (live, able)] == [200, 503]
    assert (await health.answer(Request(method="POST", target="/health"))).status == 405
    assert (await health.answer(Request(method="GET", target="/health/../checkpoint"))).status == 404
