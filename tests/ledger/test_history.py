"""Any history of writes, faults and restarts: after each step the whole ledger is checked against plain lists."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from pathlib import Path

import lmdb
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ledger import Batch, CommitFailed, Conflict, Draft, Ledger, Receipt, open_checkpoint
from ledger.tree import root_over

_spec = importlib.util.spec_from_file_location("ledger_test_keys", Path(__file__).with_name("conftest.py"))
assert _spec is not None
assert _spec.loader is not None
_cast = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_cast)

NOVEMBER = 1_795_000_000_000_000
TENANTS = ("belvedere", "schoenbrunn", "hofburg")
BODIES = st.lists(st.binary(max_size=20), max_size=5)


class History(RuleBasedStateMachine):
    """The oracle is a list of bodies a log; entries once seen may never change."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp(prefix="ledger-history-"))
        self.keys = _cast.MemoryKeys()
        self.point: str | None = None
        self.bodies: dict[str, list[bytes]] = {}
        self.entries: dict[str, list[bytes]] = {"": []}
        self.nodes = 0
        self.changed: set[str] = set()

    @initialize()
    def begin(self) -> None:
        self.ledger = self.opened()

    def opened(self) -> Ledger:
        return Ledger.open(self.place / "ledger", node=_cast.NODE_NAME, keys=self.keys, map_size=1 << 17, fault=self.fault)

    def fault(self, point: str) -> None:
        if point == self.point:
            self.point = None
            raise lmdb.DiskError("injected")

    @precondition(lambda self: len(self.bodies) < len(TENANTS))
    @rule()
    def create(self) -> None:
        tenant = TENANTS[len(self.bodies)]
        self.ledger.create(tenant, time=NOVEMBER, actor="operator")
        self.bodies[tenant], self.entries[tenant] = [], []
        self.nodes += 1

    @rule(
        wanted=st.lists(st.tuples(st.sampled_from(TENANTS), BODIES, st.integers(-1, 1)), max_size=4),
        point=st.sampled_from(["", "begin", "commit", "committed"]),
    )
    def append(self, wanted: list[tuple[str, list[bytes], int]], point: str) -> None:
        sizes, batches, expected = {name: len(held) for name, held in self.bodies.items()}, [], []
        after = {name: list(held) for name, held in self.bodies.items()}
        for tenant, bodies, off in wanted:
            if tenant not in sizes:
                continue
            position = max(0, sizes[tenant] + off)
            batches.append(Batch(tenant, position, tuple(Draft("t/1", NOVEMBER, "ada", body, case="c", step=1) for body in bodies)))
            expected.append(Receipt if position == sizes[tenant] else Conflict)
            if position == sizes[tenant]:
                after[tenant] += bodies
                sizes[tenant] += len(bodies)
        self.point = point or None
        try:
            answers = self.ledger.append_many(batches)
        except CommitFailed:
            self.ledger.reopen()
            if point != "committed":
                return
        else:
            assert [type(answer) for answer in answers] == expected
        self.point = None
        self.changed |= {name for name in after if after[name] != self.bodies[name]}
        self.bodies = after

    @rule()
    def heads(self) -> None:
        receipt = self.ledger.commit_heads(time=NOVEMBER, actor="node")
        assert (receipt is not None) == bool(self.changed)
        self.nodes += receipt is not None
        self.changed.clear()

    @rule()
    def restart(self) -> None:
        self.ledger.close()
        self.ledger = self.opened()

    @rule()
    def reopen(self) -> None:
        self.ledger.reopen()

    @invariant()
    def everything_is_as_the_lists_say(self) -> None:
        report = self.ledger.verify()
        assert [log.log for log in report.logs] == ["", *sorted(self.bodies)]
        for log in report.logs:
            records = self.ledger.read(log.log, 0, log.size)
            entries = [record.entry for record in records]
            assert entries[: len(self.entries[log.log])] == self.entries[log.log]  # append-only
            self.entries[log.log] = entries
            signed = open_checkpoint(self.ledger.head(log.log).checkpoint, self.keys.verifier(log.log))
            assert (signed.size, signed.root) == (len(entries), root_over(entries))
            if log.log:
                assert [self.ledger.open_body(log.log, record) for record in records] == self.bodies[log.log]
                assert self.ledger.case_entries(log.log, "c") == list(range(len(entries)))
        assert report.logs[0].size == self.nodes

    def teardown(self) -> None:
        self.ledger.close()
        shutil.rmtree(self.place)


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
