"""A real node in its own process, with one tenant and as many enrolled agents as a benchmark asks for."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path

import attrs
from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from actors.governance import apikey, enrolment
from actors.governance.canonical import Value
from actors.governance.signing import Purpose, signed_bytes
from ledger import VerifierKey
from transport.answers import Reply
from transport.client import connect
from transport.link import ClientConnection
from transport.tls import client_context
from vienna_runtime import credential, founding
from vienna_runtime.secret import Secret

TENANT = "belvedere"
BUNDLE = {
    "bundle.toml": b"""
[bundle]
name = "bench"
description = "one read that is passed back, one that an executor does"
[actions."notes.read"]
effect = "read"
executor = "reader"
[actions."notes.read".params]
path = "string"
count = { type = "integer", min = 1, max = 100, required = false }
[actions."notes.fetch"]
effect = "read"
executor = "reader"
[actions."notes.fetch".params]
path = "string"
""",
    "read.cedar": b"""
@id("read") @tier("T0") @executor("agent")
permit (principal in Role::"reader", action == Action::"notes.read", resource) when { resource.kind == "notes" };
@id("fetch") @tier("T0")
permit (principal in Role::"reader", action == Action::"notes.fetch", resource) when { resource.kind == "notes" };
@id("no-secrets") @reason("no agent reads these")
forbid (principal, action, resource) when { context.params.path like "*.env*" };
""",
}


@attrs.frozen
class Member:
    """A principal with its keys in memory."""

    name: str
    seed: bytes
    token: apikey.Token
    invitation: apikey.Token
    tenant: str = TENANT

    @classmethod
    def make(cls, name: str, tenant: str = TENANT) -> Member:
        tokens = (
            apikey.mint(kind, tenant, id=secrets.token_bytes(8), secret=secrets.token_bytes(32))
            for kind in (apikey.TokenKind.API_KEY, apikey.TokenKind.INVITATION)
        )
        return cls(name, secrets.token_bytes(32), *tokens, tenant)

    @property
    def public(self) -> bytes:
        return crypto_sign_seed_keypair(self.seed)[0]

    def sign(self, message: bytes) -> bytes:
        return bytes(crypto_sign(message, crypto_sign_seed_keypair(self.seed)[1])[:64])


@attrs.frozen
class Stage:
    """A served node."""

    directory: Path
    address: tuple[str, int]
    operator: credential.Credential
    process: subprocess.Popen[str]
    serving_after: float  # seconds from the start of the process to its ready line

    def link(self, bearer: str, sign: Member | None) -> AbstractAsyncContextManager[ClientConnection]:
        return connect(
            self.address,
            tls=client_context(pem=self.operator.ca),
            server_hostname=self.operator.server_name,
            bearer=bearer,
            sign=None if sign is None else sign.sign,
            origin=VerifierKey.parse(self.operator.node_key).name,
        )

    def member(self, member: Member) -> AbstractAsyncContextManager[ClientConnection]:
        return self.link(member.token.reveal(), member)


@contextmanager
def served(directory: Path | None = None, program: str = "vienna_runtime.cli.serve") -> Iterator[Stage]:
    """A new node, or the one in ``directory``, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="vienna-bench-") as made:
        home = directory or Path(made) / "node"
        if not home.exists():
            wanted = founding.Wanted(
                directory=home, node="bench.local", operator="operator", host="127.0.0.1", port=0, insecure_dev_keys=True, ask=_nobody
            )
            founding.found(wanted, {})
        begun = time.monotonic()
        command = [sys.executable, "-m", program, str(home), "--listen", "127.0.0.1:0", "--json"]
        environ = {**os.environ, "VIENNA_LIMITS_CONNECTIONS_PER_PRINCIPAL": "2000"}  # one member stands for many who only connect
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ)
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            serving_after = time.monotonic() - begun
            host, _, port = ready["ready"].rpartition(":")
            operator = credential.read(home / "operator.vienna", ask=lambda: _nobody(""))
            yield Stage(home, (host, int(port)), operator, process, serving_after)
        finally:
            process.terminate()
            process.wait(30)


def _nobody(_: str) -> Secret:
    raise RuntimeError("a benchmark has no passphrase to give")


