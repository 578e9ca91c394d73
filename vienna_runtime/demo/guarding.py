"""Act 7: an agent is stopped at once, somebody goes around the executor, and both are noticed."""

from __future__ import annotations

from functools import partial

from vienna_runtime.cli.exits import FOUND
from vienna_runtime.demo import scenery
from vienna_runtime.demo.founding import ADMIN
from vienna_runtime.demo.play import BELVEDERE, Play

ROGUE = "refs/heads/shortcut"
PUSHES = """\
[[effect]]
action = "git.push"
place = "refs/heads/{params.branch}"
digest = "{params.commit}"
"""
TOLD = {"run.mismatched", "breaker.tripped", "scope.paused", "reconciliation.found"}  # what somebody should have heard by now


async def play(p: Play) -> None:
    p.board.act("Standing guards", "a switch that stops an agent, and a comparison with what is really there")
    await p.board.step(ADMIN, "ada to stop at once", "paused", partial(_pause, p))
    await p.board.step("ada", "to read a file", "refused: paused", partial(_read, p))
    await p.board.step(ADMIN, "ada, for whom he answers, to go on", "held", partial(_resume, p))
    await p.board.step("clara and dora", "to let ada go on", "applied", partial(_resumed, p))
    await p.board.step("ada", "to read that file", "consistent", partial(_read, p))
    await p.board.step("somebody", "a branch of the remote, pushed without a warrant", "pushed", partial(_around, p))
    await p.board.step(ADMIN, "the remote compared with the ledger", f"nobody warranted {ROGUE}", partial(_compare, p))
    await p.board.step("node", "what somebody should have heard of", "all told", partial(_alerts, p))


async def _pause(p: Play) -> str:
    await p.stage.vienna("pause", "agent", "ada", "--reason", "it reads too much", credential=p.credential(BELVEDERE, ADMIN))
    paused = (await (await p.at(BELVEDERE, ADMIN)).status())["paused"]
    p.board.say(f"“{'; '.join(paused)}”")
    return "paused"


async def _read(p: Play) -> str:
    return await p.done("ada", "file.read", {"path": "README.md"}, "read on")


async def _resume(p: Play) -> str:
    answer = await (await p.at(BELVEDERE, ADMIN)).admin.resume("agent:ada", "she may read that")
    p.cases["resumed"] = str(answer["case"])
    return "applied" if answer["applied"] else "held"


async def _resumed(p: Play) -> str:
    await p.approve(p.cases["resumed"], "clara", "dora")
    return str((await (await p.at(BELVEDERE, ADMIN)).case(p.cases["resumed"]))["outcome"])


async def _around(p: Play) -> str:
    await p.scenery.git("push", "--quiet", "origin", f"HEAD:{ROGUE}")
    return "pushed"


async def _compare(p: Play) -> str:
    mapping = scenery.write(p.stage.directory / "pushes.toml", PUSHES)
    remote = str(p.scenery.remotes / "origin.git")
    arguments = ("reconcile", "git", remote, "--mapping", str(mapping))
    report = await p.stage.vienna(*arguments, credential=p.credential(BELVEDERE, ADMIN), code=FOUND)
    rogue = [row["about"].partition(" ")[0] for row in report["findings"] if row["kind"] == "effect_without_warrant"]
    return f"nobody warranted {', '.join(rogue)}"


async def _alerts(p: Play) -> str:
    alerts = await (await p.at(BELVEDERE, ADMIN)).admin.alerts()
    for alert in alerts[:4]:
        p.board.say(f"{alert['severity']}: {alert['text']}")
    missing = TOLD - {alert["kind"] for alert in alerts}
    return f"nothing of {', '.join(sorted(missing))}" if missing else "all told"
