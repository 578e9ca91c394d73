"""The table of what can happen in a world, by the word that a schedule uses for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from vienna_runtime.selftest.simulation.schedule import Step
from vienna_runtime.selftest.simulation.world import World

Act: TypeAlias = Callable[[World, Step], Awaitable[None]]

ACTS: dict[str, Act] = {}
WEIGHTS: list[tuple[str, int]] = []


def act(kind: str, weight: int) -> Callable[[Act], Act]:
    """How often it happens, against the others; see ``schedule``."""

    def known(function: Act) -> Act:
        assert kind not in ACTS
        ACTS[kind] = function
        WEIGHTS.append((kind, weight))
        return function

    return known
