"""Act 4: what is not to happen does not happen."""

from __future__ import annotations

from functools import partial

import attrs

from actors.governance import warrant as warrants
from actors.governance.warrant import Warrant
from vienna_runtime.client import Granted
from vienna_runtime.demo.play import BELVEDERE, SCHOENBRUNN, Params, Play, fresh

_SHORT = 2.0  # seconds for an approval that nobody gives


async def play(p: Play) -> None:
    p.board.act("Refusing", "a person, a clock, a policy and a signature each say no")
    await p.board.step("ada", "a commit that clara denies", "denied", partial(_denied, p))
    await p.board.step("ada", f"a commit that nobody approves within {_SHORT:.0f} s", "expired", partial(_expired, p))
    await p.board.step("ada", "to read .env, which policy forbids", "denied", partial(_forbidden, p))
    await p.board.step("ada", "to overwrite the remote's history", "denied", partial(_forced, p))
    await p.board.step("ada", "the warrant of its git log again", "refused: warrant_over", partial(_replayed, p))
    await p.board.step("mallory", "9999.00 with a warrant for 10.00", "refused: warrant_forged", partial(_altered, p))


async def _denied(p: Play) -> str:
    case = await p.propose("ada", "git.commit", {"branch": "main", "message": "wip"}, "save what is there")
    arguments = ("deny", case.case, "--yes", "--reason", "a message that says nothing")
    await p.stage.vienna(*arguments, credential=p.credential(BELVEDERE, "clara"))
    return await p.outcome("ada", case.case)


async def _expired(p: Play) -> str:
    case = await p.propose("ada", "git.commit", {"branch": "main", "message": "Late at night"}, "nobody is there", life=_SHORT)
    return await p.outcome("ada", case.case)


async def _forbidden(p: Play) -> str:
    return await p.done("ada", "file.read", {"path": ".env"}, "look at the configuration")


async def _forced(p: Play) -> str:
    return await p.done("ada", "git.force_push", {"remote": "origin", "branch": "main"}, "tidy the history up")


async def _replayed(p: Play) -> str:
    """The very warrant it used in act 2, as its ledger has it, under a new run."""
    agent = await p.at(BELVEDERE, "ada")
    entries = (await agent.case(p.cases["log"]))["entries"]
    issued = next(entry["body"] for entry in entries if entry["tag"].startswith("warrant.issued/"))
    return (await agent.redeem(Granted.of(issued), fresh("r"))).outcome


async def _altered(p: Play) -> str:
    """It was granted ten; the till has paid them, and the copy of the warrant that came with the answer is worked on."""
    params: Params = {"amount": {"dec": "10.00"}, "currency": "EUR"}
    case = await p.propose("mallory", "payments.refund", params, "a small refund", tenant=SCHOENBRUNN)
    assert case.warrant is not None
    terms = case.warrant.unverified_terms()
    greedy: Warrant = attrs.evolve(terms, params={**terms.params, "amount": {"dec": "9999.00"}})
    forged = Granted(warrants.pack(greedy), case.warrant.signature, case.warrant.mac)
    return (await (await p.at(SCHOENBRUNN, "mallory")).redeem(forged, fresh("r"))).outcome
