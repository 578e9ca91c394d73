"""A node with its tenants, founded once in a process by its own protocol; every run begins with a copy of its disk."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import attrs
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.governance.codec import encode_node
from actors.governance.enrolment import statement
from actors.governance.node_law import OperatorEnrolled
from actors.governance.signing import Purpose, fingerprint
from ledger import NODE, Batch, Draft, Ledger
from ledger.memory import Image, MemoryDisk
from transport.answers import Answer, Reply
from transport.packing import Message
from vienna_runtime.keyring import FOREVER, Key, Keyring
from vienna_runtime.keyring import Purpose as Use
from vienna_runtime.ledger_keys import LedgerKeys
from vienna_runtime.secret import Secret
from vienna_runtime.selftest.simulation import chance as chances
from vienna_runtime.selftest.simulation.machine import MICROS, NODE_NAME, NOON, PLACE, Keys, Machine
from vienna_runtime.selftest.simulation.network import Call, Line, Network
from vienna_runtime.selftest.simulation.people import CAST, FIRST_ADMIN, OPERATOR, TENANTS, Somebody, somebody
from vienna_runtime.selftest.simulation.plant import MAP_SIZE, Plant
from vienna_runtime.selftest.simulation.policy import BUNDLES, DIGESTS

SEED = 0x5EED
DAY = 86_400 * MICROS


@attrs.frozen
class Template:
    image: Image
    keys: Keyring


_MADE: dict[tuple[tuple[str, ...], bool], Template] = {}


def template(tenants: tuple[str, ...], *, sealed: bool) -> Template:
    """The same in every process, whatever was made before it."""
    if (tenants, sealed) not in _MADE:
        with chances.seeded(SEED) as entropy:
            clock = MockClock()
            _MADE[tenants, sealed] = trio.run(_Founding(clock, tenants, sealed, entropy).run, clock=clock)
    return _MADE[tenants, sealed]


def found_all() -> None:
    """Every template there is, so that no run depends on which was played before it."""
    for tenants in (TENANTS, TENANTS[:1]):
        for sealed in (False, True):
            template(tenants, sealed=sealed)


class _Founding:
    def __init__(self, clock: MockClock, tenants: tuple[str, ...], sealed: bool, entropy: Any) -> None:
        self.clock, self.tenants, self.sealed = clock, tenants, sealed
        self.network = Network(entropy, random.Random(SEED), told=lambda *_: None, heard=self._heard, noticed=self._noticed)  # noqa: S311
        self.entropy = entropy
        self.lines: dict[Somebody, Line] = {}
        self.answer: Answer | None = None

    def _heard(self, call: Call, answer: Answer) -> None:
        self.answer = answer

    def _noticed(self, what: str) -> None:
        raise AssertionError(what)

    async def run(self) -> Template:
        machine = Machine(_keys(self.entropy), MemoryDisk())
        machine.clock.begun = trio.current_time()
        _begin(machine)
        async with trio.open_nursery() as nursery:
            plant = Plant(machine, self.network, nursery, self.clock, random.Random(SEED), self.entropy)  # noqa: S311
            assert plant.switch_on()
            await wait_all_tasks_blocked()
            for tenant in self.tenants:
                await self.found(tenant)
            for _ in range(8):
                self.clock.jump(0.3)
                await wait_all_tasks_blocked()
            await plant.switch_off()
        return Template(machine.disk.image, machine.keys)

    async def found(self, tenant: str) -> None:
        admin, until = somebody(tenant, FIRST_ADMIN), NOON + DAY
        fields = {"invitation": admin.invitation.id, "token_hash": admin.invitation.digest(), "expires_at": until}
        await self.ask(somebody("", OPERATOR), "tenant.create", {"tenant": tenant, "admin": admin.name, "person": admin.name, **fields})
        await self.enrol(admin)
        for name, kind, person, roles, owner in CAST:
            if name == FIRST_ADMIN:
                continue
            who = somebody(tenant, name)
            wanted = {
                "member": name, "kind": kind, "person": person, "roles": list(roles), "invitation": who.invitation.id,
                "token_hash": who.invitation.digest(), "expires_at": until, "key": f"invite-{name}",
                **({} if owner is None else {"owner": owner}),
            }  # fmt: skip
            await self.ask(admin, "member.invite", wanted)
            await self.enrol(who)
            shown = fingerprint(who.public, who.api_key.digest())
            await self.ask(admin, "member.confirm", {"member": name, "fingerprint": shown, "key": f"confirm-{name}"})
        for files in BUNDLES:
            await self.ask(admin, "bundle.push", {"files": files})
        await self.ask(admin, "bundle.activate", {"bundle": DIGESTS[0], "key": "first"})
        if self.sealed:
            await self.ask(admin, "tenant.seal", {})

    async def enrol(self, who: Somebody) -> None:
        line = await self.network.dial(who, wait_all_tasks_blocked, who.invitation.reveal())
        assert line is not None
        named, hashed = who.api_key.id, who.api_key.digest()
        packed = statement(who.tenant, who.name, who.invitation.id, who.public, named, hashed)
        fields = {"public_key": who.public, "key_id": named, "key_hash": hashed, "proof": who.sign(Purpose.ENROLMENT, packed)}
        await self.put(line, "enrol", fields)
        self.network.cut(line, both=True)

    async def ask(self, who: Somebody, tag: str, fields: Message) -> Mapping[str, object]:
        line = self.lines.get(who)
        if line is None:
            line = self.lines[who] = await self.network.dial(who, wait_all_tasks_blocked)  # type: ignore[assignment]  # asserted below
            assert line is not None, who
        return await self.put(line, tag, fields)

    async def put(self, line: Line, tag: str, fields: Message) -> Mapping[str, object]:
        self.answer = None
        self.network.call(line, Call(line.who, tag, fields))
        for _ in range(8):
            self.network.deliver(line)
            await wait_all_tasks_blocked()
            self.network.deliver(line)
            if self.answer is not None:
                break
        assert isinstance(self.answer, Reply), (line.who, tag, self.answer)
        return self.answer.value


def _keys(entropy: Any) -> Keyring:
    """Of the node alone, as ``Keystore.create`` makes them."""
    made = Key(
        id=entropy(8), purpose=Use.CHECKPOINT, owner="", month="", created=NOON, until=FOREVER, secret=Secret(entropy(32))
    )  # fmt: skip
    return Keyring.of(NODE_NAME, [made])


def _begin(machine: Machine) -> None:
    """The first entry of the node's log, as ``vienna init`` writes it."""
    otto = somebody("", OPERATOR)
    ledger = Ledger.open(PLACE, node=NODE_NAME, keys=LedgerKeys(Keys(machine)), map_size=MAP_SIZE, medium=machine.disk)
    enrolled = OperatorEnrolled(OPERATOR, otto.public, otto.api_key.id, otto.api_key.digest())
    draft = Draft(tag=enrolled.TAG, time=NOON, actor="init", body=encode_node(enrolled))
    ledger.append_many([Batch(NODE, ledger.head(NODE).size, (draft,))])
    ledger.close()
    machine.disk.kill()
