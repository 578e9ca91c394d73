"""A real node in a process of its own, with two tenants founded over its socket: what every attack here is made against."""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import msgpack
import pytest
import trio
from nacl.bindings import crypto_sign, crypto_sign_seed_keypair
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from actors.governance import apikey, approval, attestation, canonical, enrolment, intent, receipt, warrant
from actors.governance.signing import Purpose, signed_bytes
from ledger import Ledger, VerifierKey, verify_in_child
from transport.answers import Answer, Refused, Reply
from transport.client import connect
from transport.link import ClientConnection
from transport.tls import client_context
from vienna_runtime import config, credential, founding
from vienna_runtime.keystore import Keystore
from vienna_runtime.keystore_opener import opener_for
from vienna_runtime.ledger_keys import LedgerKeys

HERE = Path(__file__).parent
HOUR = 3_600_000_000  # µs
NOTHING = hashlib.sha256(b"").digest()
BUNDLE = {file.name: file.read_bytes() for file in (HERE / "workshop").iterdir()}
HASTY = {  # everything that waits, waits for half a second
    **BUNDLE,
    "bundle.toml": b'[tiers.T1]\napproval_deadline = "500ms"\n[tiers.T0]\nwarrant_life = "500ms"\n[reports]\ndeadline = "500ms"\n'
    + BUNDLE["bundle.toml"],
}
CAST: tuple[tuple[str, str, str, tuple[str, ...], str | None], ...] = (
    ("ada", "agent", "ada", ("reader",), "anna"),
    ("mallory", "agent", "mallory", (), "anna"),
    ("clara", "approver", "clara", ("lead",), None),
    ("ben", "agent", "ben", (), "clara"),
    ("clara-two", "approver", "clara", ("finance",), None),  # the same person behind a second principal
    ("dora", "approver", "dora", ("finance",), None),
    ("hugo", "approver", "hugo", ("lead", "finance"), None),
    ("till", "executor", "till", (), None),
    ("mill", "executor", "mill", (), None),
    ("emil", "verifier", "emil", (), None),
    ("otto", "auditor", "otto", (), None),
)


@attrs.frozen
class Member:
    """A principal with its keys in memory."""

    tenant: str
    name: str
    kind: str
    seed: bytes
    token: apikey.Token
    invitation: apikey.Token

    @classmethod
    def make(cls, tenant: str, name: str, kind: str) -> Member:
        tokens = (
            apikey.mint(what, tenant, id=secrets.token_bytes(8), secret=secrets.token_bytes(32))
            for what in (apikey.TokenKind.API_KEY, apikey.TokenKind.INVITATION)
        )
        return cls(tenant, name, kind, secrets.token_bytes(32), *tokens)

    @property
    def public(self) -> bytes:
        return crypto_sign_seed_keypair(self.seed)[0]

    def raw_sign(self, message: bytes) -> bytes:
        return bytes(crypto_sign(message, crypto_sign_seed_keypair(self.seed)[1])[:64])

    def sign(self, purpose: Purpose, packed: bytes) -> bytes:
        return self.raw_sign(signed_bytes(purpose, packed))

    def statement(self, card: dict[str, Any] | None, decision: str = "approve", /, **changed: Any) -> dict[str, bytes]:
        """The fields of ``approve`` or ``deny`` for a card as ``approval.card`` gave it; without one, for a card that is nowhere."""
        card = card or {"case": "nowhere", "card": msgpack.packb({"intent": b"", "bundle": bytes(32), "tier": "T1"})}
        shown: Any = msgpack.unpackb(card["card"])
        said = approval.Statement(
            case=card["case"], intent=canonical.digest(shown["intent"]), card=canonical.digest(card["card"]), bundle=shown["bundle"],
            tier=shown["tier"], decision=decision, narrowing={}, reason="seen",
            heard=canonical.digest(canonical.pack(_said(card))) if card.get("said") else b"", nonce=secrets.token_bytes(16), time=now(),  # type: ignore[arg-type]
        )  # fmt: skip
        packed = approval.pack(attrs.evolve(said, **changed))
        return {"statement": packed, "signature": self.sign(Purpose.APPROVAL, packed)}

    def receipt(self, granted: dict[str, Any], run: str, terms: warrant.Warrant | None = None, **changed: Any) -> dict[str, bytes]:
        """The fields of ``report`` for a warrant as the node gave it."""
        terms = terms or warrant.unverified_unpack(granted["fields"])
        told = receipt.Receipt(
            warrant=terms.warrant, run=run, started=now(), ended=now(), outcome="succeeded", action=terms.action,  # type: ignore[arg-type]
            resource=terms.resource, args_digest=intent.args_digest(terms.action, terms.resource, terms.params), cost=0,  # type: ignore[arg-type]
            result_digest=NOTHING, evidence={},
        )  # fmt: skip
        packed = receipt.pack(attrs.evolve(told, **changed))
        return {"receipt": packed, "signature": self.sign(Purpose.RECEIPT, packed)}

    def attestation(self, case: str, run: str, told: bytes, **changed: Any) -> dict[str, bytes]:
        seen = attestation.Attestation(case, run, canonical.digest(told), "verified", (("file_digest", "a", "a", True),), now())  # type: ignore[arg-type]
        packed = attestation.pack(attrs.evolve(seen, **changed))
        return {"attestation": packed, "signature": self.sign(Purpose.ATTESTATION, packed)}


