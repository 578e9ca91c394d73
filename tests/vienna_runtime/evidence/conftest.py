"""A tenant's law on a real ledger, without a node around it; and forgers, with and without the keys of its logs."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
from nacl.signing import SigningKey

from actors import drafting, evidence, lineage
from actors.canaries import Canaries
from actors.governance import approval, attestation, canonical, codec, conversation, enrolment, envelope, intent, receipt, seat, warrant
from actors.governance import commands as c
from actors.governance import due as overdue
from actors.governance import events as e
from actors.governance.breaker_limits import BreakerLimits
from actors.governance.canary import Canary
from actors.governance.constraints import Prefix, Range
from actors.governance.decide import decide
from actors.governance.decision import Ancestor, Decided, Facts, Invitee, Moment, Operator
from actors.governance.facts import Past
from actors.governance.ids import HOUR, SECOND, Fresh, Instant
from actors.governance.signing import Purpose, fingerprint, signed_bytes
from actors.governance.state import Case, State
from actors.recall import Recall
from ledger import Batch, DataKey, Draft, Ledger, NoteSignature, NoteSigner, Receipt, VerifierKey, origin_of, rotation
from ledger import canonical as plain
from ledger.rotation import Kind, Rotation
from vienna_runtime.evidence.collect import Collector
from vienna_runtime.evidence.form import Evidence

NODE = "hofburg.example"
NOON = 1_795_000_000_000_000
BUNDLE = {
    "bundle.toml": b"""
[bundle]
name = "house"
[reports]
deadline = "10m"
[actions."notes.read"]
effect = "read"
executor = "till"
params = { path = "string" }
[actions."notes.append"]
executor = "till"
params = { text = "string" }
observe = { kind = "file_digest", path = "{resource}" }
[actions."orders.refund"]
executor = "till"
params = { amount = "integer" }
[facts]
founding = "boolean"
refunds = { count = "redeemed", by = ["agent"], window = "1d" }
worth = { sum = "cost", of = "warranted", window = "1h" }
quiet = { since = "failed", window = "1h" }
guard = { breaker = "action" }
hour = { local = "hour" }
day = { local = "weekday" }
after = { lineage = "notes.append", ended = ["verified"] }
again = { before = "redeemed" }
""",
    "all.cedar": b"""
@id("read") @tier("T0") @executor("agent")
permit (principal in Role::"reader", action == Action::"notes.read", resource);
@id("append") @tier("T1") @verify("observed")
permit (principal, action == Action::"notes.append", resource) when { principal.owner == "anna" };
@id("refund") @tier("T2") @quorum("1 of role:lead and 1 of role:finance") @cost_cap("10") @uses("2")
permit (principal, action == Action::"orders.refund", resource) when { context.params.amount < 100 };
@id("never") @reason("not this book")
forbid (principal, action, resource) when { resource.id == "notes/secret" };
@id("odd") @reason("never so")
forbid (principal, action, resource) when {
    context.facts.refunds > 50 || context.facts.worth > 1000000000 || context.facts.quiet > 3600 || context.facts.hour > 23 ||
    context.facts.guard == "unheard of" || context.facts.day == "doomsday" ||
    (context.facts.after && context.facts.again && context.facts.founding && context.facts.refunds > 40)
};
""",
}
REVIEWED = {
    "bundle.toml": b"""
[bundle]
name = "reviewed"
[tiers.T2]
reading_time = "20s"
[actions."orders.refund"]
executor = "till"
reversible = "no"
on_failure = "nothing was paid"
params = { amount = "integer" }
[budgets.tenant]
count_per_day = 90
""",
    "all.cedar": b"""
