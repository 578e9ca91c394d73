"""The composition root: one process, its actors in the order in which they may exist.

0 watermark    outlives the scribe, whose last words it notes   4 tenants     each kept alive, or frozen, by itself
1 scribe       nothing may happen that cannot be written        5 housekeeper, keymaster, reconciler
2 answers      nothing leaves before it is durable              6 gateway     last to open, first to close
3 supervisor   the node's log folded before anyone may decide   7 witnesses   where some are asked: nobody here waits for them
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

import attrs
import structlog
import trio

from actors.alert_lines import listed
from actors.comparing import Comparisons
from actors.directory import Directory, Place
from actors.errors import ActorDied, IntensityExceeded, MailboxFull, StartFailed
from actors.falling import turn_away
from actors.feed import Feed
from actors.frozen import FrozenTenant
from actors.gate import TenantGate
from actors.gateway import House, converse, tell
from actors.governance import commands as c
from actors.governance import rates
from actors.governance.decision import Operator
from actors.governance.ids import Instant
from actors.governance.node_law import WitnessRefused
from actors.governance.pauses import sentence, told
from actors.held import Held
from actors.housekeeper import Housekeeper
from actors.kernel import Child, Down, Intensity, Mailbox, Notice, Ref, Strategy, Supervision, run_actor, supervise
from actors.kernel.cell import Life
from actors.legal_time import LegalTime
from actors.messages import Asked, Done, Outcome, Respond, Sweep
from actors.node_standing import NodeStanding
from actors.reconciler import reconcile
from actors.scribe import Room, Scribe, Worker
from actors.supervisor import NoteFrozen, NoteWitness, Refused, Supervisor, SupervisorMessage, shut_out
from actors.surroundings import Surroundings
from actors.tenant import Tenant
from actors.tenant_status import status_of
from ledger import NODE, Ledger
from ledger.header import parse
from transport.connection import Connection
from transport.limits import DEFAULT
from transport.server import serve
from transport.tls import ServerTls
from vienna_runtime.admission import public_part
from vienna_runtime.archivist import Archivist
from vienna_runtime.config import Config
from vienna_runtime.crowd import Crowd
from vienna_runtime.doorstep import Doorstep
from vienna_runtime.health import Health
from vienna_runtime.keymaster import Keymaster
from vienna_runtime.keystore import Keystore
from vienna_runtime.ledger_keys import LedgerKeys
from vienna_runtime.node_tree import subtree, tree
from vienna_runtime.ports import Ports
from vienna_runtime.retention_date import confirmed_by
from vienna_runtime.tile_service import TileService
from vienna_runtime.version import VERSION
from vienna_runtime.watermark import Watermark, keep
from vienna_runtime.witnessing import Witnesses, collector

log = structlog.get_logger(__name__)

COLLECT = (20_000, 20, 50)  # objects, and rounds: a case leaves hundreds of objects and no cycle; looking for some every 700 cost 5 % of it
SWITCH = 0.002  # s the interpreter lets one thread run: the default 5 ms would hold a finished commit back behind the event loop
MICROS = 1_000_000
FOR_EVER = Intensity(restarts=sys.maxsize)  # a due date that is settled late is better than a node that ends over it


@attrs.define(eq=False)
class Node:
    """A running node and what is looked at from outside."""

    config: Config
    keystore: Keystore
    ledger: Ledger
    ports: Ports
    scribe: Scribe
    held: Held
    around: Surroundings
    refused: Refused
    directory: Directory
    supervisor: Supervisor
    supervisor_mailbox: Mailbox[SupervisorMessage]
    gate: TenantGate
    housekeeper: Housekeeper
    comparisons: Comparisons
    keymaster: Keymaster
    witnesses: Witnesses | None
    started: float
    root: Supervision | None = None
    tenants: Supervision | None = None
    lives: dict[str, Supervision] = attrs.field(factory=dict)  # of each tenant's actor
    apart: dict[str, Supervision] = attrs.field(factory=dict)  # of those that are started again for ever
    connections: int = 0

    @property
    def supervisor_ref(self) -> Ref[SupervisorMessage]:
        return Ref(self.supervisor_mailbox)

    def summary(self) -> str:
        """In a line, for whoever manages services."""
        seen, tenants = self.scribe.statistics(), len(self.directory.places)
        stuck = f"read-only: {seen.read_only}" if seen.read_only else "serving"
        return f"{stuck}; {tenants} tenants, {self.connections} connections"

    def about(self) -> Mapping[str, object]:
        """The node's own status, for its operators."""
        seen = self.scribe.statistics()
        state = self.supervisor.state
        return {
            "node": self.keystore.node,
            "version": VERSION,
            "uptime": int((trio.current_time() - self.started) * MICROS),
            "read_only": seen.read_only or "",
            "clock": self.around.time.doubt or "",
            "connections": self.connections,
            "breaker": {
                "scope": "node",
                "status": "closed" if state.tripped is None else "open",
                "why": "" if state.tripped is None else f"{state.tripped.by}: {state.tripped.reason}",
                "epoch": self.around.standing.epoch,
            },
            "paused": "" if state.paused is None else sentence(state.paused),
            "pauses": [told(stop) for stop in (state.paused, state.tripped) if stop is not None],
            "alerts": state.alerts.unheard,
            "scribe": attrs.asdict(seen),
            "tenants": [
                {**status_of(place.tenant), "witnessed": self.scribe.published.size(place.name)}
                for place in self.directory.places.values()
                if place.tenant is not None
            ],
            "log": {"entries": self.ledger.head(NODE).size, "witnessed": self.scribe.published.size(NODE)},
            **({} if self.witnesses is None else {"witnesses": self.witnesses.about()}),
        }

    def keys_of(self, tenant: str) -> Mapping[str, object]:
        """The public keys by which a tenant's log and warrants are checked."""
        keys = LedgerKeys(self.keystore)
        found: dict[str, object] = {
            "node": keys.verifier(NODE).text,
            "log": keys.verifier(tenant).text,
            "origin": keys.verifier(tenant).name,
        }
        if tenant != NODE:
            found["issuer"] = self.keystore.issuer_public(tenant)
        return found


