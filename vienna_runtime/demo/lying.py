"""Act 6: an executor whose receipt agrees with its warrant, and a repository that does not agree with either."""

from __future__ import annotations

from functools import partial

from vienna_runtime.demo.founding import ADMIN
from vienna_runtime.demo.play import BELVEDERE, Play


async def play(p: Play) -> None:
    p.board.act("Lying", "the workshop's credential falls to a program that does nothing and signs that it has")
    await p.board.step("liar", "to take the workshop's place", "ready", partial(_usurp, p))
    await p.board.step("ben", "a push, approved by two, which the liar says it made", "mismatched", partial(_push, p))
    await p.board.step("anyone", "the remote has that commit", "no", partial(_there, p))
    await p.board.step("law", "what the breaker of ben says", "open", partial(_breaker, p))
    await p.board.step("ben", "anything more", "refused: breaker_open", partial(_again, p))
    await p.board.step("workshop", "its place back", "ready", partial(_restore, p))
    await p.board.step("ada", "to go on working", "consistent", partial(_others, p))


async def _usurp(p: Play) -> str:
    await p.machines["workshop"].stop()
    journal = p.stage.directory / "liar.journal"
    await p.machine("liar", "vienna_runtime.demo.liar", str(p.credential(BELVEDERE, "workshop")), str(journal))
    return "ready"


async def _push(p: Play) -> str:
    head = await p.scenery.git("rev-parse", "HEAD")
    case = await p.propose("ben", "git.push", {"remote": "origin", "branch": "main", "commit": head}, "share the second note")
    p.cases["lie"] = case.case
    await p.approve(case.case, "clara", "dora")
    return await p.outcome("ben", case.case)


async def _there(p: Play) -> str:
    return "yes" if await p.scenery.remote("main") == await p.scenery.git("rev-parse", "HEAD") else "no"


async def _breaker(p: Play) -> str:
    found = await (await p.at(BELVEDERE, ADMIN)).admin.breakers()
    guard = next((row for row in found if row["scope"] == "agent:ben"), {"status": "closed", "why": ""})
    p.board.say(f"“{guard['why']}”")
    return str(guard["status"])


async def _again(p: Play) -> str:
    return await p.done("ben", "file.read", {"path": "README.md"}, "as if nothing had happened")


async def _restore(p: Play) -> str:
    await p.machines["liar"].stop()
    config = str(p.stage.directory / "workshop.toml")
    await p.machine("workshop", "vienna_runtime.cli.main", "executor", "run", "--config", config)
    return "ready"


async def _others(p: Play) -> str:
    return await p.done("ada", "file.read", {"path": "notes/today.md"}, "read the note")
