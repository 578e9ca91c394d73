"""Nothing is acknowledged that is not durable, nothing of a discarded epoch appears later, and one place does all writing.

    reserve ──▶ submit ──▶ queued ──▶ in flight ──┬──▶ durable                          the watermark passes it
                             │                    └──▶ discarded, its log's epoch over  likewise
                             └── everything queued during one commit is the next commit; no delay is added

A failed commit discards everything queued, whatever its log, since what came later rests on what came before.  The
ledger is reopened, which verifies its right edge; each log begins a new epoch at its durable position; and while writing
does not work the node is read-only, probed with a growing wait.  None of this is a crash.  A log whose batch is
answered with a conflict loses its own queue and epoch, and nobody else's.

The scribe sends to no mailbox.  It publishes a watermark: every submission up to it is durable or discarded.

An owner of a log whose epoch is over waits with ``wait_epoch``, folds the durable state and goes on.  Epochs of scopes
are compared when a batch is submitted: submissions are written in their order, so what a raised scope refuses can come
neither before the entry that raised it nor after.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

import trio

from actors.errors import StaleEpoch, StalePosition, StaleScope
from actors.kernel import Reply
from actors.scribe.answers import LogFrozen, ReadOnly, ScribeStatistics
from actors.scribe.grown import Grown
from actors.scribe.outcome import DISCARDED, DURABLE, PENDING, Discarded, Durable, Outcome, Submission
from actors.scribe.published import Published
from actors.scribe.queued import Queued, batches_apart, batches_of
from actors.scribe.room import Full, Reservation, Room
from actors.scribe.standing import Standing
from actors.scribe.watermark import Watermark
from ledger import (
    NODE,
    Answer,
    Closed,
    CommitFailed,
    Draft,
    Frozen,
    Ledger,
    LedgerError,
    Receipt,
    UnknownLog,
    WritingStopped,
)

T = TypeVar("T")

HEADS_PERIOD = 1.0  # s between entries by which the node's log commits to its tenants' logs: the design's "at most once a second"
FIRST_PROBE = 0.1  # s; a passing fault is over before anybody notices
LAST_PROBE = 5.0  # s; a disk that was given room is found within a breath
MOST_IN_A_COMMIT = 4096  # entries; keeps a commit within a tenth of a second, so that nobody waits behind a mountain
SHORTEST_RETRY = 5  # ms; a commit or two
LONGEST_RETRY = 1000  # ms
LAST_WORDS = 4.0  # s; below a child's shutdown deadline, and enough for a full queue on a slow disk

WRITING_FAILED = (CommitFailed, WritingStopped, Closed, OSError)  # OSError: a new month's data key is kept on a disk too


class Runner(Protocol):
    """Runs a function that blocks: a ``Worker``, or inline in tests."""

    def __call__(self, function: Callable[[], T], /) -> Awaitable[T]: ...


class Scribe:
    def __init__(
        self,
        ledger: Ledger,
        *,
        runner: Runner,
        now: Callable[[], int],
        room: Room | None = None,
        actor: str = "scribe",
        heads_period: float = HEADS_PERIOD,
    ) -> None:
        """``now`` is legal time in µs, for the entries that the scribe writes itself; ``heads_period`` in seconds."""
        self._ledger = ledger
        self._runner = runner
        self._now = now
        self._room = room or Room()
        self._actor = actor
        self._heads_period = heads_period
        self._watermark = Watermark()
        self.published = Published()
        self.grown = Grown()
        self._last = 0
        self._queue: list[Queued] = []
        self._in_flight: list[Queued] = []
        self._errands: list[tuple[Callable[[], Any], Reply[Any]]] = []
        self._owed: set[Reply[Any]] = set()
        self._idle: trio.lowlevel.Task | None = None
        self._epoch_news = trio.Event()
        self._read_only: str | None = "the scribe is not running"
        self._probe_in = FIRST_PROBE
        self._lives = 0
        self._commits = 0
        self._failures = 0
        self._pace = 0.01  # s a commit takes, averaged; the first guess is a slow disk
        self._heads_due = float("inf")
        self._standings = {log: Standing(log, head.size, head.frozen) for log, head in ledger.logs().items()}

    # -- asked by the owners of logs; nothing here waits

    def epoch(self, log: str) -> int:
        """The current epoch of a log; raises ``UnknownLog``."""
        return self._standing(log).epoch

    def position(self, log: str) -> int:
        """Where the next entry of a log goes, counting all that was submitted in this epoch."""
        return self._standing(log).position

    def is_current(self, log: str, epoch: int) -> bool:
        """Whether ``epoch`` still goes on: what was folded in it can be decided on."""
        standing = self._standing(log)
        return not standing.over and epoch == standing.epoch

    def reserve(self, log: str, entries: int, *, urgent: bool = False) -> Reservation | Full | ReadOnly | LogFrozen:
        """Room for what is about to be decided.  ``urgent``: the lane of reports, denials, revocations, trips and pauses."""
        standing = self._standing(log)
        if self._read_only is not None:
            return ReadOnly(self._read_only, max(SHORTEST_RETRY, round(self._probe_in * 1000)))
        if standing.frozen is not None:
            return LogFrozen(standing.frozen)
        return self._room.reserve(log, entries, urgent=urgent, retry_after=self._retry_after())

    def submit(
        self,
        log: str,
        epoch: int,
        position: int | None,
        drafts: Sequence[Draft],
        reservation: Reservation,
        *,
        scopes: Mapping[str, int] | None = None,
        node_scopes: Mapping[str, int] | None = None,
    ) -> Submission:
        """Queue entries that become durable together or not at all; their number.

        ``position`` None: wherever the log ends by then, for the node's own log, which has several writers.
        ``scopes`` of this log and of the node name the epochs under which the batch grants or redeems.  Raises
        ``StaleEpoch``, ``StalePosition`` or ``StaleScope`` with nothing queued; the reservation is used up in any case.
        """
        standing = self._standing(log)
        if reservation.log != log or len(drafts) > reservation.entries or not drafts:
            raise ValueError(f"{len(drafts)} entries for {log!r} do not fit a reservation of {reservation.entries} for {reservation.log!r}")
        if standing.over or epoch != standing.epoch:
            reservation.release()
            raise StaleEpoch(log, given=epoch, current=standing.epoch + standing.over)
        if (position is None) is not (log == NODE):
            raise ValueError("a position is named for every log but the node's")
        if position is not None and position != standing.position:
            reservation.release()
            raise StalePosition(log, given=position, current=standing.position)
        if scopes:
            self._check_scopes(standing, scopes, reservation)
        if node_scopes:
            self._check_scopes(self._standing(NODE), node_scopes, reservation)
        reservation.take()
        if surplus := reservation.entries - len(drafts):
            self._room.free(log, surplus, 0, urgent=reservation.urgent)  # reserved for the most that could have been decided
        size = 0
        for draft in drafts:
            size += len(draft.body) + len(draft.public)
        self._room.queued(log, size)
        self._last = number = self._last + 1
        standing.position += len(drafts)
        self._queue.append(Queued(number, standing, position, tuple(drafts), len(drafts), size, reservation.urgent, epoch))
        self._wake()
        return Submission(number)

    def scope_epoch(self, log: str, scope: str) -> int:
        """Under which a batch may grant or redeem in ``scope`` now; 0 until it was raised."""
        return self._standing(log).scopes.get(scope, 0)

    def raise_scope(self, log: str, scope: str) -> int:
        """From this call on no batch under an older epoch of the scope is taken; the new epoch.

        Called together with the submission of the trip or pause.  It stays raised when that is discarded: fail closed.
        """
        scopes = self._standing(log).scopes
        scopes[scope] = raised = scopes.get(scope, 0) + 1
        return raised

    # -- asked by whoever holds answers back

    @property
    def durable(self) -> int:
        """The watermark: every submission up to it is durable, unless it was discarded."""
        return self._watermark.value

    def outcome(self, log: str, submission: int) -> Outcome:
        """What has become of a submission of ``log``; 0, before the first one, is durable."""
        if submission > self._watermark.value:
            return PENDING
        return DISCARDED if self._standing(log).is_discarded(submission) else DURABLE

    async def settled(self, log: str, submission: int) -> Durable | Discarded:
        """Wait for one submission."""
        await self._watermark.wait_for(submission)
        return DISCARDED if self._standing(log).is_discarded(submission) else DURABLE

    async def wait_beyond(self, watermark: int) -> int:
        """Until the watermark is above ``watermark``; the watermark then.  One waiter releases held answers in bulk."""
        await self._watermark.wait_for(watermark + 1)
        return self._watermark.value

    async def wait_epoch(self, log: str, beyond: int) -> int:
        """Until ``log`` is in an epoch later than ``beyond``; that epoch.  Its durable state can be read then."""
        standing = self._standing(log)
        await trio.lowlevel.checkpoint()
        while standing.epoch <= beyond:
            await self._epoch_news.wait()
        return standing.epoch

    async def wait_writable(self) -> None:
        """Until writing works; a new epoch begins a little before that."""
        await trio.lowlevel.checkpoint()
        while self._read_only is not None:
            await self._epoch_news.wait()

    # -- errands: what else writes to the ledger, in turn with the commits

    async def errand(self, function: Callable[[], T]) -> T:
        """Run ``function`` in the ledger's thread between two commits.  A failed commit in it is handled like any other.

        Raises ``WritingStopped`` when writing does not work at present.
        """
        if self._read_only is not None:
            raise WritingStopped(self._read_only)
        reply: Reply[T] = Reply(self._owed)
        self._errands.append((function, reply))
        self._wake()
        return await reply.wait()

    async def append_apart(self, log: str, epoch: int, function: Callable[[], Receipt]) -> Receipt:
        """An errand that itself writes entries of a log, whose owner has nothing queued and submits nothing until this returns.

        Raises ``StaleEpoch`` with nothing done, else as ``errand``.
        """
        standing = self._standing(log)
        if standing.over or epoch != standing.epoch:
            raise StaleEpoch(log, given=epoch, current=standing.epoch + standing.over)

        def append() -> Receipt:
            receipt = function()
            standing.position = receipt.size
            return receipt

        return await self.errand(append)

    async def admit(self, log: str, *, public: bytes, actor: str) -> Receipt:
        """Create a log; durable when this returns."""
        return await self.errand(partial(self._ledger.create, log, public=public, time=self._now(), actor=actor))

    @property
    def ledger(self) -> Ledger:
        """For reading only: every reading call is local, brief, and may come from any thread."""
        return self._ledger

    def statistics(self) -> ScribeStatistics:
        return ScribeStatistics(
            submissions=self._last,
            durable=self._watermark.value,
            queued=len(self._queue) + len(self._in_flight),
            entries=self._room.entries,
            urgent_entries=self._room.urgent_entries,
            bytes=self._room.bytes,
            waiting=self._watermark.waiting,
            commits=self._commits,
            failures=self._failures,
            read_only=self._read_only,
        )

    # -- the life of the scribe

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write until cancelled; then write what is queued and commit to all heads.  A later life begins by reopening."""
        self._lives += 1
        if self._lives > 1:
            await self._recover()
        self._read_only = None
        self._tell_epochs()
        task_status.started()
        try:
            while True:
                await self._wait_work()
                if not await self._round():
                    await self._recover()
        except trio.Cancelled:
            with trio.move_on_after(LAST_WORDS, shield=True):
                await self._finish()
            raise
        finally:
            self._give_up("the scribe is not running")
            for reply in tuple(self._owed):
                reply.fail(WritingStopped("the scribe ended before it came to this"))
            self._errands.clear()

    async def _wait_work(self) -> None:
        if self._queue or self._errands:
            await trio.lowlevel.checkpoint()  # and whoever is ready now joins this commit
            return
        with trio.CancelScope(deadline=self._heads_due):
            self._idle = trio.lowlevel.current_task()

            def give_up(_: object) -> trio.lowlevel.Abort:
                self._idle = None
                return trio.lowlevel.Abort.SUCCEEDED

            await trio.lowlevel.wait_task_rescheduled(give_up)

    async def _round(self) -> bool:
        """One commit of what is queued, the errands, and the heads if they are due; False when writing failed."""
        try:
            if self._queue:
                await self._commit()
            while self._errands:
                await self._run_errand(*self._errands.pop(0))
            if trio.current_time() >= self._heads_due and not any(queued.standing.log == NODE for queued in self._queue):
                await self._commit_heads()  # after what was queued for that log meanwhile: its time is earlier
        except WRITING_FAILED as error:
            self._failures += 1
            self._give_up(f"{type(error).__name__}: {error}")
            return False
        return True

    async def _commit(self) -> None:
        taken = self._take()
        begun = trio.current_time()
        batches, groups = batches_of(self._ledger, taken)
        answers = await self._work(partial(self._ledger.append_many, batches)) if batches else []
        if unwritten := [group for group, answer in zip(groups, answers, strict=True) if type(answer) is not Receipt]:
            batches, groups = batches_apart(self._ledger, unwritten)
            answers = await self._work(partial(self._ledger.append_many, batches))
            for (owner,), answer in zip(groups, answers, strict=True):
                if type(answer) is not Receipt:
                    self._end_epoch(owner, answer)
        self._commits += 1
        self._pace += (trio.current_time() - begun - self._pace) / 8
        self._in_flight = []
        self._settle(taken)
        self._heads_soon()

    def _take(self) -> list[Queued]:
        entries = 0
        for count, queued in enumerate(self._queue):
            entries += len(queued.drafts)
            if entries > MOST_IN_A_COMMIT and count:
                self._in_flight, self._queue = self._queue[:count], self._queue[count:]
                return self._in_flight
        self._in_flight, self._queue = self._queue, []
        return self._in_flight

    def _end_epoch(self, first: Queued, answer: Answer) -> None:
        """One log's batch was not written: its queue is given up, and it goes on from where it is."""
        standing = first.standing
        if first.epoch == standing.epoch:
            standing.discard(first.number, self._last)
            head = self._ledger.head(standing.log)
            standing.begin(head.size, answer.why if isinstance(answer, Frozen) else head.frozen)
            self._tell_epochs()

    def _settle(self, taken: list[Queued]) -> None:
        for queued in taken:
            self._room.free(queued.standing.log, queued.entries, queued.size, urgent=queued.urgent)
        if taken:
            self._watermark.raise_to(taken[-1].number)
            self.grown.look(self._ledger.head)

    async def _run_errand(self, function: Callable[[], Any], reply: Reply[Any]) -> None:
        try:
            value = await self._work(function)
        except Exception as error:
            reply.fail(error)
            if isinstance(error, WRITING_FAILED):
                raise
            # anything else is between the asker and its function
        else:
            reply.answer(value)
            self.grown.look(self._ledger.head)
            self._heads_soon()

    async def _commit_heads(self) -> None:
        self._heads_due = float("inf")
        if self._ledger.head(NODE).frozen is None:
            await self._work(partial(self._ledger.commit_heads, time=self._now(), actor=self._actor))
            self.grown.look(self._ledger.head)

    def _give_up(self, why: str) -> None:
        """Everything queued is discarded and every epoch is over; nothing is taken until the next ones begin."""
        self._read_only = why
        given_up = self._in_flight + self._queue
        self._in_flight, self._queue = [], []
        for standing in self._standings.values():
            standing.over = True
            if given_up:
                standing.discard(given_up[0].number, self._last)
        self._settle(given_up)

    async def _recover(self) -> None:
        """Look at what is there, begin new epochs, and wait until writing works."""
        self._probe_in = FIRST_PROBE
        reopened = False
        while True:
            try:
                if not reopened:
                    await self._work(self._ledger.reopen)
                    reopened = True
                    self._begin_epochs()
                await self._work(self._ledger.probe)
            except (LedgerError, OSError) as error:
                self._read_only = f"{type(error).__name__}: {error}"
                await trio.sleep(self._probe_in)
                self._probe_in = min(LAST_PROBE, self._probe_in * 2)
            else:
                self._read_only = None
                self._tell_epochs()
                return

    async def _finish(self) -> None:
        """Last words.  Bounded by what is queued, and by the disk."""
        if self._read_only is None:
            self._read_only = "the scribe is closing"
            while self._queue or self._errands:
                if not await self._round():
                    return
                await trio.lowlevel.checkpoint()  # where the time for last words may end
            if self._heads_due < float("inf"):
                self._heads_due = trio.current_time()
                await self._round()

    # -- small things

    async def _work(self, function: Callable[[], T]) -> T:
        with trio.CancelScope(shield=True):  # a commit given up half-way is a commit whose outcome is unknown
            result = await self._runner(function)
        return result  # noqa: RET504  from inside the scope mypy takes it for one that may swallow

    def _begin_epochs(self) -> None:
        for log, head in self._ledger.logs().items():
            self._standing(log).begin(head.size, head.frozen)
        self._tell_epochs()

    def _tell_epochs(self) -> None:
        self._epoch_news.set()
        self._epoch_news = trio.Event()

    def _standing(self, log: str) -> Standing:
        standing = self._standings.get(log)
        if standing is None:
            head = self._ledger.logs().get(log)
            if head is None:
                raise UnknownLog(f"no log named {log!r} was admitted")
            self._standings[log] = standing = Standing(log, head.size, head.frozen)
        return standing

    def _check_scopes(self, standing: Standing, scopes: Mapping[str, int], reservation: Reservation) -> None:
        for scope, given in scopes.items():
            current = standing.scopes.get(scope, 0)
            if given != current:
                reservation.release()
                raise StaleScope(standing.log, scope, given=given, current=current)

    def _wake(self) -> None:
        if self._idle is not None:
            trio.lowlevel.reschedule(self._idle)
            self._idle = None

    def _heads_soon(self) -> None:
        if self._heads_due == float("inf"):
            self._heads_due = trio.current_time() + self._heads_period

    def _retry_after(self) -> int:
        return min(LONGEST_RETRY, max(SHORTEST_RETRY, round(self._pace * 2000)))
