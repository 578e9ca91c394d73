"""A tenant on the bench: the law's shell without disk, wire or clock, for the tests of this room."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import pytest
from nacl.signing import SigningKey

from actors.canaries import Canaries
from actors.governance import (
    alerts,
    approval,
    attestation,
    canonical,
    conversation,
    index,
    intent,
    links,
    looking,
    probe,
    receipt,
    signing,
    snapshot,
    views,
    warrant,
    watching,
)  # fmt: skip
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.breaker_limits import BreakerLimits
from actors.governance.bundle import Bundle, Source, load, recall
from actors.governance.canary import Canary
from actors.governance.codec import decode, encode
from actors.governance.decide import decide
from actors.governance.decision import Ancestor, Asker, Decided, Decision, Facts, Invitee, Moment, Operator
from actors.governance.due import due
from actors.governance.enrolment import statement as enrolment
from actors.governance.evolve import evolve
from actors.governance.facts import Ended, Past
from actors.governance.guarding import retry_key
from actors.governance.ids import HOUR, SECOND, Fresh, Instant, TenantId
from actors.governance.refusals import Refusal
from actors.governance.signing import Purpose, signed_bytes
from actors.governance.state import Case, LiveWarrant, Member, State

NOON = 1_700_000_000 * SECOND
OPERATOR = Operator("otto")

MANIFEST = """
[bundle]
name = "workshop"
[breaker]
failures = 3
window = "10m"
cool_down = "15m"
[actions."notes.read"]
effect = "read"
[actions."notes.append"]
executor = "till"
params = { text = "string" }
[actions."orders.refund"]
executor = "till"
params = { amount = "integer" }
[actions."orders.payout"]
executor = "till"
params = { amount = "integer" }
[actions."orders.wipe"]
executor = "till"
[actions."files.write"]
executor = "till"
params = { text = "string" }
observe = { kind = "file_digest", path = "{resource.name}" }
[actions."files.seal"]
executor = "till"
params = { text = "string" }
checks = [{ name = "sealed", kind = "file_digest", path = "{resource.name}" }, { name = "listed", kind = "http", path = "{resource.name}" }]
probe = { name = "there", kind = "file_digest", path = "{resource.name}" }
[actions."files.note"]
executor = "till"
params = { text = "string" }
probe = { kind = "file_digest", path = "{resource.name}" }
[actions."ledgers.post"]
executor = "till"
params = { amount = "integer" }
[actions."drafts.write"]
executor = "till"
cost = { param = "amount" }
params = { path = "string", text = "string", amount = { type = "decimal", places = 2 } }
"""

POLICIES = """
@id("wipe") @tier("T2")
permit (principal in Role::"nobody", action == Action::"orders.wipe", resource);
@id("read") @tier("T0") @executor("agent") @ttl("1m")
permit (principal, action == Action::"notes.read", resource);
@id("append") @tier("T0") @uses("3") @ttl("5m")
permit (principal, action == Action::"notes.append", resource);
@id("write") @tier("T0") @ttl("5m") @cost_cap("10")
permit (principal, action == Action::"files.write", resource);
@id("seal") @tier("T0") @ttl("5m") @verify("2 of 3")
permit (principal, action == Action::"files.seal", resource);
@id("note") @tier("T0") @ttl("5m")
permit (principal, action == Action::"files.note", resource);
@id("refund") @tier("T1") @uses("2") @ttl("10m")
permit (principal, action == Action::"orders.refund", resource) when { context.params.amount < 1000 };
@id("payout") @tier("T2") @quorum("1 of role:lead and 1 of role:finance") @cost_cap("100") @ttl("10m")
permit (principal, action == Action::"orders.payout", resource);
@id("drafts") @tier("T0") @uses("5") @ttl("5m") @cost_cap("15") @constrain("path: under drafts; amount: range 0.01..20.00")
permit (principal, action == Action::"drafts.write", resource) when { context.params.path != "drafts/secret" };
@id("ledgers") @tier("T1") @uses("4") @ttl("5m") @constrain("amount: range 1..500")
permit (principal, action == Action::"ledgers.post", resource);
@id("vacation") @reason("not on holidays")
forbid (principal, action == Action::"notes.append", resource) when { resource.kind == "holiday" };
"""

OTHERS = {  # what may be activated in the workshop's place
    "strict": (
        ('@id("refund") @tier("T1")', '@id("refund") @tier("T2")'),
        ('@id("append") @tier("T0")', '@id("append") @tier("T1")'),
        (
            'resource.kind == "holiday" };',
            'resource.kind == "holiday" };\n@id("no-payouts") forbid (principal, action == Action::"orders.payout", resource);',
        ),
    ),
    "loose": (
        ('@id("refund") @tier("T1") @uses("2")', '@id("refund") @tier("T0") @uses("9")'),
        ('@tier("T2") @quorum("1 of role:lead and 1 of role:finance")', '@tier("T1")'),
    ),
    "frugal": (("context.params.amount < 1000", "context.params.amount < 2"),),
}

# What is under policies that read what has happened.
COUNTING = """
[bundle]
name = "counting"
[actions."payments.refund"]
executor = "till"
params = { customer = "string", amount = { type = "decimal", places = 2, min = "0" } }
[actions."review.pass"]
executor = "till"
params = { commit = "string" }
[actions."deploy.run"]
executor = "till"
params = { commit = "string" }
[facts]
"""
PERMITS = """
@id("refund") @tier("T0") @ttl("2d") @uses("9") @cost_cap("20") permit (principal, action == Action::"payments.refund", resource);
@id("review") @tier("T0") permit (principal, action == Action::"review.pass", resource);
@id("deploy") @tier("T0") permit (principal, action == Action::"deploy.run", resource);
"""


def counting(facts: str, policies: str = "", permits: str = PERMITS) -> Bundle:
    """Permits everything that ``policies`` do not forbid; ``permits`` may leave actions to nobody."""
    loaded = recall(Source({"bundle.toml": (COUNTING + facts).encode(), "all.cedar": (permits + policies).encode()}))
    assert isinstance(loaded, Bundle), [str(item) for item in loaded.items]
    return loaded


CAST: tuple[tuple[str, str, str, tuple[str, ...], str | None], ...] = (
    ("ada", "agent", "greta", (), "greta"),
    ("mallory", "agent", "mallory", (), "greta"),
    ("clara", "approver", "clara", ("lead",), None),
    ("dora", "approver", "dora", ("finance",), None),
    ("hugo", "approver", "hugo", ("lead", "finance"), None),
    ("clara-two", "approver", "clara", ("finance",), None),  # the same person behind a second principal
    ("till", "executor", "dora", (), None),
    ("mill", "executor", "dora", (), None),
    ("ben", "agent", "ben", (), "clara"),
    ("emil", "verifier", "emil", (), None),
)


class Bench:
    """One tenant, its keys, its log and the facts that its log knows."""

    def __init__(self, tenant: str, bundle: Bundle) -> None:
        self.tenant = tenant
        self.state = State(TenantId(tenant))
        self.now = Instant(NOON)
        self.log: list[tuple[int, Instant, e.Event, bytes]] = []
        self.steps: dict[str, list[tuple[int, bool]]] = {}  # case → its own counter and whether the entry closes it
        self.index: dict[bytes, int] = {}
        self.keys: dict[str, SigningKey] = {}
        self.bundles = {bundle.digest: bundle}
        self.bundle = bundle
        self.others: dict[str, Bundle] = {}
        self.issuer = SigningKey(hashlib.sha256(tenant.encode()).digest())
        self.mac_key = hashlib.sha256(b"mac" + tenant.encode()).digest()
        self.canaries = Canaries(tenant, self)  # type: ignore[arg-type]  # the MACs are all that it asks for
        self.drawn = 0

    def warrant_mac(self, _tenant: str, message: bytes) -> bytes:
        return hmac.digest(self.mac_key, message, "sha256")

    def every_warrant_mac(self, tenant: str, message: bytes) -> tuple[bytes, ...]:
        return (self.warrant_mac(tenant, message),)

    def canary_of(self, case: Case) -> Canary | None:
        return self.canaries.of(self.state, case)

    # --- the shell -----------------------------------------------------------------------------------------------------

    def moment(self) -> Moment:
        self.drawn += 1
        return Moment(self.now, Fresh(hashlib.sha256(f"{self.tenant} {self.drawn}".encode()).digest()))

    def ask(self, command: c.Command, by: str | Asker, **facts: Any) -> Decision:
        """Decides and records.  ``facts`` replace what would be looked up."""
        asker = self.state.members[by] if isinstance(by, str) else by
        decision = decide(self.state, command, asker, self.facts(command, asker, **facts), self.moment())
        if isinstance(decision, Decided):
            self.record(*decision.events)
        elif isinstance(asker, Member) and not isinstance(command, c.ProposeCanary):
            self.record(e.CommandRefused(type(command).__name__, asker.member, decision.code.value, decision.why, decision.about[:64]))
        return decision

    def done(self, command: c.Command, by: str | Asker, **facts: Any) -> Decided:
        decision = self.ask(command, by, **facts)
        assert isinstance(decision, Decided), decision
        assert decision.refusal is None, decision
        return decision

    def refused(self, command: c.Command, by: str | Asker, **facts: Any) -> str:
        """The code of the refusal; whatever is refused leaves the case's own state as it was."""
        decision = self.ask(command, by, **facts)
        assert isinstance(decision, Refusal), decision
        return decision.code.value

    def record(self, *events: e.Event) -> None:
        heard: list[tuple[e.Event, watching.Subject]] = []
        causes: dict[str, alerts.Cause] = {}
        limits = BreakerLimits() if self.state.bundle is None else self.bundles[self.state.bundle].settings.breaker
        trips = watching.follow(self.state, heard, limits, self.now)
        for event in chain(events, trips, alerts.all_raised(self.state.alerts, causes)):
            if isinstance(event, e.WarrantIssued):
                signature = self.issuer.sign(signed_bytes(Purpose.WARRANT, event.fields)).signature
                mac = hmac.digest(self.mac_key, event.fields + signature, "sha256")
                event = e.WarrantIssued(event.case, event.warrant, event.fields, signature, mac)
            cause, about = alerts.cause(self.state, event), watching.subject(self.state, event)
            self._append(event)
            if about is not None:
                heard.append((event, about))
            if cause is not None and alerts.is_news(self.state.alerts, cause, self.now):
                causes.setdefault(cause.same, cause)

    def _append(self, event: e.Event) -> None:
        seq = len(self.log)
        name = getattr(event, "case", None)
        if name and not isinstance(event, e.BreakerProbed):
            open_case = self.state.cases.get(name)
            assert open_case is not None or isinstance(event, e.IntentProposed), f"{event} is of no open case"
            self.steps.setdefault(name, []).append((open_case.step if open_case else 0, getattr(event, "closes", False)))
        body = encode(event)
        assert decode(event.TAG, body) == event
        self.log.append((seq, self.now, event, body))
        self.index.update(dict.fromkeys(index.keys(event), seq))
        evolve(self.state, event, self.now, seq)

    def pass_time(self, microseconds: int) -> list[e.Event]:
        """Lets time pass and does everything that is due then."""
        self.now = Instant(self.now + microseconds)
        owed: list[e.Event] = []
        for _ in range(10_000):
            events = due(self.state, self.moment(), self.bundles.get(self.state.bundle or b""), self.past, self.canary_of)
            if not events:
                return owed
            owed += events
            self.record(*events)
        raise AssertionError("due() goes on for ever")

    def refold(self, until: int | None = None, start: State | None = None) -> State:
        """A state from the log alone."""
        first = 0 if start is None else start.size
        return snapshot.fold(start, self.tenant, [(seq, at, event.TAG, body) for seq, at, event, body in self.log[first:until]])

    def facts(self, command: c.Command, by: Asker, **known: Any) -> Facts:
        found: dict[str, Any] = {
            "active": self.bundles.get(self.state.bundle or b""),
            "bundle_of": self.bundles.get,
            "past": self.past,
            "canary_of": self.canary_of,
        }
        match command:
            case c.Propose() if isinstance(by, Member):
                found["prior"] = self.look_up(index.intent_key(by.member, command.key))
                above = self.look_up(index.case_key(command.parent)) if command.parent else None
                found["parent"] = above and Ancestor(above.agent, above.excluded)
                found["run"] = self.look_up(index.run_key(command.run or ""))
            case c.ProposeCanary() if isinstance(by, Member):
                found["canary_key"] = made = self.canaries.key(command, by.member)
                found["prior"] = self.look_up(index.intent_key(command.whose, made))
                found["canaries"] = self.canaries.open(self.state)
            case c.Redeem():
                expected = hmac.digest(self.mac_key, command.warrant + command.signature, "sha256")
                public = bytes(self.issuer.verify_key)
                authentic = signing.verifies(Purpose.WARRANT, public, command.warrant, command.signature)
                found["mac_ok"] = signing.same(command.mac, expected) and authentic
                found["run"] = self.look_up(index.run_key(command.run))
            case c.Report():
                found["run"] = self.look_up(index.run_key(receipt.unverified_unpack(command.receipt).run))
            case c.RetryLetter() | c.ResolveLetter():
                found["letter"] = letter = self.look_up(index.letter_key(command.letter))
                found["letter_resolved"] = self.look_up(index.resolved_key(command.letter)) is not None
                found["lettered"] = lettered = letter and self.look_up(index.case_key(letter.case))
                if lettered and isinstance(command, c.RetryLetter):
                    found["prior"] = self.look_up(index.intent_key(lettered.agent, retry_key(command.letter, command.key)))
            case _:
                pass
        if isinstance(command, c.GOVERNED) and isinstance(by, Member):
            found["prior"] = self.look_up(index.intent_key(by.member, command.key))
        return Facts(**{**found, **known})

    @property
    def past(self) -> Past:
        return Past(above=self.above, redeemed=lambda effect: self.look_up(index.effect_key(effect)) is not None)

    def above(self, case: str) -> Iterator[Ended]:
        at: str | None = case
        while at is not None:
            proposed: e.IntentProposed = self.look_up(index.case_key(at))
            events = [event for _, _, event, _ in self.log if getattr(event, "case", None) == at]
            outcome = "" if at in self.state.cases else views.story(events)
            yield Ended(proposed.agent, intent.unpack(proposed.intent), outcome)
            at = proposed.parent

    def look_up(self, key: bytes) -> Any:
        position = self.index.get(key)
        return None if position is None else self.log[position][2]

    # --- the cast ------------------------------------------------------------------------------------------------------

    def found(self) -> Bench:
        """Founds the tenant, with greta as its admin and everybody else in force, and activates the bundle."""
        token = hashlib.sha256(b"token").digest()
        self.done(c.Found(self.tenant, "greta", "greta", "i-greta", token, self.now + HOUR), OPERATOR)
        self.enrol("greta")
        for name, kind, person, roles, owner in CAST:
            self.done(c.Invite(name, kind, person, roles, f"i-{name}", token, self.now + HOUR, f"k-{name}", owner), "greta")
            self.enrol(name)
            self.confirm(name)
        self.record(e.BundlePushed(self.bundle.digest, {}))
        self.done(c.ActivateBundle(self.bundle.digest, "k-bundle"), "greta")
        return self

    def activate(self, name: str) -> None:
        """Another bundle by its name, or the one that the tenant began with."""
        bundle = self.others.get(name, self.bundle)
        self.bundles[bundle.digest] = bundle
        self.done(c.ActivateBundle(bundle.digest, f"k{len(self.log)}"), "greta")

    def put_in_force(self, facts: str, policies: str = "", permits: str = PERMITS) -> None:
        """A bundle of ``counting``."""
        bundle = counting(facts, policies, permits)
        self.bundles[bundle.digest] = bundle
        self.done(c.ActivateBundle(bundle.digest, f"k{len(self.log)}"), "greta")

    def denied(self, by: str = "ada", **wish: Any) -> e.CaseDecided:
        """The verdict on a proposal that policy denies."""
        self.done(self.wish(**{"key": f"k{len(self.log)}", **wish}), by)
        verdict: e.CaseDecided = self.last(e.CaseDecided)
        assert not verdict.permitted, verdict
        return verdict

    def enrol(self, name: str, invitation: str | None = None) -> Decided:
        invitation = invitation or f"i-{name}"
        key = self.keys[name] = SigningKey(hashlib.sha256(f"{self.tenant} {name} {invitation}".encode()).digest())
        public, key_id, key_hash = bytes(key.verify_key), f"id-{name}-{invitation}", hashlib.sha256(name.encode()).digest()
        packed = enrolment(self.tenant, name, invitation, public, key_id, key_hash)
        proof = self.sign(name, Purpose.ENROLMENT, packed)
        return self.done(c.Enrol(public, key_id, key_hash, proof), Invitee(invitation))

    def joins(self, name: str, kind: str, person: str) -> None:
        """One more member, in force."""
        self.done(c.Invite(name, kind, person, (), f"i-{name}", b"t" * 32, self.now + HOUR, f"k-{name}"), "greta")
        self.enrol(name)
        self.confirm(name)

    def confirm(self, name: str, key: str = "k") -> Decided:
        member = self.state.members[name]
        return self.done(c.Confirm(name, signing.fingerprint(member.public_key, member.key_hash), f"{key}-{name}"), "greta")

    def sign(self, name: str, purpose: Purpose, packed: bytes) -> bytes:
        return self.keys[name].sign(signed_bytes(purpose, packed)).signature

    # --- what people and machines say ----------------------------------------------------------------------------------

    def wish(self, action: str = "notes.append", resource: str = "book/one", key: str = "k1", **more: Any) -> c.Propose:
        wanted = {
            "notes.append": {"text": "x"},
            "files.write": {"text": "x"},
            "files.seal": {"text": "x"},
            "files.note": {"text": "x"},
            "notes.read": {},
            "orders.wipe": {},
        }
        return c.Propose(action, resource, more.pop("params", wanted.get(action, {"amount": 5})), "to see", key, **more)

    def propose(self, action: str = "notes.append", by: str = "ada", **more: Any) -> Case:
        """The open case that comes of it."""
        decided = self.done(self.wish(action, **{"key": f"k{len(self.log)}", **more}), by)
        return self.state.cases[decided.answer["case"]]  # type: ignore[index]

    def statement(self, case: Case, /, decision: str = "approve", **changed: Any) -> approval.Statement:
        fields = {
            "case": case.case, "intent": case.intent_digest, "card": case.card, "bundle": case.bundle, "tier": case.tier,
            "decision": decision, "narrowing": {}, "reason": "because",
            "heard": conversation.heard(case.said), "nonce": b"n" * 16, "time": self.now,
        }  # fmt: skip
        return approval.Statement(**{**fields, **changed})

    def vote(self, case: Case, /, by: str, decision: str = "approve", **changed: Any) -> c.Vote:
        packed = approval.pack(self.statement(case, decision, **changed))
        return c.Vote(decision, packed, self.sign(by, Purpose.APPROVAL, packed))

    def warrant_of(self, case: Case | str) -> LiveWarrant:
        name = case if isinstance(case, str) else case.case
        return next(live for live in self.state.warrants.values() if live.case == name)

    def redemption(self, warrant_id: str, run: str = "r1", **changed: Any) -> c.Redeem:
        issued = next(event for _, _, event, _ in self.log if isinstance(event, e.WarrantIssued) and event.warrant == warrant_id)
        terms = warrant.unverified_unpack(issued.fields)
        args = intent.args_digest(terms.action, terms.resource, terms.params)
        fields = {"warrant": issued.fields, "signature": issued.signature, "mac": issued.mac, "run": run, "args_digest": args}
        return c.Redeem(**{**fields, "state_digest": terms.state_digest, **changed})

    def handed_on(self, live: LiveWarrant, *steps: tuple[str, str, dict[str, Any]]) -> bytes:
        """A chain: who hands it on, to whom, and with what changed of ``Link``."""
        whole = self.redemption(live.warrant)
        parent, terms, links_made = links.digest(whole.warrant, whole.signature), live.terms, []
        expires, uses, cap = terms.expires_at, terms.uses, terms.cost_cap
        for by, to, changed in steps:
            fields = {
                "parent": parent, "holder": self.state.members[to].public_key, "constraints": {}, "expires_at": expires, "uses": uses,
                "cost_cap": cap,
            }  # fmt: skip
            link = links.Link(**{**fields, **changed})
            packed = links.pack(link)
            signature = self.sign(by, Purpose.LINK, packed)
            links_made.append((packed, signature))
            parent, expires, uses, cap = links.digest(packed, signature), link.expires_at, link.uses, link.cost_cap
        return links.pack_chain(tuple(links_made))

    def report(self, run: str, by: str = "till", **changed: Any) -> c.Report:
        opened: e.RunOpened = self.look_up(index.run_key(run))
        issued = next(event for _, _, event, _ in self.log if isinstance(event, e.WarrantIssued) and event.warrant == opened.warrant)
        terms = warrant.unverified_unpack(issued.fields)
        fields = {
            "warrant": opened.warrant, "run": run, "started": self.now, "ended": self.now, "outcome": "succeeded",
            "action": terms.action, "resource": terms.resource, "args_digest": opened.args_digest, "cost": 0,
            "result_digest": b"r" * 32, "evidence": {},
        }  # fmt: skip
        packed = receipt.pack(receipt.Receipt(**{**fields, **changed}))
        return c.Report(packed, self.sign(by, Purpose.RECEIPT, packed))

    def attest(self, run: str, by: str = "emil", *, agrees: bool = True, **changed: Any) -> c.Attest:
        known = self.state.runs[run]
        fields = {
            "case": known.case, "run": run, "receipt": known.receipt, "verdict": "verified" if agrees else "mismatched",
            "checks": tuple((name, "aa", "aa" if agrees else "bb", agrees) for name in sorted(looking.names(known.verify))),
            "time": self.now,
        }  # fmt: skip
        packed = attestation.pack(attestation.Attestation(**{**fields, **changed}))
        return c.Attest(packed, self.sign(by, Purpose.ATTESTATION, packed))

    def probe(self, run: str, by: str = "emil", found: str = "happened", **changed: Any) -> c.Probe:
        known = self.state.runs[run]
        asked = looking.probe(known.verify)
        fields = {
            "case": known.case, "run": run, "warrant": canonical.digest(known.fields), "found": found, "time": self.now,
            "checks": ((asked["name"] if asked else "file", "aa", "aa" if found == "happened" else "bb", found == "happened"),),
        }  # fmt: skip
        packed = probe.pack(probe.Probe(**{**fields, **changed}))
        return c.Probe(packed, self.sign(by, Purpose.PROBE, packed))

    def running(self, action: str = "notes.append", by: str = "ada", run: str = "r1", **more: Any) -> str:
        """The run that an approved and redeemed case has opened."""
        case = self.propose(action, by, **more)
        for name in ("hugo", "dora"):
            if case.status == "held":
                self.done(self.vote(case, name), name)
        self.done(self.redemption(self.warrant_of(case).warrant, run), "till")
        return run

    # --- what was remembered -------------------------------------------------------------------------------------------

    def tags(self, case: str | None = None) -> list[str]:
        return [event.TAG.partition("/")[0] for _, _, event, _ in self.log if case is None or getattr(event, "case", None) == case]

    def last(self, kind: type) -> Any:
        return next(event for _, _, event, _ in reversed(self.log) if isinstance(event, kind))


