"""What a connection costs that only waits: both its ends live in this process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
import trio

RunNode = Callable[..., AbstractAsyncContextManager[Any]]

PAIRS = 150
KIB_A_PAIR = 200  # the server's end may cost 100; the client's end, here beside it, is no lighter


def resident_kib() -> int:
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


@pytest.mark.slow
async def test_an_idle_connection_costs_little_memory(real_node: RunNode) -> None:
    async def stay(running: Any, task_status: trio.TaskStatus[None]) -> None:
        async with running.connect() as link:
            await link.call("echo", {"say": 1}, timeout=60)
            task_status.started()
            await trio.sleep_forever()

    async with real_node() as running, trio.open_nursery() as nursery:
        for _ in range(20):
            await nursery.start(stay, running)  # caches and arenas fill up before the measurement
        before = resident_kib()
        for _ in range(PAIRS):
            await nursery.start(stay, running)
        assert (resident_kib() - before) / PAIRS < KIB_A_PAIR
        nursery.cancel_scope.cancel()
