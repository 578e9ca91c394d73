"""A tenant's shell on a real ledger, with a disk that a test can hold up or break."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trio
from nacl.signing import SigningKey

from actors.feed import Feed
from actors.governance import commands as c
from actors.governance import intent, receipt, warrant
from actors.governance.bundle import Source
from actors.governance.decision import Operator
from actors.governance.events import BundleActivated, BundlePushed, MemberConfirmed, MemberEnrolled, MemberInvited, TenantFounded
from actors.governance.ids import HOUR, Cost, Fresh, Instant, RunId
from actors.governance.signing import Purpose, signed_bytes
from actors.governance.source import digest
from actors.held import Held
from actors.kernel import Envelope, ManualClock
from actors.legal_time import LegalTime
from actors.messages import Asked, Done, Outcome, Sweep
from actors.node_standing import NodeStanding
from actors.scribe import Reservation, Scribe
from actors.surroundings import Surroundings
from actors.tenant import ROOM, Tenant
from ledger import DataKey, Ledger, NoteSignature, NoteSigner, VerifierKey, origin_of

T = TypeVar("T")
NOON = 1_790_000_000_000_000
NODE = "vienna.test"
BUNDLE = {
    "bundle.toml": b"""
[bundle]
name = "shell"
[actions."notes.read"]
effect = "read"
executor = "till"
params = { path = "string" }
[actions."notes.append"]
executor = "till"
params = { path = "string" }
""",
    "all.cedar": b"""
@id("read") @tier("T0") @executor("agent") permit (principal, action == Action::"notes.read", resource);
@id("append") @tier("T1") permit (principal, action == Action::"notes.append", resource);
""",
}
CAST = (("anna", "admin"), ("ada", "agent"), ("ben", "agent"), ("clara", "approver"), ("till", "executor"))


class Keys:
    """Ledger keys and tenants' keys in memory."""

    def sign(self, log: str, message: bytes) -> list[NoteSignature]:
        return [self._signer(log).sign(message)]

    def verifier(self, log: str) -> VerifierKey:
        return self._signer(log).verifier

    def verifiers(self, log: str) -> tuple[VerifierKey, ...]:
        return (self.verifier(log),)

    def data_key(self, log: str, month: str) -> DataKey:
        made = hashlib.sha256(f"{log} {month}".encode()).digest()
        return DataKey(made[:8], made)

    def data_key_by_id(self, log: str, key_id: bytes) -> DataKey | None:
        months = [f"{year}-{month:02}" for year in (2026, 2027) for month in range(1, 13)]
        return next((key for month in months if (key := self.data_key(log, month)).id == key_id), None)

    def _signer(self, log: str) -> NoteSigner:
        return NoteSigner(origin_of(NODE, log), hashlib.sha256(log.encode()).digest())

    def issuer_sign(self, tenant: str, message: bytes) -> bytes:
        return bytes(self._issuer(tenant).sign(message).signature)

    def issuer_publics(self, tenant: str) -> tuple[bytes, ...]:
        return (bytes(self._issuer(tenant).verify_key),)

    def _issuer(self, tenant: str) -> SigningKey:
        return SigningKey(hashlib.sha256(b"issuer " + tenant.encode()).digest())

    def warrant_mac(self, tenant: str, message: bytes) -> bytes:
        return hmac.digest(b"mac " + tenant.encode(), message, "sha256")

    def every_warrant_mac(self, tenant: str, message: bytes) -> tuple[bytes, ...]:
        return (self.warrant_mac(tenant, message),)

    def check_warrant_mac(self, tenant: str, message: bytes, mac: bytes) -> bool:
        return hmac.compare_digest(self.warrant_mac(tenant, message), mac)


class Disk:
    """Runs the ledger's work inline, unless a test holds it up; ``fault`` breaks a named write point once."""

    def __init__(self) -> None:
        self.fault: str | None = None
        self.gate = trio.Event()
        self.gate.set()

    def hold(self) -> None:
        self.gate = trio.Event()

    def go(self) -> None:
        self.gate.set()

    async def __call__(self, function: Callable[[], T]) -> T:
        await self.gate.wait()
        await trio.lowlevel.checkpoint()
        return function()

    def strike(self, point: str) -> None:
        if self.fault == point:
            self.fault = None
            raise OSError(5, "the test broke the disk")


