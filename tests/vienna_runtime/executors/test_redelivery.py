"""A real node, a real executor, and a wire between them that is cut: what the inbox says again is done once and reported once.

The wire is cut before the redemption reaches the node, before its answer comes back, in the middle of the deed, and before the
answer to the report comes back; each time the executor dials anew, and its inbox begins from what is open.
"""

from __future__ import annotations

import secrets
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from actors.governance.warrant import unverified_unpack
from tests.attacks.conftest import Stage
from transport.packing import Message
from vienna_runtime.client.dial import Door, dial
from vienna_runtime.executors import service, stock
from vienna_runtime.executors.deed import run_id
from vienna_runtime.executors.identity import Identity
from vienna_runtime.executors.journal import Journal, open_journal
from vienna_runtime.executors.means import NOTHING, Done, Outcome, Succeeded, Work
from vienna_runtime.executors.service import Executor
from vienna_runtime.secret import Secret
from vienna_runtime.selftest.valve import Valve

PATIENCE = 60.0  # s for what takes a fraction of one on a quiet machine
BUNDLE = {
    "bundle.toml": b'[bundle]\nname = "desk"\n[actions."notes.append"]\nexecutor = "till"\nparams = { text = "string" }\n',
    "desk.cedar": b'@id("append") @tier("T0") @uses("3") @ttl("1m")\npermit (principal, action == Action::"notes.append", resource);\n',
}
CAST = (("ada", "agent", "ada", (), "anna"), ("till", "executor", "till", (), None))
MOMENTS = ("before it is redeemed", "before the answer to its redemption", "in the middle", "before the answer to its report")


@attrs.define
class Hands:
    """A means that counts its deeds by their text; while ``held`` none of them ends."""

    now: Any
    deeds: Counter[str] = attrs.Factory(Counter)
    go: trio.Event = attrs.Factory(trio.Event)

    async def execute(self, work: Work) -> Outcome:
        began = self.now()
        self.deeds[str(work.params["text"])] += 1
        await self.go.wait()
        done = Done(action=work.action, resource=work.resource, params=work.params)
        return Succeeded(done=done, result=b"ok", result_digest=NOTHING, evidence={}, cost=0, started=began, ended=self.now())

    async def state(self, work: Work) -> bytes | None:
        return None

    def hold(self) -> None:
        self.go = trio.Event()


class Watched(Executor):
    """An executor that remembers how often its inbox has named each run."""

    named: Counter[str]

    def _take(self, item: Message) -> None:
        if item["kind"] == "warrant":
            fields, use = item["fields"], item.get("use", 1)
            assert isinstance(fields, bytes)
            assert isinstance(use, int)
            self.named[run_id(fields, use)] += 1
        super()._take(item)


@attrs.frozen
class Desk:
    """The wire, what does the deeds, and what the executor remembers."""

    valve: Valve
    hands: Hands
    journal: Journal
    executor: Watched
    ada: Any

    async def knows(self, run: str) -> None:
        await until(lambda: run in self.journal.runs)

    async def quiet(self) -> None:
        await until(lambda: not any(known.open for known in self.journal.runs.values()))

    async def again(self, run: str) -> None:
        """Cut, and said again over the next connection."""
        before = self.executor.named[run]
        self.valve.cut()
        self.valve.release()
        await until(lambda: self.executor.named[run] > before)

    async def told(self, case: str) -> Counter[str]:
        return Counter(await self.ada.story(case))

    async def tells(self, case: str, tag: str, count: int) -> None:
        with trio.fail_after(PATIENCE):
            while (await self.told(case))[tag] < count:  # noqa: ASYNC110  # the node is another process
                await trio.sleep(0.02)


async def until(true: Any) -> None:
    with trio.fail_after(PATIENCE):
        while not true():  # noqa: ASYNC110  # what is waited for comes over a socket
            await trio.sleep(0.01)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("redelivered") / "node").found_node().serve()
    try:
        yield made
        assert made.end() == 0
        assert made.verify()
    finally:
        made.end(signal.SIGKILL)


