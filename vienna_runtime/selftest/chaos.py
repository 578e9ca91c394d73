"""A node at half of what it can do, and one misfortune after the other: what it acknowledged is there, and it is soon back.

    full load measured ─▶ half of it ─▶ fault ─▶ lifted ─▶ first write that is asked for then is answered ─▶ pause ─▶ fault …
                                                   └───────────── recovery ────────────┘
    ─▶ stopped in order ─▶ every log verified, every acknowledged case and report looked for

A killed node is started again at once, as whatever runs it would.
"""

from __future__ import annotations

import errno
import os
import random
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from pathlib import Path

import attrs
import trio

from actors.governance import events as e
from ledger import VerificationError
from vienna_runtime.client import Vienna
from vienna_runtime.selftest import audit, filling
from vienna_runtime.selftest.errors import CannotTry
from vienna_runtime.selftest.load import AGENTS, BUNDLE, LANES, PROBE, Acknowledged, Load, sessions
from vienna_runtime.selftest.program import Program, alive
from vienna_runtime.selftest.valve import Valve
from vienna_runtime.selftest.workplace import TENANT, Workplace

KILL, PAUSE, FULL, CUT, SILENCE = "kill -9", "paused", "disk full", "connections cut", "network silent"
FAULTS = (KILL, PAUSE, FULL, CUT, SILENCE)
A_MINUTE = 300 << 20  # bytes of the disk in memory; 600 cases a second write as much
_PAGE = 4096
SMALLEST, LARGEST = 256 << 20, 16 << 30  # bytes of it: with room for a start, and what a machine may have to spare


@attrs.define
class Chaos:
    """What was seen."""

    full_load: float = 0.0  # cases/s
    load: float = 0.0  # cases/s, as it was really done under chaos
    faults: Counter[str] = attrs.Factory(Counter)
    recoveries: dict[str, list[float]] = attrs.Factory(dict)  # s, by fault
    cases: int = 0  # acknowledged under chaos and before
    reports: int = 0
    answers_lost: int = 0  # reports that were taken, as a repetition was told
    asked_again: Counter[str] = attrs.Factory(Counter)  # calls, by why
    entries: int = 0  # verified at the end
    lost: list[str] = attrs.Factory(list)  # acknowledged, and not there
    twice: list[str] = attrs.Factory(list)  # keys that stand on the log twice
    seconds: float = 0.0
    not_tried: str = ""
    finding: str | None = None

    @property
    def all_recoveries(self) -> list[float]:
        return sorted(second for found in self.recoveries.values() for second in found)

    @property
    def wrong(self) -> list[str]:
        found = [f"{len(self.lost)} acknowledged are lost: {', '.join(self.lost[:5])}"] if self.lost else []
        found += [f"{len(self.twice)} were done twice: {', '.join(self.twice[:5])}"] if self.twice else []
        return found if self.finding is None else [*found, self.finding]


