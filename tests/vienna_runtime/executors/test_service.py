"""An executor at a node that lives in memory: what it does, what it refuses, and what it says after a crash."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
import trio.testing
from nacl.signing import SigningKey

from actors.governance import receipt as receipts
from actors.governance import warrant as warrants
from actors.governance.canonical import digest
from actors.governance.intent import args_digest
from actors.governance.receipt import Receipt
from actors.governance.signing import Purpose, signed_bytes, verifies
from actors.governance.warrant import Warrant
from ledger import admission, canonical, rotation
from ledger.admission import Admission as LogAdmission
from ledger.checkpoint import Checkpoint
from ledger.entry import Draft
from ledger.header import FIRST, pack
from ledger.note import NoteSigner, VerifierKey, compose
from ledger.rotation import Kind, Rotation
from ledger.tree import leaf_hash, node_hash
from transport.connection import Connection
from transport.errors import ConnectionClosed
from transport.gate import Admission
from transport.memory import MemoryServer, serve_in_memory
from vienna_runtime.executors.deed import run_id
from vienna_runtime.executors.errors import NotServing
from vienna_runtime.executors.identity import Identity
from vienna_runtime.executors.journal import open_journal
from vienna_runtime.executors.means import NOTHING, Done, Outcome, Succeeded, Work
from vienna_runtime.executors.service import Executor
from vienna_runtime.secret import Secret

NOW = 1_800_000_000_000_000
ISSUER = SigningKey(b"i" * 32)
WORKSHOP = SigningKey(b"w" * 32)
SIGNER = NoteSigner("vienna.example", b"n" * 32)
NODE_KEY = SIGNER.verifier
LOG_KEY = VerifierKey("vienna.example/belvedere", bytes(SigningKey(b"l" * 32).verify_key))
WHO = Identity(tenant="belvedere", member="workshop", node_key=NODE_KEY.text, seed=Secret(b"w" * 32))


def key_chain(issuers: Sequence[SigningKey], *, compromised: bool = False) -> dict[str, Any]:
    """The node's log as far as it is about keys: an admission, and the rotations from each issuer to the next."""
    publics = [admission.compose(LogAdmission("belvedere", LOG_KEY, 1), canonical.encode({"issuer": bytes(issuers[0].verify_key)}))]
    for old, new in pairwise(issuers):
        change = Rotation(
            kind=Kind.ISSUER,
            log="belvedere",
            origin=LOG_KEY.name,
            previous=bytes(old.verify_key),
            key=bytes(new.verify_key),
            size=0,
            compromised=compromised and new is issuers[-1],
        )
        publics.append(rotation.compose(change, by_previous=signing(old), by_key=signing(new)))
    entries, previous = [], FIRST
    for sequence, public in enumerate(publics):
        tag = admission.TAG if sequence == 0 else rotation.TAG
        entries.append(pack(Draft(tag, 1, "operator", b"", public=public), "", sequence, previous, bytes(32)))
        previous = leaf_hash(entries[-1])
    hashes = [leaf_hash(entry) for entry in entries]
    assert len(hashes) <= 2  # so that each is the other's proof
    root = hashes[0] if len(hashes) == 1 else node_hash(*hashes)
    text = Checkpoint(NODE_KEY.name, len(hashes), root).text()
    shown = [{"entry": entry, "proof": [other for other in hashes if other != leaf_hash(entry)]} for entry in entries]
    return {"checkpoint": compose(text, [SIGNER.sign(text.encode())]), "entries": shown}


def signing(key: SigningKey) -> Callable[[bytes], bytes]:
    return lambda message: key.sign(message).signature


