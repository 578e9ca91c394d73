"""A commit that fails under load: in doubt for whoever waits, never lost where acknowledged, never back where discarded."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from actors import folding
from actors.governance.codec import decode, encode_state
from actors.governance.events import CommandRefused, IntentProposed
from ledger.header import parse
from transport.answers import Indeterminate, Refused, Reply

LANES, FAULTS = 12, 3
CAST = [("till", "executor", "till", (), None), ("ada", "agent", "ada", ("reader",), "anna"), ("ben", "agent", "ben", ("reader",), "anna")]


@attrs.define
class Seen:
    """What the clients were told, by idempotency key."""

    cases: dict[str, str] = attrs.Factory(dict)
    doubted: set[str] = attrs.Factory(set)
    refused: set[str] = attrs.Factory(set)  # "nothing was decided"
    repeated: set[str] = attrs.Factory(set)


@pytest.fixture
def faulty(fresh: Any, tmp_path: Path) -> Any:
    fresh.program = (str(Path(__file__).parent / "faulty_node.py"),)
    fresh.environ = {**os.environ, "FAULT_FILE": str(tmp_path / "fault")}
    return fresh


async def _lane(stage: Any, line: Any, tenant: str, seen: Seen, over: trio.Event) -> None:
    while not over.is_set():
        wish = stage.wish("notes.read", run=secrets.token_hex(8))
        key = f"{tenant}/{wish['key']}"
        while True:
            answer = await line.ask("propose", **wish)
            if isinstance(answer, Reply):
                if answer.value.get("repeated"):
                    seen.repeated.add(key)
                seen.cases[key] = str(answer.value["case"])
                break
            if isinstance(answer, Indeterminate):
                seen.doubted.add(key)
            else:
                assert isinstance(answer, Refused)
                assert answer.code in ("read_only", "busy"), answer
                seen.refused.add(key)


def _arm(file: Path, point: str | None) -> bool:
    """Has the next commit fail; whether one is going to."""
    if point is not None:
        file.write_text(point)
    return file.exists()


async def _load(stage: Any, point: str, file: Path) -> Seen:
    seen, over = Seen(), trio.Event()
    for tenant in ("belvedere", "schoenbrunn"):
        await stage.found_tenant(tenant, cast=CAST)
    async with stage.cast("ada", "ben", tenant="belvedere") as here, stage.cast("ada", tenant="schoenbrunn") as there:
        with trio.fail_after(240):
            async with trio.open_nursery() as nursery:
                for number in range(LANES):
                    line = (*here, *there)[number % 3]
                    nursery.start_soon(_lane, stage, line, line.member.tenant, seen, over)
                for _ in range(FAULTS):
                    done, doubts = len(seen.cases), len(seen.doubted)
                    while len(seen.cases) < done + 30:
                        await here[0].ask("status")
                    while len(seen.doubted) == doubts or _arm(file, None):
                        _arm(file, point if len(seen.doubted) == doubts else None)  # again, if it only hit what the scribe writes by itself
                        await here[0].ask("status")
                done = len(seen.cases)
                while len(seen.cases) < done + 30:  # and all of them go on
                    await here[0].ask("status")
                over.set()
    return seen


def _proposed(stage: Any, tenant: str) -> list[tuple[str, str]]:
    """Every (key, case) on a tenant's log, and the state it folds to, whole and from its snapshot."""
    ledger = stage.ledger()
    try:
        found = []
        for record in ledger.read(tenant, 0, 10**9):
            event = decode(parse(record.entry).tag, ledger.open_body(tenant, record))
            if isinstance(event, IntentProposed):
                found.append((f"{tenant}/{event.key}", str(event.case)))
            assert not isinstance(event, CommandRefused), event
        folded = folding.fold(ledger, tenant).state
        assert folding.agrees(ledger, tenant, folded)
        assert encode_state(folded)
        return found
    finally:
        ledger.close()


@pytest.mark.parametrize(("point", "persisted"), [("begin", False), ("commit", False), ("committed", True)])
def test_a_failed_commit_is_in_doubt_and_asking_again_tells(faulty: Any, tmp_path: Path, point: str, persisted: bool) -> None:
    faulty.serve()
    seen = trio.run(_load, faulty, point, tmp_path / "fault")
    assert faulty.end() == 0
    sizes = faulty.verify()
    assert sizes["belvedere"] > 100
    assert len(seen.doubted) >= FAULTS
    on_the_log = [pair for tenant in ("belvedere", "schoenbrunn") for pair in _proposed(faulty, tenant)]
    assert len(dict(on_the_log)) == len(on_the_log), "a key stands on the log twice"
    assert dict(on_the_log) == seen.cases  # all that was acknowledged, and nothing of a discarded epoch besides
    assert seen.repeated <= seen.doubted
    if persisted:
        assert seen.repeated, "what was in doubt was done, and asking again did not tell"
    else:
        assert not seen.repeated
    said = faulty.log.read_text()
    assert "an actor fell" not in said, said[-4000:]  # a failed commit is no crash
    assert "frozen" not in said


def test_a_full_stop_in_mid_load_loses_nothing_that_was_acknowledged(faulty: Any, tmp_path: Path) -> None:
    """The failed commit is the last thing that happens: the node is killed before it has recovered."""
    faulty.serve()
    acknowledged: dict[str, str] = {}

    async def work() -> None:
        await faulty.found_tenant("belvedere", cast=CAST)
        async with faulty.cast("ada") as (ada,):
            for _ in range(20):
                wish = faulty.wish()
                acknowledged[f"belvedere/{wish['key']}"] = (await ada.done("propose", **wish))["case"]
            (tmp_path / "fault").write_text("committed")
            answer = await ada.ask("propose", **faulty.wish())
            assert isinstance(answer, Indeterminate)

    trio.run(work)
    faulty.end(9)
    faulty.verify()
    assert acknowledged.items() <= dict(_proposed(faulty, "belvedere")).items()