async def run(
    config: Config, keystore: Keystore, ledger: Ledger, tls: ServerTls, watermark: Watermark, ready: Callable[[str, Node], None]
) -> None:
    """Serves until cancelled; then stops in reverse order, with a last commit.  ``ready`` is told the address, at every opening.

    Raises ``StartFailed`` or ``IntensityExceeded`` where scribe, supervisor or gateway cannot live: the process must end.
    """
    sys.setswitchinterval(SWITCH)
    gc.freeze()  # what the program is made of stays, and is not walked again
    gc.set_threshold(*COLLECT)
    settings = config.settings
    listeners = await trio.open_tcp_listeners(settings.listen.port, host=settings.listen.host)
    host, port = listeners[0].socket.getsockname()[:2]
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    async with Worker() as worker:
        ports = Ports(door=partial(serve, listeners, tls=tls), runner=worker, keep=partial(keep, watermark, ledger.logs))
        node = compose(config, keystore, ledger, ports)
        await live(node, lambda: ready(shown, node))


async def live(node: Node, ready: Callable[[], None]) -> None:
    """Serves until cancelled, with whatever ports it was made; raises as ``run``."""
    await supervise(
        [
            Child(name="watermark", start=node.ports.keep),
            Child(name="scribe", start=partial(_scribe, node)),
            Child(name="answers", start=node.held.run),
            Child(name="supervisor", start=partial(_supervisor, node)),
            Child(name="tenants", start=partial(_tenants, node), shutdown=15.0),
            _apart(node, Child(name="housekeeper", start=node.housekeeper.run)),
            _apart(node, Child(name="keymaster", start=node.keymaster.run)),
            _apart(node, Child(name="reconciler", start=partial(_reconciler, node))),
            Child(name="gateway", start=partial(_gateway, node, ready)),
            *([] if node.witnesses is None else [Child(name="witnesses", start=partial(_witnesses, node))]),
        ],
        strategy=Strategy.REST_FOR_ONE,
        jitter=node.ports.jitter,
        report=_report,
        task_status=_Root(node),
    )


def _apart(node: Node, child: Child) -> Child:
    """One that nobody rests on: it is started again for ever, with growing waits, and its falls take nobody else down."""

    async def start(*, task_status: Life) -> None:
        async with trio.open_nursery() as nursery:
            node.apart[child.name] = await nursery.start(
                partial(supervise, [child], strategy=Strategy.ONE_FOR_ONE, jitter=node.ports.jitter, report=_report, intensity=FOR_EVER)
            )
            task_status.started()

    return Child(name=child.name, start=start)


