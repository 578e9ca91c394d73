"""A log of refunds as a busy month would have left it, made by the law itself without sockets; and how fast it is replayed.

Each intent is decided, approved, redeemed, reported and verified as a node would have recorded it, at times of its own.  Only the
signatures of machines and people are real; nobody waited for anybody.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
from nacl.signing import SigningKey

from actors import drafting
from actors.governance import apikey, approval, enrolment, intent, receipt, signing, warrant
from actors.governance import bundle as bundles
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.decide import decide
from actors.governance.decision import Asker, Decided, Facts, Invitee, Moment, Operator
from actors.governance.due import due
from actors.governance.facts import Past
from actors.governance.ids import HOUR, SECOND, Fresh, Instant, TenantId
from actors.governance.membership import by_asker
from actors.governance.refusals import Code, Refusal
from actors.governance.signing import Purpose, signed_bytes
from actors.governance.state import State
from bench.stage import served
from ledger import Batch, Draft, Ledger
from vienna_runtime import config, credential, founding
from vienna_runtime.admission import public_part
from vienna_runtime.cli.policy_directory import source_of
from vienna_runtime.keystore import Keystore
from vienna_runtime.keystore_opener import opener_for
from vienna_runtime.ledger_keys import LedgerKeys
from vienna_runtime.secret import Secret

TENANT = "belvedere"
BUNDLE = Path(__file__).parents[1] / "examples" / "bundles" / "payments"
BEGIN = Instant(1_760_000_000 * SECOND)  # October 2025
BATCH = 4_096  # drafts in one commit
MEMBERS: tuple[tuple[str, str, tuple[str, ...], str | None], ...] = (
    ("ada", "agent", ("support",), "rosa"), ("ben", "agent", ("support",), "rosa"), ("mallory", "agent", (), "rosa"),
    ("clara", "approver", ("support-lead",), None), ("dora", "approver", ("finance",), None), ("till", "executor", (), None),
)  # fmt: skip


class Recorder:
    """One tenant whose decisions are recorded as its shell would."""

    def __init__(self, ledger: Ledger, keystore: Keystore, seed: int) -> None:
        self._ledger, self._random = ledger, random.Random(seed)
        self.keystore = keystore
        self.state = State(TenantId(TENANT))
        self.now = BEGIN
        self.keys: dict[str, SigningKey] = {}
        self.tokens: dict[str, apikey.Token] = {}
        self._drafts: list[Draft] = []
        self._written = 0
        self._drawn = 0
        loaded = bundles.load(source_of(BUNDLE))
        assert isinstance(loaded, bundles.Bundle)
        self.bundle = loaded

    # the shell

    def issuer_sign(self, tenant: str, message: bytes) -> bytes:
        return self.keystore.issuer_sign(tenant, message)

    def warrant_mac(self, tenant: str, message: bytes) -> bytes:
        return self.keystore.warrant_mac(tenant, message)

    def do(self, command: c.Command, by: str | Asker) -> tuple[e.Event, ...]:
        asker = self.state.members[by] if isinstance(by, str) else by
        active = None if self.state.bundle is None else self.bundle
        facts = Facts(active=active, bundle_of=lambda _: self.bundle, mac_ok=True)
        decision = decide(self.state, command, asker, facts, self._moment())
        if isinstance(decision, Refusal) and decision.code is Code.BREAKER_OPEN:
            return self.record((e.CommandRefused(type(command).__name__, by_asker(asker), decision.code.value, decision.why, ""),), "law")
        assert isinstance(decision, Decided), decision
        return self.record(decision.events, by_asker(asker))

    def record(self, events: tuple[e.Event, ...], actor: str) -> tuple[e.Event, ...]:
        recorded = drafting.record(self.state, events, actor, self.now, self, self.bundle.settings.breaker)  # type: ignore[arg-type]
        self._drafts += recorded.drafts
        if len(self._drafts) >= BATCH:
            self.write()
        return recorded.events

    def write(self) -> None:
        self._ledger.append_many([Batch(TENANT, self._written, tuple(self._drafts))])
        self._written += len(self._drafts)
        self._drafts = []

    def pass_time(self, micros: int) -> None:
        """Lets time pass, and does what falls due meanwhile."""
        self.now = Instant(self.now + micros)
        while events := due(self.state, self._moment(), self.bundle, Past(), lambda _: None):
            self.record(events, "law")

    def _moment(self) -> Moment:
        self._drawn += 1
        return Moment(self.now, Fresh(hashlib.sha256(f"{self._drawn}".encode()).digest()))

    # the tenant

    def found(self) -> None:
        token = hashlib.sha256(b"token").digest()
        self.do(c.Found(TENANT, "rosa", "Rosa", "i-rosa", token, self.now + HOUR), Operator("operator"))
        self._enrol("rosa")
        for name, kind, roles, owner in MEMBERS:
            self.do(c.Invite(name, kind, name.title(), roles, f"i-{name}", token, self.now + HOUR, f"k-{name}", owner), "rosa")
            self._enrol(name)
            member = self.state.members[name]
            self.do(c.Confirm(name, signing.fingerprint(member.public_key, member.key_hash), f"c-{name}"), "rosa")
        self.record((e.BundlePushed(self.bundle.digest, source_of(BUNDLE).files),), "rosa")
        self.do(c.ActivateBundle(self.bundle.digest, "activate"), "rosa")

    def _enrol(self, name: str) -> None:
        key = self.keys[name] = SigningKey(hashlib.sha256(name.encode()).digest())
        hashed = hashlib.sha256(name.encode()).digest()
        token = self.tokens[name] = apikey.mint(apikey.TokenKind.API_KEY, TENANT, id=hashed[:8], secret=hashed)
        public = bytes(key.verify_key)
        packed = enrolment.statement(TENANT, name, f"i-{name}", public, token.id, token.digest())
        self.do(c.Enrol(public, token.id, token.digest(), self._sign(name, Purpose.ENROLMENT, packed)), Invitee(f"i-{name}"))

    def _sign(self, name: str, purpose: Purpose, packed: bytes) -> bytes:
        return bytes(self.keys[name].sign(signed_bytes(purpose, packed)).signature)

    # cases

    def case(self, number: int) -> None:
        """One intent, some time after the last, and all that comes of it."""
        self.pass_time(self._random.randrange(1, 50) * SECOND)
        agent = self._random.choices(("ada", "ben", "mallory"), (70, 25, 5))[0]
        cents = self._random.choices((self._random.randrange(100, 2000), self._random.randrange(2000, 50001), 120_000), (80, 17, 3))[0]
        amount = {"dec": f"{cents // 100}.{cents % 100:02}"}
        wish = c.Propose(
            "payments.refund", f"order/{number}", {"amount": amount, "currency": "EUR"}, "a refund that was asked for", f"k{number}"
        )
        events = self.do(wish, agent)
        case = str(getattr(events[0], "case", ""))  # none where a breaker is open
        if any(isinstance(event, e.ApprovalRequested) for event in events):
            events = self._approved(case)
        issued = next((event for event in events if isinstance(event, e.WarrantIssued)), None)
        if issued is not None:
            self._executed(issued, f"r{number}")

    def _approved(self, case: str) -> tuple[e.Event, ...]:
        events: tuple[e.Event, ...] = ()
        for name in ("clara", "dora")[: self.state.cases[case].persons]:
            self.pass_time(self._random.randrange(20, 600) * SECOND)
            held = self.state.cases[case]
            deny = self._random.random() < 0.1
            statement = approval.Statement(
                case=held.case, intent=held.intent_digest, card=held.card, bundle=held.bundle, tier=held.tier,
                decision="deny" if deny else "approve", narrowing={}, reason="seen", heard=b"", nonce=b"n" * 16, time=self.now,
            )  # fmt: skip
            packed = approval.pack(statement)
            events = self.do(c.Vote(statement.decision, packed, self._sign(name, Purpose.APPROVAL, packed)), name)
            if deny:
                return ()
        return events

    def _executed(self, issued: e.WarrantIssued, run: str) -> None:
        terms = warrant.unverified_unpack(issued.fields)
        args = intent.args_digest(terms.action, terms.resource, terms.params)
        self.do(c.Redeem(issued.fields, issued.signature, issued.mac, run, args, None), "till")
        outcome = "failed" if self._random.random() < 0.003 else "succeeded"
        told = receipt.Receipt(
            warrant=terms.warrant, run=run, started=self.now, ended=self.now, outcome=outcome, action=terms.action,  # type: ignore[arg-type]
            resource=terms.resource, args_digest=args, cost=0, result_digest=hashlib.sha256(b"").digest(), evidence={},  # type: ignore[arg-type]
        )  # fmt: skip
        packed = receipt.pack(told)
        self.do(c.Report(packed, self._sign("till", Purpose.RECEIPT, packed)), "till")


def record(home: Path, intents: int, seed: int = 4) -> int:
    """Founds a node in ``home`` whose tenant has recorded so many intents, with its admin's credential; how many entries that are."""
    founding.found(
        founding.Wanted(
            directory=home, node="bench.local", operator="operator", host="127.0.0.1", port=0, insecure_dev_keys=True, ask=_nobody
        ),
        {},
    )
    settings = config.load(home, environ={})
    keystore = Keystore.open(settings.keystore, opener_for(settings.keystore, key_file=settings.key_file, ask=lambda: _nobody("")))
    ledger = Ledger.open(settings.ledger, node=keystore.node, keys=LedgerKeys(keystore))
    try:
        keystore.admit_tenant(TENANT)
        ledger.create(TENANT, public=public_part(keystore.issuer_public(TENANT)), time=BEGIN, actor="operator")
        recorder = Recorder(ledger, keystore, seed)
        recorder.found()
        for number in range(intents):
            recorder.case(number)
        recorder.write()
        operator = credential.read(home / "operator.vienna", ask=lambda: _nobody(""))
        key = Secret(recorder.tokens["rosa"].reveal().encode())
        seed_of = Secret(bytes(recorder.keys["rosa"]))
        rosa = attrs.evolve(operator, tenant=TENANT, principal="rosa", role="admin", api_key=key, signing_key=seed_of)
        credential.write(home / "rosa.vienna", rosa, passphrase=None)
        return ledger.head(TENANT).size
    finally:
        ledger.close()


