"""Act 5: the node is killed in mid-work, and comes back with everything it ever acknowledged."""

from __future__ import annotations

import json
from functools import partial

import trio

from vienna_runtime.demo.errors import DemoError
from vienna_runtime.demo.founding import ADMIN
from vienna_runtime.demo.play import BELVEDERE, SCHOENBRUNN, Play
from vienna_runtime.demo.stage import Running

_AT_ONCE = 16
_BEFORE, _AFTER = 200, 200  # answers before the kill, and after the restart; a second's work each
_SECONDS = 40.0  # for either


async def play(p: Play) -> None:
    p.board.act(
        "Killing the node in mid-work", "what was acknowledged before is there afterwards; clients, executors and verifier come back"
    )
    await p.board.step("ada", "another note", "verified", partial(_note, p))
    await p.board.step("ada", "a commit that waits for approval while the node dies", "held", partial(_held, p))
    await p.board.step("everybody", "every acknowledged answer after SIGKILL and restart", "0 missing", partial(_killed, p))
    await p.board.step("ada", "that commit, approved after the restart", "verified", partial(_goes_on, p))


async def _note(p: Play) -> str:
    return await p.done(
        "ada", "file.write", {"path": "notes/today.md", "content": "A denial, a timeout, a forgery.\n"}, "note what happened"
    )


async def _held(p: Play) -> str:
    case = await p.propose("ada", "git.commit", {"branch": "main", "message": "Note what was refused"}, "keep the note")
    p.cases["held"] = case.case
    return case.outcome


async def _killed(p: Play) -> str:
    arguments = ("vienna_runtime.demo.worker", str(p.credential(SCHOENBRUNN, "ada")), str(_AT_ONCE))
    worker = await p.stage.start("worker", *arguments)
    await _until(worker, _BEFORE)
    assert p.server is not None
    p.server.kill()
    await p.server.process.wait()
    before = len(worker.lines)
    p.board.say(f"SIGKILL after {before} acknowledged answers, {_AT_ONCE} cases under way")
    began = trio.current_time()
    await p.serve()
    p.board.say(f"serving again after {trio.current_time() - began:.1f} s; the worker dials again by itself")
    await _until(worker, before + _AFTER)
    if code := await worker.stop():
        raise DemoError(f"the worker ended with {code}: {worker.log.read_text()[-500:]}")
    acknowledged = [json.loads(line) for line in worker.lines]
    missing = await _missing(p, acknowledged)
    p.board.say(f"{len(acknowledged)} acknowledged answers about {len({a['case'] for a in acknowledged})} cases looked for on the ledger")
    return f"{missing} missing"


async def _until(worker: Running, count: int) -> None:
    with trio.move_on_after(_SECONDS):
        await worker.wait_line(count)
        return
    raise DemoError(f"the worker got {len(worker.lines)} answers, not {count}, within {_SECONDS:.0f} s: {worker.log.read_text()[-500:]}")


_STEP = {"running": "run.opened/1", "consistent": "run.verified/1"}  # what each answer rests on


async def _missing(p: Play, acknowledged: list[dict[str, str]]) -> int:
    """How many answers rest on an entry that is not there."""
    admin = await p.at(SCHOENBRUNN, ADMIN)
    tags: dict[str, set[str]] = {}

    async def look(case: str) -> None:
        tags[case] = {entry["tag"] for entry in (await admin.case(case))["entries"]}

    waiting = iter({answer["case"] for answer in acknowledged})

    async def some() -> None:
        for case in waiting:
            await look(case)

    async with trio.open_nursery() as nursery:
        for _ in range(_AT_ONCE):
            nursery.start_soon(some)
    return sum(_STEP.get(answer["outcome"], "") not in tags[answer["case"]] for answer in acknowledged)


async def _goes_on(p: Play) -> str:
    still = await (await p.at(BELVEDERE, ADMIN)).case(p.cases["held"])
    if still["outcome"] != "held":
        return f"the held case became {still['outcome']}"
    await p.approve(p.cases["held"], "clara")
    return await p.outcome("ada", p.cases["held"])
