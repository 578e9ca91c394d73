"""A node with a bug in its law.

Proposals with the purpose ``bug`` meet it, over those with ``slow`` their tenant waits; ``FALLS`` names a part of the tree that keeps
falling.  It is served by the product's own command; only these functions are others.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import Any

import trio

from actors import tenant
from actors.governance import commands as c
from vienna_runtime import node
from vienna_runtime.cli.main import run

decide = tenant.decide


def fallible(state: Any, command: Any, *rest: Any) -> Any:
    if isinstance(command, c.Propose) and command.purpose == "bug":
        raise ZeroDivisionError("a parameter of 1234 that nobody may read")
    return decide(state, command, *rest)


prepare = tenant.Tenant._prepare


async def slow(self: tenant.Tenant, ask: Any) -> None:
    if isinstance(ask, c.Propose) and ask.purpose == "slow":
        await trio.sleep(2.0)  # everybody else's calls come in meanwhile
    await prepare(self, ask)


tenant.decide = fallible
tenant.Tenant._prepare = slow  # type: ignore[method-assign]
if part := os.environ.get("FALLS"):
    whole = getattr(node, part)

    async def falls(*arguments: Any, task_status: Any) -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(whole, *arguments))
            task_status.started()
            await trio.sleep(0.05)
            raise ZeroDivisionError("it keeps falling")

    setattr(node, part, falls)
sys.exit(run(["serve", *sys.argv[1:]]))
