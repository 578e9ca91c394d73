"""Remembers answers, never more than ``capacity`` of them; the answer itself must be a function of the whole key."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memo(Generic[K, V]):
    """The least recently used goes first.  Used by one thread: the one that decides."""

    __slots__ = ("_answers", "_capacity")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._answers: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: K) -> V | None:
        answer = self._answers.get(key)
        if answer is not None:
            self._answers.move_to_end(key)
        return answer

    def put(self, key: K, answer: V) -> None:
        self._answers[key] = answer
        if len(self._answers) > self._capacity:
            self._answers.popitem(last=False)
