"""The journals of executors: which receipts they have made, and what each of them says about that when it is asked.

An honest one numbers each receipt, tells all of them, and never another for the same run.  A forgetful one loses receipts, or its whole
journal, and may find again what it lost.  One that lies gives numbers twice, counts backwards, and makes receipts up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256

import attrs

from actors.governance.inventory import PENDING, TOLD
from vienna_runtime.selftest.simulation.people import EXECUTORS

HONEST, FORGETFUL, LYING = CHARACTERS = ("honest", "forgetful", "lying")
DAY = 86_400_000_000  # µs


@attrs.define(eq=False)
class Written:
    """One receipt."""

    number: int  # 0 where it has none
    run: str
    packed: bytes
    signature: bytes
    at: int  # µs
    became: str = PENDING

    @property
    def digest(self) -> bytes:
        return sha256(self.packed).digest()


@attrs.define(eq=False)
class Journal:
    tenant: str
    name: str  # of the executor
    character: str
    called: str
    counter: int = 0
    upto: int = 0  # how far everything is accounted for, as the node answered last
    kept: dict[str, Written] = attrs.Factory(dict)  # by run
    handed_in: dict[str, bytes] = attrs.Factory(dict)  # the inventory that it signed last
    signed: set[str] = attrs.Factory(set)  # runs
    lost: list[Written] = attrs.Factory(list)  # out of mind, and perhaps found again

    def add(self, written: Written) -> None:
        self.counter = max(self.counter, written.number)
        self.kept[written.run] = written
        self.signed.add(written.run)

    def lose(self, run: str) -> None:
        self.lost.append(self.kept.pop(run))

    def begin_anew(self, called: str) -> None:
        self.called, self.counter, self.upto, self.kept = called, 0, 0, {}

    def tidy(self, now: int) -> None:
        """What was told long ago is forgotten, as the product's does."""
        old = [run for run, one in self.kept.items() if one.became == TOLD and one.at + DAY < now and 0 < one.number <= self.upto]
        for run in old:
            del self.kept[run]

    def signs(self, run: str) -> bool:
        """Whether it makes a receipt of it, perhaps a second one."""
        return self.character != HONEST or run not in self.signed

    def made(self, since: int) -> list[Written]:
        return sorted((one for one in self.kept.values() if one.number > since), key=lambda one: one.number)

    def untold(self) -> list[Written]:
        return [one for one in self.kept.values() if one.became == PENDING]


def journals(seed: int, tenants: Sequence[str]) -> dict[tuple[str, str], Journal]:
    """One for each executor; who is of which character follows from the seed."""
    return {(one.tenant, one.name): one for one in _all(seed, tenants)}


def _all(seed: int, tenants: Sequence[str]) -> Iterator[Journal]:
    for place, tenant in enumerate(tenants):
        for number, name in enumerate(EXECUTORS):
            character = CHARACTERS[(seed // 4 + place + number) % len(CHARACTERS)]
            yield Journal(tenant, name, character, called=f"{name}-1")
