"""A node and its witnesses, each in a process of its own: what is witnessed, and what they find when a disk forgot."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from actors.governance.codec import decode_node
from actors.governance.node_law import RollbackAccepted, WitnessRefused
from ledger import NODE, Ledger
from ledger.header import parse
from ledger.witness_policy import Policy
from vienna_runtime import config as configs
from vienna_runtime import credential as credentials
from vienna_runtime import founding
from vienna_runtime import node as node_module
from vienna_runtime.cli.main import run
from vienna_runtime.client import Refused, connect
from vienna_runtime.keystore import Keystore
from vienna_runtime.keystore_opener import opener_for
from vienna_runtime.ledger_keys import LedgerKeys
from vienna_runtime.secret import Secret

pytestmark = pytest.mark.slow

NAME = "hofburg.example"
ENVIRON = {name: value for name, value in os.environ.items() if not name.startswith("VIENNA_")}
PROGRAM = [sys.executable, "-m", "vienna_runtime.cli.main"]
PATIENCE = 60.0  # s on a busy machine for what takes a period of 0.2 s


def nobody(_what: str) -> Secret:
    raise AssertionError("no passphrase is asked for")


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@attrs.frozen
class Running:
    url: str
    key: str
    pid: int


@attrs.frozen
class House:
    directory: Path

    @property
    def node(self) -> Path:
        return self.directory / "node"

    @property
    def policy(self) -> Path:
        return self.node / "witnesses.policy"

    def witness_directory(self, name: str) -> Path:
        return self.directory / name

    @contextmanager
    def process(self, *words: str) -> Iterator[dict[str, Any]]:
        with (
            (self.directory / "log").open("ab") as log,
            subprocess.Popen([*PROGRAM, *words], stdout=subprocess.PIPE, stderr=log, env=ENVIRON) as process,
        ):
            try:
                assert process.stdout is not None
                yield {**json.loads(process.stdout.readline()), "process": process}
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(60)

    @contextmanager
    def witness(self, name: str, port: int = 0, *more: str) -> Iterator[Running]:
        directory = self.witness_directory(name)
        if not directory.exists():
            assert run(["witness", "init", str(directory), "--name", f"{name}.example", "--unsealed"]) == 0
        with self.process("witness", "serve", str(directory), "--listen", f"127.0.0.1:{port}", "--json", *more) as said:
            yield Running(said["ready"], said["key"], said["pid"])

    def write_policy(self, quorum: str, **witnesses: Running) -> None:
        lines = [f"witness {name} {found.key} {found.url}" for name, found in witnesses.items()]
        self.policy.write_text("\n".join([*lines, f"group all {quorum} {' '.join(witnesses)}", "quorum all"]) + "\n")

    def trust(self, *names: str, logs: tuple[str, ...] = ("", "belvedere")) -> None:
        with self.keys() as keys:
            texts = [keys.verifier(log).text for log in logs]
        for name in names:
            assert run(["witness", "add-log", str(self.witness_directory(name)), *texts]) == 0

    @contextmanager
    def served(self, *more: str) -> Iterator[Callable[..., dict[str, Any]]]:
        with self.process("serve", str(self.node), "--listen", "127.0.0.1:0", "--json", *more) as said:
            credential = ["--credential", str(self.node / "operator.vienna"), "--address", said["ready"], "--json"]

            def hand(*words: str) -> dict[str, Any]:
                answered = subprocess.run([*PROGRAM, *credential, *words], capture_output=True, text=True, env=ENVIRON, timeout=120)
                assert answered.returncode == 0, answered.stderr
                found: dict[str, Any] = json.loads(answered.stdout.splitlines()[-1])
                return found

            yield hand

    def refused(self, *more: str) -> str:
        command = [*PROGRAM, "serve", str(self.node), "--listen", "127.0.0.1:0", *more]
        ended = subprocess.run(command, capture_output=True, text=True, env=ENVIRON, timeout=120)
        assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
        return ended.stderr

    def found_tenant(self, hand: Callable[..., Any], tenant: str = "belvedere") -> None:
        invitation = self.directory / f"{tenant}.invitation"
        hand("tenant", "create", tenant, "--admin", "rosa", "--person", "Rosa", "-o", str(invitation))

    @contextmanager
    def keys(self) -> Iterator[LedgerKeys]:
        config = configs.load(self.node, environ={})
        yield LedgerKeys(Keystore.open(config.keystore, opener_for(config.keystore, key_file=config.key_file, ask=lambda: nobody(""))))

    @contextmanager
    def opened(self) -> Iterator[Ledger]:
        with self.keys() as keys:
            ledger = Ledger.open(self.node / "ledger", node=NAME, keys=keys)
            try:
                yield ledger
            finally:
                ledger.close()

    def events(self, kind: type) -> list[Any]:
        with self.opened() as ledger:
            records = ledger.read(NODE, 0, ledger.head(NODE).size)
            return [decode_node(kind.TAG, ledger.open_body(NODE, r)) for r in records if parse(r.entry).tag == kind.TAG]  # type: ignore[attr-defined]


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path)
    wanted = founding.Wanted(
        directory=made.node, node=NAME, operator="operator", host="127.0.0.1", port=0, insecure_dev_keys=True, ask=nobody
    )
    founding.found(wanted, {})
    return made


@pytest.fixture
def settled(house: House) -> House:
    """With belvedere founded, and the witnesses' policy in the settings."""
    with house.served() as hand:
        house.found_tenant(hand)
    with (house.node / configs.FILE).open("a") as file:
        file.write('\n[witness]\npolicy = "witnesses.policy"\nperiod = "200ms"\n')
    text = (house.node / configs.FILE).read_text()
    if text.count("[witness]") == 2:  # the template has the section, with everything commented out
        (house.node / configs.FILE).write_text(text.replace("\n[witness]\n", "\n", 1))
    return house


