"""Keeps its children alive, in order, until they fall too often.

- Started in order, each when the one before it is ready; stopped in reverse order, each with its own deadline.
- A fallen child and those who share its fate are stopped at once and started again after a jittered, growing wait.
- More restarts than the intensity allows: all children are stopped and ``IntensityExceeded`` goes upwards, where it is a crash.
- A failure of the *first* start is not retried: what never worked is a mistake to be shown, not bad luck.
- Every fall is told to ``report`` before anything is done about it.

A nursery cancelled from outside stops its tasks in random order; so every cell is shielded, and only this file opens the shields.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import attrs
import trio

from actors.errors import Fallen, IntensityExceeded, StartFailed
from actors.kernel.cell import Cell
from actors.kernel.spec import Backoff, Child, ChildStatistics, Down, Intensity, Notice, Overran, Restart, Strategy


@attrs.define(eq=False)
class _Slot:
    """A child's place in the order, over all its lives."""

    child: Child
    cell: Cell | None = None
    due: float | None = None  # when it is to be started again
    restarts: int = 0
    crash: str = ""  # the type of the last one
    recent: deque[float] = attrs.Factory(deque)  # its falls within the period
    removed: bool = False

    @property
    def state(self) -> str:
        if self.cell is not None:
            return self.cell.when.value
        return "waiting" if self.due is not None else "ended"


def _returns_after_end(cell: Cell) -> bool:
    match cell.child.restart:
        case Restart.PERMANENT:
            return True
        case Restart.TRANSIENT:
            return cell.crash is not None
        case Restart.TEMPORARY:
            return False


def _returns_after_stop(slot: _Slot) -> bool:
    """Whether a child that is stopped for another's fall is started again with it."""
    if slot.cell is None:
        return False
    return _returns_after_end(slot.cell) if slot.cell.over.is_set() else slot.child.restart is not Restart.TEMPORARY


