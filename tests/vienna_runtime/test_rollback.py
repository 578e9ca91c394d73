"""A node in processes of its own, whose ledger is put back, exchanged, or ahead of what was noted of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest

from actors.governance.codec import decode_node
from actors.governance.node_law import RollbackAccepted
from ledger import NODE, Ledger
from ledger.header import parse
from vienna_runtime import config as configs
from vienna_runtime import founding
from vienna_runtime.cli.main import run
from vienna_runtime.keystore import Keystore
from vienna_runtime.keystore_opener import opener_for
from vienna_runtime.ledger_keys import LedgerKeys
from vienna_runtime.secret import Secret
from vienna_runtime.watermark import Watermark

NAME = "hofburg.example"
ENVIRON = {name: value for name, value in os.environ.items() if not name.startswith("VIENNA_")}


def nobody(_what: str) -> Secret:
    raise AssertionError("no passphrase is asked for")


@attrs.frozen
class House:
    node: Path

    @property
    def ledger(self) -> Path:
        return self.node / "ledger"

    @property
    def watermark(self) -> Path:
        return self.node / "watermark"

    def command(self, *more: str) -> list[str]:
        return [sys.executable, "-m", "vienna_runtime.cli.main", "serve", str(self.node), "--listen", "127.0.0.1:0", "--json", *more]

    @contextmanager
    def served(self, *more: str, end: signal.Signals = signal.SIGTERM) -> Iterator[Callable[..., int]]:
        """Yields the operator's hand: one command at the running node."""
        with subprocess.Popen(self.command(*more), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENVIRON) as server:
            try:
                assert server.stdout is not None
                address = json.loads(server.stdout.readline())["ready"]
                credential = ["--credential", str(self.node / "operator.vienna"), "--address", address, "--json"]
                yield lambda *words: run([*credential, *words])
            finally:
                server.send_signal(end)
                server.wait(60)

    def refused(self, *more: str) -> str:
        ended = subprocess.run(self.command(*more), capture_output=True, text=True, env=ENVIRON, timeout=120)
        assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
        return ended.stderr

    def found(self, hand: Callable[..., int], tenant: str) -> None:
        assert hand("tenant", "create", tenant, "--admin", "rosa", "--person", "Rosa", "-o", str(self.node / f"{tenant}.invitation")) == 0

    @contextmanager
    def opened(self) -> Iterator[Ledger]:
        config = configs.load(self.node, environ={})
        keystore = Keystore.open(config.keystore, opener_for(config.keystore, key_file=config.key_file, ask=lambda: nobody("")))
        ledger = Ledger.open(config.ledger, node=NAME, keys=LedgerKeys(keystore))
        try:
            yield ledger
        finally:
            ledger.close()

    def accepted(self) -> list[RollbackAccepted]:
        with self.opened() as ledger:
            records = ledger.read(NODE, 0, ledger.head(NODE).size)
            found = [
                decode_node(parse(r.entry).tag, ledger.open_body(NODE, r)) for r in records if parse(r.entry).tag == RollbackAccepted.TAG
            ]
        return [event for event in found if isinstance(event, RollbackAccepted)]

    def put_back(self, copy: Path) -> None:
        shutil.rmtree(self.ledger)
        shutil.copytree(copy, self.ledger)


@pytest.fixture
def house(tmp_path: Path) -> House:
    node = tmp_path / "node"
    wanted = founding.Wanted(directory=node, node=NAME, operator="operator", host="127.0.0.1", port=0, insecure_dev_keys=True, ask=nobody)
    founding.found(wanted, {})
    return House(node)


def test_an_old_copy_of_the_ledger_is_not_served_until_somebody_answers_for_it(house: House, tmp_path: Path) -> None:
    with house.served() as hand:
        house.found(hand, "belvedere")
    old = Path(shutil.copytree(house.ledger, tmp_path / "old"))
    with house.served() as hand:
        house.found(hand, "schoenbrunn")
        assert hand("tenant", "suspend", "belvedere", "--reason", "a test") == 0
    released = Watermark.read(house.watermark, NAME).marks
    house.put_back(old)
    said = house.refused()
    assert "the log of belvedere ends after" in said
    assert f"it must have at least {released['belvedere'].size} entries, with the root {released['belvedere'].root.hex()[:16]}" in said
    assert "the log of schoenbrunn is missing" in said
    assert "the node's own log ends after" in said
    assert f"vienna serve {house.node} --accept-rollback REASON" in said
    assert house.refused() == said  # and being refused changes nothing
    with house.served("--accept-rollback", "the new disk died") as hand:
        assert hand("status") == 0
    (event,) = house.accepted()
    assert event.reason == "the new disk died"
    assert {name: (size, root) for name, size, root, _, _ in event.logs} == {n: (mark.size, mark.root) for n, mark in released.items()}
    assert {name: size for name, _, _, size, _ in event.logs}["schoenbrunn"] == 0
    with house.served() as hand:  # from here on it is the ledger that was released
        assert hand("status") == 0


