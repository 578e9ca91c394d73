"""A verifier at a node that lives in memory: where it looks, what it signs, and what it does not dare to say."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio
from nacl.signing import SigningKey

from actors.governance import attestation as attestations
from actors.governance import probe as probes
from actors.governance import receipt as receipts
from actors.governance import warrant as warrants
from actors.governance.attestation import Attestation
from actors.governance.canonical import digest
from actors.governance.probe import Probe
from actors.governance.receipt import Receipt
from actors.governance.signing import Purpose, signed_bytes, verifies
from actors.governance.warrant import Warrant
from ledger import admission, canonical
from ledger.admission import Admission as LogAdmission
from ledger.checkpoint import Checkpoint
from ledger.entry import Draft
from ledger.header import FIRST, pack
from ledger.note import NoteSigner, VerifierKey, compose
from ledger.tree import leaf_hash
from transport.connection import Connection
from transport.errors import ConnectionClosed
from transport.gate import Admission
from transport.memory import serve_in_memory
from vienna_runtime.executors.identity import Identity
from vienna_runtime.secret import Secret
from vienna_runtime.verifiers.config import load
from vienna_runtime.verifiers.observe import Sight
from vienna_runtime.verifiers.service import Verifier

NOW = 1_800_000_000_000_000
EMIL, ISSUER, WORKSHOP, MALLORY = (SigningKey(letter * 32) for letter in (b"e", b"i", b"w", b"m"))
SIGNER = NoteSigner("vienna.example", b"n" * 32)
NODE_KEY = SIGNER.verifier
LOG_KEY = VerifierKey("vienna.example/belvedere", bytes(SigningKey(b"l" * 32).verify_key))
WHO = Identity(tenant="belvedere", member="emil", node_key=NODE_KEY.text, seed=Secret(b"e" * 32))


def key_chain() -> dict[str, Any]:
    """The node's log as far as it is about keys: an admission."""
    public = admission.compose(LogAdmission("belvedere", LOG_KEY, 1), canonical.encode({"issuer": bytes(ISSUER.verify_key)}))
    entry = pack(Draft(admission.TAG, 1, "operator", b"", public=public), "", 0, FIRST, bytes(32))
    text = Checkpoint(NODE_KEY.name, 1, leaf_hash(entry)).text()
    return {"checkpoint": compose(text, [SIGNER.sign(text.encode())]), "entries": [{"entry": entry, "proof": []}]}


