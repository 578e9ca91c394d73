from __future__ import annotations

from typing import Any

import pytest

from actors.governance import commands as c
from actors.governance.halt import Pause
from actors.governance.ids import MINUTE, Instant, Person
from actors.governance.source import Source, digest
from actors.messages import Done
from actors.tenant import Tenant
from tests.actors.shell.test_drafting import headers

MANIFEST = b"""
[bundle]
name = "unasked"
[actions."notes.read"]
effect = "read"
params = { path = "string" }
[actions."notes.append"]
executor = "till"
params = { path = "string" }
"""
POLICIES = b"""
@id("read") @tier("T0") @executor("agent") permit (principal, action == Action::"notes.read", resource);
@id("append") @tier("T0") permit (principal, action == Action::"notes.append", resource);
"""


async def activate(shell: Any) -> bytes:
    """Puts a bundle in force under which nobody is asked about notes any more."""
    files = {"bundle.toml": MANIFEST, "all.cedar": POLICIES}
    assert isinstance(await shell.ask(c.PushBundle(files), "anna"), Done)
    assert isinstance(await shell.ask(c.ActivateBundle(digest(Source(files)), "k"), "anna"), Done)
    return digest(Source(files))


async def held(shell: Any) -> str:
    outcome = await shell.ask(shell.proposal("k1", action="notes.append"), "ada")
    assert isinstance(outcome, Done)
    assert outcome.value["status"] == "held"
    return str(outcome.value["case"])


async def test_a_sweep_after_an_activation_decides_held_cases_again(shell: Any) -> None:
    case = await held(shell)
    bundle = await activate(shell)
    await shell.sweep()
    (live,) = shell.tenant.state.warrants.values()
    assert (live.case, live.terms.bundle) == (case, bundle)


async def test_what_a_sweep_decides_stands_at_the_time_it_was_decided_at(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else evidence of the case is taken for forged, for its warrant begins at another time than its entry."""
    await held(shell)
    await activate(shell)
    boot = shell.clock.boot

    def ticking() -> int:
        shell.clock.advance(1)
        return int(boot())

    monkeypatch.setattr(shell.clock, "boot", ticking)  # no two looks at the clock are alike, as on a slow machine
    await shell.sweep()
    (live,) = shell.tenant.state.warrants.values()
    entry = next(header for header in headers(shell) if header.tag == "warrant.issued/1")
    assert live.terms.not_before == entry.time


async def test_nothing_is_granted_by_a_sweep_while_the_node_is_shut(shell: Any) -> None:
    await held(shell)
    await activate(shell)
    shell.around.standing.tripped = Pause("node", "breaker", "operator:otto", Person(""), "halt", Instant(1))
    await shell.sweep()
    assert not shell.tenant.state.warrants
    shell.around.standing.tripped = None
    shell.clock.advance(MINUTE)
    await shell.sweep()
    assert len(shell.tenant.state.warrants) == 1


async def test_a_second_life_still_owes_the_new_verdict(shell: Any) -> None:
    await held(shell)
    await activate(shell)
    shell.tenant = Tenant("belvedere", shell.around, shell.feed)
    await shell.tenant.start()
    await shell.sweep()
    assert len(shell.tenant.state.warrants) == 1