def witnessed(status: dict[str, Any], tenant: str = "belvedere") -> tuple[int, int]:
    (line,) = (line for line in status["tenants"] if line["tenant"] == tenant)
    return line["witnessed"], line["entries"]


def all_witnessed(hand: Callable[..., Any]) -> bool:
    status = hand("status")
    seen, size = witnessed(status)
    return bool(seen == size and status["log"]["witnessed"] == status["log"]["entries"])


def test_everything_is_witnessed_within_a_few_periods_and_kept_for_an_auditor(settled: House) -> None:
    with ExitStack() as stack:
        running = {name: stack.enter_context(settled.witness(name)) for name in ("emil", "fritz", "gustav")}
        settled.write_policy("2", **running)
        settled.trust(*running)
        with settled.served() as hand:
            until(lambda: all_witnessed(hand))
            hand("tenant", "suspend", "belvedere", "--reason", "something more")
            until(lambda: all_witnessed(hand))
    policy = Policy.parse(settled.policy.read_bytes())
    with settled.opened() as ledger, settled.keys() as keys:
        note = ledger.witnessed("belvedere")
        assert note is not None
        seen = policy.require(note, [keys.verifier("belvedere")])
        assert seen.checkpoint.size == ledger.head("belvedere").size - 1  # the snapshot of stopping came after
        assert abs(seen.since - time.time()) < 600
    with settled.served() as hand:  # and remembered, with nobody there to ask
        assert witnessed(hand("status"))[0] == seen.checkpoint.size


def test_a_witness_that_is_away_delays_nobody_and_comes_back(settled: House) -> None:
    with ExitStack() as stack:
        running = {name: stack.enter_context(settled.witness(name)) for name in ("emil", "fritz")}
        away = ExitStack()
        running["gustav"] = away.enter_context(settled.witness("gustav"))
        settled.write_policy("2", **running)
        settled.trust(*running)
        away.close()
        with settled.served() as hand:
            until(lambda: all_witnessed(hand))
            reached = {"emil": True, "fritz": True, "gustav": False}
            until(lambda: {one["witness"]: one["reached"] for one in hand("status")["witnesses"]["asked"]} == reached)
            stack.enter_context(settled.witness("gustav", int(running["gustav"].url.rpartition(":")[2])))
            until(lambda: all(one["reached"] for one in hand("status")["witnesses"]["asked"]))


def test_a_witness_is_asked_over_tls_by_the_authorities_of_the_settings(settled: House) -> None:
    tls = settled.node / "tls"
    with settled.witness("emil", 0, "--tls-cert", str(tls / "server.pem"), "--tls-key", str(tls / "server.key")) as emil:
        assert emil.url.startswith("https://127.0.0.1:")
        settled.write_policy("all", emil=emil)
        settled.trust("emil")
        with settled.served() as hand:  # the system's authorities do not vouch for it
            until(lambda: "not asked yet" not in hand("status")["witnesses"]["asked"][0]["why"])
            assert not hand("status")["witnesses"]["asked"][0]["reached"]
        file = settled.node / configs.FILE
        file.write_text(file.read_text().replace('period = "200ms"', 'period = "200ms"\nca = "tls/authority.pem"'))
        with settled.served() as hand:
            until(lambda: all_witnessed(hand))