def _said(card: dict[str, Any]) -> Any:
    """What was asked and answered, as an approval binds it."""
    return [[part[name] for name in ("number", "approver", "person", "question", "answer")] for part in card["said"]]


class Line:
    """One member's connection, with the questions of this room's tests."""

    def __init__(self, link: ClientConnection, member: Member) -> None:
        self.link, self.member = link, member

    async def ask(self, tag: str, /, **fields: Any) -> Answer:
        return await self.link.call(tag, fields, timeout=60)

    async def done(self, tag: str, /, **fields: Any) -> dict[str, Any]:
        """The reply's value."""
        answer = await self.ask(tag, **fields)
        assert isinstance(answer, Reply), (tag, answer)
        return dict(answer.value)

    async def refused(self, tag: str, /, **fields: Any) -> str:
        """The refusal's code."""
        answer = await self.ask(tag, **fields)
        assert isinstance(answer, Refused), (tag, answer)
        return answer.code

    async def propose(self, action: str = "notes.append", **changed: Any) -> dict[str, Any]:
        return await self.done("propose", **wish(action, **changed))

    async def granted(self, action: str = "notes.append", **changed: Any) -> dict[str, Any]:
        """The warrant of a T0 case."""
        found: dict[str, Any] = (await self.propose(action, **changed))["warrant"]
        return found

    async def card(self, case: str) -> dict[str, Any]:
        return await self.done("approval.card", case=case)

    async def until(self, case: str, tag: str) -> dict[str, Any]:
        """A case's first entry of that tag, once it is there."""
        with trio.fail_after(60):
            async with self.link.subscribe("case.watch", {"case": case}, credit=64) as events:
                async for event in events:
                    if event.value["tag"].startswith(tag + "/"):  # type: ignore[union-attr]
                        return dict(event.value)  # type: ignore[union-attr]
        raise AssertionError(f"case {case} closed without {tag}")

    async def story(self, case: str) -> list[str]:
        """The tags of a case's entries, without their versions."""
        return [entry["tag"].partition("/")[0] for entry in (await self.done("case.show", case=case))["entries"]]


