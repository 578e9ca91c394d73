from __future__ import annotations

from typing import Any

import attrs

from actors.governance import commands as c
from actors.messages import Done
from ledger.header import parse


def headers(shell: Any) -> list[Any]:
    size = shell.ledger.head("belvedere").size
    return [parse(record.entry) for record in shell.ledger.read("belvedere", 0, size)]


def walked(entries: list[Any], last: int) -> list[str]:
    """The tags of a case from the entry ``last`` back to its first."""
    found, at = [], last
    while True:
        found.append(entries[at].tag.partition("/")[0])
        if entries[at].step == 1:
            return found
        at = entries[at].follows[0]


def standing(entries: list[Any]) -> list[int]:
    tags = ("tenant.", "member.", "bundle.activated")
    return [entry.sequence for entry in entries if entry.tag.startswith(tags)]


async def test_a_case_can_be_walked_backwards_from_any_of_its_entries(shell: Any) -> None:
    held = await shell.ask(shell.proposal("k1", action="notes.append"), "ada")
    await shell.whole_case("k2", "ben")
    assert isinstance(held, Done)
    await shell.ask(c.Cancel(str(held.value["case"]), "no more"), "ada")
    entries = headers(shell)
    case = [entry for entry in entries if entry.case == held.value["case"]]
    assert walked(entries, case[-1].sequence) == [entry.tag.partition("/")[0] for entry in reversed(case)]
    assert walked(entries, case[-1].sequence)[-3:] == ["approval.requested", "case.decided", "intent.proposed"]


async def test_who_belongs_to_the_tenant_is_a_chain_that_every_entry_of_a_case_ends_in(shell: Any) -> None:
    await shell.whole_case("k1")
    await shell.ask(c.RevokeMember("ben", "no more", "r1"), "anna")
    await shell.whole_case("k2")
    entries = headers(shell)
    links = standing(entries)
    assert [entries[link].follows for link in links] == [(), *((link,) for link in links[:-1])]
    for entry in entries:
        newest = max((link for link in links if link < entry.sequence), default=None)
        assert (entry.follows[-1] == newest) if entry.case else entry.sequence in links or entry.follows == ()


async def test_a_child_follows_its_parent_as_long_as_that_is_open(shell: Any) -> None:
    parent = await shell.ask(shell.proposal("k1", action="notes.append"), "ada")
    assert isinstance(parent, Done)
    newest = headers(shell)[-1].sequence
    child = await shell.ask(attrs.evolve(shell.proposal("k2", action="notes.append"), parent=parent.value["case"]), "ada")
    assert isinstance(child, Done)
    first = next(entry for entry in headers(shell) if entry.case == child.value["case"])
    assert first.follows == (newest, standing(headers(shell))[-1])
    await shell.ask(c.Cancel(str(parent.value["case"]), "no more"), "ada")
    late = await shell.ask(attrs.evolve(shell.proposal("k3", action="notes.append"), parent=parent.value["case"]), "ada")
    assert isinstance(late, Done)
    assert next(entry for entry in headers(shell) if entry.case == late.value["case"]).follows == (standing(headers(shell))[-1],)
