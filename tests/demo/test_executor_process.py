"""A real executor process at a real node: killed, told to abort, and told to stop."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trio
from rich.console import Console

from actors.governance import kinds
from vienna_runtime.demo import founding
from vienna_runtime.demo.board import Board
from vienna_runtime.demo.founding import ADMIN, Cast
from vienna_runtime.demo.play import BELVEDERE, Play
from vienna_runtime.demo.scenery import Scenery, write
from vienna_runtime.demo.stage import Running, set_up

BUNDLE = {
    "bundle.toml": b"""
[bundle]
name = "slow"
description = "work that takes its time"
[actions."slow.work"]
description = "work for some seconds"
executor = "workshop"
[actions."slow.work".params]
seconds = "integer"
""",
    "slow.cedar": b'@id("work")\n@tier("T0")\npermit (principal, action == Action::"slow.work", resource);\n',
}
SCRIPT = "echo began >> began; sleep $1; echo ended >> ended\n"
CAST = (Cast("ada", kinds.AGENT, "Otto"), Cast("workshop", kinds.EXECUTOR, "Otto"))


def config(where: Path, credential: Path) -> str:
    return f"""
credential = "{credential}"
[actions."slow.work"]
kind = "process"
params = {{ seconds = "integer" }}
resource = "repo/vienna"
root = "{where}"
argv = ["bash", "{where}/work.sh", "{{seconds}}"]
grace = "100ms"
"""


def lines(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def left_running(where: Path) -> list[str]:
    """The command lines of processes that work where the executor lets its commands work."""
    found = []
    for entry in filter(lambda entry: entry.name.isdecimal(), Path("/proc").iterdir()):
        with suppress(OSError):  # it has ended, or is not ours
            if (entry / "cwd").readlink() == where and (line := (entry / "cmdline").read_bytes()):
                found.append(line.decode())
    return found


async def until_began(where: Path, count: int) -> None:
    with trio.fail_after(60):
        while lines(where / "began") < count:  # noqa: ASYNC110  # another process writes it, and tells nobody
            await trio.sleep(0.02)


@asynccontextmanager
async def working(directory: Path, port: int) -> AsyncIterator[tuple[Play, Path]]:
    """A tenant with one agent and an executor whose work takes as many seconds as it is asked for."""
    where = directory / "work"
    where.mkdir()
    (where / "work.sh").write_text(SCRIPT)
    async with set_up(directory) as stage, trio.open_nursery() as sessions:
        stage.keep_passphrase("a long passphrase")
        board = Board(Console(file=io.StringIO()))
        play = Play(stage=stage, board=board, scenery=Scenery(directory), sessions=sessions, port=port, passphrase="a long passphrase")
        await founding.make_node(play)
        await founding.found(play, BELVEDERE)
        await founding.admit(play, BELVEDERE, CAST)
        admin = (await play.at(BELVEDERE, ADMIN)).admin
        await admin.activate(await admin.push(BUNDLE))
        write(directory / "workshop.toml", config(where, play.credential(BELVEDERE, "workshop")))
        yield play, where
        sessions.cancel_scope.cancel()


async def executor(play: Play) -> Running:
    path = str(play.stage.directory / "workshop.toml")
    return await play.stage.start("workshop", "vienna_runtime.cli.main", "executor", "run", "--config", path)


@pytest.mark.slow
async def test_killed_in_the_middle_it_says_unknown_told_to_abort_it_kills_and_told_to_stop_it_ends_what_it_began(
    tmp_path: Path, port: int
) -> None:
    async with working(tmp_path, port) as (play, where):
        admin = await play.at(BELVEDERE, ADMIN)

        running = await executor(play)
        killed = await play.propose("ada", "slow.work", {"seconds": 61}, "to be killed")
        await until_began(where, 1)
        running.kill()
        await running.process.wait()
        running = await executor(play)  # finds in its journal what it had begun
        assert await play.outcome("ada", killed.case) == "unknown"
        assert lines(where / "began") == 1
        assert left_running(where) == []  # the SIGKILL did not reach its command, and the next start did

        stopped = await play.propose("ada", "slow.work", {"seconds": 2}, "to be ended in order")
        await until_began(where, 2)
        assert await running.stop() == 0
        assert await play.outcome("ada", stopped.case) == "consistent"
        ended = lines(where / "ended")

        running = await executor(play)
        aborted = await play.propose("ada", "slow.work", {"seconds": 60}, "to be aborted")
        await until_began(where, 3)
        await admin.admin.trip("agent:ada", "somebody saw something")
        with trio.fail_after(60):
            assert await play.outcome("ada", aborted.case) == "unknown"
        assert lines(where / "ended") == ended
        assert lines(where / "began") == 3

        await admin.admin.reset("agent:ada", "somebody looked")
        paused = await play.propose("ada", "slow.work", {"seconds": 59}, "to be paused")
        await until_began(where, 4)
        await admin.admin.pause("tenant", "nobody knows which one it is")
        with trio.fail_after(60):
            assert await play.outcome("ada", paused.case) == "unknown"
        assert left_running(where) == []  # the whole process group, before it was reported
        assert lines(where / "ended") == ended
