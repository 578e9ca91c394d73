"""systemd is spoken to over a real socket, and hears nothing from a process that hangs."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trio

from vienna_runtime.cli.main import run
from vienna_runtime.notify import Notifier


def listener(address: str | bytes) -> socket.socket:
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.bind(address)
    heard.settimeout(60)
    return heard


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """What ``NOTIFY_SOCKET`` says, and the socket behind it."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@vienna-test-{os.getpid()}"
    with listener(name if request.param == "path" else b"\0" + name[1:].encode()) as heard:
        yield name, heard


def said(heard: socket.socket) -> list[str]:
    return heard.recv(4096).decode().split("\n")


def test_what_is_said_and_that_nobody_started_from_here_says_it(manager: tuple[str, socket.socket]) -> None:
    name, heard = manager
    environ = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid()), "PATH": "/bin"}
    notifier = Notifier.from_environment(environ)
    assert environ == {"PATH": "/bin"}
    assert notifier.watchdog == 2.0
    notifier.ready("serving")
    notifier.status("serving")  # no news
    notifier.status("read-only: the disk\nis full")
    notifier.feed()
    notifier.stopping()
    assert [said(heard) for _ in range(4)] == [
        ["READY=1", "STATUS=serving"],
        ["STATUS=read-only: the disk is full"],
        ["WATCHDOG=1"],
        ["STOPPING=1", "STATUS=stopping in order"],
    ]


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"NOTIFY_SOCKET": "relative"},
        {"NOTIFY_SOCKET": "/nowhere/at/all", "WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "1"},
        {"NOTIFY_SOCKET": "/nowhere/at/all", "WATCHDOG_USEC": "soon"},
        {"NOTIFY_SOCKET": "/nowhere/at/all", "WATCHDOG_USEC": "0"},
    ],
)
def test_where_nobody_listens_or_another_is_meant_nothing_is_fed_and_nothing_fails(environ: dict[str, str]) -> None:
    notifier = Notifier.from_environment(environ)
    assert notifier.watchdog is None
    notifier.ready("serving")
    notifier.feed()


async def test_the_watchdog_is_fed_twice_within_its_time_by_the_event_loop(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    with listener(str(tmp_path / "notify")) as heard:
        notifier = Notifier.from_environment({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "4000000"})
        with trio.move_on_after(7.9):
            await notifier.keep_alive(lambda: "serving")
        heard.setblocking(False)
        lines: list[list[str]] = []
        while True:
            try:
                lines.append(said(heard))
            except BlockingIOError:
                break
        assert lines == [["WATCHDOG=1"], ["STATUS=serving"], ["WATCHDOG=1"], ["WATCHDOG=1"], ["WATCHDOG=1"]]


def test_a_served_node_says_when_it_is_ready_that_it_lives_and_that_it_stops(tmp_path: Path) -> None:
    assert run(["init", str(tmp_path / "node"), "--insecure-dev-keys", "--listen", "127.0.0.1:0"]) == 0
    command = [sys.executable, "-m", "vienna_runtime.cli.main", "serve", str(tmp_path / "node"), "--json"]
    with listener(str(tmp_path / "notify")) as heard:
        environ = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environ) as node:
            try:
                assert node.stdout is not None
                assert json.loads(node.stdout.readline())["pid"] == node.pid
                ready = said(heard)
                assert ready[0] == "READY=1"
                assert ready[1].startswith("STATUS=serving; 0 tenants")
                assert [said(heard), said(heard)] == [["WATCHDOG=1"]] * 2
                node.send_signal(signal.SIGSTOP)
                os.waitid(os.P_PID, node.pid, os.WSTOPPED | os.WNOWAIT)
                heard.setblocking(False)
                with suppress(BlockingIOError):
                    while True:  # what was said before it hung
                        said(heard)
                heard.settimeout(1.0)  # five times the watchdog's time
                with pytest.raises(TimeoutError):
                    said(heard)
                heard.settimeout(60)
                node.send_signal(signal.SIGCONT)
                assert said(heard) == ["WATCHDOG=1"]
                node.terminate()
                lines = said(heard)
                while lines == ["WATCHDOG=1"]:
                    lines = said(heard)
                assert lines == ["STOPPING=1", "STATUS=stopping in order"]
                assert node.wait(60) == 0
            finally:
                node.kill()
