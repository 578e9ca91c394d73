"""Real processes, killed and paused in the middle of a case: a few cells of the table that ``vienna selftest processes`` fills."""

from __future__ import annotations

import json

import attrs
import pytest

from vienna_runtime.cli.main import run
from vienna_runtime.selftest import processes
from vienna_runtime.selftest.processes import ALL, Cell, Ended

CELLS = (
    Cell("client", "KILL", "proposed"),
    Cell("node", "KILL", "redeemed"),
    Cell("executor", "KILL", "acting"),
    Cell("executor", "KILL", "acted"),
    Cell("node", "STOP", "acted"),
    Cell("verifier", "KILL", "verifying"),
)


@pytest.mark.slow
def test_whoever_is_killed_or_paused_the_case_ends_where_it_must_and_nothing_is_done_twice() -> None:
    table = processes.run(CELLS, seed=1)
    assert table.wrong == []
    assert {one.cell for one in table.cells} == set(CELLS)
    assert {one.cell for one in table.cells if one.by_probe} == {Cell("executor", "KILL", "acting")}
    assert table.starts == {"node": 2, "executor": 3, "verifier": 2, "client": 2}  # those that were killed, and nobody else
    assert table.entries > 60


GOOD = Ended(CELLS[1], "verified", 1, 1, by_probe=False, seconds=1.0)


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, ""),
        ({"executions": 2}, "executed 2 times in 1 runs"),
        ({"executions": 0}, "executed 0 times in 1 runs"),
        ({"runs": 2}, "executed 1 times in 2 runs"),
        ({"outcome": "unknown"}, "it ended unknown"),
        ({"by_probe": True}, "settled by a probe"),
        ({"by_probe": True, "cell": Cell("executor", "KILL", "acting")}, ""),
    ],
)
def test_what_counts_as_wrong(changed: dict[str, object], wrong: str) -> None:
    assert attrs.evolve(GOOD, **changed).wrong == wrong  # type: ignore[arg-type]


def test_a_wrong_cell_ends_with_1_and_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found = processes.Table(cells=[attrs.evolve(GOOD, executions=2)], entries=40, starts={}, seconds=2.0)
    asked: list[object] = []

    def instead(cells: object, **_: object) -> processes.Table:
        asked.append(cells)
        return found

    monkeypatch.setattr(processes, "run", instead)
    assert run(["selftest", "processes", "--who", "node", "--signal", "KILL", "--json"]) == 1
    said = capsys.readouterr()
    assert [(cell["who"], cell["executions"]) for cell in json.loads(said.out)["cells"]] == [("node", 2)]
    assert "node KILL redeemed: executed 2 times in 1 runs" in said.err
    assert asked == [[cell for cell in ALL if (cell.who, cell.signal) == ("node", "KILL")]]
