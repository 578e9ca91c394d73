"""One simulated world: a machine with its node, the people and programs of its tenants, and what is held against them all.

step ──▶ an act ──▶ frames arrive ──▶ the node goes on, for as long as it likes or a little ──▶ everything durable is read
"""

from __future__ import annotations

import random
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any, TypeVar

import attrs
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors import folding
from actors.governance.codec import encode_state
from actors.governance.events import IntentProposed, RunOpened
from actors.governance.ids import Cost, Instant
from actors.governance.links import Signed
from actors.governance.node_law import NodePaused, NodeReset, NodeResumed, NodeTripped
from ledger import VerificationError
from transport.answers import Answer
from transport.packing import Message
from transport.session import ClientState
from vienna_runtime.keyring import Keyring
from vienna_runtime.ledger_keys import LedgerKeys
from vienna_runtime.selftest.simulation import chance as chances
from vienna_runtime.selftest.simulation.account import Account
from vienna_runtime.selftest.simulation.answers import Answers
from vienna_runtime.selftest.simulation.deeds import Deeds
from vienna_runtime.selftest.simulation.entries import Broken, LogReader
from vienna_runtime.selftest.simulation.journals import HONEST, journals
from vienna_runtime.selftest.simulation.machine import Keys, Machine
from vienna_runtime.selftest.simulation.network import Call, Line, Network
from vienna_runtime.selftest.simulation.people import TENANTS, Somebody, somebody
from vienna_runtime.selftest.simulation.plant import Plant
from vienna_runtime.selftest.simulation.remembered import WarrantNow
from vienna_runtime.selftest.simulation.template import template

T = TypeVar("T")


@attrs.frozen(eq=False)
class Handed:
    """A warrant as its holder has it, with the links by which it came there."""

    tenant: str
    live: WarrantNow
    chain: tuple[Signed, ...]
    holders: tuple[str, ...]  # whom it was issued to first
    expires_at: Instant
    uses: int
    cap: Cost | None


