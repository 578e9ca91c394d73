"""A node under load meets one misfortune after the other: a few seconds of what ``vienna selftest chaos`` does for minutes."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
import trio

from vienna_runtime.cli.main import run
from vienna_runtime.selftest import chaos
from vienna_runtime.selftest.chaos import CUT, FULL, KILL, PAUSE, SILENCE, Chaos
from vienna_runtime.selftest.load import Acknowledged
from vienna_runtime.selftest.valve import Valve


@pytest.mark.slow
def test_nothing_that_was_acknowledged_is_lost() -> None:
    found = chaos.run(minutes=0.01, seed=2, pauses=(0.05, 0.2), lasting=(0.1, 0.3))
    assert found.wrong == []
    assert found.faults.keys() >= {KILL, PAUSE, CUT, SILENCE}
    assert (FULL in found.faults) is not bool(found.not_tried)
    assert all(found.recoveries[fault] for fault in found.faults)
    assert found.cases > 50
    assert found.entries > 4 * found.cases


def test_what_is_missing_or_other_than_it_was_acknowledged_is_named() -> None:
    said = Acknowledged(cases={"k1": "c1", "k2": "c2", "k3": "c3"}, reports={"r1", "r2"}, answer_lost={"r3", "r4"})
    assert chaos.missing(said, {"k1": "c1", "k2": "c2", "k3": "c3", "k4": "c4"}, {"r1", "r2", "r3", "r4", "r5"}) == []
    assert chaos.missing(said, {"k1": "c1", "k2": "another"}, {"r1", "r4"}) == ["k2", "k3", "r2", "r3"]


def test_what_is_lost_ends_with_1_and_its_key(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    found = Chaos(lost=["full-1"], recoveries={KILL: [2.0, 1.0, 9.0]}, cases=5)
    monkeypatch.setattr(chaos, "run", lambda **_: found)
    assert run(["selftest", "chaos", "--minutes", "1", "--seed", "4", "--in", str(tmp_path), "--json"]) == 1
    said = capsys.readouterr()
    assert "1 acknowledged are lost: full-1" in said.err
    assert [json.loads(said.out)[name] for name in ("p50", "p99", "seed")] == [2.0, 9.0, 4]


@pytest.mark.parametrize(("percent", "value"), [(50, 2.0), (99, 4.0), (100, 4.0), (1, 1.0)])
def test_a_percentile_is_a_value_that_was_seen(percent: int, value: float) -> None:
    assert chaos.percentile([1.0, 2.0, 3.0, 4.0], percent) == value
    assert chaos.percentile([], percent) == 0.0


async def _echo(stream: trio.SocketStream) -> None:
    async for part in stream:
        await stream.send_all(part)


async def test_a_wire_is_held_lets_one_piece_pass_and_is_cut() -> None:
    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, _echo, 0, host="127.0.0.1"))
        valve = Valve(listener.socket.getsockname())
        await nursery.start(valve.run)
        host, _, port = valve.address.rpartition(":")
        with trio.fail_after(60):
            async with await trio.open_tcp_stream(host, int(port)) as stream:
                await stream.send_all(b"a")
                assert await stream.receive_some(1) == b"a"
                valve.down.hold()
                await stream.send_all(b"b")
                await valve.down.waiting.wait()
                valve.down.let_one_pass()
                assert await stream.receive_some(1) == b"b"
                await stream.send_all(b"c")
                await valve.down.waiting.wait()
                valve.down.release()
                assert await stream.receive_some(1) == b"c"
                valve.cut()
                assert await stream.receive_some(1) == b""
        nursery.cancel_scope.cancel()
