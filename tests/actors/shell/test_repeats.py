"""What is asked again is answered about the very thing that was asked, however much has happened to its case since."""

from __future__ import annotations

from typing import Any

import pytest

from actors.governance import commands as c
from actors.governance import intent, warrant
from actors.governance.source import Source, digest
from actors.messages import Done
from tests.actors.shell.conftest import BUNDLE, Shell

OFTEN = {
    **BUNDLE,
    "all.cedar": BUNDLE["all.cedar"].replace(b'@id("read") @tier("T0") @executor("agent")', b'@id("read") @tier("T0") @uses("3")'),
}


@pytest.fixture
async def often(shell: Shell) -> Shell:
    for ask in (c.PushBundle(OFTEN), c.ActivateBundle(bytes(digest(Source(OFTEN))), "often")):
        assert isinstance(await shell.ask(ask, "anna"), Done)
    return shell


async def test_a_redemption_that_is_repeated_names_its_own_run_and_hands_out_no_warrant(often: Shell) -> None:
    proposed = await often.ask(often.proposal("k"), "ada")
    assert isinstance(proposed, Done)
    issued: Any = proposed.value["warrant"]
    terms = warrant.unverified_unpack(issued["fields"])
    args = intent.args_digest(terms.action, terms.resource, terms.params)

    async def redeem(run: str) -> Any:
        asked = c.Redeem(warrant=issued["fields"], signature=issued["signature"], mac=issued["mac"], run=run, args_digest=args)
        outcome = await often.ask(asked, "till")
        assert isinstance(outcome, Done), outcome
        return outcome.value

    first, second = await redeem("r1"), await redeem("r2")
    assert (first["run"], second["run"]) == ("r1", "r2")
    again = await redeem("r1")
    assert (again["run"], again["repeated"], again["effect"]) == ("r1", True, first["effect"])
    assert "warrant" not in again
    proposed_again = await often.ask(often.proposal("k"), "ada")
    assert isinstance(proposed_again, Done)
    assert proposed_again.value["warrant"] == issued  # to whoever proposed it, as ever
