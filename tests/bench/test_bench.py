"""The benchmarks measure what they say: the same bytes, whole chains, proofs that hold."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from types import ModuleType

import lmdb
import pytest
import trio

from ledger.header import parse
from ledger.tree import nodes_with_leaf

PROJECT = Path(__file__).parents[2]

Module = Callable[[str], ModuleType]


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Module:
    """Imports a benchmark: they lie beside the packages, not in them."""
    monkeypatch.syspath_prepend(PROJECT)
    return lambda name: import_module(f"bench.{name}")


def test_the_tight_floor_writes_entries_that_the_ledger_would_read(module: Module, tmp_path: Path) -> None:
    append = module("ledger_append")._tight(tmp_path)
    append(3)
    append(6)
    del append  # and with it the environment, which lmdb opens once in a process
    env = lmdb.open(str(tmp_path / "tight"), max_dbs=4, lib_version=0)
    entries = env.open_db(b"0")
    with env.begin() as txn:
        values = [bytes(value) for _, value in txn.cursor(entries)]
    env.close()
    headers = [parse(value[32 * nodes_with_leaf(at) :]) for at, value in enumerate(values)]
    assert [(header.sequence, header.step, header.case) for header in headers] == [(at, at, "case-0001") for at in range(9)]
    assert [header.previous for header in headers[1:]] == [value[:32] for value in values[:-1]]


def test_the_chain_in_sqlite_is_one(module: Module, tmp_path: Path) -> None:
    append = module("others")._sqlite(tmp_path / "chain.db")
    append(1)
    append(5)
    rows = sqlite3.connect(tmp_path / "chain.db").execute("SELECT * FROM chain ORDER BY sequence").fetchall()
    before = bytes(32)
    for at, (sequence, previous, body, digest) in enumerate(rows):
        assert (sequence, previous, digest) == (at, before, sha256(previous + body).digest())
        before = digest
    assert len(rows) == 6


def test_what_is_not_installed_is_left_out_by_name(module: Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = module("others")
    monkeypatch.setattr(others, "find_spec", lambda name: None)
    monkeypatch.setattr(others, "_DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with others.ways(tmp_path) as ways:
        assert list(ways) == ["sqlite"]
    assert [line.split()[0] for line in others.missing()] == ["pymerkle", "postgres"]


def test_every_answer_to_a_durable_append_proves_its_entry(module: Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    durable_append = module("durable_append")
    monkeypatch.setattr(durable_append, "SAMPLE", 1)
    found = trio.run(durable_append._measure, tmp_path / "ledger", 3, 0.05)
    assert found.verified >= 3
    assert found.p50 <= found.p99


def test_the_split_of_an_append_adds_up_to_the_whole(module: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    append_split = module("append_split")
    monkeypatch.setattr(append_split, "COMMITS", 50)
    *parts, (name, whole) = append_split.table(True)
    assert name == "the whole"
    assert sum(cost for _, cost in parts) == pytest.approx(whole)


def test_a_small_log_is_measured_as_a_large_one_would_be(module: Module, tmp_path: Path) -> None:
    scale, directory = module("scale"), tmp_path / "ledger"
    built = scale.build(directory, 2_500)
    assert built["grown"] == 1
    assert 400 < built["bytes"] < 2_000
    assert scale.opening(directory)["seconds"] > 0
    assert scale.proving(directory, 20)["inclusion"] > 0
    assert scale.verifying(directory)["rate"] > 0


def test_bare_cedar_and_the_decision_are_asked_the_same_and_say_the_same(module: Module) -> None:
    decisions = module("decisions")
    row = decisions.measured(10, rounds=1, requests=3)  # both assert what came of it
    assert row.policies == 10
    assert min(row.bare, row.decision, row.again) > 0
    assert decisions.policy_text(200).count('@id("') == 200


def test_warrants_of_every_way_are_timed_in_each_step_they_have(module: Module) -> None:
    warrants = module("warrants")
    found = warrants.measured(rounds=1, warrants=2)  # each is asserted to allow what it should, and nothing beyond
    assert [row.step for row in found.rows] == list(warrants.STEPS)
    assert all(row.cost["Vienna"] > 0 for row in found.rows)
    assert found.sizes.keys() == warrants.ways().keys()


def test_a_way_of_warrants_that_is_not_installed_is_left_out_by_name(module: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    warrants = module("warrants")
    monkeypatch.setattr(warrants, "find_spec", lambda name: None)
    assert list(warrants.ways()) == ["Vienna"]
    assert [line.split()[0] for line in warrants.missing()] == ["tenuo", "pymacaroons"]


def test_the_table_of_warrants_names_every_column(
    module: Module, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    warrants = module("warrants")
    monkeypatch.setattr(warrants, "find_spec", lambda name: None)
    monkeypatch.setattr("sys.argv", ["bench", "--quick"])
    warrants.main()
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert lines[0] == "| µs | Vienna |"
    assert len({line.count("|") for line in lines}) == 1


def test_a_sweep_looks_at_what_is_due_and_reservations_add_up(module: Module) -> None:
    sweeps = module("sweeps")
    state = sweeps.filled(400, 40)
    assert (len(state.cases), len(state.warrants)) == (40, 20)
    sweeps.sweep(state)
    assert sweeps.counted(state)[2] == 0


def test_every_table_is_run_by_make_bench(module: Module, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    everything = module("__main__")
    ran = []
    for table in everything.TABLES.values():
        monkeypatch.setattr(table, "main", lambda table=table: ran.append(table.__name__))
    everything.main()
    assert {"bench.warrants", "bench.recorded"} < set(ran)
    assert capsys.readouterr().out.count("\n## ") == len(ran)
    assert all(f"`python -m {name}`" in (PROJECT / "bench" / "README.md").read_text() for name in ran)
