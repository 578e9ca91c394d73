"""Act 2: what is harmless happens at once, under a warrant all the same."""

from __future__ import annotations

from functools import partial

from vienna_runtime.demo import passback
from vienna_runtime.demo.play import BELVEDERE, REPO, SCHOENBRUNN, Params, Play, fresh


async def play(p: Play) -> None:
    p.board.act("Reading and small things (T0)", "nobody is asked, everything is recorded")
    await p.board.step("ada", "the README, read by the workshop", "consistent", partial(_read, p))
    await p.board.step("ada", "git log, which it runs itself", "consistent", partial(_log, p))
    await p.board.step("ada", "a note in the tree, and emil looks whether it is there", "verified", partial(_note, p))
    await p.board.step("ada", "a refund of 12.50 at schoenbrunn", "consistent", partial(_refund, p))
    await p.board.step("ada", "what lies in the till", "12.50 EUR", partial(_till, p))


async def _read(p: Play) -> str:
    return await p.done("ada", "file.read", {"path": "README.md"}, "see what this repository is about")


async def _log(p: Play) -> str:
    agent, run = await p.at(BELVEDERE, "ada"), fresh("r")
    case = await passback.granted(agent, "git.log", REPO, {"count": 5}, purpose="see what changed lately", run=run, key=run)
    p.cases["log"] = case.case

    async def act() -> bytes:
        return (await p.scenery.git("log", "-5", "--format=%h %s")).encode()

    return (await passback.told(agent, case, "git.log", REPO, {"count": 5}, run, act)).outcome


async def _note(p: Play) -> str:
    return await p.done("ada", "file.write", {"path": "notes/today.md", "content": "Looked at the log.\n"}, "note what was found")


async def _refund(p: Play) -> str:
    params: Params = {"amount": {"dec": "12.50"}, "currency": "EUR"}
    return await p.done("ada", "payments.refund", params, "the customer was charged twice", tenant=SCHOENBRUNN)


async def _till(p: Play) -> str:
    return (p.scenery.till / "order" / "8812").read_text().strip()
