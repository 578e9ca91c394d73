"""The cases above a case are told as the ledger has them: nearest first, and with how they ended once that is durable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest

from actors import lineage
from actors.governance.question import Unavailable
from actors.lineage import DEEPEST
from actors.messages import Done
from ledger import BodyRemoved

if TYPE_CHECKING:
    Shell = Any  # the fixture of this directory's conftest


def above(shell: Shell, case: str) -> list[Any]:
    return list(lineage.above(shell.tenant.state, shell.tenant._recall, case))  # type: ignore[arg-type]  # a CaseId


async def case_below(shell: Shell, key: str, parent: str | None, *, report: bool = True) -> str:
    granted = await shell.ask(attrs.evolve(shell.proposal(key, run=f"r-{key}"), parent=parent), "ada")
    assert isinstance(granted, Done), granted
    if report:
        await shell.ask(shell.report(granted, "ada"), "ada")
    return str(granted.value["case"])


async def test_the_cases_above_are_told_nearest_first_with_how_they_ended(shell: Shell) -> None:
    top = await case_below(shell, "k1", None)
    middle = await case_below(shell, "k2", top, report=False)
    bottom = await case_below(shell, "k3", middle)
    assert [(case.wish.params["path"], case.outcome) for case in above(shell, bottom)] == [
        ("k3", "consistent"),
        ("k2", ""),  # it goes on
        ("k1", "consistent"),
    ]


async def test_a_denied_case_has_ended_too(shell: Shell) -> None:
    denied = await shell.ask(shell.proposal("k1", action="notes.burn"), "ada")
    assert isinstance(denied, Done)
    (told,) = above(shell, str(denied.value["case"]))
    assert (told.agent, told.outcome) == ("ada", "denied")


async def test_beyond_so_many_cases_nothing_is_said(shell: Shell) -> None:
    at: str | None = None
    for number in range(DEEPEST + 1):
        at = await case_below(shell, f"k{number}", at)
    told = above(shell, str(at))
    assert len(told) == DEEPEST + 1
    assert told[-1] == Unavailable(f"more than {DEEPEST} cases stand above it, and no further one is looked at")


async def test_a_case_that_nobody_knows_or_that_was_forgotten_cannot_be_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    (told,) = above(shell, "c-nowhere")
    assert told == Unavailable("case c-nowhere, which it comes from, cannot be read any more")
    top = await case_below(shell, "k1", None)

    def gone(_: str) -> Any:
        raise BodyRemoved("gone")

    monkeypatch.setattr(shell.tenant._recall, "intent", gone)
    (told,) = above(shell, top)
    assert told == Unavailable(f"case {top}, which it comes from, cannot be read any more")