def _nobody(_: str) -> Secret:
    raise RuntimeError("a benchmark has no passphrase to give")


@attrs.frozen
class Row:
    what: str
    figure: float
    unit: str


def table(intents: int) -> Iterator[Row]:
    """What it takes to replay so many intents against a bundle that changes some of them."""
    with tempfile.TemporaryDirectory(prefix="vienna-bench-") as made:
        home = Path(made) / "node"
        begun = time.perf_counter()
        entries = record(home, intents)
        yield Row(f"making a log of {intents:,} intents ({entries:,} entries)", time.perf_counter() - begun, "s")
        stricter = Path(made) / "stricter"
        shutil.copytree(BUNDLE, stricter)
        refund = stricter / "refund.cedar"
        refund.write_text(refund.read_text().replace("50000", "20000"))
        shutil.rmtree(stricter / "tests")
        begun = time.perf_counter()
        command = [sys.executable, "-m", "vienna_runtime.cli.main", "--json", "policy", "replay", "--against", str(stricter)]
        subprocess.run([*command, "--from", str(home), "--tenant", TENANT], check=True, stdout=subprocess.PIPE)
        yield Row(f"replaying them from its directory: {intents:,} intents", time.perf_counter() - begun, "s")
        with served(home) as stage:
            address = f"{stage.address[0]}:{stage.address[1]}"
            begun = time.perf_counter()
            named = [*command[:3], "--credential", str(home / "rosa.vienna"), "--address", address, *command[3:]]
            subprocess.run(named, check=True, stdout=subprocess.PIPE)
            yield Row(f"replaying them from the running node: {intents:,} intents", time.perf_counter() - begun, "s")


def main() -> None:
    for row in table(5_000 if "--quick" in sys.argv else 100_000):
        print(f"{row.what:72} {row.figure:10.2f} {row.unit}", flush=True)


if __name__ == "__main__":
    main()
