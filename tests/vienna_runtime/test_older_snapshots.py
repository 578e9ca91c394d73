"""A node that is upgraded where bodies were forgotten: the snapshot of the version before is all there is of them."""

from __future__ import annotations

from typing import Any

import pytest

from actors import folding
from actors.governance import commands as c
from actors.governance import older
from actors.governance.canonical import pack_fields, unpack_any_fields
from actors.governance.codec import encode_state, fingerprint
from actors.governance.state import State
from ledger.forgetting import Step
from tests.vienna_runtime.test_retention import TENANT, House, february, house

__all__ = ["house"]  # a fixture


def as_before(state: State) -> bytes:
    """As the version before packed it: see ``older.py``."""
    fields: Any = unpack_any_fields(encode_state(state))
    for _, counted in fields["findings"]["counted"]:
        del counted["at"]
    for _, breaker in fields["breakers"]:
        del breaker["tripped"]
    return pack_fields(fields.items())


async def test_what_an_earlier_version_kept_of_forgotten_bodies_is_gone_on_with(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    before = older.STEPS[-1].fingerprint
    with monkeypatch.context() as earlier:
        earlier.setattr(folding.snapshot, "fingerprint", lambda: before)
        earlier.setattr(folding.snapshot, "save", as_before)
        await house.done(c.Erase((house.cases[february(0)],), "asked", "k1"))
        await house.sweep(80)
        assert house.ledger.forget(TENANT) is Step.DONE
        await house.close()
    await house.open()
    assert house.ledger.snapshots(TENANT)[0].fingerprint == before
    assert house.tenant._snapshot_at == house.ledger.snapshots(TENANT)[0].size
    assert not house.tenant.frozen
    assert encode_state(house.tenant.state) == encode_state(folding.fold(house.ledger, TENANT).state)
    assert await house.reconciled()
    await house.done(c.Erase((house.cases[february(1)],), "asked", "k2"))
    await house.sweep(80)
    await house.again()
    assert house.ledger.snapshots(TENANT)[0].fingerprint == fingerprint() != before
    assert not house.tenant.frozen
    assert await house.reconciled()


async def test_while_nothing_is_forgotten_the_log_is_folded_anew(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(folding.snapshot, "fingerprint", lambda: older.STEPS[-1].fingerprint)
        earlier.setattr(folding.snapshot, "save", as_before)
        await house.done(c.PlaceHold("tenant", "a court"))
        await house.close()
    await house.open()
    newest = house.ledger.snapshots(TENANT)[0]
    assert newest.fingerprint == older.STEPS[-1].fingerprint
    assert folding.fold(house.ledger, TENANT).snapshot_at < newest.size
    assert not house.tenant.frozen
