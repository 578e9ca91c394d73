"""A real node in a process of its own, that writes under load while it is backed up."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from vienna_runtime import credential as credentials
from vienna_runtime.cli.main import run
from vienna_runtime.client import connect
from vienna_runtime.secret import Secret

PROGRAM = [sys.executable, "-m", "vienna_runtime.cli.main"]
DAY = 86_400_000_000  # µs
ENVIRON = {name: value for name, value in os.environ.items() if not name.startswith("VIENNA_")}


@attrs.define(eq=False)
class Node:
    """One node: founded, served, killed, served again."""

    home: Path
    process: subprocess.Popen[str] | None = None
    address: str = ""

    @property
    def operator(self) -> Path:
        return self.home.parent / "operator.vienna"

    @property
    def key(self) -> str:
        return credentials.read(self.operator, ask=lambda: Secret(b"")).node_key

    def serve(self, *more: str) -> Node:
        command = [*PROGRAM, "serve", str(self.home), "--listen", "127.0.0.1:0", "--json", *more]
        log = self.home.parent / "serve.log"
        with log.open("a") as err:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=err, text=True, env=ENVIRON)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, log.read_text()
        self.address = json.loads(line)["ready"]
        return self

    def end(self, number: int = signal.SIGTERM) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(60)
            assert self.process.stdout is not None
            self.process.stdout.close()

    def refusal(self) -> str:
        """What is said when it is not served."""
        command = [*PROGRAM, "serve", str(self.home), "--listen", "127.0.0.1:0"]
        done = subprocess.run(command, capture_output=True, text=True, env=ENVIRON, timeout=120, check=False)
        assert done.returncode == 2, done.stderr
        return done.stderr

    def grow(self, count: int = 3) -> list[str]:
        """So many tenants more; their names, every one acknowledged."""

        async def create() -> list[str]:
            made = []
            async with connect(attrs.evolve(credentials.read(self.operator, ask=lambda: Secret(b"")), address=self.address)) as vienna:
                for _ in range(count):
                    name = f"t{secrets.token_hex(6)}"
                    await vienna.call(
                        "tenant.create", tenant=name, admin="anna", person="Anna", invitation=secrets.token_hex(8),
                        token_hash=secrets.token_bytes(32), expires_at=time.time_ns() // 1000 + DAY,
                    )  # fmt: skip
                    made.append(name)
            return made

        return trio.run(create)


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node and its operator's credential, made once: each test has a copy."""
    directory = tmp_path_factory.mktemp("founded")
    subprocess.run([*PROGRAM, "init", str(directory / "node"), "--insecure-dev-keys"], check=True, capture_output=True, env=ENVIRON)
    (directory / "node" / "operator.vienna").rename(directory / "operator.vienna")
    return directory


@pytest.fixture
def node(founded: Path, tmp_path: Path) -> Iterator[Node]:
    shutil.copytree(founded, tmp_path, dirs_exist_ok=True)
    made = Node(tmp_path / "node")
    yield made
    made.end(signal.SIGKILL)


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Any:
    """``say("backup", …)``: exit code and what was said, as JSON where that was asked for."""

    def command(*arguments: object, json_too: bool = True) -> tuple[int, Any]:
        capsys.readouterr()
        code = run([*(["--json"] if json_too else []), *map(str, arguments)])
        said = capsys.readouterr()
        if not json_too:
            return code, said.out + said.err
        assert len(said.out.splitlines()) == (code == 0), said.out
        return code, json.loads(said.out) if code == 0 else json.loads(said.err.splitlines()[-1])["error"]["why"]

    return command