def test_a_forked_ledger_is_not_served_though_it_is_longer(house: House, tmp_path: Path) -> None:
    with house.served() as hand:
        house.found(hand, "belvedere")
    common = Path(shutil.copytree(house.ledger, tmp_path / "common"))
    with house.served() as hand:
        assert hand("tenant", "suspend", "belvedere", "--reason", "one history") == 0
    released = house.watermark.read_bytes()
    house.put_back(common)
    (house.node / "aside").mkdir()
    house.watermark.rename(house.node / "aside" / "watermark")
    with house.served("--accept-rollback", "mallory makes another history") as hand:
        assert hand("tenant", "suspend", "belvedere", "--reason", "another history") == 0
        assert hand("tenant", "resume", "belvedere", "--reason", "and a longer one") == 0
    house.watermark.write_bytes(released)
    said = house.refused()
    assert "the log of belvedere is another one: at the size" in said
    assert "ends after" not in said


def test_a_node_killed_between_a_commit_and_the_note_of_it_starts(house: House) -> None:
    with house.served() as hand:
        house.found(hand, "belvedere")
    before = house.watermark.read_bytes()
    with house.served(end=signal.SIGKILL) as hand:
        assert hand("tenant", "suspend", "belvedere", "--reason", "a test") == 0
    house.watermark.write_bytes(before)  # as if the commit had been the last thing that happened
    with house.served() as hand:
        assert hand("status") == 0
    with house.opened() as ledger:
        assert Watermark.read(house.watermark, NAME).marks["belvedere"].size == ledger.head("belvedere").size


def test_what_is_released_is_noted_within_a_second_while_the_node_runs(house: House) -> None:
    with house.served(end=signal.SIGKILL) as hand:
        house.found(hand, "belvedere")
        deadline = time.monotonic() + 60  # the promise is a second; a busy machine gets a minute
        while "belvedere" not in Watermark.read(house.watermark, NAME).marks:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    with house.served() as hand:
        assert hand("status") == 0


def test_a_torn_note_falls_back_to_the_one_before(house: House, tmp_path: Path) -> None:
    empty = Path(shutil.copytree(house.ledger, tmp_path / "empty"))
    with house.served() as hand:
        house.found(hand, "belvedere")
    whole = house.watermark.read_bytes()
    for half in (0, len(whole) // 2):
        torn = bytearray(whole)
        torn[half + 40] ^= 0xFF
        house.watermark.write_bytes(torn)
        with house.served() as hand:
            assert hand("status") == 0
    house.put_back(empty)
    assert "the log of belvedere is missing" in house.refused()


@pytest.mark.parametrize("loss", ["missing", "damaged"])
def test_without_the_note_nothing_is_served_until_somebody_answers_for_it(house: House, loss: str) -> None:
    if loss == "missing":
        house.watermark.unlink()
    else:
        house.watermark.write_bytes(bytes(8192))
    said = house.refused()
    assert "it is not known whether the ledger" in said
    assert "--accept-rollback REASON" in said
    with house.served("--accept-rollback", "it lay on the disk that died") as hand:
        assert hand("status") == 0
    (event,) = house.accepted()
    assert (event.reason, event.logs) == ("it lay on the disk that died", ())


def test_nothing_is_accepted_where_nothing_is_wrong(house: House) -> None:
    """Or the option would stand in a start script, and accept whatever comes."""
    assert "there is no rollback to accept" in house.refused("--accept-rollback", "to be safe")
    assert house.accepted() == []


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "x" * 1001])
def test_a_rollback_is_not_accepted_without_a_reason(house: House, reason: str) -> None:
    house.watermark.unlink()
    assert "--accept-rollback takes a reason" in house.refused("--accept-rollback", reason)


def test_a_ledger_that_is_gone_is_not_founded_anew(house: House) -> None:
    shutil.rmtree(house.ledger)
    assert "the node's own log ends after 0" in house.refused()