@asynccontextmanager
async def working(stage: Stage, place: Path) -> AsyncIterator[Desk]:
    """An executor of a tenant of its own, behind a valve; nothing may be amiss when it is over."""
    tenant = f"desk-{secrets.token_hex(3)}"
    await stage.found_tenant(tenant, BUNDLE, CAST)
    till, operator = stage.who("till", tenant), stage.operator
    who = Identity(tenant=tenant, member="till", node_key=operator.node_key, seed=Secret(till.seed))
    valve, hands = Valve(stage.address), Hands(stage.now)
    with open_journal(place / "till.journal", now=stage.now()) as journal:
        async with stage.cast("ada", "anna", tenant=tenant) as (ada, anna), trio.open_nursery() as nursery:
            await nursery.start(valve.run)
            door = Door(
                address=valve.address, server_name=operator.server_name, ca=operator.ca, node_key=operator.node_key,
                bearer=Secret(till.token.reveal().encode()), signing_key=Secret(till.seed),
            )  # fmt: skip
            executor = Watched(
                who=who, dial=lambda: dial(door), means=hands, journal=journal, concurrency=4, now=stage.now, pause=0.01
            )  # fmt: skip
            executor.named = Counter()
            await nursery.start(executor.run)
            yield Desk(valve, hands, journal, executor, ada)
            await trio.sleep(3 * stock.SETTLES)  # its last inventory
            assert (await anna.done("reconcile.list"))["findings"] == []
            assert (await anna.done("dead_letter.list", limit=10))["letters"] == []
            nursery.cancel_scope.cancel()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inventories are told at once after each connection."""
    monkeypatch.setattr(stock, "SETTLES", 0.1)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("use", [1, 2])
async def test_a_use_that_is_delivered_again_is_done_once_and_reported_once(stage: Stage, tmp_path: Path, use: int, moment: str) -> None:
    async with working(stage, tmp_path) as desk:
        valve, hands, wish = desk.valve, desk.hands, stage.wish()
        text = wish["params"]["text"]

        async def propose() -> tuple[str, bytes]:
            said = await desk.ada.done("propose", **wish)
            return said["case"], said["warrant"]["fields"]

        if use == 1:
            if moment in MOMENTS[:2]:
                valve.up.hold()
            case, fields = await propose()
        else:
            hands.go.set()
            case, fields = await propose()
            await desk.tells(case, "run.reported", 1)
            await desk.quiet()
            hands.hold()
            if moment in MOMENTS[:2]:
                valve.up.hold()
            await desk.ada.done("warrant.use", warrant=unverified_unpack(fields).warrant, key="again")
        first_run, run = run_id(fields), run_id(fields, use)
        await desk.knows(run)
        match moment:
            case "before it is redeemed":
                await until(valve.up.waiting.is_set)
                assert (await desk.told(case))["run.opened"] == use - 1
                await desk.again(run)
            case "before the answer to its redemption":
                await until(valve.up.waiting.is_set)
                valve.down.hold()
                valve.up.release()
                await desk.tells(case, "run.opened", use)
                assert hands.deeds[text] == use - 1
                await desk.again(first_run)
            case "in the middle":
                await until(lambda: hands.deeds[text] == use)
                await desk.again(first_run)
            case _:
                await until(lambda: hands.deeds[text] == use)
                valve.down.hold()
                hands.go.set()
                await desk.tells(case, "run.reported", use)
                valve.cut()
                valve.release()
        hands.go.set()
        await desk.tells(case, "run.reported", use)
        await desk.quiet()
        assert hands.deeds == {text: use}
        told = await desk.told(case)
        assert (told["run.opened"], told["run.reported"], told["run.unknown"]) == (use, use, 0)
        assert desk.journal.counter == use


async def test_what_there_was_no_room_for_is_said_again_when_there_is_and_each_is_done_once(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_WAITING", 1)
    async with working(stage, tmp_path) as desk:
        wishes = [stage.wish() for _ in range(3)]
        said = [await desk.ada.done("propose", **wish) for wish in wishes]
        runs = [run_id(one["warrant"]["fields"]) for one in said]
        await until(lambda: all(desk.executor.named[run] for run in runs))
        assert [run in desk.journal.runs for run in runs] == [True, False, False]  # the others were heard, and not kept
        desk.hands.go.set()
        for one in said:
            await desk.tells(one["case"], "run.reported", 1)
        await desk.quiet()
        assert desk.hands.deeds == {wish["params"]["text"]: 1 for wish in wishes}
        assert all(desk.executor.named[run] > 1 for run in runs)


async def test_a_use_that_is_asked_for_while_the_line_is_down_comes_with_the_next_one(stage: Stage, tmp_path: Path) -> None:
    async with working(stage, tmp_path) as desk:
        desk.hands.go.set()
        wish = stage.wish()
        said = await desk.ada.done("propose", **wish)
        await desk.tells(said["case"], "run.reported", 1)
        desk.valve.up.hold()  # who dials now is not heard
        desk.valve.cut()
        await desk.ada.done("warrant.use", warrant=unverified_unpack(said["warrant"]["fields"]).warrant, key="again")
        second = run_id(said["warrant"]["fields"], 2)
        assert second not in desk.journal.runs
        desk.valve.release()
        await desk.tells(said["case"], "run.reported", 2)
        await desk.quiet()
        assert desk.hands.deeds == {wish["params"]["text"]: 2}
        assert desk.executor.named[second] == 1