class Supervision:
    """Running children, and the handle to look at them and, under ``ONE_FOR_ONE``, to add and remove some."""

    def __init__(
        self,
        *,
        strategy: Strategy,
        intensity: Intensity,
        backoff: Backoff,
        jitter: Callable[[], float],
        report: Callable[[Notice], None],
        nursery: trio.Nursery,
    ) -> None:
        self._strategy = strategy
        self._intensity = intensity
        self._backoff = backoff
        self._jitter = jitter
        self._report = report
        self._nursery = nursery
        self._slots: list[_Slot] = []
        self._falls: deque[float] = deque()  # of all children, within the period
        self._ended: deque[tuple[_Slot, Cell]] = deque()
        self._news = trio.Event()
        self._closed = False

    async def add(self, child: Child) -> None:
        """Start one more child, last in the order; returns when it is ready.  Raises ``StartFailed`` and keeps nothing of it."""
        self._check_dynamic()
        slot = self._admit(child)
        try:
            cell = self._spawn(slot)
            await cell.settled.wait()
            if not cell.was_ready:
                raise StartFailed(child.name) from cell.crash
        except BaseException:
            with trio.move_on_after(child.shutdown, shield=True):
                await self._discard(slot)
            raise

    async def remove(self, name: str) -> None:
        """Stop a child for good; returns when it has ended.  Not cancellable: half stopped is no state to leave a child in."""
        self._check_dynamic()
        slot = next((slot for slot in self._slots if slot.child.name == name), None)
        if slot is None:
            raise KeyError(name)
        await self._discard(slot)

    def statistics(self) -> tuple[ChildStatistics, ...]:
        return tuple(
            ChildStatistics(name=slot.child.name, state=slot.state, restarts=slot.restarts, crash=slot.crash) for slot in self._slots
        )

    # -- what supervise() drives

    async def begin(self, children: Sequence[Child]) -> StartFailed | None:
        for child in children:
            slot = self._admit(child)
            cell = self._spawn(slot)
            await cell.settled.wait()
            if not cell.was_ready:
                failure = StartFailed(child.name)
                failure.__cause__ = cell.crash
                return failure
        return None

    async def keep(self) -> IntensityExceeded:
        """Mend what falls until it falls too often."""
        while True:
            while self._ended:
                slot, cell = self._ended.popleft()
                if slot.cell is cell and not slot.removed and (exceeded := await self._mend(slot, cell)) is not None:
                    return exceeded
            await self._start_due()
            if not self._ended:
                wake = min((slot.due for slot in self._slots if slot.due is not None), default=float("inf"))
                self._news = trio.Event()
                with trio.CancelScope(deadline=wake):
                    await self._news.wait()

    async def end(self) -> None:
        self._closed = True
        for slot in self._slots[::-1]:
            slot.due = None
            await self._stop(slot)

    # -- steps

    async def _mend(self, fallen: _Slot, cell: Cell) -> IntensityExceeded | None:
        fallen.cell = None
        if not _returns_after_end(cell):
            self._report(Down(child=fallen.child.name, crash=cell.crash, when=cell.when, restarts_in=None))
            return None
        now = trio.current_time()
        for falls in (self._falls, fallen.recent):
            falls.append(now)
            while falls[0] <= now - self._intensity.period:
                falls.popleft()
        if len(self._falls) > self._intensity.restarts:
            self._report(Down(child=fallen.child.name, crash=cell.crash, when=cell.when, restarts_in=None))
            exceeded = IntensityExceeded(fallen.child.name, self._intensity.restarts, self._intensity.period)
            exceeded.__cause__ = cell.crash
            return exceeded
        wait = self._backoff.delay(len(fallen.recent), self._jitter())
        self._report(Down(child=fallen.child.name, crash=cell.crash, when=cell.when, restarts_in=wait))
        fallen.due = now + wait
        for slot in reversed(self._sharing_fate(fallen)):
            again = slot.due is not None or _returns_after_stop(slot)
            await self._stop(slot)
            slot.due = max(fallen.due, slot.due or 0.0) if again else None
        return None

    def _sharing_fate(self, fallen: _Slot) -> list[_Slot]:
        """Those who are stopped and started again together with ``fallen``, in order, without itself."""
        match self._strategy:
            case Strategy.ONE_FOR_ONE:
                return []
            case Strategy.REST_FOR_ONE:
                return self._slots[self._slots.index(fallen) + 1 :]
            case Strategy.ONE_FOR_ALL:
                return [slot for slot in self._slots if slot is not fallen]

    async def _start_due(self) -> None:
        """Start what is due: together under ``ONE_FOR_ONE``, else each when the one before it is ready."""
        now = trio.current_time()
        ordered = self._strategy is not Strategy.ONE_FOR_ONE
        for slot in self._slots[:]:
            if slot.due is not None and slot.due <= now:
                slot.due = None
                slot.restarts += 1
                self._spawn(slot)
            if ordered and slot.cell is not None and not await self._ready(slot.cell):
                return

    async def _ready(self, cell: Cell) -> bool:
        """Whether ``cell`` became ready with nobody falling meanwhile: what it waits for may have been the one who fell."""
        while not cell.settled.is_set() and not self._ended:
            self._news = trio.Event()
            await self._news.wait()
        return not self._ended

    async def _stop(self, slot: _Slot) -> None:
        """End the present life, if any.  A fall on the way, or just before, is told; it mends nothing any more."""
        cell, slot.cell = slot.cell, None
        if cell is None:
            return
        asked = not cell.over.is_set()
        if asked:
            cell.stop()
            with trio.move_on_after(slot.child.shutdown):
                await cell.over.wait()
            if not cell.over.is_set():
                self._report(Overran(child=slot.child.name, shutdown=slot.child.shutdown))
                await cell.over.wait()
        if cell.crash is not None:
            self._report(Down(child=slot.child.name, crash=cell.crash, when=cell.when, restarts_in=None))

    async def _discard(self, slot: _Slot) -> None:
        slot.removed = True
        slot.due = None
        with trio.CancelScope(shield=True):
            await self._stop(slot)
        if slot in self._slots:
            self._slots.remove(slot)

    def _admit(self, child: Child) -> _Slot:
        present = next((slot for slot in self._slots if slot.child.name == child.name), None)
        if present is not None:
            if present.state != "ended":
                raise ValueError(f"there is a child named {child.name} already")
            self._slots.remove(present)
        slot = _Slot(child)
        self._slots.append(slot)
        return slot

    def _spawn(self, slot: _Slot) -> Cell:
        def changed(cell: Cell) -> None:
            if cell.over.is_set():
                self._ended.append((slot, cell))
                if cell.crash is not None:
                    slot.crash = type(cell.crash).__name__
            self._news.set()

        slot.cell = cell = Cell(slot.child, changed)
        self._nursery.start_soon(cell.run, name=slot.child.name)
        return cell

    def _check_dynamic(self) -> None:
        if self._strategy is not Strategy.ONE_FOR_ONE:
            raise RuntimeError("children whose fates are bound together are named from the start; add and remove need ONE_FOR_ONE")
        if self._closed:
            raise RuntimeError("this supervision has ended")


async def supervise(
    children: Sequence[Child],
    *,
    strategy: Strategy,
    jitter: Callable[[], float],
    report: Callable[[Notice], None],
    intensity: Intensity | None = None,
    backoff: Backoff | None = None,
    task_status: trio.TaskStatus[Supervision] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run ``children`` until cancelled.  ``task_status`` gives the ``Supervision`` when all of them are ready.

    ``jitter`` gives numbers in [0, 1): ``random.random``, or a seeded one.  Raises ``StartFailed`` or ``IntensityExceeded``
    when all children are stopped.  A supervision is a child like any other: use it in the ``start`` of a ``Child``.
    """
    failure: Fallen | None
    async with trio.open_nursery() as nursery:
        supervision = Supervision(
            strategy=strategy,
            intensity=intensity or Intensity(),
            backoff=backoff or Backoff(),
            jitter=jitter,
            report=report,
            nursery=nursery,
        )
        try:
            failure = await supervision.begin(children)
            if failure is None:
                task_status.started(supervision)
                failure = await supervision.keep()
        finally:
            with trio.CancelScope(shield=True):
                await supervision.end()
    raise failure