@id("refund") @tier("T2") @quorum("1 of role:lead and 1 of role:boss") @exclude("author")
@escalate("any 5 within 1h, 2 of role:lead within 2h") @constrain("amount: range 1..900")
permit (principal, action == Action::"orders.refund", resource);
""",
}
CAST: tuple[tuple[str, str, str, tuple[str, ...], str | None], ...] = (
    ("anna", "admin", "Anna", (), None),
    ("ada", "agent", "Ada's machine", ("reader",), "anna"),
    ("clara", "approver", "Clara", ("lead",), None),
    ("ben", "agent", "Ben's machine", (), "clara"),
    ("dora", "approver", "Dora", ("finance",), None),
    ("clara-two", "approver", "Clara", ("finance",), None),
    ("till", "executor", "Till", (), None),
    ("emil", "verifier", "Emil", (), None),
)


def hashed(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


class Keys:
    """Every key derived from its name, until it hands over."""

    def __init__(self) -> None:
        self._handed: dict[str, int] = {}  # how often the log's key, or ``issuer LOG``, has handed over

    def sign(self, log: str, message: bytes) -> list[NoteSignature]:
        return [self._signer(log).sign(message)]

    def verifier(self, log: str) -> VerifierKey:
        return self._signer(log).verifier

    def verifiers(self, log: str) -> tuple[VerifierKey, ...]:
        """Newest first."""
        return tuple(NoteSigner(origin_of(NODE, log), hashed(f"{log}{n or ''}")).verifier for n in range(self._handed.get(log, 0), -1, -1))

    def data_key(self, log: str, month: str) -> DataKey:
        made = hashlib.sha256(f"{log} {month}".encode()).digest()
        return DataKey(made[:8], made)

    def data_key_by_id(self, log: str, key_id: bytes) -> DataKey | None:
        months = [f"{year}-{month:02}" for year in (2026, 2027) for month in range(1, 13)]
        return next((key for month in months if (key := self.data_key(log, month)).id == key_id), None)

    def data_key_ids(self, log: str, month: str) -> tuple[bytes, ...]:
        return (self.data_key(log, month).id,)

    def renew(self, log: str, month: str) -> DataKey:
        return self.data_key(log, month)

    def destroy(self, log: str, key_ids: Sequence[bytes]) -> None:
        """Nothing here tries to open what was removed."""

    def _signer(self, log: str) -> NoteSigner:
        return NoteSigner(origin_of(NODE, log), bytes(self.key(log)))

    def issuer(self, tenant: str) -> SigningKey:
        return self.key(f"issuer {tenant}")

    def key(self, name: str) -> SigningKey:
        return SigningKey(hashed(f"{name}{self._handed.get(name, '')}"))

    def hand_over(self, name: str) -> tuple[SigningKey, SigningKey]:
        """The old key and the new one."""
        old = self.key(name)
        self._handed[name] = self._handed.get(name, 0) + 1
        return old, self.key(name)

    def issuer_sign(self, tenant: str, message: bytes) -> bytes:
        return bytes(self.issuer(tenant).sign(message).signature)

    def issuer_public(self, tenant: str) -> bytes:
        return bytes(self.issuer(tenant).verify_key)

    def warrant_mac(self, tenant: str, message: bytes) -> bytes:
        return hmac.digest(b"mac " + tenant.encode(), message, "sha256")

    def every_warrant_mac(self, tenant: str, message: bytes) -> tuple[bytes, ...]:
        return (self.warrant_mac(tenant, message),)

    def check_warrant_mac(self, tenant: str, message: bytes, mac: bytes) -> bool:
        return hmac.compare_digest(self.warrant_mac(tenant, message), mac)


def signing_key(name: str) -> SigningKey:
    return SigningKey(hashlib.sha256(name.encode()).digest())


def sign(name: str, purpose: Purpose, packed: bytes) -> bytes:
    return bytes(signing_key(name).sign(signed_bytes(purpose, packed)).signature)


class Office:
    """One tenant: its law decides, its ledger remembers, time moves by a second with every command."""

    sign = staticmethod(sign)

    def __init__(self, path: Path, tenant: str = "belvedere") -> None:
        self.path, self.tenant, self.keys, self.now = path, tenant, Keys(), NOON
        self.ledger = Ledger.open(path, node=NODE, keys=self.keys)
        self.state = State(tenant)  # type: ignore[arg-type]
        self.drafts: list[Draft] = []
        self.canaries = Canaries(tenant, self.keys)  # type: ignore[arg-type]  # the MACs are all that it asks for
        self.admit()

    @property
    def node_key(self) -> VerifierKey:
        return self.keys.verifier("")

    def admit(self) -> None:
        public = plain.encode({"issuer": self.keys.issuer_public(self.tenant)})
        self.ledger.create(self.tenant, public=public, time=self.now, actor="node")

    def found(self, files: dict[str, bytes] | None = None) -> Office:
        """Founded, its cast in force, its bundle active."""
        anna = CAST[0]
        self.do(c.Found(self.tenant, "anna", anna[2], "i-anna", bytes(32), self.now + HOUR), Operator("otto"))
        self.enrol("anna")
        for name, kind, person, roles, owner in CAST[1:]:
            self.join(name, kind, person, roles, owner)
        self.activate(files or BUNDLE)
        return self

    def join(self, name: str, kind: str, person: str, roles: tuple[str, ...], owner: str | None) -> None:
        self.do(c.Invite(name, kind, person, roles, f"i-{name}", bytes(32), self.now + HOUR, f"k-{name}", owner), "anna")
        self.enrol(name)
        member = self.state.members[name]
        self.do(c.Confirm(name, fingerprint(member.public_key, member.key_hash), f"c-{name}"), "anna")

    def enrol(self, name: str) -> None:
        public, key_hash = bytes(signing_key(name).verify_key), hashlib.sha256(b"key " + name.encode()).digest()
        proof = enrolment.statement(self.tenant, name, f"i-{name}", public, f"key-{name}", key_hash)
        self.do(c.Enrol(public, f"key-{name}", key_hash, sign(name, Purpose.ENROLMENT, proof)), Invitee(f"i-{name}"))

    def activate(self, files: dict[str, bytes]) -> None:
        pushed = self.do(c.PushBundle(files), "anna")
        bundle = pushed.answer["bundle"]
        assert isinstance(bundle, bytes)
        self.do(c.ActivateBundle(bundle, f"activate-{bundle.hex()}"), "anna")

    def do(self, command: Any, by: Any) -> Decided:
        """What the law decides, recorded."""
        self.now += SECOND
        asker = self.state.members[by] if isinstance(by, str) else by
        decision = decide(
            self.state, command, asker, self._facts(command, asker), Moment(Instant(self.now), Fresh(secrets.token_bytes(32)))
        )
        assert isinstance(decision, Decided), decision
        actor = by if isinstance(by, str) else f"invitation:{by.invitation}" if isinstance(by, Invitee) else f"operator:{by.name}"
        self.record(decision.events, decision.actor or actor)
        return decision

    def settle_due(self, after: int) -> None:
        """Lets time pass, and settles what is overdue then."""
        self.now += after
        recall = Recall(self.ledger, self.tenant)
        active = None if self.state.bundle is None else recall.bundle(self.state.bundle)
        while events := overdue.due(
            self.state, Moment(Instant(self.now), Fresh(secrets.token_bytes(32))), active, self._past(), self.canary_of
        ):
            self.record(events, "law")

    def record(self, events: tuple[e.Event, ...], actor: str) -> None:
        recorded = drafting.record(self.state, events, actor, Instant(self.now), self.keys, BreakerLimits())  # type: ignore[arg-type]
        self.append(recorded.drafts)

    def append(self, drafts: tuple[Draft, ...]) -> None:
        if drafts:
            (answer,) = self.ledger.append_many([Batch(self.tenant, self.ledger.head(self.tenant).size, drafts)])
            assert isinstance(answer, Receipt), answer
            self.drafts += drafts

    def _facts(self, command: Any, by: Any) -> Facts:
        recall = Recall(self.ledger, self.tenant)
        active = None if self.state.bundle is None else recall.bundle(self.state.bundle)
        parent, letter, lettered = None, None, None
        if isinstance(command, c.Propose) and command.parent is not None:
            found = recall.intent(command.parent)
            parent = None if found is None else Ancestor(found.agent, found.excluded)
        if isinstance(command, c.RetryLetter):
            letter = recall.letter(command.letter)
            lettered = None if letter is None else recall.intent(letter.case)
            parent = None if lettered is None else Ancestor(lettered.agent, lettered.excluded)
        made = self.canaries.key(command, by.member) if isinstance(command, c.ProposeCanary) else ""
        return Facts(
            active=active, bundle_of=recall.bundle, mac_ok=True, parent=parent, letter=letter, lettered=lettered, past=self._past(),
            canary_of=self.canary_of, canary_key=made,
        )  # fmt: skip

    def canary_of(self, case: Case) -> Canary | None:
        return self.canaries.of(self.state, case)

    def canary(self, resource: str = "order/9") -> str:
        """T2, in ada's name."""
        ask = c.ProposeCanary("ada", "orders.refund", resource, {"amount": 9}, "to see", "do we look?", secrets.token_hex(8))
        return str(self.do(ask, "anna").answer["case"])

    def _past(self) -> Past:
        recall = Recall(self.ledger, self.tenant)
        return Past(above=partial(lineage.above, self.state, recall), redeemed=recall.was_redeemed)

    # -- what a case is made of

    def propose(self, action: str, resource: str, params: dict[str, Any], by: str = "ada", **more: Any) -> str:
        ask = c.Propose(action=action, resource=resource, params=params, purpose="to see", key=secrets.token_hex(8), **more)
        return str(self.do(ask, by).answer["case"])

    def vote(self, case: str, by: str, decision: str = "approve", **changed: Any) -> None:
        held = self.state.cases[case]
        said = approval.Statement(
            case=held.case, intent=held.intent_digest, card=held.card, bundle=held.bundle, tier=held.tier, decision=decision,
            narrowing={}, reason="seen", heard=conversation.heard(held.said), nonce=bytes(16), time=Instant(self.now),
        )  # fmt: skip
        packed = approval.pack(attrs.evolve(said, **changed))
        self.do(c.Vote(decision, packed, sign(by, Purpose.APPROVAL, packed)), by)

    def sign_in_advance(self, by: str, agent: str, action: str, bounds: dict[str, Any], **changed: Any) -> str:
        template = envelope.pack_template(envelope.Template(agent, action, Prefix("order/"), bounds))  # type: ignore[arg-type]
        said = envelope.Statement(
            self.tenant, canonical.digest(template), 2, 30_000_000, Instant(self.now + HOUR), self.state.bundle or b"", "T2",  # type: ignore[arg-type]
            "month's end", secrets.token_bytes(16), Instant(self.now + SECOND),
        )  # fmt: skip
        packed = envelope.pack(attrs.evolve(said, **changed))
        return str(self.do(c.SignEnvelope(template, packed, sign(by, Purpose.ENVELOPE, packed)), by).answer["envelope"])

    def in_advance(self) -> str:
        """T2, half of it approved in advance."""
        self.sign_in_advance("dora", "ada", "orders.refund", {"amount": Range(1, 99, None)})
        self.sign_in_advance("dora", "ada", "orders.refund", {"amount": Range(100, 999, None)})
        earlier = self.propose("orders.refund", "order/0", {"amount": 7})
        self.vote(earlier, "clara")
        case = self.propose("orders.refund", "order/1", {"amount": 8})
        self.vote(case, "clara")
        self.redeem(case, f"r-{case}")
        self.report(f"r-{case}")
        return case

    def hand_on(self, by: str, to: str) -> None:
        packed = seat.pack(
            seat.Statement(self.tenant, to, Instant(self.now + 24 * HOUR), "away", secrets.token_bytes(16), Instant(self.now + SECOND))
        )
        self.do(c.DelegateSeat(packed, sign(by, Purpose.SEAT, packed)), by)

    def reviewed(self) -> str:
        """T2, escalated twice, read as long as policy says, one half of it by a seat that was handed on."""
        self.join("hugo", "approver", "Hugo", ("lead",), None)
        self.activate(REVIEWED)
        self.hand_on("dora", "hugo")
        self.do(c.ReturnSeat("dora", "not needed"), "anna")
        self.hand_on("clara", "dora")
        case = self.propose("orders.refund", "order/1", {"amount": 5 + self.state.size})
        self.do(c.OpenCard(case), "dora")
        self.settle_due(30 * SECOND)
        self.vote(case, "dora", narrowing={"params": {"amount": {"range": {"low": 2, "high": 800, "places": None}}}})
        self.settle_due(4 * HOUR)
        self.settle_due(HOUR)
        self.do(c.OpenCard(case), "hugo")
        self.settle_due(20 * SECOND)
        self.vote(case, "hugo")
        self.redeem(case, f"r-{case}")
        self.report(f"r-{case}")
        return case

    def talk(self, case: str) -> None:
        self.do(c.AskAgent(case, "what for?"), "dora")
        self.do(c.AnswerApprover(case, "the usual"), self.state.cases[case].agent)

    def redeem(self, case: str, run: str, by: str = "till", state_digest: bytes | None = None) -> None:
        (live,) = [live for live in self.state.warrants.values() if live.case == case]
        terms = live.terms
        args = intent.args_digest(terms.action, terms.resource, terms.params)
        self.do(c.Redeem(live.fields, bytes(64), bytes(32), run, args, state_digest), by)

    def report(self, run: str, by: str = "till", **changed: Any) -> bytes:
        terms = warrant.unverified_unpack(self.state.runs[run].fields)
        told = receipt.Receipt(
            warrant=terms.warrant, run=run, started=Instant(self.now), ended=Instant(self.now), outcome="succeeded", action=terms.action,  # type: ignore[arg-type]
            resource=terms.resource, args_digest=intent.args_digest(terms.action, terms.resource, terms.params), cost=0,  # type: ignore[arg-type]
            result_digest=bytes(32), evidence={},
        )  # fmt: skip
        packed = receipt.pack(attrs.evolve(told, **changed))
        self.do(c.Report(packed, sign(by, Purpose.RECEIPT, packed)), by)
        return packed

    def attest(self, case: str, run: str, told: bytes, by: str = "emil", **changed: Any) -> None:
        seen = attestation.Attestation(case, run, canonical.digest(told), "verified", (("file_digest", "a", "a", True),), Instant(self.now))  # type: ignore[arg-type]
        packed = attestation.pack(attrs.evolve(seen, **changed))
        self.do(c.Attest(packed, sign(by, Purpose.ATTESTATION, packed)), by)

    # -- whole cases

    def reading(self) -> str:
        """T0, done by the agent itself."""
        case = self.propose("notes.read", "notes/today", {"path": "a"}, run=f"r-{secrets.token_hex(4)}")
        (run,) = [run.run for run in self.state.runs.values() if run.case == case]
        self.report(run, "ada")
        return case

    def appending(self) -> str:
        """T1, executed by till and observed by emil."""
        case = self.propose("notes.append", "notes/today", {"text": secrets.token_hex(4)})
        self.talk(case)
        self.vote(case, "clara")
        self.redeem(case, f"r-{case}")
        self.attest(case, f"r-{case}", self.report(f"r-{case}"))
        return case

    def refunding(self, **narrowing: Any) -> str:
        """T2, by two persons, done twice."""
        case = self.propose("orders.refund", "order/1", {"amount": 5 + self.state.size})
        self.vote(case, "clara")
        self.talk(case)
        self.vote(case, "dora", narrowing=narrowing)
        for number in (1, 2):
            self.redeem(case, f"r{number}-{case}")
            self.report(f"r{number}-{case}")
        return case

    # -- what happens to logs

    def rotate(self, log: str, kind: Kind) -> None:
        """A key hands over, as the node would have it."""
        name = f"issuer {log}" if kind is Kind.ISSUER else log
        size, before = self.ledger.head(log).size, self.keys.key(name)
        new = Keys()
        new._handed = {**self.keys._handed, name: self.keys._handed.get(name, 0) + 1}
        after = new.key(name)
        found = Rotation(
            kind=kind, log=log, origin=origin_of(NODE, log), previous=bytes(before.verify_key), key=bytes(after.verify_key), size=size
        )
        public = rotation.compose(
            found, by_previous=lambda text: bytes(before.sign(text).signature), by_key=lambda text: bytes(after.sign(text).signature)
        )
        self.ledger.rotate(public, time=self.now, actor="otto")
        self.keys.hand_over(name)

    def forget(self, *places: int) -> None:
        """The bodies go, and an entry says so."""
        ranges = [(at, at + 1) for at in places]
        said = codec.encode(e.BodiesRemoved("e1", len(ranges), True))
        self.ledger.remove_bodies(self.tenant, ranges, month="2026-11", why="asked", time=self.now, actor="law", body=said)

    # -- evidence

    def evidence(self, case: str) -> Evidence:
        """As the node sends it and a client puts it together."""
        self.ledger.commit_heads(time=self.now, actor="node")
        made = evidence.plan(self.ledger, self.tenant, case)
        assert made is not None
        collector = Collector()
        for item in evidence.opening(self.ledger, made):
            assert collector.feed(item) is None
        for log, places in evidence.stretches(made):
            for item in evidence.part(self.ledger, made, log, places):
                assert collector.feed(item) is None
        found = collector.feed({"kind": "end", "entries": collector.entries})
        assert found is not None
        return found

    def forged(self, path: Path, drafts: list[Draft]) -> Office:
        """Another history under the same keys: what a node could write that does not keep the law."""
        other = Office(path, self.tenant)
        other.now = self.now
        other.append(tuple(drafts))
        return other


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path / "ledger").found()
    yield made
    made.ledger.close()


@pytest.fixture(scope="module")
def offices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Office]]:
    """Makes tenants that live as long as the module."""
    held: list[Office] = []

    def make(*arguments: Any) -> Office:
        held.append(Office(tmp_path_factory.mktemp("office") / "ledger", *arguments))
        return held[-1]

    yield make
    for one in held:
        one.ledger.close()