class Raw:
    """A peer that says what it likes: a blocking TLS socket, from an address of its own so that its failures slow down nobody else."""

    def __init__(self, plain: socket.socket, context: ssl.SSLContext, server_name: str) -> None:
        plain.settimeout(60)
        self._plain = plain
        self.socket = context.wrap_socket(plain, server_hostname=server_name)
        self._left = b""
        self.closed = 0  # the code of the peer's close frame

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def upgrade(self, bearer: str, path: str = "/vienna", more: str = "") -> bytes:
        """Asks for a session; the answer's head."""
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: vienna.v1.msgpack\r\n"
            f"Authorization: Bearer {bearer}\r\n{more}\r\n".encode()
        )
        while b"\r\n\r\n" not in self._left:
            if not (data := self.socket.recv(65536)):
                break
            self._left += data
        head, _, self._left = self._left.partition(b"\r\n\r\n")
        return head

    def send(self, payload: bytes, opcode: int = 2, *, fin: bool = True, masked: bool = True, claim: int | None = None) -> None:
        """One WebSocket frame (RFC 6455 §5.2), masked with zeros; ``claim`` is a length that is not so."""
        size = len(payload) if claim is None else claim
        mask = 0x80 if masked else 0
        if size < 126:
            length = bytes([mask | size])
        elif size < 1 << 16:
            length = bytes([mask | 126]) + size.to_bytes(2, "big")
        else:
            length = bytes([mask | 127]) + size.to_bytes(8, "big")
        self.socket.sendall(bytes([(0x80 if fin else 0) | opcode]) + length + (bytes(4) if masked else b"") + payload)

    def say(self, *messages: dict[str, Any]) -> None:
        self.send(b"".join(msgpack.packb(message) for message in messages))

    def hear(self) -> list[dict[str, Any]]:
        """The messages of the next frame; none when the connection is over."""
        while (frame := self._frame()) is not None:
            opcode, payload = frame
            if opcode == 2:
                unpacker = msgpack.Unpacker()
                unpacker.feed(payload)
                return list(unpacker)
            if opcode == 8:
                self.closed = int.from_bytes(payload[:2], "big")
                return []
        return []

    def more(self) -> list[dict[str, Any]]:
        """The messages of the next frame, which must come."""
        heard = self.hear()
        assert heard, f"the connection ended ({self.closed})"
        return heard

    def until(self, tag: str) -> dict[str, Any]:
        """The next message of that tag."""
        while heard := self.hear():
            for message in heard:
                if message["t"] == tag:
                    return message
        raise AssertionError(f"the connection ended without {tag}")

    def open(self, bearer: str) -> Raw:
        """An open session of somebody who need not prove a key."""
        assert b" 101 " in self.upgrade(bearer)
        self.say({"t": "hello", "versions": [1], "agent": "mallory"})
        self.until("welcome")
        return self

    def _frame(self) -> tuple[int, bytes] | None:
        try:
            first, second = self._exactly(2)
            size = second & 0x7F
            if size > 125:
                size = int.from_bytes(self._exactly(2 if size == 126 else 8), "big")
            return first & 0x0F, self._exactly(size)
        except (EOFError, ConnectionError, ssl.SSLError):
            return None

    def _exactly(self, count: int) -> bytes:
        while len(self._left) < count:
            if not (data := self.socket.recv(65536)):
                raise EOFError
            self._left += data
        taken, self._left = self._left[:count], self._left[count:]
        return taken


def now() -> int:
    return time.time_ns() // 1000


def wish(action: str = "notes.append", **changed: Any) -> dict[str, Any]:
    """The fields of ``propose``; params that no other test has, so that no two effects are the same."""
    unique = secrets.token_hex(8)
    params: dict[str, Any] = {
        "notes.read": {"path": unique}, "notes.append": {"text": unique}, "files.write": {"text": unique},
        "orders.refund": {"amount": 5}, "orders.payout": {"amount": 5}, "orders.charge": {"amount": {"dec": "12.50"}},
    }.get(action, {})  # fmt: skip
    fields = {"action": action, "resource": f"book/{unique}", "params": params, "purpose": "an attack", "key": unique}
    return {**fields, **changed}


def redemption(granted: dict[str, Any], run: str | None = None, **changed: Any) -> dict[str, Any]:
    """The fields of ``redeem`` for a warrant as the node gave it."""
    terms = warrant.unverified_unpack(granted["fields"])
    return {
        "warrant": granted["fields"], "signature": granted["signature"], "mac": granted["mac"], "run": run or secrets.token_hex(8),
        "args_digest": intent.args_digest(terms.action, terms.resource, terms.params), **changed,
    }  # fmt: skip