class Node:
    """Says what there is to verify, and keeps the attestations; ``lose`` answers that many with silence."""

    def __init__(self, *items: dict[str, Any]) -> None:
        self.items = items
        self.seen: list[Attestation] = []
        self.probed: list[Probe] = []
        self.now: Callable[[], int] = lambda: NOW
        self.lose = 0
        self.heard = trio.Event()

    async def admit(self, bearer: str | None, remote: str) -> Admission:
        return Admission(principal="emil", public_key=bytes(EMIL.verify_key), identity=bearer)

    async def attend(self, connection: Connection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                for message in await connection.receive():
                    if message["t"] in ("credit", "cease"):
                        continue
                    if message["t"] == "attest" and self.lose:
                        self.lose -= 1
                        return
                    connection.post({"id": message["id"], "t": "reply", "value": self.answer(message)})
                    if message["t"] == "inbox":
                        for item in self.items:
                            connection.post({"t": "event", "sub": message["id"], "at": 0, "value": item})

    def answer(self, message: Mapping[str, Any]) -> dict[str, Any]:
        match message["t"]:
            case "whoami":
                return {"tenant": "belvedere", "member": "emil", "kind": "verifier"}
            case "keys.chain":
                return key_chain()
            case "attest":
                assert verifies(Purpose.ATTESTATION, bytes(EMIL.verify_key), message["attestation"], message["signature"])
                self.seen.append(attestations.unverified_unpack(message["attestation"]))
                self.heard.set()
            case "probe":
                assert verifies(Purpose.PROBE, bytes(EMIL.verify_key), message["statement"], message["signature"])
                self.probed.append(probes.unverified_unpack(message["statement"]))
                self.heard.set()
        return {}


def signed(key: SigningKey, purpose: Purpose, packed: bytes) -> bytes:
    return key.sign(signed_bytes(purpose, packed)).signature


def look(kind: str = "file_digest", **more: Any) -> dict[str, Any]:
    return {"name": "written", "kind": kind, "arguments": {"path": "a"}, **more}


def told(
    content: str = "hello", *, checks: Sequence[dict[str, Any]] | None = None, run: str = "r1", issuer: SigningKey = ISSUER, **other: Any
) -> dict[str, Any]:
    terms: dict[str, Any] = {
        "tenant": "belvedere", "warrant": "w1", "case": "c1", "agent": "ada", "executor": "workshop", "holder": bytes(WORKSHOP.verify_key),
        "action": "note.write", "resource": "note/a", "params": {"path": "a", "content": content}, "intent": b"i" * 32, "effect": "e" * 32,
        "state_digest": None, "tier": "T0", "approvals": (), "envelopes": (), "bundle": b"b" * 32,
        "not_before": NOW, "expires_at": NOW, "uses": 1,
        "verify": {"checks": [look()] if checks is None else checks, "probe": look(), "needed": 1, "of": 1}, "cost_cap": None,
        "constraints": {},
    }  # fmt: skip
    warrant = Warrant(**(terms | other))
    receipt = receipts.pack(
        Receipt(
            warrant=warrant.warrant, run=run, started=NOW, ended=NOW, outcome="succeeded", action=warrant.action,  # type: ignore[arg-type]
            resource=warrant.resource, args_digest=b"a" * 32, cost=0, result_digest=digest(b"hello"), evidence={},  # type: ignore[arg-type]
        )
    )  # fmt: skip
    fields = warrants.pack(warrant)
    return {
        "kind": "verify", "case": "c1", "run": "r1", "fields": fields, "signature": signed(issuer, Purpose.WARRANT, fields),
        "receipt": receipt, "receipt_signature": signed(WORKSHOP, Purpose.RECEIPT, receipt),
    }  # fmt: skip


@pytest.fixture
def checks(tmp_path: Path) -> Mapping[str, Sight]:
    """Of notes, by the action's name; and of files, by the kind and the arguments that policy names."""
    (tmp_path / "notes").mkdir()
    path = tmp_path / "emil.toml"
    path.write_text(
        f"""
credential = "emil.vienna"
[checks."note.write"]
kind = "file_digest"
params = {{ path = "path", content = "text" }}
resource = "note/{{path}}"
root = "{tmp_path}/notes"
path = "{{path}}"
expected = {{ digest_of = "content" }}
[checks.file_digest]
kind = "file_digest"
params = {{ "verify.path" = "path" }}
resource = "note/{{verify.path}}"
root = "{tmp_path}/notes"
path = "{{verify.path}}"
"""
    )
    path.chmod(0o600)
    return load(path).checks


@contextlib.asynccontextmanager
async def watching(node: Node, checks: Mapping[str, Sight], *, patience: float = 60) -> AsyncIterator[Verifier]:
    async with serve_in_memory(gate=node, handle=node.attend, origin="vienna.example") as server, trio.open_nursery() as nursery:
        verifier = Verifier(
            who=WHO,
            dial=lambda: server.connect(bearer="vk", sign=lambda data: EMIL.sign(data).signature, origin="vienna.example"),
            checks=checks,
            concurrency=2,
            now=node.now,
            pause=0.001,
        )
        await nursery.start(verifier.run)
        with trio.fail_after(patience):
            yield verifier
        nursery.cancel_scope.cancel()


async def attested(item: dict[str, Any], checks: Mapping[str, Sight]) -> Attestation:
    node = Node(item)
    async with watching(node, checks):
        await node.heard.wait()
    (seen,) = node.seen
    assert seen.receipt == digest(item["receipt"])
    return seen


async def test_what_is_as_the_warrant_says_is_verified(tmp_path: Path, checks: Mapping[str, Sight]) -> None:
    (tmp_path / "notes" / "a").write_text("hello")
    seen = await attested(told(), checks)
    assert (seen.verdict, seen.case, seen.run, seen.time) == ("verified", "c1", "r1", NOW)
    assert seen.checks == (("written", digest(b"hello").hex(), digest(b"hello").hex(), True),)


@pytest.mark.parametrize(("there", "observed"), [("goodbye", digest(b"goodbye").hex()), (None, "nothing there")])
async def test_what_is_not_there_or_is_something_else_is_a_mismatch_whatever_the_receipt_says(
    tmp_path: Path, checks: Mapping[str, Sight], there: str | None, observed: str
) -> None:
    if there is not None:
        (tmp_path / "notes" / "a").write_text(there)
    seen = await attested(told(), checks)
    assert seen.verdict == "mismatched"
    assert seen.checks == (("written", digest(b"hello").hex(), observed, False),)


async def test_a_check_named_like_the_kind_looks_where_policy_says(tmp_path: Path, checks: Mapping[str, Sight]) -> None:
    (tmp_path / "notes" / "a").write_text("hello")
    seen = await attested(told(action="note.append"), checks)
    assert (seen.verdict, seen.checks[0][0]) == ("verified", "written")


@pytest.mark.parametrize(
    ("item", "why"),
    [
        pytest.param(told(action="note.burn", checks=[look("git_ref")]), "no check for note.burn", id="nothing to look with"),
        pytest.param(told(checks=[look("git_ref")]), "policy asks for 'git_ref'", id="another kind of look"),
        pytest.param(told(resource="note/b"), "another resource", id="parameters of another resource"),
        pytest.param(told(params={"path": "a"}), "content is missing", id="nothing to expect"),
    ],
)
async def test_where_it_cannot_look_it_says_so_and_never_that_it_agrees(
    tmp_path: Path, checks: Mapping[str, Sight], item: dict[str, Any], why: str
) -> None:
    (tmp_path / "notes" / "a").write_text("hello")
    seen = await attested(item, checks)
    assert seen.verdict == "inconclusive"
    assert why in seen.checks[0][2]
    assert seen.checks[0][3] is False


async def test_an_answer_that_is_lost_is_asked_for_again(tmp_path: Path, checks: Mapping[str, Sight]) -> None:
    (tmp_path / "notes" / "a").write_text("hello")
    node = Node(told())
    node.lose = 1
    async with watching(node, checks):
        await node.heard.wait()
    assert [seen.verdict for seen in node.seen] == ["verified"]


async def test_draining_ends_after_what_is_being_looked_at(tmp_path: Path, checks: Mapping[str, Sight]) -> None:
    (tmp_path / "notes" / "a").write_text("hello")
    node = Node(told())
    async with watching(node, checks) as verifier:
        await node.heard.wait()
        verifier.drain()
    assert len(node.seen) == 1


FORGED = {
    "a warrant that no issuer signed": told(issuer=MALLORY),
    "a receipt that its executor did not sign": told() | {"receipt_signature": signed(MALLORY, Purpose.RECEIPT, told()["receipt"])},
    "a receipt signed for another purpose": told() | {"receipt_signature": signed(WORKSHOP, Purpose.PROBE, told()["receipt"])},
    "a receipt of another run": told(run="r2"),
    "a warrant of another case": told(case="c2"),
    "a warrant of another tenant": told(tenant="schoenbrunn"),
    "a receipt without a signature": told() | {"receipt_signature": b""},
    "no look at all": told(checks=[]),
    "bytes that are no warrant": told() | {"fields": b"\x80"},
}


@pytest.mark.parametrize("item", FORGED.values(), ids=list(FORGED))
async def test_a_verifier_never_signs_about_what_the_node_made_up(
    tmp_path: Path, checks: Mapping[str, Sight], item: dict[str, Any]
) -> None:
    (tmp_path / "notes" / "a").write_text("hello")
    node = Node(item, told())  # the true one comes behind it
    async with watching(node, checks):
        await node.heard.wait()
    assert [seen.receipt for seen in node.seen] == [digest(told()["receipt"])]


async def test_an_outcome_that_nobody_knows_is_probed_without_a_receipt(tmp_path: Path, checks: Mapping[str, Sight]) -> None:
    (tmp_path / "notes" / "a").write_text("hello")
    item = told() | {"kind": "probe", "quiet": NOW + 1}
    node = Node({name: item[name] for name in ("kind", "case", "run", "fields", "signature", "quiet")})
    async with watching(node, checks):
        await node.heard.wait()
    (found,) = node.probed
    assert (found.found, found.warrant, found.checks[0][3]) == ("happened", digest(item["fields"]), True)


async def test_that_it_did_not_happen_is_said_when_nobody_can_be_doing_it_any_more(checks: Mapping[str, Sight]) -> None:
    began, quiet = trio.current_time(), NOW + 50_000
    item = told() | {"kind": "probe", "quiet": quiet}
    node = Node({name: item[name] for name in ("kind", "case", "run", "fields", "signature", "quiet")})
    node.now = lambda: NOW + int((trio.current_time() - began) * 1_000_000)
    async with watching(node, checks):
        await node.heard.wait()
    (found,) = node.probed
    assert found.found == "did_not_happen"
    assert found.time >= quiet


async def test_what_is_asked_about_a_run_while_it_is_looked_at_otherwise_is_heard_again(
    tmp_path: Path, checks: Mapping[str, Sight]
) -> None:
    (tmp_path / "notes" / "a").write_text("hello")
    item = told()
    probe = {name: item[name] for name in ("case", "run", "fields", "signature")} | {"kind": "probe", "quiet": NOW + 1}
    node = Node(item, probe)  # both at once: it was reported, and nobody knows the outcome any more
    async with watching(node, checks):
        await node.heard.wait()
        node.items = (probe,)  # the node asks for no look at what is unknown
        while not node.probed:  # noqa: ASYNC110  # one event tells of both
            await trio.sleep(0.01)
    assert len(node.seen) == 1
    assert node.probed[0].found == "happened"