def test_below_the_quorum_nothing_is_witnessed(settled: House) -> None:
    with settled.witness("emil") as emil, settled.witness("fritz") as fritz:
        settled.write_policy("all", emil=emil, fritz=fritz)
        settled.trust("emil")  # fritz was told nothing of these logs
        with settled.served() as hand:
            until(lambda: {one["witness"]: one for one in hand("status")["witnesses"]["asked"]}["fritz"]["unknown_logs"] == 2)
            assert witnessed(hand("status"))[0] == 0
            settled.trust("fritz")
    with settled.opened() as ledger:
        assert ledger.witnessed("belvedere") is None


def test_an_old_copy_is_not_served_though_the_note_of_how_far_it_came_is_as_old(settled: House, tmp_path: Path) -> None:
    """Whoever can put back the ledger can put back the watermark; the witness's disk is another's."""
    with settled.witness("emil") as emil:
        settled.write_policy("all", emil=emil)
        settled.trust("emil")
        with settled.served() as hand:
            until(lambda: all_witnessed(hand))
        copies = [(settled.node / name, tmp_path / f"old-{name}") for name in ("ledger", "watermark")]
        shutil.copytree(*copies[0])
        shutil.copy(*copies[1])
        with settled.served() as hand:
            hand("tenant", "suspend", "belvedere", "--reason", "what will be denied")
            until(lambda: all_witnessed(hand))
        shutil.rmtree(copies[0][0])
        shutil.copytree(copies[0][1], copies[0][0])
        shutil.copy(copies[1][1], copies[1][0])
        said = settled.refused()
        assert "the witness emil has cosigned" in said
        # the tenant's log grew first; the node's own has grown too where it had committed to that before it was stopped
        assert re.search(r"of (the node's own log|the log of belvedere), which ends after", said)
        assert "--accept-rollback REASON" in said
        with settled.served("--accept-rollback", "a test went back") as hand:
            hand("status")
            until(lambda: hand("status")["witnesses"]["refused"])
        (event,) = settled.events(RollbackAccepted)
        assert "the witness emil has cosigned" in event.found
        with settled.served() as hand:  # accepted once is accepted, though emil remembers it for ever
            until(lambda: any("belvedere" in one for one in hand("status")["witnesses"]["refused"]))
        refused = {(event.witness, event.log): event for event in settled.events(WitnessRefused)}
        # The node's own log is refused too where emil saw it grow before the node was stopped.  By now it, in which the acceptance
        # stands, may have outgrown what emil saw: then it is forked.
        assert ("emil", "belvedere") in refused
        assert set(refused) <= {("emil", "belvedere"), ("emil", "")}
        assert {event.what for event in refused.values()} <= {"rolled back", "forked"}


def test_a_forked_log_is_not_served_and_found_while_running(settled: House, tmp_path: Path) -> None:
    with settled.witness("emil") as emil:
        settled.write_policy("all", emil=emil)
        settled.trust("emil")
        common = Path(shutil.copytree(settled.node, tmp_path / "common"))
        with settled.served() as hand:
            hand("tenant", "suspend", "belvedere", "--reason", "one history")
            until(lambda: all_witnessed(hand))
            cosigned = hand("status")["log"]["entries"]
        shutil.rmtree(settled.node)
        shutil.copytree(common, settled.node)
        policy = settled.policy.read_text()
        settled.policy.write_text("quorum none\n")
        with settled.served() as hand:  # mallory asks no witness, and writes more than the true node had
            for _ in range(3):
                hand("tenant", "suspend", "belvedere", "--reason", "another history")
                hand("tenant", "resume", "belvedere", "--reason", "and a longer one")
            until(lambda: hand("status")["log"]["entries"] >= cosigned)  # the node's own log has committed to it
        settled.policy.write_text(policy)
        said = settled.refused()
        assert "the witness emil has cosigned another history of the log of belvedere than the one here" in said


def test_a_policy_that_cannot_be_read_is_told_with_its_line(settled: House) -> None:
    settled.policy.write_text("witness emil\nquorum emil\n")
    assert "line 1: write: witness NAME VKEY [URL]" in settled.refused()
    settled.policy.unlink()
    assert "there is no such file" in settled.refused()


