"""Lines between people and a simulated node: real sessions at both ends, and between them frames that take their time.

    peer ── ClientSession ──▶ up ──▶ server end ──▶ Connection ── gateway
         ◀──────────────────── down ◀──────────────

A line keeps its frames in order and loses none while it stands, as TCP does; what differs is how long each takes and when a
line is cut, at either end or both.  So messages are late, overtake those of other lines, arrive after whoever sent them has
gone, and are sent again.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Any

import attrs
import trio

from transport.answers import Answer
from transport.attend import Handle, Place, attend, keep_alive
from transport.client_session import ClientSession, Dialled
from transport.connection import Connection
from transport.errors import ConnectionClosed, IllegalMessage, ProtocolError, VerificationError
from transport.gate import Gate, Rejection
from transport.limits import DEFAULT, Limits
from transport.memory import CERTIFICATE
from transport.packing import Message, decode_frame
from transport.server import Http
from transport.session import LOST, ClientState
from transport.websocket import Backstage
from vienna_runtime.selftest.simulation.people import Somebody

ROUNDS = 6  # that a greeting takes at most: hello, challenge, proof, welcome, and what a tenant's commit holds up


@attrs.frozen(eq=False)
class Call:
    """One question under way."""

    who: Somebody
    tag: str
    fields: Message
    note: Any = None  # what whoever asked wants to know again when it is answered


class Line:
    """One connection."""

    def __init__(self, who: Somebody, session: ClientSession, network: Network) -> None:
        self.who, self.session, self.network = who, session, network
        self.calls: dict[int, Call] = {}
        self.up: deque[tuple[int, bytes]] = deque()  # step at which it arrives, and the frame
        self.down: deque[tuple[int, bytes]] = deque()
        self.arrived: deque[bytes] = deque()
        self.cut_above = False  # nothing more comes from the peer
        self.cut_below = False  # nothing more comes from the server
        self._reader: trio.lowlevel.Task | None = None

    # the server's end, a ``transport.carrier.Carrier``

    async def read(self) -> bytes:
        await trio.lowlevel.checkpoint()
        while not self.arrived:
            if self.cut_above:
                raise ConnectionClosed(LOST, "the peer closed the connection")
            self._reader = trio.lowlevel.current_task()

            def give_up(_: object) -> trio.lowlevel.Abort:
                self._reader = None
                return trio.lowlevel.Abort.SUCCEEDED

            await trio.lowlevel.wait_task_rescheduled(give_up)
        return self.arrived.popleft()

    async def write(self, frame: bytes) -> None:
        await trio.lowlevel.checkpoint()
        if self.cut_below:
            raise ConnectionClosed(LOST, "the peer closed the connection")
        self.network.sent(self, frame)

    async def close(self, code: str) -> None:
        self.abort()
        await trio.lowlevel.checkpoint()

    def abort(self) -> None:
        self.cut_below = self.cut_above = True
        self.wake()

    # the peer's end

    def send(self, frame: bytes) -> None:
        self.up.append((max(self.network.due(), self.up[-1][0] if self.up else 0), frame))

    def flush(self) -> None:
        for packed in self.session.take():
            self.send(packed)

    def wake(self) -> None:
        if self._reader is not None:
            trio.lowlevel.reschedule(self._reader)
            self._reader = None


@attrs.frozen(kw_only=True)
class _Open:
    """A gateway that lets people in."""

    nursery: trio.Nursery
    gate: Gate
    handle: Handle
    limits: Limits
    place: Place
    knock: Callable[[str], bool]
    alive: set[Connection]


class Network:
    """All lines of a run, and the node's ``Door``."""

    def __init__(
        self,
        entropy: Callable[[int], bytes],
        chance: random.Random,
        *,
        asked: Callable[[Call], None] = lambda call: None,
        told: Callable[[Call, Message], None],
        heard: Callable[[Call, Answer], None],
        noticed: Callable[[str], None],
    ) -> None:
        """``told``: an answer leaves the server.  ``heard``: it has arrived.  ``noticed``: something that must not happen."""
        self._entropy, self._chance = entropy, chance
        self._asked, self._told, self._heard, self._noticed = asked, told, heard, noticed
        self.step = 0
        self.weather = 0  # how many steps a frame may take
        self.lines: list[Line] = []
        self.frames = 0
        self._open: _Open | None = None

    async def door(
        self,
        *,
        origin: str,
        gate: Gate,
        handle: Handle,
        limits: Limits,
        http: Http | None,
        knock: Callable[[str], bool],
        task_status: trio.TaskStatus[object],
    ) -> None:
        async with trio.open_nursery() as nursery:
            place = Place(origin=origin, certificate=CERTIFICATE, entropy=self._entropy)
            self._open = _Open(nursery=nursery, gate=gate, handle=handle, limits=limits, place=place, knock=knock, alive=set())
            nursery.start_soon(keep_alive, self._open.alive, limits)
            try:
                task_status.started()
                await trio.sleep_forever()
            finally:
                self._open = None

    @property
    def is_open(self) -> bool:
        return self._open is not None

    def due(self) -> int:
        return self.step + (self._chance.randint(0, self.weather) if self.weather else 0)

    # -- lines

    async def dial(self, who: Somebody, settle: Callable[[], Any], bearer: str | None = None) -> Line | None:
        """An open session, or None where it does not come about."""
        found = self._open
        if found is None or not found.knock("192.0.2.1"):
            return None
        dialled = Dialled(origin=found.place.origin, certificate=CERTIFICATE)
        session = ClientSession(agent="simulated", dialled=dialled, sign=who.prove, limits=DEFAULT, now=trio.current_time())
        line = Line(who, session, self)
        found.nursery.start_soon(self._serve, found, line, bearer or who.api_key.reveal())
        self.lines.append(line)
        line.flush()
        for _ in range(ROUNDS):
            self.deliver(line, whole=True)
            await settle()
            self.deliver(line, whole=True)
            if session.state is ClientState.OPEN:
                return line
            if session.ended is not None or line.cut_below:
                break
        self.cut(line, both=True)
        return None

    async def _serve(self, found: _Open, line: Line, bearer: str) -> None:
        admission = await found.gate.admit(bearer, f"simulated-{line.who.tenant}-{line.who.name}")
        if isinstance(admission, Rejection):
            line.abort()
            return
        backstage = Backstage(found.nursery, on_exit=lambda: None, on_failure=line.abort)
        try:
            await attend(
                line,
                admission,
                place=found.place,
                remote="simulated",
                limits=found.limits,
                handle=found.handle,
                start_soon=backstage.start_soon,
                alive=found.alive,
                deadline=trio.current_time() + found.limits.handshake_seconds,
                on_open=lambda: None,
            )
        finally:
            backstage.end()

    def cut(self, line: Line, *, both: bool, above: bool = True) -> None:
        """``both`` ends at once; else the peer's (what it sent still arrives), or the server's (what that sent does)."""
        if both or not above:
            line.abort()
        if both:
            line.up.clear()
            line.down.clear()
            line.arrived.clear()
        if both or above:
            line.down.clear()
            line.session.bye(LOST, "")
            if not line.up:
                line.abort()

    def node_is_gone(self) -> None:
        """What it had sent is under way still."""
        for line in self.lines:
            line.up.clear()
            line.arrived.clear()
            line.abort()
        self._open = None

    # -- frames

    def call(self, line: Line, call: Call) -> int | None:
        """Sends it; its number on this line."""
        try:
            number, packed = line.session.call(call.tag, call.fields)
        except IllegalMessage:
            return None
        line.calls[number] = call
        self._asked(call)
        line.send(packed)
        return number

    def sent(self, line: Line, frame: bytes) -> None:
        """The server has sent it: from here on it cannot be taken back."""
        self.frames += 1
        for message in decode_frame(frame, DEFAULT):
            if message["t"] in ("reply", "refused", "indeterminate") and (call := line.calls.get(message["id"])) is not None:
                self._told(call, message)
        line.down.append((max(self.due(), line.down[-1][0] if line.down else 0), frame))

    def deliver_all(self) -> None:
        for line in self.lines:
            self.deliver(line)
        self.lines = [line for line in self.lines if line.up or line.down or line.arrived or not self.is_over(line)]

    def deliver(self, line: Line, *, whole: bool = False) -> None:
        """What is due by now, or all of it."""
        while line.up and (whole or line.up[0][0] <= self.step):
            line.arrived.append(line.up.popleft()[1])
            line.wake()
        if line.session.state is ClientState.CLOSED and not line.up:
            line.cut_above = True
            line.wake()
        while line.down and (whole or line.down[0][0] <= self.step):
            self._receive(line, line.down.popleft()[1])

    @staticmethod
    def is_over(line: Line) -> bool:
        return line.session.state is ClientState.CLOSED or (line.cut_below and not line.down)

    def _receive(self, line: Line, frame: bytes) -> None:
        if line.session.state is ClientState.CLOSED:
            return
        try:
            heard = line.session.receive(frame, trio.current_time())
        except (ProtocolError, VerificationError) as error:
            self._noticed(f"the server broke the protocol: {error}")
            return
        line.flush()
        for number, answer in heard:
            call = line.calls.pop(number, None)
            if call is not None:
                self._heard(call, answer)  # type: ignore[arg-type]  # nobody subscribes here
