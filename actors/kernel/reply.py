"""An answer that is owed: given once, or failed when the actor that owes it dies.

A ``Reply`` knows the set of debts of the actor it was handed to, and leaves it when it is settled, so that a death fails
exactly the answers still owed, also those that wait far from the mailbox for a commit.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import trio

R = TypeVar("R")

_OPEN, _ANSWERED, _FAILED, _ABANDONED = range(4)


class Reply(Generic[R]):
    """One question's way back.  ``answer`` and ``fail`` never block; after the asker gave up they do nothing."""

    __slots__ = ("_debts", "_error", "_state", "_task", "_value")

    def __init__(self, debts: set[Reply[Any]]) -> None:
        self._debts = debts
        self._state = _OPEN
        self._task: trio.lowlevel.Task | None = None
        self._value: R
        self._error: Exception
        debts.add(self)

    @property
    def open(self) -> bool:
        """Whether somebody still waits for this answer."""
        return self._state == _OPEN

    def answer(self, value: R) -> None:
        if self._state == _ANSWERED:
            raise RuntimeError("this question has been answered before")
        if self._state == _OPEN:
            self._value = value
            self._settle(_ANSWERED)

    def fail(self, error: Exception) -> None:
        """The asker gets ``error`` raised instead of an answer."""
        if self._state == _OPEN:
            self._error = error
            self._settle(_FAILED)

    def abandon(self) -> None:
        """The asker no longer waits."""
        if self._state == _OPEN:
            self._settle(_ABANDONED)

    async def wait(self) -> R:
        """The answer.  Cancelled while waiting: abandoned."""
        if self._state == _OPEN:
            self._task = trio.lowlevel.current_task()

            def give_up(_: object) -> trio.lowlevel.Abort:
                self._task = None
                self.abandon()
                return trio.lowlevel.Abort.SUCCEEDED

            await trio.lowlevel.wait_task_rescheduled(give_up)
        else:
            await trio.lowlevel.checkpoint()
        if self._state == _FAILED:
            raise self._error
        return self._value

    def _settle(self, state: int) -> None:
        self._state = state
        self._debts.discard(self)
        if self._task is not None:
            trio.lowlevel.reschedule(self._task)
            self._task = None
