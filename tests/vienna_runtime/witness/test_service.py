"""The witness without a socket: what it says in its log, and what it lists."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import trio
import trio.testing

from ledger.cosignature import Cosigner, cosigned_at, open_cosignatures
from transport.http import Request, Response
from vienna_runtime.witness.records import Records
from vienna_runtime.witness.service import LISTED, Witness

COSIGNER = Cosigner("witness.example/emil", b"\x05" * 32)
LEAVES = [b"%d" % number for number in range(30)]


@pytest.fixture
def log(grown: Any) -> Any:
    return grown("hofburg.example/belvedere", LEAVES)


@pytest.fixture
def witness(tmp_path: Path, log: Any) -> Witness:
    (tmp_path / "logs").mkdir()
    records = Records(tmp_path, COSIGNER.verifier)
    records.trust(log.signer.verifier)
    return Witness(COSIGNER, records, now=lambda: 1_700_000_000.9)


async def test_it_cosigns_at_the_second_of_its_own_clock(witness: Witness, log: Any) -> None:
    said = await witness.add_checkpoint(log.request(0, 7))
    (signature,) = open_cosignatures(log.text(7), said.body, [COSIGNER.verifier])
    assert cosigned_at(signature) == 1_700_000_000


async def test_a_thousand_wrong_proofs_are_one_line_in_its_log_and_a_wrong_size_is_none(witness: Witness, log: Any, grown: Any) -> None:
    fork = grown("hofburg.example/belvedere", [*LEAVES[:5], b"mallory's", *LEAVES[6:]])
    with structlog.testing.capture_logs() as lines:
        await witness.add_checkpoint(log.request(0, 20))
        for _ in range(50):
            assert (await witness.add_checkpoint(log.request(0, 7))).status == 409
            assert (await witness.add_checkpoint(fork.request(20, 25))).status == 422
    assert [line["event"] for line in lines] == ["not cosigned"]


async def test_what_was_cosigned_is_listed(witness: Witness, log: Any, mock_clock: trio.testing.MockClock) -> None:
    empty = json.loads((await witness.handle(Request(method="GET", target="/checkpoints"))).body)
    assert empty == {
        "witness": COSIGNER.verifier.text,
        "checkpoints": [{"origin": "hofburg.example/belvedere", "size": 0, "note": ""}],
    }
    said = await witness.add_checkpoint(log.request(0, 7))
    mock_clock.jump(LISTED)
    full = json.loads((await witness.handle(Request(method="GET", target="/checkpoints?x"))).body)
    assert full["checkpoints"][0]["note"] == (log.note(7) + said.body).decode()


async def test_a_list_is_made_once_a_second_and_outside_the_loop_however_many_ask(
    witness: Witness, log: Any, mock_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads, origins, answers = list[threading.Thread](), witness._records.origins, list[Response]()

    def noted() -> Iterator[str]:
        threads.append(threading.current_thread())
        return origins()

    async def ask() -> None:
        answers.append(await witness.handle(Request(method="GET", target="/checkpoints")))

    monkeypatch.setattr(witness._records, "origins", noted)
    for _ in range(2):
        async with trio.open_nursery() as nursery:
            for _ in range(100):
                nursery.start_soon(ask)
        mock_clock.jump(LISTED)
    assert (len(answers), {answer.status for answer in answers}, len(threads)) == (200, {200}, 2)
    assert threading.current_thread() not in threads


@pytest.mark.parametrize(
    ("method", "target", "status"), [("GET", "/add-checkpoint", 405), ("POST", "/checkpoints", 405), ("GET", "/", 404), ("POST", "/", 404)]
)
async def test_other_requests_are_turned_away(witness: Witness, method: str, target: str, status: int) -> None:
    assert (await witness.handle(Request(method=method, target=target))).status == status


async def test_damaged_keys_stop_that_log_and_say_nothing_to_the_peer(witness: Witness, log: Any, tmp_path: Path) -> None:
    (keys,) = (tmp_path / "logs").glob("*.keys")
    keys.write_text("nonsense\n")
    with structlog.testing.capture_logs() as lines:
        said = await witness.add_checkpoint(log.request(0, 7))
    assert (said.status, b"nonsense" in said.body) == (500, False)
    assert [line["log_level"] for line in lines] == ["error"]
