"""A witness in a process of its own, and logs to show it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import attrs
import pytest

from ledger import NoteSigner, VerifierKey, leaf_hash, root_of
from ledger.checkpoint import Checkpoint
from ledger.note import compose as compose_note
from ledger.proofs import prove_consistency
from ledger.tree import EMPTY_ROOT, extend
from vienna_runtime.cli.main import run
from vienna_runtime.witness import rules

ENVIRON = {name: value for name, value in os.environ.items() if not name.startswith("VIENNA_")}


class GrownLog:
    """A log as a list of leaves, with every checkpoint it ever could sign."""

    def __init__(self, origin: str, leaves: Sequence[bytes], *, signer: NoteSigner | None = None) -> None:
        self.origin, self.signer = origin, signer or NoteSigner(origin, sha256(origin.encode()).digest())
        self._nodes: dict[tuple[int, int], bytes] = {}
        self.roots = [EMPTY_ROOT]
        frontier: list[bytes] = []
        for index, leaf in enumerate(leaves):
            for level, node in enumerate(extend(frontier, index, leaf_hash(leaf))):
                self._nodes[level, (index + 1 >> level) - 1] = node
            self.roots.append(root_of(frontier))

    def text(self, size: int) -> str:
        return Checkpoint(self.origin, size, self.roots[size]).text()

    def note(self, size: int) -> bytes:
        text = self.text(size)
        return compose_note(text, [self.signer.sign(text.encode())])

    def prove(self, first: int, second: int) -> tuple[bytes, ...]:
        return prove_consistency(lambda level, index: self._nodes[level, index], first, second)

    def request(self, old: int, size: int) -> bytes:
        return rules.compose(old, self.prove(old, size), self.note(size))


@attrs.frozen
class Answer:
    status: int
    kind: str
    body: bytes


@attrs.frozen
class RunningWitness:
    url: str
    key: VerifierKey
    process: subprocess.Popen[bytes]

    def post(self, body: bytes) -> Answer:
        asked = urllib.request.Request(f"{self.url}/add-checkpoint", data=body, method="POST")
        return self._said(asked)

    def get(self, path: str) -> Answer:
        return self._said(urllib.request.Request(self.url + path))

    def _said(self, asked: urllib.request.Request) -> Answer:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(asked, timeout=60) as said:
                return Answer(said.status, said.headers["Content-Type"], said.read())
        except urllib.error.HTTPError as refused:
            with refused:
                return Answer(refused.code, refused.headers["Content-Type"], refused.read())


@attrs.frozen
class WitnessHouse:
    """A witness's directory, and means to run it."""

    directory: Path

    def command(self, *words: str) -> int:
        return run(["witness", *words])

    def trust(self, *keys: VerifierKey) -> None:
        assert self.command("add-log", str(self.directory), *(key.text for key in keys)) == 0

    @contextmanager
    def served(self, program: Sequence[str] = ("-m", "vienna_runtime.cli.main")) -> Iterator[RunningWitness]:
        command = [sys.executable, *program, "witness", "serve", str(self.directory), "--listen", "127.0.0.1:0", "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRON) as process:
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                assert line, process.stderr and process.stderr.read().decode()
                said = json.loads(line)
                yield RunningWitness(said["ready"], VerifierKey.parse(said["key"]), process)
            finally:
                process.terminate()
                process.communicate(timeout=60)


@pytest.fixture
def grown() -> type[GrownLog]:
    return GrownLog


@pytest.fixture
def witness_house(tmp_path: Path) -> WitnessHouse:
    house = WitnessHouse(tmp_path / "witness")
    assert house.command("init", str(house.directory), "--name", "witness.example/emil", "--unsealed") == 0
    return house


class SharedWitness:
    """A witness that runs already, for tests that neither kill nor starve it."""

    def __init__(self, house: WitnessHouse, running: RunningWitness) -> None:
        self.directory, self.trust, self._running = house.directory, house.trust, running

    @contextmanager
    def served(self) -> Iterator[RunningWitness]:
        yield self._running


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedWitness]:
    house = WitnessHouse(tmp_path_factory.mktemp("shared") / "witness")
    assert house.command("init", str(house.directory), "--name", "witness.example/emil", "--unsealed") == 0
    with house.served() as running:
        yield SharedWitness(house, running)