def test_silent_witnesses_do_not_keep_a_node_from_starting(settled: House) -> None:
    with settled.witness("emil") as emil:
        settled.write_policy("all", emil=emil)
    with settled.served() as hand:
        (asked,) = hand("status")["witnesses"]["asked"]
        assert (asked["witness"], asked["reached"]) == ("emil", False)


def verified(house: House, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict[str, Any]]:
    with house.keys() as keys:
        key = keys.verifier(NODE).text
    capsys.readouterr()
    code = run(["verify", str(house.node), "--key", key, "--json", *more])
    said = capsys.readouterr()
    found: dict[str, Any] = json.loads((said.out if code == 0 else said.err).splitlines()[-1])
    return code, found


def test_verify_demands_what_a_policy_says_and_tells_how_much_came_after(settled: House, capsys: pytest.CaptureFixture[str]) -> None:
    with settled.witness("emil") as emil, settled.witness("fritz") as fritz:
        settled.write_policy("all", emil=emil)
        settled.trust("emil", "fritz")
        with settled.served() as hand:
            until(lambda: all_witnessed(hand))
            status = hand("status")
        code, found = verified(settled, capsys, "--policy", str(settled.policy))
        assert code == 0
        logs = {log["log"]: log for log in found["witnessed"]}
        assert logs["belvedere"]["size"] == witnessed(status)[0]
        assert logs["belvedere"]["beyond"] == 1  # the snapshot of stopping
        assert abs(logs["belvedere"]["times"]["emil"] - time.time()) < 600
        stricter = settled.directory / "stricter.policy"
        stricter.write_text(
            settled.policy.read_text().replace("group", f"witness fritz {fritz.key}\ngroup").replace("emil\nquorum", "emil fritz\nquorum")
        )
        code, found = verified(settled, capsys, "--policy", str(stricter))
        assert (code, "was cosigned by emil; the quorum all is not met" in found["error"]["why"]) == (3, True)
        assert verified(settled, capsys)[0] == 0  # without a policy it is nobody's question


def test_what_was_witnessed_before_a_key_took_over_is_no_fault_to_who_knows_only_the_newest(settled: House) -> None:
    policy = ["--policy", str(settled.policy), "--lag", "1h"]
    with settled.witness("emil") as emil:
        settled.write_policy("all", emil=emil)
        settled.trust("emil")
        with settled.served() as hand:
            until(lambda: all_witnessed(hand))
    credential = settled.node / "operator.vienna"
    with settled.served() as hand:  # and nobody is there to cosign it again
        before, after = hand("whoami")["node"], hand("keys", "rotate", "--compromised")["verifier"]
        assert before in credential.read_text()
        credential.write_text(credential.read_text().replace(before, after))
        for more in ([], policy):
            assert hand("tail", "--verify", *more)["verified"]["log"] == after


async def test_a_client_waits_until_what_it_did_is_witnessed(settled: House) -> None:
    with settled.witness("emil") as emil:
        settled.write_policy("all", emil=emil)
        settled.trust("emil")
        with settled.process("serve", str(settled.node), "--listen", "127.0.0.1:0", "--json") as said:
            who = attrs.evolve(credentials.read(settled.node / "operator.vienna", ask=lambda: nobody("")), address=said["ready"])
            async with connect(who) as vienna:
                size = (await vienna.status())["log"]["entries"]
                assert await vienna.witnessed(size=size, timeout=PATIENCE) >= size
                with pytest.raises(Refused, match="are waited for") as late:
                    await vienna.witnessed(size=10**6, timeout=0.2)
                assert late.value.code == "busy"


class Falling:
    """A collector that cannot live."""

    given_up = ""

    async def run(self, *, task_status: Any) -> None:
        task_status.started()
        await trio.lowlevel.checkpoint()
        raise ValueError("a bug in it")


async def test_a_collector_that_keeps_falling_takes_nobody_with_it(autojump_clock: trio.testing.MockClock) -> None:
    collector: Any = Falling()
    node: Any = SimpleNamespace(witnesses=collector, ports=SimpleNamespace(jitter=lambda: 0.0))
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda *, task_status: node_module._witnesses(node, task_status=task_status))
        await trio.sleep(1_000)
        assert "it fell too often" in collector.given_up
        nursery.cancel_scope.cancel()
