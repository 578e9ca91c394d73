"""Whoever asks without end, or knocks without end, is refused before anything is decided, and nobody else notices."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import trio

from actors.governance.codec import decode_node
from actors.governance.node_law import RefusalsCounted
from ledger import NODE
from ledger.header import parse
from tests.attacks.conftest import Raw, Stage
from transport.answers import Refused, Reply

PACED = b'[rates]\nprincipal = "20/s burst 40"\n[rates.calls]\npropose = "5/s burst 10"\n'


async def test_a_flood_of_proposals_is_refused_without_an_entry_and_its_neighbours_go_on(stage: Any) -> None:
    tenant = f"paced-{secrets.token_hex(3)}"
    bundle = {**stage.BUNDLE, "bundle.toml": PACED + stage.BUNDLE["bundle.toml"]}
    cast = [("ada", "agent", "ada", ("reader",), "anna"), ("mallory", "agent", "mallory", ("reader",), "anna")]
    await stage.found_tenant(tenant, bundle, [*cast, ("till", "executor", "till", (), None)])
    async with stage.cast("mallory", "ada", "anna", "till", tenant=tenant) as (mallory, ada, anna, till):
        await trio.sleep(1)  # everybody is rested
        before = (await anna.done("status"))["entries"]
        answers: list[Any] = []

        async def ask() -> None:
            answers.append(await mallory.ask("propose", **stage.wish("notes.read", run=secrets.token_hex(8))))

        async with trio.open_nursery() as nursery:
            for _ in range(200):
                nursery.start_soon(ask)
            granted = (await ada.done("propose", **stage.wish()))["warrant"]
        let_in = [answer for answer in answers if isinstance(answer, Reply)]
        refused = [answer for answer in answers if isinstance(answer, Refused)]
        assert len(let_in) + len(refused) == 200
        assert 10 <= len(let_in) < 100
        assert {answer.code for answer in refused} == {"rate_limited"}
        assert all(answer.retry_after and answer.retry_after > 0 for answer in refused)
        assert "nothing was decided" in refused[0].why
        run = (await till.done("redeem", **stage.redemption(granted)))["run"]
        await till.done("report", **till.member.receipt(granted, run))
        after = (await anna.done("status"))["entries"]
        assert after - before == 4 * len(let_in) + 6  # intent, verdict, warrant and run of each, and the neighbour's whole case
        await mallory.refused("case.cancel", case="none", reason="x")  # its other calls have what is left of its own rate


def test_an_address_that_knocks_too_often_is_closed_before_a_handshake_and_counted(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "node", environ={**os.environ, "VIENNA_LIMITS_ADDRESS_RATE": "3/h burst 3"}).found_node().serve()

    def comes_in(source: str) -> bool:
        try:
            raw: Raw = stage.raw(source)  # the TLS handshake
        except OSError:
            return False
        with raw:
            return True

    assert [comes_in("127.0.0.9") for _ in range(6)] == [True, True, True, False, False, False]
    assert comes_in("127.0.0.8")
    assert stage.end() == 0
    ledger = stage.ledger()
    try:
        records = ledger.read(NODE, 0, ledger.head(NODE).size)
        counted = [
            decode_node(RefusalsCounted.TAG, ledger.open_body(NODE, record))
            for record in records
            if parse(record.entry).tag == RefusalsCounted.TAG
        ]
    finally:
        ledger.close()
    assert counted == [RefusalsCounted((("127.0.0.9", "knocking", 3),))]