class World:
    """Made for one seed."""

    def __init__(self, seed: int, clock: MockClock, entropy: Callable[[int], bytes]) -> None:
        self.seed, self.clock = seed, clock
        self.chance = random.Random(f"world {seed}")  # noqa: S311  # a simulation's
        self.tenants = TENANTS[: 1 + (seed % 3 == 0)]
        self.sealed = seed % 2 == 1
        made = template(self.tenants, sealed=self.sealed)
        self.machine = Machine.of(made.image, made.keys)
        self.network = Network(
            entropy, self.chance, asked=lambda call: self.answers.asked(call), told=self._told, heard=self._heard, noticed=self.notice
        )
        self.plant: Plant
        self.accounts = {tenant: Account(tenant) for tenant in self.tenants}
        self.readers = {log: LogReader(log) for log in ("", *self.tenants)}
        self._ring: Keyring | None = None
        self._keys: LedgerKeys
        self.answers = Answers(self.accounts.__getitem__)
        self.deeds = Deeds()
        self.journals = journals(seed, self.tenants)
        for (tenant, name), journal in self.journals.items():
            if journal.character == HONEST:
                self.accounts[tenant].stock.honest.add(name)
        self.reactions: dict[str, Callable[[Call, Answer], None]] = {}
        self.findings: list[Broken] = []
        self.events: Counter[str] = Counter()
        self.acts: Counter[str] = Counter()
        self.numbers = 0
        self.shut = ""  # why the node's own breaker is open, as its log says
        self.paused = ""  # why somebody has paused the node, likewise
        self.trace = blake2b(digest_size=16)
        self.handed: list[Handed] = []
        self.lists: dict[str, list[str]] = {}  # dead letters that somebody has read of, by tenant
        self.sent: list[tuple[Somebody, str, Message, Any]] = []  # to be sent again
        self.moved = False  # time has passed, and nobody has been told yet
        self.poisoned = 0  # how often somebody was made to fall

    async def begin(self, nursery: trio.Nursery, entropy: Callable[[int], bytes]) -> None:
        self.machine.clock.begun = trio.current_time()
        self.plant = Plant(self.machine, self.network, nursery, self.clock, self.chance, entropy)
        self.machine.disk.synced = self.look
        self.look()
        self.plant.switch_on()
        await wait_all_tasks_blocked()

    # -- what acts ask of it

    def account(self, number: int) -> Account:
        """A tenant's."""
        return self.accounts[self.tenants[number % len(self.tenants)]]

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def run_name(self) -> str:
        """As executors make them up: of no order."""
        return f"run-{blake2b(b'%d' % self.number(), digest_size=4).hexdigest()}"

    @property
    def now(self) -> int:
        """What the time is, as somebody with a good clock has it; of a node that has just been started, its own is a guess."""
        node = self.plant.node
        return self.machine.clock.wall() if node is None else node.around.time.now()

    async def call(self, who: Somebody, tag: str, fields: Message, note: Any = None, *, anew: bool = False) -> bool:
        """Sends it over a line that stands, or a new one; whether it is under way."""
        line = await self.line(who, anew=anew)
        if line is None or self.network.call(line, Call(who, tag, fields, note)) is None:
            self.acts["nobody to talk to"] += 1
            return False
        self.sent.append((who, tag, fields, note))
        del self.sent[:-64]
        return True

    async def line(self, who: Somebody, *, anew: bool = False) -> Line | None:
        if not anew:
            for line in self.network.lines:
                if line.who is who and line.session.state is ClientState.OPEN and not line.cut_below:
                    return line
        return await self.network.dial(who, wait_all_tasks_blocked)

    @staticmethod
    def pick(things: Iterable[T], number: int) -> T | None:
        found = things if isinstance(things, Sequence) else list(things)
        return found[number % len(found)] if found else None

    def member(self, tenant: str, name: str) -> Somebody:
        return somebody(tenant, name)

    # -- a step's end

    async def settle(self, ticks: int | None = None) -> None:
        """The node goes on until it waits, or for so many turns of the event loop."""
        self.network.deliver_all()
        if ticks is None:
            if chances.is_anybody_ready() or self.moved:
                await wait_all_tasks_blocked()
                self.network.deliver_all()
            self.moved = False
        else:
            for _ in range(ticks):
                await trio.lowlevel.checkpoint()
        self.raise_findings()

    def pass_time(self, seconds: float) -> None:
        if seconds:
            self.clock.jump(seconds)
            self.moved = True

    def raise_findings(self) -> None:
        if self.findings:
            raise self.findings[0]

    def notice(self, what: str) -> None:
        if not self.plant.dying:
            self.findings.append(Broken("the node keeps its own house", what))

    def look(self) -> None:
        """Something has become durable: everything new is read, and held against what was there."""
        try:
            image = self.machine.disk.image
            if self.machine.keys is not self._ring:
                self._ring, self._keys = self.machine.keys, LedgerKeys(Keys(self.machine))
            for tenant in self.tenants:
                account = self.accounts[tenant]
                for entry in self.readers[tenant].follow(image, self._keys):
                    self.events[entry.tag.partition("/")[0]] += 1
                    account.take(entry)
                    if type(entry.event) is IntentProposed:
                        self.answers.happened(tenant, entry.event.agent, f"key {entry.event.key}")
                    elif type(entry.event) is RunOpened:
                        self.answers.happened(tenant, entry.event.redeemer, f"run {entry.event.run}")
                        self.events["run.opened by way of others"] += entry.event.chain is not None
                if account.granted:
                    if self.shut or self.paused:
                        raise Broken("nothing is granted in a scope that is shut", f"{account.granted} while the node is stopped")
                    account.granted.clear()
            for entry in self.readers[""].follow(image, self._keys):
                self.events[f"node {entry.tag.partition('/')[0]}"] += 1
                match entry.event:
                    case NodeTripped():
                        self.shut = entry.event.reason
                        self._end_all(f"the node was shut out: {self.shut}")
                    case NodeReset():
                        self.shut = ""
                    case NodePaused():
                        self.paused = entry.event.reason
                        self._end_all(f"the node was paused: {self.paused}")
                    case NodeResumed():
                        self.paused = ""
                    case _:
                        pass
        except Broken as broken:
            self.findings.append(broken)
        except Exception:  # noqa: BLE001  # it must not look like a fault of the disk that is being read
            self.notice(f"what was read was not understood: {traceback.format_exc()}")

    def _end_all(self, why: str) -> None:
        """Nothing that was granted before it is redeemed any more, also when the node goes on."""
        for account in self.accounts.values():
            account.end_all(why)

    def _told(self, call: Call, message: Message) -> None:
        self.trace.update(repr((call.tag, message["t"], message.get("code"), message.get("value"))).encode())
        try:
            self.answers.leaves(call, message)
        except Broken as broken:
            self.findings.append(broken)

    def _heard(self, call: Call, answer: Answer) -> None:
        reaction = self.reactions.get(call.tag)
        if reaction is not None:
            try:
                reaction(call, answer)
            except Broken as broken:
                self.findings.append(broken)

    # -- the whole, now and then

    def doubtful(self) -> bool:
        """Whether the node's clocks disagree, by their own words."""
        node = self.plant.node
        return node is not None and node.around.time.doubt is not None

    def is_quiet(self) -> bool:
        """Whether everything that was decided is known to be on the disk, or not."""
        node = self.plant.node
        return node is not None and self.machine.stalled is None and not self.machine.disk.unsynced and not node.scribe.statistics().queued

    def refold(self, *, twice: bool = False, verified: bool = False) -> None:
        """From the ledger alone: the state in memory, of each tenant that is at rest, is a fold of its whole log."""
        node = self.plant.node
        if node is None or self.machine.stalled is not None:
            return
        seen = node.scribe.statistics()
        if seen.read_only or seen.durable < seen.submissions:
            return
        for name, place in node.directory.places.items():
            tenant = place.tenant
            if tenant is None or tenant.frozen or not tenant._usable() or not place.mailbox.is_open:
                continue
            size = node.ledger.head(name).size
            whole = encode_state(folding.extended(node.ledger, name, None, size))
            if encode_state(tenant.state) != whole:
                raise Broken("memory is a fold of the log", f"{name} at {size}")
            if encode_state(folding.fold(node.ledger, name).state) != whole:
                raise Broken("a snapshot and the rest is the whole fold", f"{name} at {size}")
            if twice and encode_state(folding.extended(node.ledger, name, None, size)) != whole:
                raise Broken("one log gives one state", f"{name} at {size}")
        try:
            if verified:
                node.ledger.verify()
        except VerificationError as error:
            raise Broken("chain and roots verify", str(error)) from error

    def digest(self) -> str:
        """Of everything that was said and everything that is durable."""
        for reader in self.readers.values():
            self.trace.update(b"%d" % reader.size + reader.last)
        return self.trace.hexdigest()
