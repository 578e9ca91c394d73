"""A large policy is its own tenant's wait and nobody else's: it is read beside the work of the node."""

from __future__ import annotations

from functools import partial
from typing import Any

import trio

from actors.governance import bundle, guarding
from actors.governance import commands as c
from actors.governance.source import Source, digest
from actors.kernel import Envelope
from actors.messages import Asked, Done, Outcome
from actors.tenant import Tenant

MANIFEST = b"""
[bundle]
name = "large"
[actions."notes.read"]
effect = "read"
executor = "till"
params = { path = "string" }
"""
POLICY = b'@id("p%d") @tier("T0") @executor("agent") permit (principal, action == Action::"notes.read", resource);\n'
FILES = {"bundle.toml": MANIFEST, "all.cedar": b"".join(POLICY % number for number in range(400))}


async def _turns_during(work: Any) -> int:
    """How often somebody else had a turn while ``work`` was done."""
    turns = 0
    async with trio.open_nursery() as nursery:

        async def other() -> None:
            nonlocal turns
            while True:
                await trio.lowlevel.checkpoint()
                turns += 1

        nursery.start_soon(other)
        await trio.lowlevel.checkpoint()
        await work()
        nursery.cancel_scope.cancel()
    return turns


async def test_pushing_a_large_bundle_holds_nobody_else_up(shell: Any) -> None:
    heard: list[Outcome] = []
    push = Envelope(Asked(c.PushBundle(FILES), "anna", False, heard.append))
    assert await _turns_during(partial(shell.tenant.handle, [push])) > 20
    await shell.settled()
    assert isinstance(heard[0], Done)
    assert heard[0].value["bundle"] == digest(Source(FILES))


async def test_a_bundle_is_read_once_for_its_push_and_its_activation_and_survives_a_failed_commit(shell: Any, monkeypatch: Any) -> None:
    read: list[bytes] = []

    def load(source: Source) -> Any:
        read.append(digest(source))
        return _load(source)

    _load = bundle.load
    monkeypatch.setattr(bundle, "load", load)
    assert isinstance(await shell.ask(c.PushBundle(FILES), "anna"), Done)
    assert isinstance(await shell.ask(c.ActivateBundle(digest(Source(FILES)), "k"), "anna"), Done)
    assert isinstance(await shell.ask(shell.proposal("k1", run="r1"), "ada"), Done)
    shell.disk.fault = "commit"
    await shell.tell(shell.proposal("k2", run="r2"), "ada")
    await shell.scribe.wait_writable()
    assert isinstance(await shell.ask(shell.proposal("k2", run="r2"), "ada"), Done)
    assert read.count(digest(Source(FILES))) == 1


async def test_a_restart_reads_the_active_bundle_beside_everybody_elses_work(shell: Any) -> None:
    await shell.ask(c.PushBundle(FILES), "anna")
    await shell.ask(c.ActivateBundle(digest(Source(FILES)), "k"), "anna")
    second = Tenant("belvedere", shell.around, shell.feed)
    assert await _turns_during(second.start) > 20
    shell.tenant = second
    assert isinstance(await shell.ask(shell.proposal("k1", run="r1"), "ada"), Done)


async def test_what_is_too_large_is_refused_without_being_read(shell: Any, monkeypatch: Any) -> None:
    await shell.ask(c.Read("status"), "anna")  # the active one has been read by now
    monkeypatch.setattr(bundle, "load", None)
    outcome = await shell.ask(c.PushBundle({"all.cedar": bytes(guarding.LARGEST_BUNDLE + 1)}), "anna")
    assert not isinstance(outcome, Done)
