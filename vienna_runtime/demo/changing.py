"""Act 3: a commit that one person approves, and a push that takes two."""

from __future__ import annotations

from functools import partial

from vienna_runtime.demo.play import Play

COMMIT = {"branch": "main", "message": "Note what the log says"}


async def play(p: Play) -> None:
    p.board.act("Changing things (T1, T2)", "approvers sign exactly what they saw; a verifier looks afterwards")
    await p.board.step("ada", "a commit, approved by clara", "verified", partial(_commit, p))
    await p.board.step("ada", "a push, approved by clara and dora", "verified", partial(_push, p))
    await p.board.step("anyone", "the remote has that commit", "yes", partial(_there, p))


async def _commit(p: Play) -> str:
    case = await p.propose("ada", "git.commit", COMMIT, "keep the note")
    await p.approve(case.case, "clara")
    return await p.outcome("ada", case.case)


async def _push(p: Play) -> str:
    head = await p.scenery.git("rev-parse", "HEAD")
    case = await p.propose("ada", "git.push", {"remote": "origin", "branch": "main", "commit": head}, "share the note")
    p.cases["push"] = case.case
    await p.approve(case.case, "clara", "dora")
    return await p.outcome("ada", case.case)


async def _there(p: Play) -> str:
    return "yes" if await p.scenery.remote("main") == await p.scenery.git("rev-parse", "HEAD") else "no"