@attrs.define(eq=False)
class Stage:
    """A node: its directory, its process while it is served, and whom it knows."""

    home: Path
    program: Sequence[str] = ("-m", "vienna_runtime.cli.serve")
    environ: dict[str, str] = attrs.Factory(dict)
    address: tuple[str, int] = ("127.0.0.1", 0)
    process: subprocess.Popen[str] | None = None
    people: dict[tuple[str, str], Member] = attrs.Factory(dict)

    Member = Member
    BUNDLE, HASTY = BUNDLE, HASTY
    wish, redemption, now = staticmethod(wish), staticmethod(redemption), staticmethod(now)

    def found_node(self) -> Stage:
        founding.found(
            founding.Wanted(
                directory=self.home,
                node="hofburg.example",
                operator="operator",
                host="127.0.0.1",
                port=0,
                insecure_dev_keys=True,
                ask=_nobody,
            ),
            {},
        )
        return self

    @property
    def log(self) -> Path:
        return self.home.parent / f"{self.home.name}.log"

    @property
    def operator(self) -> credential.Credential:
        return credential.read(self.home / "operator.vienna", ask=lambda: _nobody(""))

    @property
    def node_key(self) -> VerifierKey:
        return VerifierKey.parse(self.operator.node_key)

    def serve(self, port: int = 0) -> Stage:
        command = [sys.executable, *self.program, str(self.home), "--listen", f"127.0.0.1:{port}", "--json"]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=self.environ or None)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.log.read_text()[-4000:]
        host, _, port = json.loads(line)["ready"].rpartition(":")
        self.address = (host, int(port))
        return self

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def ledger(self) -> Ledger:
        """The ledger itself, while nothing serves it."""
        settings = config.load(self.home, environ={})
        opener = opener_for(settings.keystore, key_file=settings.key_file, ask=lambda: _nobody(""))
        keystore = Keystore.open(settings.keystore, opener)
        return Ledger.open(settings.ledger, node=keystore.node, keys=LedgerKeys(keystore))

    def opens(self, sealed: bytes) -> bool:
        """Whether any data key that the keystore on the disk has, opens these bytes."""
        settings = config.load(self.home, environ={})
        opener = opener_for(settings.keystore, key_file=settings.key_file, ask=lambda: _nobody(""))
        for key in Keystore.open(settings.keystore, opener)._ring.data_by_id.values():
            with contextlib.suppress(CryptoError):
                return bool(SecretBox(key.secret.reveal()).decrypt(sealed[32:], sealed[8:32]))
        return False

    def verify(self) -> dict[str, int]:
        """Every log's size, by public key alone; raises VerificationError."""
        return {log.log: log.size for log in verify_in_child(self.home / "ledger", self.node_key).logs}

    def plain(self, source: str = "127.0.0.2") -> socket.socket:
        """A bare connection from that address of loopback."""
        return socket.create_connection(self.address, timeout=60, source_address=(source, 0))

    def raw(self, source: str = "127.0.0.2", context: ssl.SSLContext | None = None) -> Raw:
        operator = self.operator
        return Raw(self.plain(source), context or client_context(pem=operator.ca), operator.server_name)

    # -- members

    def dial(self, bearer: str, sign: Any = None, **changed: Any) -> Any:
        operator = self.operator
        known: dict[str, Any] = {
            "tls": client_context(pem=operator.ca), "server_hostname": operator.server_name, "bearer": bearer, "sign": sign,
            "origin": self.node_key.name,
        }  # fmt: skip
        return connect(self.address, **{**known, **changed})

    def who(self, name: str, tenant: str = "belvedere") -> Member:
        return self.people[tenant, name]

    @asynccontextmanager
    async def line(self, member: Member) -> AsyncIterator[Line]:
        async with self.dial(member.token.reveal(), member.raw_sign) as link:
            yield Line(link, member)

    @asynccontextmanager
    async def cast(self, *names: str, tenant: str = "belvedere") -> AsyncIterator[tuple[Line, ...]]:
        """A connection for each of these members."""
        async with AsyncExitStack() as stack:
            yield tuple([await stack.enter_async_context(self.line(self.who(name, tenant))) for name in names])

    @asynccontextmanager
    async def as_operator(self) -> AsyncIterator[Line]:
        held = self.operator
        assert held.signing_key is not None
        token = held.api_key.reveal().decode()
        member = attrs.evolve(Member.make("belvedere", "operator", "operator"), seed=held.signing_key.reveal())
        async with self.dial(token, member.raw_sign) as link:
            yield Line(link, member)

    async def enrol(self, member: Member, invitation: apikey.Token | None = None, **changed: Any) -> Answer:
        token = invitation or member.invitation
        proof = enrolment.statement(member.tenant, member.name, token.id, member.public, member.token.id, member.token.digest())
        fields = {
            "public_key": member.public, "key_id": member.token.id, "key_hash": member.token.digest(),
            "proof": member.sign(Purpose.ENROLMENT, proof), **changed,
        }  # fmt: skip
        async with self.dial(token.reveal()) as link:
            return await link.call("enrol", fields, timeout=60)

    async def invite(self, admin: Line, member: Member, **changed: Any) -> dict[str, Any]:
        owner = "anna" if member.kind == "agent" else None
        fields = {
            "member": member.name, "kind": member.kind, "person": member.name, "roles": [], "owner": owner,
            "key": f"invite-{member.token.id}",
            "invitation": member.invitation.id, "token_hash": member.invitation.digest(), "expires_at": now() + HOUR,
        }  # fmt: skip
        return await admin.done("member.invite", **{**fields, **changed})

    async def join(self, admin: Line, name: str, kind: str, **changed: Any) -> Member:
        """A new member of the admin's tenant: invited, enrolled, confirmed."""
        member = Member.make(admin.member.tenant, name, kind)
        await self.invite(admin, member, **changed)
        answer = await self.enrol(member)
        assert isinstance(answer, Reply), answer
        await admin.done("member.confirm", member=name, fingerprint=answer.value["fingerprint"], key=f"confirm-{member.token.id}")
        self.people[admin.member.tenant, name] = member
        return member

    async def newcomer(self, kind: str, tenant: str = "belvedere", **changed: Any) -> Member:
        """A member nobody has met, so that what it does touches no other test."""
        async with self.cast("anna", tenant=tenant) as (anna,):
            return await self.join(anna, f"{kind}-{secrets.token_hex(4)}", kind, **changed)

    async def found_tenant(self, tenant: str, bundle: dict[str, bytes] | None = None, cast: Any = CAST) -> None:
        anna = Member.make(tenant, "anna", "admin")
        async with self.as_operator() as operator:
            await operator.done(
                "tenant.create", tenant=tenant, admin="anna", person="anna", invitation=anna.invitation.id,
                token_hash=anna.invitation.digest(), expires_at=now() + HOUR,
            )  # fmt: skip
        assert isinstance(await self.enrol(anna), Reply)
        self.people[tenant, "anna"] = anna
        async with self.line(anna) as admin:
            pushed = await admin.done("bundle.push", files=dict(bundle or BUNDLE))
            await admin.done("bundle.activate", bundle=pushed["bundle"], key="bundle")
            for name, kind, person, roles, owner in cast:
                await self.join(admin, name, kind, person=person, roles=list(roles), owner=owner)


