from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import attrs
import pytest
import trio
import trio.testing

from actors.governance import commands as c
from actors.governance.refusals import Code, Refusal
from actors.messages import Done, Unsettled
from actors.scribe import Scribe
from ledger import NODE, Ledger, UnknownLog, verify_directory
from vienna_runtime.keymaster import EVERY, Keymaster
from vienna_runtime.keyring import Purpose, State
from vienna_runtime.keystore import Keystore
from vienna_runtime.ledger_keys import LedgerKeys
from vienna_runtime.rotating import DAY
from vienna_runtime.sealing import RawKey
from vienna_runtime.secret import Secret

T = TypeVar("T")


async def inline(function: Callable[[], T], /) -> T:
    await trio.lowlevel.checkpoint()
    return function()


@attrs.define
class Place:
    path: Path
    now: int = 1000
    failing: list[str] = attrs.Factory(list)  # write points that fail, once each

    def fault(self, point: str) -> None:
        if point in self.failing:
            self.failing.remove(point)
            raise OSError(5, "Input/output error")

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Keymaster]:
        keystore = Keystore.create(self.path / "keystore", RawKey(Secret(b"k" * 32)), node="vienna.local", now=lambda: self.now)
        keystore.admit_tenant("belvedere")
        ledger = Ledger.open(self.path / "ledger", node="vienna.local", keys=LedgerKeys(keystore), fault=self.fault)
        ledger.create("belvedere", time=1, actor="operator:otto")
        scribe = Scribe(ledger, runner=inline, now=lambda: self.now)
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(scribe.run)
                yield Keymaster(scribe, keystore, lambda: self.now)
                nursery.cancel_scope.cancel()
        finally:
            ledger.close()


def newest(keymaster: Keymaster, log: str = NODE, purpose: Purpose = Purpose.CHECKPOINT) -> bytes:
    return keymaster.keystore.signing(purpose, log)[0].public


def rotation(keymaster: Keymaster) -> c.RotateKey:
    return c.RotateKey("checkpoint", newest(keymaster), DAY)


async def test_the_secret_of_a_key_whose_overlap_is_over_goes_by_itself(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    place = Place(tmp_path)
    async with place.serving() as keymaster, trio.open_nursery() as nursery:
        await nursery.start(keymaster.run)
        assert isinstance(await keymaster.rotate(rotation(keymaster), "otto"), Done)
        await trio.sleep(EVERY * 1.5)
        assert len(keymaster.keystore.signing(Purpose.CHECKPOINT, NODE)) == 2
        place.now += DAY
        await trio.sleep(EVERY)
        assert [key.state for key in keymaster.keystore.listed() if key.owner == NODE] == [State.RETIRED, State.COUNTS]
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("point", ["commit", "committed"])
async def test_a_rotation_whose_commit_failed_is_unsettled_for_who_asked_and_settled_for_the_node(
    tmp_path: Path, point: str, autojump_clock: trio.testing.MockClock
) -> None:
    place = Place(tmp_path)
    async with place.serving() as keymaster:
        first, key = newest(keymaster), LedgerKeys(keymaster.keystore).verifier(NODE)
        place.failing = [point]
        with trio.fail_after(60):
            assert isinstance(await keymaster.rotate(rotation(keymaster), "otto"), Unsettled)
        assert (newest(keymaster) == first) is (point == "commit")
        again = await keymaster.rotate(c.RotateKey("checkpoint", first, DAY), "otto")
        assert isinstance(again, Done if point == "commit" else Refusal)
    verify_directory(tmp_path / "ledger", key)


async def test_what_cannot_be_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    async with Place(tmp_path).serving() as keymaster:
        before = newest(keymaster)
        for ask, code in (
            (c.RotateKey("checkpoint", bytes(32), DAY), Code.UNKNOWN),
            (c.RotateKey("data", before, DAY), Code.MALFORMED),
            (c.RotateKey("issuer", before, DAY), Code.MALFORMED),
            (c.RotateKey("warrant-mac", before, DAY, tenant="belvedere"), Code.MALFORMED),
        ):
            refused = await keymaster.rotate(ask, "otto")
            assert isinstance(refused, Refusal)
            assert refused.code is code
        for retire in (c.RetireKeys("data"), c.RetireKeys("issuer")):
            assert isinstance(await keymaster.retire(retire, "otto"), Refusal)
        with pytest.raises(UnknownLog):
            await keymaster.rotate(c.RotateKey("checkpoint", before, DAY, tenant="mallory"), "otto")
        with pytest.raises(UnknownLog):
            await keymaster.list(c.ListKeys("mallory"), "otto")
        assert newest(keymaster) == before


async def test_a_list_says_what_each_key_does_at_present(tmp_path: Path) -> None:
    place = Place(tmp_path)
    async with place.serving() as keymaster:

        async def states() -> list[object]:
            listed = await keymaster.list(c.ListKeys(), "otto")
            assert isinstance(listed, Done)
            return [key["state"] for key in listed.value["keys"]]  # type: ignore[attr-defined]  # the wire's values are objects

        await keymaster.rotate(rotation(keymaster), "otto")
        assert await states() == ["signs beside", "signs"]
        place.now += DAY
        assert await states() == ["over", "signs"]
        assert await keymaster.retire(c.RetireKeys("checkpoint"), "otto") == Done({"log": NODE, "kind": "checkpoint", "retired": 1})
        assert await states() == ["retired", "signs"]