@pytest.fixture(scope="session")
def workshop() -> Bundle:
    """The bundle that the benches of this room work under."""
    loaded = load(Source({"bundle.toml": MANIFEST.encode(), "all.cedar": POLICIES.encode()}))
    assert isinstance(loaded, Bundle), [str(item) for item in loaded.items]
    return loaded


@pytest.fixture(scope="session")
def other_workshops() -> dict[str, Bundle]:
    loaded = {}
    for name, changes in OTHERS.items():
        text = POLICIES
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        bundle = load(Source({"bundle.toml": MANIFEST.encode(), "all.cedar": text.encode()}))
        assert isinstance(bundle, Bundle), [str(item) for item in bundle.items]
        loaded[name] = bundle
    return loaded


@pytest.fixture(scope="session")
def founded(workshop: Bundle, other_workshops: dict[str, Bundle]) -> Callable[[], Bench]:
    """Makes a founded tenant with its whole cast, as often as asked."""

    def make() -> Bench:
        bench = Bench("belvedere", workshop)
        bench.others = other_workshops
        return bench.found()

    return make


@pytest.fixture
def bench(founded: Callable[[], Bench]) -> Bench:
    return founded()


@pytest.fixture
def sealed(bench: Bench) -> Bench:
    bench.done(c.Seal(), "greta")
    return bench


@pytest.fixture(scope="session")
def counted() -> Callable[..., Bench]:
    """Makes a founded tenant whose first bundle is one of ``counting``."""
    return lambda *facts_and_policies: Bench("belvedere", counting(*facts_and_policies)).found()