def percentile(ordered: list[float], percent: int) -> float:
    """Of a sorted list: the smallest value that so many percent do not exceed."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else 0.0


Progress = Callable[[str, float], None]


def run(
    *,
    minutes: float,
    seed: int,
    place: Path | None = None,
    pauses: tuple[float, float] = (1.0, 6.0),
    lasting: tuple[float, float] = (0.3, 2.5),
    progress: Progress = lambda _, __: None,
) -> Chaos:
    """On a disk of its own in memory where that can be made, else below ``place`` and without filling it."""
    chaos = Chaos()
    with _disk(place, max(SMALLEST, min(LARGEST, int(minutes * A_MINUTE))), chaos) as directory:
        work = Workplace(directory)
        acknowledged = Acknowledged()
        room = _Room(work, chaos, acknowledged, random.Random(seed), pauses, lasting, progress)  # noqa: S311  # chosen, not secret
        trio.run(room.run, minutes * 60)
        (directory / "ballast").unlink(missing_ok=True)
        chaos.cases, chaos.reports, chaos.answers_lost = len(acknowledged.cases), len(acknowledged.reports), len(acknowledged.answer_lost)
        chaos.asked_again = acknowledged.asked_again
        try:
            _look(work, chaos, acknowledged)
        except VerificationError as error:
            chaos.finding = f"the ledger does not verify: {error}"
    return chaos


@contextmanager
def _disk(place: Path | None, size: int, chaos: Chaos) -> Iterator[Path]:
    if place is None:
        try:
            with filling.small_disk(size) as disk:
                yield disk.resolve()
                return
        except CannotTry as error:
            chaos.not_tried = f"{FULL}: {error}"
    else:
        chaos.not_tried = f"{FULL}: not on a disk that others use"
    with tempfile.TemporaryDirectory(prefix="vienna-chaos-", dir=place) as directory:
        yield Path(directory).resolve()


def _look(work: Workplace, chaos: Chaos, acknowledged: Acknowledged) -> None:
    """Everything verified, and everything acknowledged looked for, each once."""
    keys: Counter[str] = Counter()
    cases, reports = {}, set()
    with audit.opened(work) as ledger:
        ledger.verify()
        chaos.entries = sum(head.size for head in ledger.logs().values())
        for event in audit.events(ledger, TENANT):
            if isinstance(event, e.IntentProposed):
                keys[f"{event.agent} {event.key}"] += 1
                cases[event.key] = str(event.case)
            elif isinstance(event, e.RunReported):
                reports.add(str(event.run))
    chaos.twice = [key for key, count in keys.items() if count > 1]
    chaos.lost = missing(acknowledged, cases, reports)


def missing(acknowledged: Acknowledged, cases: Mapping[str, str], reports: Set[str]) -> list[str]:
    """Keys and runs that were acknowledged and are not among what was found, or not as they were acknowledged."""
    lost = [key for key, case in acknowledged.cases.items() if cases.get(key) != case]
    return lost + sorted((acknowledged.reports | acknowledged.answer_lost) - reports)


class _Room:
    """The node, its disk and its wire, and those who work."""

    def __init__(
        self,
        work: Workplace,
        chaos: Chaos,
        acknowledged: Acknowledged,
        chosen: random.Random,
        pauses: tuple[float, float],
        lasting: tuple[float, float],
        progress: Progress,
    ) -> None:
        self._work, self._chaos, self._acknowledged, self._chosen, self._progress = work, chaos, acknowledged, chosen, progress
        self._pauses, self._lasting = pauses, lasting
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._port: int = listener.getsockname()[1]
        self._wire = Valve(("127.0.0.1", self._port))
        command = ("vienna_runtime.cli.main", "serve", str(work.node), "--listen", f"127.0.0.1:{self._port}")
        self._node = Program("the node", command, Path(tempfile.gettempdir()) / f"vienna-chaos-{os.getpid()}.log")
        self._ballast = work.directory / "ballast"
        self._probes = 0

    async def run(self, seconds: float) -> None:
        self._work.found(port=self._port)
        begun = time.monotonic()
        async with trio.open_nursery() as nursery, alive(self._node), AsyncExitStack() as stack:
            await nursery.start(self._wire.run)
            await self._node.start()
            await self._work.settle(f"127.0.0.1:{self._port}", BUNDLE, (*AGENTS, PROBE))
            members = [attrs.evolve(self._work.members[one.name], address=self._wire.address) for one in (*AGENTS, PROBE)]
            *agents, probe = await stack.enter_async_context(sessions(members))
            load = Load(self._acknowledged, agents)
            await self._measure(load, seconds)
            async with trio.open_nursery() as working:
                working.start_soon(partial(load.run, name="chaos"))
                await self._strike(probe, seconds)
                load.end()
            code = await self._node.stop()
            if code != 0:
                self._chaos.finding = f"the node ended with {code} when it was told to stop"
            nursery.cancel_scope.cancel()
        self._node.log.unlink(missing_ok=True)
        self._chaos.seconds = time.monotonic() - begun

    async def _measure(self, load: Load, seconds: float) -> None:
        """What it can do, and from now on half of that."""
        length = min(20.0, max(1.5, seconds / 30))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(load.run, name="full"))
            await trio.sleep(length / 3)  # warm
            before, begun = len(self._acknowledged.reports), trio.current_time()
            self._progress("full load", 0.0)
            await trio.sleep(length)
            self._chaos.full_load = (len(self._acknowledged.reports) - before) / (trio.current_time() - begun)
            load.end()
        load.interval = len(load.agents) * LANES / (self._chaos.full_load / 2)

    async def _strike(self, probe: Vienna, seconds: float) -> None:
        begun, before = trio.current_time(), len(self._acknowledged.reports)
        faults = [fault for fault in FAULTS if fault != FULL or not self._chaos.not_tried]
        order: list[str] = []
        while (passed := trio.current_time() - begun) < seconds or len(self._chaos.faults) < len(faults):  # each of them once at least
            self._progress("chaos", passed)
            await trio.sleep(self._chosen.uniform(*self._pauses))
            if not order:
                order = self._chosen.sample(faults, len(faults))  # each in its turn, in an order of chance
            fault = order.pop()
            lifted = await self._fault(fault)
            self._probes += 1
            await Load(self._acknowledged, ()).case(probe, f"probe-{self._probes}")
            self._chaos.faults[fault] += 1
            self._chaos.recoveries.setdefault(fault, []).append(trio.current_time() - lifted)
        self._chaos.load = (len(self._acknowledged.reports) - before) / (trio.current_time() - begun)

    async def _fault(self, fault: str) -> float:
        """Lets it happen; when it was over."""
        long = self._chosen.uniform(*self._lasting)
        now = trio.current_time
        if fault == KILL:
            at = now()
            await self._node.kill()
            await self._node.start()
            return at
        if fault == PAUSE:
            self._node.pause()
            await trio.sleep(long)
            self._node.resume()
        elif fault == FULL:
            await trio.to_thread.run_sync(self._fill)
            await trio.sleep(long)
            self._ballast.unlink()
        elif fault == CUT:
            self._wire.cut()
        else:
            self._wire.up.hold()
            self._wire.down.hold()
            await trio.sleep(long)
            self._wire.cut()  # what waits in it is lost with its connections
            self._wire.release()
        return now()

    def _fill(self) -> None:
        """Takes all the room there is."""
        with self._ballast.open("wb", buffering=0) as ballast:
            size, piece = 0, LARGEST
            while piece >= _PAGE:
                try:
                    os.posix_fallocate(ballast.fileno(), size, piece)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    piece //= 2
                else:
                    size += piece
