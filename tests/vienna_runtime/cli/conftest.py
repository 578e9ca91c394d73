"""A real node in a process of its own, with one tenant's people, for the commands to work with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
import trio

from vienna_runtime import credential as credentials
from vienna_runtime import invitation as invitations
from vienna_runtime.cli.main import run
from vienna_runtime.client.enrolment import enrol, new_member

BUNDLE = Path(__file__).parents[3] / "examples" / "bundles" / "git-workshop"
PEOPLE = (
    ("clara", "approver", "Clara", "reviewer", None),
    ("dora", "approver", "Dora", "reviewer", None),
    ("emil", "verifier", "Emil", "looker", None),
    ("workshop", "executor", "Workshop", "tool", None),
    ("ada", "agent", "Ada", "developer", "rosa"),
)


@attrs.frozen
class House:
    """Where the node's directory and its members' credentials are."""

    directory: Path
    node: Path
    address: str
    node_key: str
    tenant: str

    def credential(self, name: str) -> Path:
        return self.node / "operator.vienna" if name == "operator" else self.directory / f"{name}.vienna"


@attrs.frozen
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.out.splitlines()[-1])
        return found


As = Callable[..., Said]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Belvedere on a node of its own; its members' keys are unsealed here, because opening a sealed one takes half a second."""
    directory = tmp_path_factory.mktemp("house")
    node = directory / "node"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("VIENNA_")}
    program = [sys.executable, "-m", "vienna_runtime.cli.main"]
    subprocess.run([*program, "init", str(node), "--insecure-dev-keys", "--json"], check=True, capture_output=True, env=environ)
    serve = [*program, "serve", str(node), "--listen", "127.0.0.1:0", "--json"]
    with (
        (directory / "serve.log").open("wb") as log,
        subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=log, env=environ) as server,
    ):
        try:
            assert server.stdout is not None
            ready = json.loads(server.stdout.readline())
            made = House(directory, node, ready["ready"], ready["node_key"], "belvedere")
            _people(made)
            yield made
        finally:
            server.terminate()
            server.wait(60)


def _people(house: House) -> None:
    def say(name: str, *arguments: str) -> None:
        assert run(["--credential", str(house.credential(name)), "--address", house.address, "--json", *arguments]) == 0

    def come(name: str) -> str:
        invited = invitations.read(house.directory / f"{name}.invitation", now=time.time_ns() // 1000)
        member = new_member(invited)
        credentials.write(house.credential(name), member.credential, passphrase=None)
        return trio.run(enrol, invited, member).fingerprint

    say("operator", "tenant", "create", house.tenant, "--admin", "rosa", "--person", "Rosa", "-o", str(house.directory / "rosa.invitation"))
    come("rosa")
    for name, kind, person, role, owner in PEOPLE:
        invitation = str(house.directory / f"{name}.invitation")
        owned = ("--owner", owner) if owner else ()
        say("rosa", "member", "add", name, "--kind", kind, "--person", person, "--role", role, *owned, "-o", invitation)
        say("rosa", "member", "confirm", name, "--fingerprint", come(name).replace(" ", ""))
    say("rosa", "policy", "push", str(BUNDLE), "--activate")


@pytest.fixture
def as_(house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> As:
    """``as_("clara", "approvals", "list")``: one command as that member, in an empty directory."""
    monkeypatch.chdir(tmp_path)

    def command(name: str, *arguments: str, json: bool = False) -> Said:
        capsys.readouterr()
        given = ["--json"] if json else []
        code = run(["--credential", str(house.credential(name)), "--address", house.address, *given, *arguments])
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return command
