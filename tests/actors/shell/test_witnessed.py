"""The shell hands the law how far the tenant's log is witnessed: a redemption that waits for it leaves no trace."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from actors.governance import commands as c
from actors.governance import intent
from actors.governance import warrant as warrants
from actors.governance.refusals import Code, Refusal
from actors.messages import Done, Outcome


@pytest.fixture
def watched(shell: Any) -> Any:
    """Every action of the active bundle must be witnessed."""
    recall, digest = shell.tenant._recall, shell.tenant.state.bundle
    bundle = recall.bundle(digest)
    recall._bundles[digest] = attrs.evolve(bundle, catalogue={n: attrs.evolve(a, witnessed=True) for n, a in bundle.catalogue.items()})
    return shell


def redemption(granted: Outcome, run: str) -> c.Redeem:
    assert isinstance(granted, Done)
    issued: Any = granted.value["warrant"]
    terms = warrants.unverified_unpack(issued["fields"])
    args = intent.args_digest(terms.action, terms.resource, terms.params)
    return c.Redeem(issued["fields"], issued["signature"], issued["mac"], run, args)


async def test_a_redemption_waits_for_witnesses_unrecorded_and_goes_through_when_they_have_come(watched: Any) -> None:
    granted = await watched.ask(watched.proposal("k1"), "ada")
    ask = redemption(granted, "r1")
    never = await watched.ask(ask, "ada")
    assert isinstance(never, Refusal)
    assert (never.code, never.retry_after) == (Code.NOT_WITNESSED, None)
    published, size = watched.scribe.published, watched.ledger.head("belvedere").size
    published.quorum = "all"
    for seen in (0, size - 1):
        published.raise_to("belvedere", seen)
        waiting = await watched.ask(ask, "ada")
        assert isinstance(waiting, Refusal)
        assert (waiting.code, waiting.retry_after) == (Code.NOT_WITNESSED, 1000)
    assert watched.ledger.head("belvedere").size == size
    published.raise_to("belvedere", size)
    assert isinstance(await watched.ask(ask, "ada"), Done)


async def test_another_tenant_s_witnesses_are_not_this_one_s(watched: Any) -> None:
    granted = await watched.ask(watched.proposal("k1"), "ada")
    watched.scribe.published.quorum = "all"
    watched.scribe.published.raise_to("schoenbrunn", 1_000_000)
    refused = await watched.ask(redemption(granted, "r1"), "ada")
    assert isinstance(refused, Refusal)
    assert refused.code is Code.NOT_WITNESSED