class Node:
    """Keeps runs and receipts as the law does, as far as an executor can tell; ``lose`` answers that many calls with silence."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.runs: dict[str, bytes] = {}
        self.receipts: dict[str, bytes] = {}
        self.redeemed = 0
        self.reports = 0
        self.lose = 0
        self.unwitnessed: list[int | None] = []  # when to ask again, for each redemption that is refused so
        self.deaf = False  # takes receipts in and never says so
        self.kind = "executor"
        self.issuers = [ISSUER]  # each took over from the one before
        self.compromised = False  # whether the last but one was given up so
        self.inboxes: list[tuple[Connection, int]] = []
        self.heard = trio.Event()
        self.states: list[bytes | None] = []  # of the target, as each redemption names it

    async def admit(self, bearer: str | None, remote: str) -> Admission:
        return Admission(principal="workshop", public_key=bytes(WORKSHOP.verify_key), identity=bearer)

    async def attend(self, connection: Connection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                for message in await connection.receive():
                    if message["t"] in ("credit", "cease"):
                        continue
                    answer = self.answer(message)
                    if self.deaf and message["t"] == "report":
                        continue
                    if self.lose and message["t"] in ("redeem", "report"):
                        self.lose -= 1
                        return
                    connection.post({"id": message["id"], **answer})
                    if message["t"] == "inbox":
                        self.inboxes.append((connection, message["id"]))
                        for item in self.items:
                            connection.post({"t": "event", "sub": message["id"], "at": 0, "value": item})

    def say(self, item: dict[str, Any]) -> None:
        connection, number = self.inboxes[-1]
        connection.post({"t": "event", "sub": number, "at": 0, "value": item})

    def answer(self, message: Mapping[str, Any]) -> dict[str, Any]:
        match message["t"]:
            case "whoami":
                return {"t": "reply", "value": {"tenant": "belvedere", "member": "workshop", "kind": self.kind}}
            case "keys.chain":
                return {"t": "reply", "value": key_chain(self.issuers, compromised=self.compromised)}
            case "redeem":
                self.redeemed += 1
                self.states.append(message["state_digest"])
                if self.unwitnessed:
                    after = self.unwitnessed.pop(0)
                    return {"t": "refused", "code": "not_witnessed", "why": "…"} | ({} if after is None else {"retry_after": after})
                run, repeated = message["run"], message["run"] in self.runs
                if not repeated and message["warrant"] in self.runs.values():
                    return {"t": "refused", "code": "warrant_over", "why": "it is used up"}
                self.runs[run] = message["warrant"]
                return {"t": "reply", "value": {"case": "c1", "run": run} | ({"repeated": True} if repeated else {})}
            case "report":
                told = receipts.unverified_unpack(message["receipt"])
                assert verifies(Purpose.RECEIPT, bytes(WORKSHOP.verify_key), message["receipt"], message["signature"])
                if told.run not in self.runs:
                    return {"t": "refused", "code": "unknown", "why": "there is no such run for you"}
                assert self.receipts.setdefault(told.run, message["receipt"]) == message["receipt"]
                self.reports += 1
                self.heard.set()
                self.heard = trio.Event()
                return {"t": "reply", "value": {"case": "c1", "run": told.run}}
            case _:
                return {"t": "reply", "value": {}}

    async def receipt(self, reports: int = 1) -> Receipt:
        """The newest, once there were so many reports."""
        with trio.fail_after(60):
            while self.reports < reports:
                await self.heard.wait()
        return receipts.unverified_unpack(list(self.receipts.values())[-1])


@attrs.define
class Hands:
    """A means that counts its deeds; ``stuck`` never ends one by itself."""

    deeds: int = 0
    stuck: bool = False
    now: bytes | None = None  # what the target is
    done_on: list[bytes | None] = attrs.Factory(list)
    began: trio.Event = attrs.Factory(trio.Event)

    async def execute(self, work: Work) -> Outcome:
        self.deeds += 1
        self.done_on.append(work.state)
        self.began.set()
        if self.stuck:
            await trio.sleep_forever()
        done = Done(action=work.action, resource=work.resource, params=work.params)
        return Succeeded(done=done, result=b"ok", result_digest=NOTHING, evidence={}, cost=0, started=NOW, ended=NOW)

    async def state(self, work: Work) -> bytes | None:
        return self.now


def granted(*, holder: SigningKey = WORKSHOP, issuer: SigningKey = ISSUER, life: int = 60_000_000, **other: Any) -> dict[str, Any]:
    terms: dict[str, Any] = {
        "tenant": "belvedere", "warrant": "w1", "case": "c1", "agent": "ada", "executor": "workshop", "holder": bytes(holder.verify_key),
        "action": "file.write", "resource": "repo/vienna", "params": {"path": "a"}, "intent": b"i" * 32, "effect": "e" * 32,
        "state_digest": None, "tier": "T0", "approvals": (), "envelopes": (), "bundle": b"b" * 32, "verify": {}, "not_before": NOW,
        "expires_at": NOW + life, "uses": 1, "cost_cap": None, "constraints": {},
    }  # fmt: skip
    fields = warrants.pack(Warrant(**(terms | other)))
    return {
        "kind": "warrant",
        "fields": fields,
        "signature": issuer.sign(signed_bytes(Purpose.WARRANT, fields)).signature,
        "mac": b"m" * 32,
    }


@contextlib.asynccontextmanager
async def served(node: Node) -> AsyncIterator[MemoryServer]:
    async with serve_in_memory(gate=node, handle=node.attend, origin="vienna.example") as server:
        yield server


@contextlib.asynccontextmanager
async def working(server: MemoryServer, journal: Path, hands: Hands) -> AsyncIterator[Executor]:
    """An executor that serves during the block and is cut off at its end, as by a crash."""
    with open_journal(journal, now=NOW) as kept:
        executor = Executor(who=WHO, dial=dialling(server), means=hands, journal=kept, concurrency=2, now=lambda: NOW, pause=0.001)
        async with trio.open_nursery() as nursery:
            await nursery.start(executor.run)
            yield executor
            nursery.cancel_scope.cancel()


def dialling(server: MemoryServer) -> Callable[[], Any]:
    return lambda: server.connect(bearer="vk", sign=lambda data: WORKSHOP.sign(data).signature, origin="vienna.example")


async def test_what_is_reported_is_what_the_means_said_was_done(tmp_path: Path) -> None:
    node, hands = Node(), Hands()
    item = granted()
    node.items.append(item)
    async with served(node) as server, working(server, tmp_path / "j", hands):
        told = await node.receipt()
    assert (told.outcome, told.run, hands.deeds) == ("succeeded", run_id(item["fields"]), 1)
    assert told.args_digest == args_digest("file.write", "repo/vienna", {"path": "a"})
    assert told.evidence["result"] == b"ok"


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(granted(issuer=SigningKey(b"m" * 32)), id="signed by mallory"),
        pytest.param(granted(holder=SigningKey(b"m" * 32)), id="addressed to mallory"),
        pytest.param(granted(life=-31_000_000), id="over"),
        pytest.param(granted() | {"fields": granted(resource="repo/other")["fields"]}, id="altered"),
    ],
)
async def test_a_warrant_that_is_not_authentic_ours_and_in_time_is_not_even_redeemed(tmp_path: Path, item: dict[str, Any]) -> None:
    node, hands = Node(), Hands()
    good = granted(warrant="w2")
    node.items += [item, good]
    async with served(node) as server, working(server, tmp_path / "j", hands):
        told = await node.receipt()
    assert told.run == run_id(good["fields"])
    assert (node.redeemed, hands.deeds) == (1, 1)


async def test_what_the_inbox_repeats_is_done_once(tmp_path: Path) -> None:
    node, hands = Node(), Hands()
    item = granted(uses=2)
    node.items += [item, item]
    async with served(node) as server:
        async with working(server, tmp_path / "j", hands):
            await node.receipt()
        node.items.append(granted(warrant="w2"))
        async with working(server, tmp_path / "j", hands):  # another process, the same journal
            with trio.fail_after(60):
                while len(node.receipts) < 2:
                    await trio.testing.wait_all_tasks_blocked(0.01)
    assert hands.deeds == 2


async def test_what_is_not_witnessed_yet_is_redeemed_when_it_is(tmp_path: Path) -> None:
    node, hands = Node(), Hands()
    node.items.append(granted())
    node.unwitnessed = [1, 1]
    async with served(node) as server, working(server, tmp_path / "j", hands):
        await node.receipt()
    assert (node.redeemed, hands.deeds) == (3, 1)


async def test_what_a_node_that_asks_no_witness_refuses_is_given_up_at_once(tmp_path: Path) -> None:
    node, hands = Node(), Hands()
    never, good = granted(), granted(warrant="w2")
    node.items.append(never)
    node.unwitnessed = [None]
    async with served(node) as server, working(server, tmp_path / "j", hands):
        with trio.fail_after(60):
            while not node.redeemed:
                await trio.testing.wait_all_tasks_blocked(0.01)
        await trio.testing.wait_all_tasks_blocked(0.02)  # longer than it would pause before asking again
        node.say(good)
        told = await node.receipt()
    assert (told.run, node.redeemed, hands.deeds) == (run_id(good["fields"]), 2, 1)


async def test_answers_that_are_lost_are_asked_for_again_and_the_deed_is_done_once(tmp_path: Path) -> None:
    node, hands = Node(), Hands()
    node.items.append(granted())
    node.lose = 2  # the redemption's, then the report's
    async with served(node) as server, working(server, tmp_path / "j", hands):
        told = await node.receipt()
    assert told.outcome == "succeeded"
    assert (hands.deeds, len(node.runs), node.redeemed) == (1, 1, 2 + 1)


async def test_after_a_crash_in_the_middle_the_outcome_is_unknown_and_nothing_is_done_again(tmp_path: Path) -> None:
    node, hands = Node(), Hands(stuck=True)
    node.items.append(granted())
    async with served(node) as server, working(server, tmp_path / "j", hands):
        await hands.began.wait()
    assert not node.receipts
    async with served(node) as server, working(server, tmp_path / "j", again := Hands()):
        told = await node.receipt()
    assert (told.outcome, hands.deeds, again.deeds) == ("unknown", 1, 0)


async def test_a_finished_run_that_was_not_told_is_told_by_the_next_start_in_the_same_words(tmp_path: Path) -> None:
    node, hands = Node(), Hands()
    node.items.append(granted())
    node.deaf = True
    async with served(node) as server:
        async with working(server, tmp_path / "j", hands):
            first = await node.receipt()
        node.deaf = False
        async with working(server, tmp_path / "j", hands):
            again = await node.receipt(reports=2)  # the node itself asserts that the bytes are the same
    assert first == again
    assert hands.deeds == 1


async def test_without_its_journal_a_run_that_was_redeemed_before_is_unknown(tmp_path: Path) -> None:
    node, hands = Node(), Hands()
    item = granted(uses=2)
    node.items.append(item)
    node.runs[run_id(item["fields"])] = item["fields"]
    async with served(node) as server, working(server, tmp_path / "j", hands):
        told = await node.receipt()
    assert (told.outcome, hands.deeds) == ("unknown", 0)


async def test_an_abort_ends_what_runs_and_it_is_reported_as_unknown(tmp_path: Path) -> None:
    node, hands = Node(), Hands(stuck=True)
    item = granted()
    node.items.append(item)
    async with served(node) as server, working(server, tmp_path / "j", hands):
        await hands.began.wait()
        node.say({"kind": "abort", "run": run_id(item["fields"]), "why": "the breaker tripped"})
        told = await node.receipt()
    assert told.outcome == "unknown"
    assert "breaker tripped" in str(told.evidence["why"])


async def test_draining_ends_after_what_runs_has_been_reported_and_takes_nothing_more(tmp_path: Path) -> None:
    node, hands = Node(), Hands()
    node.items.append(granted())
    async with served(node) as server:
        with open_journal(tmp_path / "j", now=NOW) as kept:
            executor = Executor(who=WHO, dial=dialling(server), means=hands, journal=kept, concurrency=1, now=lambda: NOW)
            async with trio.open_nursery() as nursery:
                await nursery.start(executor.run)
                await hands.began.wait()
                executor.drain()
                node.say(granted(warrant="w2"))
    assert len(node.receipts) == 1


async def test_once_ends_after_the_first_report(tmp_path: Path) -> None:
    node, hands = Node(), Hands()
    node.items.append(granted())
    async with served(node) as server:
        with open_journal(tmp_path / "j", now=NOW) as kept, trio.fail_after(60):
            executor = Executor(who=WHO, dial=dialling(server), means=hands, journal=kept, concurrency=1, now=lambda: NOW)
            await executor.run(once=True)
    assert (hands.deeds, len(node.receipts)) == (1, 1)


@pytest.mark.parametrize(("kind", "issuer"), [("verifier", ISSUER), ("executor", SigningKey(b"m" * 32))])
async def test_it_does_not_serve_as_another_kind_or_under_another_issuer_than_the_one_it_has_known(
    tmp_path: Path, kind: str, issuer: SigningKey
) -> None:
    node = Node()
    async with served(node) as server, working(server, tmp_path / "j", Hands()):
        pass
    node.kind, node.issuers = kind, [issuer]
    async with served(node) as server:
        with open_journal(tmp_path / "j", now=NOW) as kept:
            executor = Executor(who=WHO, dial=dialling(server), means=Hands(), journal=kept, concurrency=1, now=lambda: NOW)
            with pytest.RaisesGroup(pytest.RaisesGroup(NotServing)):
                await executor.run()


SECOND = SigningKey(b"s" * 32)


async def test_an_issuers_key_that_took_over_while_it_serves_is_followed(tmp_path: Path) -> None:
    node, hands = Node(), Hands()
    async with served(node) as server, working(server, tmp_path / "j", hands):
        node.items.append(granted())
        node.say(node.items[0])
        await node.receipt()
        node.issuers.append(SECOND)
        node.items += [granted(warrant="w2", issuer=SECOND), granted(warrant="w3")]  # one was granted before the key was replaced
        for item in node.items[1:]:
            node.say(item)
        await node.receipt(3)
    async with served(node) as server, working(server, tmp_path / "j", hands):  # the next start has the new one pinned
        pass
    assert hands.deeds == 3


async def test_a_warrant_by_a_key_that_was_given_up_as_compromised_is_not_used(tmp_path: Path) -> None:
    node, hands = Node(), Hands()
    node.issuers.append(SECOND)
    node.compromised = True
    node.items += [granted(), granted(warrant="w2", issuer=SECOND)]
    async with served(node) as server, working(server, tmp_path / "j", hands):
        told = await node.receipt()
    assert told.run == run_id(node.items[1]["fields"])
    assert (node.redeemed, hands.deeds) == (1, 1)


async def test_a_node_that_shows_an_older_issuer_than_the_one_it_has_known_is_not_served(tmp_path: Path) -> None:
    node = Node()
    node.issuers.append(SECOND)
    async with served(node) as server, working(server, tmp_path / "j", Hands()):
        pass
    node.issuers.pop()
    async with served(node) as server:
        with open_journal(tmp_path / "j", now=NOW) as kept:
            executor = Executor(who=WHO, dial=dialling(server), means=Hands(), journal=kept, concurrency=1, now=lambda: NOW)
            with pytest.RaisesGroup(pytest.RaisesGroup(NotServing)):
                await executor.run()


def test_a_run_id_follows_from_the_warrant_and_the_use_alone() -> None:
    one, other = granted()["fields"], granted(warrant="w2")["fields"]
    assert len({run_id(one), run_id(other), run_id(one, 2), digest(one).hex()}) == 4
    assert run_id(one) == run_id(one)


@pytest.mark.parametrize("bound", [None, b"s" * 32])
async def test_a_warrant_bound_to_a_state_is_redeemed_on_the_state_that_is_read_then(tmp_path: Path, bound: bytes | None) -> None:
    node, hands = Node(), Hands(now=b"t" * 32)
    node.items.append(granted(state_digest=bound))
    async with served(node) as server, working(server, tmp_path / "j", hands):
        await node.receipt()
    assert node.states == [None if bound is None else b"t" * 32]
    assert hands.done_on == [bound]  # what was approved is what has to be there when it is done