class _Root(trio.TaskStatus[Supervision]):
    """Keeps the handle of the whole tree, once all of it is ready."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def started(self, value: Supervision | None = None) -> None:
        self._node.root = value


def compose(config: Config, keystore: Keystore, ledger: Ledger, ports: Ports) -> Node:
    """Every part of a node, none of it alive yet."""
    time = LegalTime(ports.clock)
    for name in ledger.logs():
        head = ledger.head(name)
        if head.size:
            (last,) = ledger.read(name, head.size - 1, head.size)
            time.not_before(parse(last.entry).time)
    limits, schedule = config.settings.limits, config.settings.schedule
    room = Room(max_entries=limits.submissions)
    scribe = Scribe(ledger, runner=ports.runner, now=time.now, room=room, heads_period=schedule.heads / MICROS)
    held, standing, refused, directory = Held(scribe), NodeStanding(), Refused(), Directory()
    mailbox: Mailbox[SupervisorMessage] = Mailbox("supervisor", on_lost=shut_out)
    node: Node

    def witnessed(log: str) -> Instant:
        policy = None if node.witnesses is None else node.witnesses.policy
        return confirmed_by(policy, ledger, log, LedgerKeys(keystore).verifiers)

    comparisons = Comparisons()
    around = Surroundings(
        scribe=scribe,
        held=held,
        signer=keystore,
        time=time,
        standing=standing,
        snapshot_every=schedule.snapshot,
        entropy=ports.entropy,
        aside=ports.aside,
        compare=comparisons.ask,
        witnessed=witnessed,
    )

    async def admit(tenant: str, by: str, command: c.Found, respond: Respond) -> None:
        await _admit(node, tenant, by, command, respond)

    def objected(event: WitnessRefused) -> None:
        tell(node.supervisor_ref, NoteWitness(event), _unanswered, urgent=True)

    standing.changed = partial(_wake, directory)
    supervisor = Supervisor(scribe, time, standing, refused, admit)
    keymaster = Keymaster(scribe, keystore, time.now)
    node = Node(
        config=config,
        keystore=keystore,
        ledger=ledger,
        ports=ports,
        scribe=scribe,
        held=held,
        around=around,
        refused=refused,
        directory=directory,
        supervisor=supervisor,
        supervisor_mailbox=mailbox,
        gate=TenantGate(directory, lambda: node.supervisor.state, refused),
        housekeeper=Housekeeper(
            {
                c.Archive: Archivist(scribe).archive,
                c.ListKeys: keymaster.list,
                c.RotateKey: keymaster.rotate,
                c.RetireKeys: keymaster.retire,
            }
        ),
        comparisons=comparisons,
        keymaster=keymaster,
        witnesses=collector(config, scribe, LedgerKeys(keystore).verifier, objected),
        started=trio.current_time(),
    )
    return node


def _wake(directory: Directory) -> None:
    """Has every tenant look at what the node permits now.  One that is full or down looks before it decides anything else."""
    for ref in directory.refs().values():
        with suppress(MailboxFull, ActorDied):
            ref.tell_nowait(Sweep(), urgent=True)


async def _scribe(node: Node, *, task_status: Life) -> None:
    await node.scribe.run(task_status=task_status)


async def _supervisor(node: Node, *, task_status: Life) -> None:
    await run_actor(lambda: node.supervisor, node.supervisor_mailbox, task_status=task_status)


async def _tenants(node: Node, *, task_status: Life) -> None:
    """Every tenant under a supervision of its own, so that one that keeps falling is frozen and the others go on."""
    places = [_place(node, name) for name in node.ledger.logs() if name != NODE]
    async with trio.open_nursery() as nursery:
        node.tenants = await nursery.start(
            partial(
                supervise,
                [_tenant_child(node, place) for place in places],
                strategy=Strategy.ONE_FOR_ONE,
                jitter=node.ports.jitter,
                report=_report,
            )
        )
        task_status.started()


def _place(node: Node, name: str) -> Place:
    place = node.directory.places.get(name)
    if place is None:
        capacity = node.config.settings.limits.mailbox
        place = node.directory.places[name] = Place(name, Mailbox(f"tenant {name}", capacity=capacity, on_lost=turn_away), Feed())
    return place


def _tenant_child(node: Node, place: Place) -> Child:
    return Child(name=place.name, start=partial(_tenant, node, place), shutdown=10.0)


async def _tenant(node: Node, place: Place, *, task_status: Life) -> None:
    def make() -> Tenant:
        place.tenant = Tenant(place.name, node.around, place.feed, place.quarantine)
        return place.tenant

    why, was_ready, place.frozen = "", False, ""
    alive = Child(name=place.name, start=partial(run_actor, make, place.mailbox), shutdown=8.0)
    try:
        async with trio.open_nursery() as nursery:
            run = partial(supervise, [alive], strategy=Strategy.ONE_FOR_ONE, jitter=node.ports.jitter, report=_report)
            node.lives[place.name] = await nursery.start(run)
            was_ready = True
            task_status.started()
    except* (StartFailed, IntensityExceeded) as fallen:
        why = f"it fell too often: {fallen.exceptions[0]}"
    if not why:
        return
    log.error("tenant frozen", tenant=place.name, why=why)
    node.supervisor_ref.tell_nowait(NoteFrozen(place.name, why))
    if place.tenant is not None:
        place.tenant.frozen = why
    place.frozen = why
    async with trio.open_nursery() as nursery:
        await nursery.start(
            partial(supervise, [_frozen_child(place, why)], strategy=Strategy.ONE_FOR_ONE, jitter=node.ports.jitter, report=_report)
        )
        if not was_ready:
            task_status.started()


def _frozen_child(place: Place, why: str) -> Child:
    return Child(name=place.name, start=partial(run_actor, lambda: FrozenTenant(why), place.mailbox))


async def _admit(node: Node, tenant: str, by: str, command: c.Found, respond: Respond) -> None:
    """Keys first, then the log that names them, then the actor that writes it; each step can be repeated after a crash."""
    await node.scribe.errand(partial(node.keystore.admit_tenant, tenant))
    if tenant not in node.ledger.logs():
        await node.scribe.admit(tenant, public=public_part(node.keystore.issuer_public(tenant)), actor=f"operator:{by}")
    place = _place(node, tenant)
    assert node.tenants is not None
    if tenant not in {child.name for child in node.tenants.statistics()}:
        await node.tenants.add(_tenant_child(node, place))
    tell(place.ref, Asked(command, Operator(by), False, respond), respond)  # never a wait: the supervisor also shuts the node


async def _reconciler(node: Node, *, task_status: Life) -> None:
    schedule = node.config.settings.schedule
    await reconcile(
        node.directory.refs,
        node.supervisor_ref,
        node.ledger,
        node.comparisons,
        due_every=schedule.due / MICROS,
        compare_every=schedule.reconcile / MICROS,
        task_status=task_status,
    )


async def _gateway(node: Node, ready: Callable[[], None], *, task_status: Life) -> None:
    settings = node.config.settings
    limits = attrs.evolve(
        DEFAULT,
        slots=settings.limits.connections,
        handshakes_per_address=settings.limits.handshakes_per_address,
        handshake_seconds=settings.limits.handshake / MICROS,
        calls_in_flight=settings.limits.calls_per_connection,
        heartbeat_seconds=settings.schedule.heartbeat / MICROS,
    )
    rate = rates.parse(settings.limits.address_rate)
    assert isinstance(rate, rates.Rate)  # the settings have read it
    doorstep = Doorstep(rate, lambda: int(trio.current_time() * MICROS), node.refused.note)
    crowd = Crowd(node.gate, settings.limits.connections_per_principal, node.refused.note)
    house = House(
        directory=node.directory,
        supervisor=node.supervisor_ref,
        scribe=node.scribe,
        housekeeper=node.housekeeper,
        note=node.refused.note,
        about=node.about,
        alerts=lambda: listed(node.supervisor.state.alerts),
        keys_of=node.keys_of,
        tree=partial(tree, node),
        subtree=partial(subtree, node),
    )

    tiles = TileService(node.ledger, node.gate, settings.tiles, cosigned=bool(settings.witness.policy))

    async def handle(connection: Connection) -> None:
        with crowd.counted(connection.identity):
            node.connections += 1
            try:
                await converse(connection, house)
            finally:
                node.connections -= 1

    async with trio.open_nursery() as nursery:
        await nursery.start(
            partial(
                node.ports.door,
                origin=node.keystore.node,
                gate=crowd,
                handle=handle,
                limits=limits,
                http=Health(lambda: node.scribe.statistics().read_only is None, tiles.hook if settings.tiles.any else None).hook,
                knock=doorstep.lets_in,
            )
        )
        task_status.started()
        ready()


async def _witnesses(node: Node, *, task_status: Life) -> None:
    """Whatever becomes of asking them, the node goes on: then nothing more is witnessed, and the status says so."""
    witnesses, was_ready = node.witnesses, False
    assert witnesses is not None
    alive = Child(name="collector", start=witnesses.run)
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(supervise, [alive], strategy=Strategy.ONE_FOR_ONE, jitter=node.ports.jitter, report=_report))
            was_ready = True
            task_status.started()
    except* (StartFailed, IntensityExceeded) as fallen:
        witnesses.given_up = f"it fell too often: {fallen.exceptions[0]}"
        log.error("no witness is asked any more until the node is started again", why=witnesses.given_up)
    if not was_ready:
        task_status.started()
    await trio.sleep_forever()


def _unanswered(outcome: Outcome) -> None:
    """For what the node tells itself; it is in the log lines already."""
    if not isinstance(outcome, Done):
        log.warning("the node's own entry was not written", why=outcome.why)


def _report(notice: Notice) -> None:
    """Every fall is a line for whoever is awakened by it."""
    if isinstance(notice, Down):
        log.error("an actor fell", actor=notice.child, when=notice.when.value, restarts_in=notice.restarts_in, exc_info=notice.crash)
    else:
        log.warning("an actor takes long to stop", actor=notice.child, deadline=notice.shutdown)