class Shell:
    """One tenant with its members, and its life."""

    def __init__(self, path: Path, nursery: trio.Nursery, *, snapshot_every: int = 1_000_000) -> None:
        self.path = path
        self.nursery = nursery
        self.disk = Disk()
        self.keys = Keys()
        self.clock = ManualClock(wall=NOON)
        self.name = "belvedere"
        self.signing = {name: SigningKey(hashlib.sha256(name.encode()).digest()) for name, _ in CAST}
        self.snapshot_every = snapshot_every
        self.answers: list[Outcome] = []

    async def open(self) -> None:
        self.ledger = Ledger.open(self.path, node=NODE, keys=self.keys, fault=self.disk.strike)
        self.time = LegalTime(self.clock)
        self.scribe = Scribe(self.ledger, runner=self.disk, now=self.time.now)
        self.held = Held(self.scribe)
        self.scope = trio.CancelScope()
        await self.nursery.start(self._run)
        if self.name not in self.ledger.logs():
            await self.scribe.admit(self.name, public=b"", actor="test")
        self.around = Surroundings(
            scribe=self.scribe,
            held=self.held,
            signer=self.keys,
            time=self.time,
            standing=NodeStanding(),
            snapshot_every=self.snapshot_every,
        )
        self.feed = Feed()
        self.tenant = Tenant(self.name, self.around, self.feed)
        await self.tenant.start()

    async def _run(self, *, task_status: trio.TaskStatus[None]) -> None:
        with self.scope:
            async with trio.open_nursery() as nursery:
                await nursery.start(self.scribe.run)
                await nursery.start(self.held.run)
                task_status.started()

    async def close(self) -> None:
        self.scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        self.ledger.close()

    async def found(self) -> None:
        """Writes the founding as the law would, members and bundle in force."""
        bundle = digest(Source(BUNDLE))
        events: list[Any] = [TenantFounded(self.name, "otto")]  # type: ignore[arg-type]
        for name, kind in CAST:
            owner = "anna" if kind == "agent" else None
            key = bytes(self.signing[name].verify_key)
            person = name.title() if kind != "agent" else f"{name}'s machine"
            events += [
                MemberInvited(name, kind, person, (), owner, f"i-{name}", bytes(32), Instant(NOON + HOUR)),  # type: ignore[arg-type]
                MemberEnrolled(name, f"i-{name}", key, f"k-{name}", hashlib.sha256(name.encode()).digest(), bytes(64)),  # type: ignore[arg-type]
                MemberConfirmed(name, "", "anna"),  # type: ignore[arg-type]
            ]
        events += [BundlePushed(bundle, BUNDLE), BundleActivated(bundle, None)]
        for begin in range(0, len(events), ROOM):
            room = self.scribe.reserve(self.name, ROOM)
            assert isinstance(room, Reservation)
            self.tenant._submit(tuple(events[begin : begin + ROOM]), "test", room)
        await self.settled()

    async def settled(self) -> None:
        await self.scribe.settled(self.name, self.scribe.statistics().submissions)
        await trio.testing.wait_all_tasks_blocked()

    async def tell(self, ask: Any, by: str | Operator) -> list[Outcome]:
        """Hands one command over; the list fills when the answer is released."""
        heard: list[Outcome] = []
        await self.tenant.handle([Envelope(Asked(ask, by, False, heard.append))])
        await trio.testing.wait_all_tasks_blocked()
        return heard

    async def ask(self, ask: Any, by: str | Operator) -> Outcome:
        heard = await self.tell(ask, by)
        await self.settled()
        (outcome,) = heard
        return outcome

    async def sweep(self) -> None:
        await self.tenant.handle([Envelope(Sweep())])
        await self.settled()

    def proposal(self, key: str, *, run: str | None = None, action: str = "notes.read") -> c.Propose:
        return c.Propose(action=action, resource="notes/today", params={"path": key}, purpose="to see", key=key, run=run)

    def report(self, granted: Outcome, by: str, outcome: str = "succeeded") -> c.Report:
        assert isinstance(granted, Done)
        issued: Any = granted.value["warrant"]
        terms = warrant.unverified_unpack(issued["fields"])
        now = self.time.now()
        packed = receipt.pack(
            receipt.Receipt(
                warrant=terms.warrant, run=RunId(str(granted.value["run"])), started=now, ended=now, outcome=outcome,
                action=terms.action, resource=terms.resource,
                args_digest=intent.args_digest(terms.action, terms.resource, terms.params),
                cost=Cost(0), result_digest=bytes(32), evidence={},
            )
        )  # fmt: skip
        return c.Report(packed, bytes(self.signing[by].sign(signed_bytes(Purpose.RECEIPT, packed)).signature))

    async def whole_case(self, key: str, by: str = "ada") -> Outcome:
        granted = await self.ask(self.proposal(key, run=f"r-{key}"), by)
        return await self.ask(self.report(granted, by), by)


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    async with trio.open_nursery() as nursery:
        made = Shell(tmp_path / "ledger", nursery)
        await made.open()
        await made.found()
        yield made
        made.disk.go()
        await made.close()
        nursery.cancel_scope.cancel()


@pytest.fixture
def entropy() -> Callable[[], Fresh]:
    return lambda: Fresh(secrets.token_bytes(32))
