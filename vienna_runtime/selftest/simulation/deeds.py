"""What executors do in the world, and their own journals: what is done stays done, whatever a node forgets.

An honest executor acts on a durable answer alone, notes before it acts, and never acts twice for one run.  What it does is
counted where it is done, by effect.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import attrs

from vienna_runtime.selftest.simulation.account import Account
from vienna_runtime.selftest.simulation.entries import Broken


@attrs.define(eq=False)
class Deed:
    """A line of an executor's journal: one run, from the moment at which it asked for it."""

    tenant: str
    run: str
    warrant: str
    by: str
    terms: Any
    args: bytes
    asked: Any  # the fields of its call, to be sent again
    granted: bool = False  # an answer has come
    acted: int = 0
    told: bytes = b""  # the receipt that it has signed
    silent: bool = False  # whoever asked for it falls, and never reports


class Deeds:
    def __init__(self) -> None:
        self.journal: dict[tuple[str, str], Deed] = {}
        self.done: Counter[str] = Counter()  # by effect
        self.by_warrant: Counter[tuple[str, str]] = Counter()

    def act(self, deed: Deed, account: Account) -> None:
        """It happens now, at the target; raises ``Broken`` where nothing that is durable allows it."""
        deed.acted += 1
        run = account.runs.get(deed.run)
        if run is None or run.opened.warrant != deed.warrant:
            raise Broken("no execution without a live warrant redeemed before it", f"{deed.run} of {deed.warrant} in {deed.tenant}")
        self.done[run.opened.effect] += 1
        self.by_warrant[deed.tenant, deed.warrant] += 1
        if deed.acted > 1 or self.by_warrant[deed.tenant, deed.warrant] > account.warrants[deed.warrant].terms.uses:
            raise Broken("no more executions than uses", f"{deed.run} of {deed.warrant} in {deed.tenant}")
        redeemed = sum(known.opened.effect == run.opened.effect for known in account.runs.values())
        if self.done[run.opened.effect] > redeemed:
            raise Broken("no more executions than uses", f"effect {run.opened.effect} in {deed.tenant}")

    def is_silent(self, tenant: str, run: str) -> bool:
        deed = self.journal.get((tenant, run))
        return deed is not None and deed.silent

    def of(self, tenant: str, by: str) -> list[Deed]:
        return [deed for deed in self.journal.values() if deed.tenant == tenant and deed.by == by]