def _nobody(_: str) -> Any:
    raise RuntimeError("nobody is asked here")


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The node that most attacks share.  Whatever they did, it must be whole in the end, and nothing of it may have fallen."""
    made = Stage(tmp_path_factory.mktemp("attacked") / "node").found_node().serve()
    try:
        for tenant in ("belvedere", "schoenbrunn"):
            trio.run(made.found_tenant, tenant)
        yield made
        assert made.end() == 0
        assert set(made.verify()) >= {"", "belvedere", "schoenbrunn"}
    finally:
        made.end(signal.SIGKILL)


@pytest.fixture
def stage(node: Stage) -> Iterator[Stage]:
    """The shared node; a test on it fails if anything of the node falls or is logged as an error."""
    begin = node.log.stat().st_size
    yield node
    assert node.process is not None
    assert node.process.poll() is None, "the node is gone"
    said = node.log.read_bytes()[begin:].decode(errors="replace")
    assert "an actor fell" not in said, said[-6000:]
    assert "Traceback" not in said, said[-6000:]


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Stage]:
    """A node of a test's own, founded and not served yet: for what breaks a node."""
    made = Stage(tmp_path / "node").found_node()
    yield made
    if made.process is not None:
        made.end(signal.SIGKILL)


@pytest.fixture(scope="session")
def stages() -> type[Stage]:
    """For fixtures that make nodes of their own."""
    return Stage