@asynccontextmanager
async def admin(
    stage: Stage, tenant: str = TENANT, manifest: bytes = BUNDLE["bundle.toml"]
) -> AsyncIterator[tuple[ClientConnection, Member]]:
    """Founds the tenant with its bundle in force, under this ``bundle.toml``; gives the first admin's connection."""
    anna = Member.make("anna", tenant)
    signing = stage.operator.signing_key
    assert signing is not None
    operator = Member("operator", signing.reveal(), anna.token, anna.invitation)
    async with stage.link(stage.operator.api_key.reveal().decode(), operator) as link:
        await ask(
            link, "tenant.create", tenant=tenant, admin="anna", person="Anna", invitation=anna.invitation.id,
            token_hash=anna.invitation.digest(), expires_at=_soon(),
        )  # fmt: skip
    await enrol(stage, anna)
    async with stage.member(anna) as link:
        pushed = await ask(link, "bundle.push", files={**BUNDLE, "bundle.toml": manifest})
        await ask(link, "bundle.activate", bundle=pushed["bundle"], key="bundle")
        yield link, anna


async def join(stage: Stage, by: ClientConnection, name: str, kind: str, roles: list[str], tenant: str = TENANT) -> Member:
    """A new member, invited, enrolled and confirmed."""
    member = Member.make(name, tenant)
    await ask(
        by, "member.invite", member=name, kind=kind, person=name.title(), roles=roles, owner="anna" if kind == "agent" else None,
        invitation=member.invitation.id, token_hash=member.invitation.digest(), expires_at=_soon(), key=f"invite-{name}",
    )  # fmt: skip
    enrolled = await enrol(stage, member)
    await ask(by, "member.confirm", member=name, fingerprint=enrolled["fingerprint"], key=f"confirm-{name}")
    return member


@contextmanager
def reader(stage: Stage, member: Member) -> Iterator[None]:
    """An executor with one file to read."""
    notes = stage.directory / "notes"
    notes.mkdir()
    (notes / "today").write_text("a fine day\n")
    with executor(stage, member, READER.format(root=notes)):
        yield


@contextmanager
def executor(stage: Stage, member: Member, configuration: str) -> Iterator[None]:
    """``vienna executor run`` in a process of its own; its credential lies beside ``configuration``, as ``NAME.vienna``."""
    home = stage.directory
    made = attrs.evolve(
        stage.operator,
        address=f"{stage.address[0]}:{stage.address[1]}",
        tenant=TENANT,
        principal=member.name,
        role="executor",
        api_key=Secret(member.token.reveal().encode()),
        signing_key=Secret(member.seed),
    )
    credential.write(home / f"{member.name}.vienna", made, passphrase=None)
    config = home / f"{member.name}.toml"
    config.write_text(configuration)
    config.chmod(0o600)
    command = [sys.executable, "-m", "vienna_runtime.cli.main", "executor", "run", "--config", str(config)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise RuntimeError("the executor did not start")
        yield
    finally:
        process.terminate()
        process.wait(30)


READER = """
credential = "reader.vienna"
concurrency = 32
[actions."notes.fetch"]
kind = "file"
op = "read"
params = {{ path = "path" }}
resource = "notes/{{path}}"
root = "{root}"
path = "{{path}}"
"""


async def enrol(stage: Stage, member: Member) -> dict[str, Value]:
    proof = enrolment.statement(member.tenant, member.name, member.invitation.id, member.public, member.token.id, member.token.digest())
    async with stage.link(member.invitation.reveal(), None) as link:
        return await ask(
            link, "enrol", public_key=member.public, key_id=member.token.id, key_hash=member.token.digest(),
            proof=member.sign(signed_bytes(Purpose.ENROLMENT, proof)),
        )  # fmt: skip


async def ask(link: ClientConnection, tag: str, **fields: object) -> dict[str, Value]:
    """The reply's value; a benchmark has no use for a refusal."""
    answer = await link.call(tag, fields, timeout=30)
    if not isinstance(answer, Reply):
        raise RuntimeError(f"{tag}: {answer}")
    return dict(answer.value)


def _soon() -> int:
    return time.time_ns() // 1000 + 3_600_000_000
