"""Every way to forge evidence is found, by both verifiers, by name: without the logs' keys, and with them.

Who has no key can only leave out, swap and alter what stands in a file.  Who has the keys of node and tenant can write any history,
and then it is the law that does not say what was recorded.
"""

from __future__ import annotations

import importlib.util
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest
from nacl.signing import SigningKey

from actors.governance import approval, attestation, codec, intent, receipt, warrant
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.canonical import NotCanonical
from actors.governance.ids import HOUR
from actors.governance.signing import Purpose, signed_bytes
from ledger import Draft, NoteSigner
from ledger.checkpoint import open_checkpoint
from ledger.header import parse
from ledger.note import compose
from vienna_runtime.errors import VerificationError
from vienna_runtime.evidence import form
from vienna_runtime.evidence.form import Evidence, Proved
from vienna_runtime.verify_evidence import verify_evidence

Office = Any  # the fixture of this directory's conftest
EXAMPLE = Path(__file__).parents[3] / "examples" / "verify_evidence.py"
FLIPS = 150  # of some 200,000 bits in a file; a longer run is for the bench
SEED = 20261122


@pytest.fixture(scope="session")
def alone() -> ModuleType:
    """The stand-alone verifier."""
    found = importlib.util.spec_from_file_location("alone", EXAMPLE)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@attrs.frozen
class Two:
    """Both verifiers; what each of them found wrong."""

    office: Office
    alone: ModuleType

    def failures(self, packed: bytes) -> tuple[set[str], set[str]]:
        ours = {check.name for check in verify_evidence(packed, self.office.node_key).checks if check.outcome == "fail"}
        theirs = {name for name, outcome, _ in self.alone.verify(packed, self.office.node_key.text) if outcome == "fail"}
        return ours, theirs

    def find(self, evidence: Evidence, *names: str) -> None:
        ours, theirs = self.failures(form.pack(evidence))
        assert set(names) <= ours, ours
        assert set(names) <= theirs, theirs

    def opened(self, evidence: Evidence) -> tuple[str, str]:
        """What each says of the counter."""
        packed = form.pack(evidence)
        ours = {check.name: check.outcome for check in verify_evidence(packed, self.office.node_key).checks}
        theirs = {name: outcome for name, outcome, _ in self.alone.verify(packed, self.office.node_key.text)}
        return ours["case counter"], theirs["case counter"]


@attrs.frozen
class Stage:
    office: Office
    two: Two
    early: Evidence  # made before the others
    refund: Evidence
    append: Evidence
    below: Evidence
    other: Evidence  # the same kind of case, another one
    foreign: Evidence  # of another tenant


@pytest.fixture(scope="module")
def stage(offices: Callable[..., Office], alone: ModuleType) -> Stage:
    office, foreign = offices().found(), offices("schoenbrunn").found()
    above = office.propose("notes.append", "notes/today", {"text": "a"})
    below = office.propose("orders.refund", "order/7", {"amount": 7}, parent=above)
    early = office.evidence(below)
    cases = office.refunding(), office.appending(), office.refunding()
    refund, append, other = (office.evidence(case) for case in cases)
    made = Stage(office, Two(office, alone), early, refund, append, office.evidence(below), other, foreign.evidence(foreign.refunding()))
    for evidence in (refund, append, made.below, other):
        assert made.two.failures(form.pack(evidence)) == (set(), set())
    return made


def tag(entry: Proved) -> str:
    return parse(entry.entry).tag


def of_case(evidence: Evidence) -> list[Proved]:
    return [entry for entry in evidence.tenant_log.entries if parse(entry.entry).case == evidence.case]


def with_entries(evidence: Evidence, entries: list[Proved]) -> Evidence:
    return attrs.evolve(evidence, tenant_log=attrs.evolve(evidence.tenant_log, entries=tuple(entries)))


def without(evidence: Evidence, *gone: Proved) -> Evidence:
    return with_entries(evidence, [entry for entry in evidence.tenant_log.entries if entry not in gone])


def replaced(evidence: Evidence, one: Proved, by: Proved) -> Evidence:
    return with_entries(evidence, [by if entry == one else entry for entry in evidence.tenant_log.entries])


def tagged(evidence: Evidence, name: str, nth: int = 0) -> Proved:
    """The case's n-th entry of that tag, or the log's."""
    return [entry for entry in evidence.tenant_log.entries if tag(entry) == name and parse(entry.entry).case in ("", evidence.case)][nth]


def body(entry: Proved) -> Any:
    assert entry.body is not None
    return codec.decode(tag(entry), entry.body)


def said(evidence: Evidence, entry: Proved, **changes: Any) -> Evidence:
    """The same file, with another body under that header."""
    return replaced(evidence, entry, attrs.evolve(entry, body=codec.encode(attrs.evolve(body(entry), **changes))))


# --- without a key


def test_an_entry_left_out_is_missed_wherever_it_stood(stage: Stage) -> None:
    steps = of_case(stage.refund)
    for entry in steps[:-1]:
        stage.two.find(without(stage.refund, entry), "case counter")


def test_a_case_without_its_closing_entry_is_open_and_what_the_law_owes_is_missed(stage: Stage) -> None:
    for evidence in (stage.refund, stage.append):
        cut = without(evidence, of_case(evidence)[-1])
        assert stage.two.opened(cut) == ("open", "open")
    ours, _ = stage.two.failures(form.pack(without(stage.refund, of_case(stage.refund)[-1])))
    assert "outcome" in ours  # the verdict was to stand in the same batch as the report


def test_nothing_left_of_the_case_is_no_case(stage: Stage) -> None:
    stage.two.find(without(stage.refund, *of_case(stage.refund)), "case counter")


def test_another_case_under_this_cases_name_is_found(stage: Stage) -> None:
    stage.two.find(attrs.evolve(stage.refund, case=stage.other.case), "case counter")


def test_swapped_bodies_are_found(stage: Stage) -> None:
    one, other = (tagged(stage.refund, "approval.given/1", nth) for nth in (0, 1))
    swapped = replaced(stage.refund, one, attrs.evolve(one, salt=other.salt, body=other.body))
    stage.two.find(swapped, "bodies", "approvals")


def test_another_approvers_signature_is_found(stage: Stage) -> None:
    one, other = (tagged(stage.refund, "approval.given/1", nth) for nth in (0, 1))
    stage.two.find(said(stage.refund, one, signature=body(other).signature), "bodies", "approvals")


def test_one_person_in_two_seats_is_found(stage: Stage) -> None:
    one, other = (tagged(stage.refund, "approval.given/1", nth) for nth in (0, 1))
    again = attrs.evolve(other, salt=one.salt, body=one.body)
    stage.two.find(replaced(stage.refund, other, again), "bodies", "approvals", "quorum")


def test_an_approval_replayed_from_another_case_is_found(stage: Stage) -> None:
    mine, foreign = (tagged(evidence, "approval.given/1") for evidence in (stage.refund, stage.other))
    stage.two.find(replaced(stage.refund, mine, attrs.evolve(foreign)), "tenant entries")
    replay = replaced(stage.refund, mine, attrs.evolve(mine, salt=foreign.salt, body=foreign.body))
    stage.two.find(replay, "bodies")


def test_another_tenants_warrant_is_found(stage: Stage) -> None:
    mine, foreign = (tagged(evidence, "warrant.issued/1") for evidence in (stage.refund, stage.foreign))
    stage.two.find(replaced(stage.refund, mine, foreign), "tenant entries", "case counter")
    moved = said(stage.refund, mine, fields=body(foreign).fields, signature=body(foreign).signature)
    stage.two.find(moved, "bodies", "warrant signature", "warrant terms")


def test_a_second_intent_is_found(stage: Stage) -> None:
    entry = tagged(stage.refund, "intent.proposed/1")
    wish = attrs.evolve(intent.unpack(body(entry).intent), params={"amount": 99})
    stage.two.find(said(stage.refund, entry, intent=intent.pack(wish)), "bodies", "card", "approvals")


def test_an_altered_card_is_found(stage: Stage) -> None:
    entry = tagged(stage.refund, "approval.requested/1")
    stage.two.find(said(stage.refund, entry, card=body(entry).card.replace(b"refund", b"reward")), "bodies", "card", "approvals")


def test_entries_in_another_order_are_found(stage: Stage) -> None:
    entries = list(stage.refund.tenant_log.entries)
    entries[-1], entries[-2] = entries[-2], entries[-1]
    stage.two.find(with_entries(stage.refund, entries), "tenant entries")
    stage.two.find(with_entries(stage.refund, [*entries[:-2], entries[-1], entries[-1]]), "tenant entries")


def test_proofs_of_another_size_are_found(stage: Stage) -> None:
    earlier = attrs.evolve(stage.refund.tenant_log, checkpoint=stage.early.tenant_log.checkpoint)
    stage.two.find(attrs.evolve(stage.refund, tenant_log=earlier), "tenant entries")
    entry = tagged(stage.refund, "warrant.issued/1")
    for proof in (entry.proof[:-1], (*entry.proof, bytes(32)), entry.proof[::-1], ()):
        stage.two.find(replaced(stage.refund, entry, attrs.evolve(entry, proof=proof)), "tenant entries")


def test_a_head_signed_by_a_key_that_was_never_admitted_is_found(stage: Stage) -> None:
    for which, log in (("tenant_log", "belvedere"), ("node_log", "")):
        share = getattr(stage.refund, which)
        text = open_checkpoint(share.checkpoint, stage.office.keys.verifier(log)).text()
        mallory = NoteSigner(stage.office.keys.verifier(log).name, b"m" * 32)
        forged = attrs.evolve(share, checkpoint=compose(text, [mallory.sign(text.encode())]))
        stage.two.find(attrs.evolve(stage.refund, **{which: forged}), "tenant checkpoint" if log else "node checkpoint")


def test_an_admission_left_out_or_of_another_node_is_found(stage: Stage) -> None:
    bare = attrs.evolve(stage.refund.node_log, entries=stage.refund.node_log.entries[1:])
    stage.two.find(attrs.evolve(stage.refund, node_log=bare), "keys")
    stage.two.find(attrs.evolve(stage.refund, node_log=stage.foreign.node_log), "keys")
    stage.two.find(attrs.evolve(stage.refund, tenant="schoenbrunn"), "keys")


def test_a_revocation_or_an_activation_left_out_is_found(stage: Stage) -> None:
    for name in ("member.confirmed/1", "member.invited/1", "bundle.activated/1", "tenant.founded/1"):
        stage.two.find(without(stage.refund, tagged(stage.refund, name, -1)), "standing")


def test_a_bundle_left_out_or_altered_is_found(stage: Stage) -> None:
    entry = tagged(stage.refund, "bundle.pushed/1")
    stage.two.find(without(stage.refund, entry), "bundles")
    files = {**body(entry).files, "all.cedar": b"permit (principal, action, resource);"}
    stage.two.find(said(stage.refund, entry, files=files), "bodies", "bundles")


def test_a_case_above_left_out_is_found(stage: Stage) -> None:
    above = next(entry for entry in stage.below.tenant_log.entries if parse(entry.entry).case not in ("", stage.below.case))
    stage.two.find(without(stage.below, above), "intent")


def test_a_body_that_is_withheld_without_a_removal_is_found(stage: Stage) -> None:
    for entry in of_case(stage.refund):
        stage.two.find(replaced(stage.refund, entry, attrs.evolve(entry, salt=None, body=None)), "bodies")


def test_a_commitment_to_something_else_is_found(stage: Stage) -> None:
    bound = stage.refund.commitment
    assert bound is not None
    for changes in ({"size": bound.size - 1}, {"root": bytes(32)}, {"sequence": 0}, {"index": 1}, {"consistency": (bytes(32),)}):
        stage.two.find(attrs.evolve(stage.refund, commitment=attrs.evolve(bound, **changes)), "commitment")
    stage.two.find(attrs.evolve(stage.refund, commitment=stage.foreign.commitment), "commitment")


def test_every_flipped_bit_is_found_by_both(stage: Stage) -> None:
    packed = form.pack(stage.append)
    drawn = random.Random(SEED)
    for number in range(FLIPS):
        at = drawn.randrange(len(packed) * 8)
        flipped = bytearray(packed)
        flipped[at // 8] ^= 1 << at % 8
        ours, theirs = stage.two.failures(bytes(flipped))
        assert ours, f"bit {at} (number {number} of seed {SEED})"
        assert theirs, f"bit {at} (number {number} of seed {SEED})"


# --- with every key of the node and the tenant


def amended(office: Office, path: Path, *changes: tuple[str, int, Callable[[Any], Any]], late: int = 0, since: str = "") -> Office:
    """The same history with these events altered: (tag, which of them, how).  From tag ``since`` on everything is ``late`` µs later."""
    drafts, wanted, shift = [], {(name, nth): how for name, nth, how in changes}, 0
    seen: dict[str, int] = {}
    for draft in office.drafts:
        nth = seen.get(draft.tag, 0)
        seen[draft.tag] = nth + 1
        shift = shift or (late if draft.tag == since else 0)
        draft = draft._replace(time=draft.time + shift)
        how = wanted.pop((draft.tag, nth), None)
        if how is not None:
            draft = draft._replace(body=codec.encode(how(codec.decode(draft.tag, draft.body))))
        drafts.append(draft)
    assert not wanted, "no such entry"
    return office.forged(path, drafts)


def dropped(office: Office, path: Path, name: str, nth: int) -> Office:
    """The same history as if that entry had never been: steps count on, and what followed it follows the one before."""
    at = [number for number, draft in enumerate(office.drafts) if draft.tag == name][nth]
    gone = office.drafts[at]

    def moved(number: int) -> int:
        return number if number < at else gone.follows[0] if number == at else number - 1

    kept: list[Draft] = []
    for number, draft in enumerate(office.drafts):
        if number != at:
            step = draft.step - (number > at and draft.case == gone.case)
            kept.append(draft._replace(step=step, follows=tuple(moved(one) for one in draft.follows)))
    return office.forged(path, kept)


def by_issuer(office: Office, how: Callable[[Any], Any], key: SigningKey | None = None) -> Callable[[Any], Any]:
    """A warrant with other terms, under a true signature (or one by another key)."""

    def change(event: e.WarrantIssued) -> e.WarrantIssued:
        fields = warrant.pack(how(warrant.unverified_unpack(event.fields)))
        signer = key or office.keys.issuer(office.tenant)
        return attrs.evolve(event, fields=fields, signature=bytes(signer.sign(signed_bytes(Purpose.WARRANT, fields)).signature))

    return change


def signed_anew(office: Office, name: str, purpose: Purpose, field: str, module: Any, **changes: Any) -> Callable[[Any], Any]:
    """A statement, receipt or attestation that says something else, signed by ``name``."""

    def change(event: Any) -> Any:
        packed = module.pack(attrs.evolve(module.unverified_unpack(getattr(event, field)), **changes))
        return attrs.evolve(event, **{field: packed, "signature": office.sign(name, purpose, packed)})

    return change


def same(event: Any) -> Any:
    return event


@pytest.fixture(scope="module")
def told(offices: Callable[..., Office], alone: ModuleType) -> tuple[Office, str, ModuleType]:
    """One T1 case, observed, as it should be; every test forges a history of its own from it."""
    office = offices().found()
    return office, office.appending(), alone


@pytest.fixture(scope="module")
def paid(offices: Callable[..., Office], alone: ModuleType) -> tuple[Office, str, ModuleType]:
    """One T2 case."""
    office = offices().found()
    return office, office.refunding(), alone


def assert_found(office: Office, case: str, alone: ModuleType, *names: str, cedar: bool = False) -> None:
    two = Two(office, alone)
    ours, theirs = two.failures(form.pack(office.evidence(case)))
    office.ledger.close()
    assert set(names) <= ours, ours
    assert cedar or set(names) <= theirs, theirs


def test_the_same_history_written_again_is_good(told: Any, tmp_path: Path) -> None:
    office, case, alone = told
    again = amended(office, tmp_path / "l", ("case.decided/1", 0, same))
    assert Two(again, alone).failures(form.pack(again.evidence(case))) == (set(), set())
    again.ledger.close()


LAWLESS: list[tuple[str, tuple[str, int, Callable[[Office], Callable[[Any], Any]]], tuple[str, ...]]] = [
    ("nobody is excluded", ("intent.proposed/1", 0, lambda _: lambda event: attrs.evolve(event, excluded=())), ("intent",)),
    ("another proposed it", ("intent.proposed/1", 0, lambda _: lambda event: attrs.evolve(event, agent="ben")), ("intent",)),
    ("it was not the founding", ("intent.proposed/1", 0, lambda _: lambda event: attrs.evolve(event, founding=False)), ("intent",)),
    ("another bundle", ("case.decided/1", 0, lambda _: lambda event: attrs.evolve(event, bundle=bytes(32))), ("bundles",)),
    ("the card says more", ("approval.requested/1", 0, lambda _: lambda event: attrs.evolve(event, card=event.card + b"\0")), ("card",)),
    ("nobody signed", ("approval.given/1", 0, lambda _: lambda event: attrs.evolve(event, signature=bytes(64))), ("approvals",)),
    ("another person", ("approval.given/1", 0, lambda _: lambda event: attrs.evolve(event, person="Dora")), ("approvals",)),
    (
        "another card",
        ("approval.given/1", 0, lambda office: signed_anew(office, "clara", Purpose.APPROVAL, "statement", approval, card=bytes(32))),
        ("approvals",),
    ),
    (
        "approved long ago",
        ("approval.given/1", 0, lambda office: signed_anew(office, "clara", Purpose.APPROVAL, "statement", approval, time=1)),
        ("approvals",),
    ),
    (
        "approved before it was answered",
        ("approval.given/1", 0, lambda office: signed_anew(office, "clara", Purpose.APPROVAL, "statement", approval, heard=b"")),
        ("approvals",),
    ),
    ("asked in another's name", ("approval.asked/1", 0, lambda _: lambda event: attrs.evolve(event, person="Clara")), ("conversation",)),
    ("asked by nobody", ("approval.asked/1", 0, lambda _: lambda event: attrs.evolve(event, approver="anna")), ("conversation",)),
    ("another question", ("approval.asked/1", 0, lambda _: lambda event: attrs.evolve(event, question="well?")), ("approvals",)),
    ("another answer", ("approval.answered/1", 0, lambda _: lambda event: attrs.evolve(event, answer="no")), ("approvals",)),
    ("another agent answered", ("approval.answered/1", 0, lambda _: lambda event: attrs.evolve(event, agent="ben")), ("conversation",)),
    ("an answer to nothing", ("approval.answered/1", 0, lambda _: lambda event: attrs.evolve(event, number=2)), ("conversation",)),
    (
        "signed by another purpose's key",
        ("warrant.issued/1", 0, lambda office: by_issuer(office, same, SigningKey(b"m" * 32))),
        ("warrant signature",),
    ),
    ("more uses", ("warrant.issued/1", 0, lambda office: by_issuer(office, lambda terms: attrs.evolve(terms, uses=9))), ("warrant terms",)),
    (
        "other arguments",
        ("warrant.issued/1", 0, lambda office: by_issuer(office, lambda terms: attrs.evolve(terms, params={}))),
        ("warrant terms",),
    ),
    (
        "a longer life",
        ("warrant.issued/1", 0, lambda office: by_issuer(office, lambda terms: attrs.evolve(terms, expires_at=terms.expires_at + 1))),
        ("warrant terms",),
    ),
    (
        "another holder",
        ("warrant.issued/1", 0, lambda office: by_issuer(office, lambda terms: attrs.evolve(terms, holder=bytes(32)))),
        ("warrant terms", "redemption"),
    ),
    ("another executor", ("run.opened/1", 0, lambda _: lambda event: attrs.evolve(event, redeemer="emil")), ("redemption",)),
    ("other arguments used", ("run.opened/1", 0, lambda _: lambda event: attrs.evolve(event, args_digest=bytes(32))), ("redemption",)),
    (
        "a receipt by another",
        ("run.reported/1", 0, lambda office: signed_anew(office, "ada", Purpose.RECEIPT, "receipt", receipt)),
        ("receipts",),
    ),
    (
        "a receipt of another run",
        ("run.reported/1", 0, lambda office: signed_anew(office, "till", Purpose.RECEIPT, "receipt", receipt, run="r-0")),
        ("receipts",),
    ),
    (
        "something else was done",
        ("run.reported/1", 0, lambda office: signed_anew(office, "till", Purpose.RECEIPT, "receipt", receipt, action="orders.refund")),
        ("outcome",),
    ),
    (
        "the executor verified itself",
        (
            "run.verified/1",
            0,
            lambda office: (
                lambda event: attrs.evolve(
                    signed_anew(office, "till", Purpose.ATTESTATION, "statement", attestation)(event), verifier="till"
                )
            ),
        ),
        ("attestations",),
    ),
    ("nobody attested", ("run.verified/1", 0, lambda _: lambda event: attrs.evolve(event, signature=bytes(64))), ("attestations",)),
    (
        "attested for another receipt",
        ("run.verified/1", 0, lambda office: signed_anew(office, "emil", Purpose.ATTESTATION, "statement", attestation, receipt=bytes(32))),
        ("attestations",),
    ),
    ("a key without its proof", ("member.enrolled/1", 3, lambda _: lambda event: attrs.evolve(event, proof=bytes(64))), ("members",)),
    (
        "another key was confirmed",
        ("member.confirmed/1", 3, lambda _: lambda event: attrs.evolve(event, fingerprint="0000 " * 7 + "0000")),
        ("members",),
    ),
]


@pytest.mark.parametrize(("change", "names"), [row[1:] for row in LAWLESS], ids=[row[0] for row in LAWLESS])
def test_what_the_law_does_not_say_is_found_though_every_signature_of_the_node_holds(
    told: Any, tmp_path: Path, change: tuple[str, int, Any], names: tuple[str, ...]
) -> None:
    office, case, alone = told
    tag, nth, how = change
    assert_found(amended(office, tmp_path / "l", (tag, nth, how(office))), case, alone, *names)


@pytest.mark.parametrize(
    "changes", [{"tier": "T0"}, {"permitted": False}, {"quorum": "any 2"}, {"ttl": 1}, {"uses": 5}, {"verify": {}}, {"policies": ("read",)}]
)
def test_another_verdict_than_cedars_is_found_by_who_has_cedar(told: Any, tmp_path: Path, changes: dict[str, Any]) -> None:
    office, case, alone = told
    forged = amended(office, tmp_path / "l", ("case.decided/1", 0, lambda event: attrs.evolve(event, **changes)))
    assert_found(forged, case, alone, "verdict", cedar=True)


def test_an_execution_that_cedar_did_not_permit_so_is_found(told: Any, tmp_path: Path) -> None:
    office, case, alone = told
    forged = amended(office, tmp_path / "l", ("run.opened/1", 0, lambda event: attrs.evolve(event, policies=("read",))))
    assert_found(forged, case, alone, "execution policy", cedar=True)


FORGED_FACTS = [
    lambda facts: {},
    lambda facts: {**facts, "moon": "full"},
    lambda facts: {name: fact for name, fact in facts.items() if name != "refunds"},
    lambda facts: {**facts, "refunds": 51},
    lambda facts: {**facts, "refunds": "none"},
    lambda facts: {**facts, "refunds": {"unavailable": "it was never counted"}},
    lambda facts: {**facts, "hour": facts["hour"] ^ 1},
    lambda facts: {**facts, "day": "someday"},
]


@pytest.mark.parametrize("how", FORGED_FACTS)
@pytest.mark.parametrize(("tag", "name"), [("case.decided/1", "verdict"), ("run.opened/1", "redemption")])
def test_other_facts_than_policy_can_have_been_shown_are_found_by_who_has_cedar(
    told: Any, tmp_path: Path, how: Any, tag: str, name: str
) -> None:
    office, case, alone = told
    forged = amended(office, tmp_path / "l", (tag, 0, lambda event: attrs.evolve(event, facts=how(event.facts))))
    found = Two(forged, alone).failures(form.pack(forged.evidence(case)))[0]
    forged.ledger.close()
    assert found & {name, "execution policy"}


def test_a_decision_on_another_phase_of_the_tenant_is_found_by_both(told: Any, tmp_path: Path) -> None:
    office, case, alone = told

    def sealed(event: Any) -> Any:
        return attrs.evolve(event, facts={**event.facts, "founding": not event.facts["founding"]})

    two = Two(forged := amended(office, tmp_path / "l", ("case.decided/1", 0, sealed)), alone)
    ours, theirs = two.failures(form.pack(forged.evidence(case)))
    forged.ledger.close()
    assert ("verdict" in ours, "bundles" in theirs) == (True, True)


def test_an_activation_that_counts_something_else_is_found(told: Any, tmp_path: Path) -> None:
    office, case, alone = told
    forged = amended(office, tmp_path / "l", ("bundle.activated/1", 0, lambda event: attrs.evolve(event, counters=event.counters[1:])))
    assert_found(forged, case, alone, "bundles", cedar=True)


def test_a_redemption_after_the_warrants_life_is_found(told: Any, tmp_path: Path) -> None:
    office, case, alone = told
    assert_found(amended(office, tmp_path / "l", late=HOUR, since="run.opened/1"), case, alone, "redemption")


def test_a_grant_without_its_quorum_is_found(paid: Any, tmp_path: Path) -> None:
    office, case, alone = paid
    assert_found(dropped(office, tmp_path / "l", "approval.given/1", 1), case, alone, "quorum")


def test_the_same_person_behind_a_second_member_is_found(paid: Any, tmp_path: Path) -> None:
    office, case, alone = paid

    def again(event: Any) -> Any:
        return attrs.evolve(
            event, approver="clara-two", person="Clara", signature=office.sign("clara-two", Purpose.APPROVAL, event.statement)
        )

    forged = amended(office, tmp_path / "l", ("approval.given/1", 1, again))
    assert_found(forged, case, alone, "approvals", "quorum")


def test_another_change_than_was_approved_and_none_at_all_are_found(office: Office, alone: ModuleType, tmp_path: Path) -> None:
    office.do(c.Seal(), "anna")
    office.do(c.Invite("hugo", "approver", "Hugo", (), "i-hugo", bytes(32), office.now + HOUR, "k-hugo", None), "anna")
    (case,) = office.state.cases
    office.vote(case, "clara")
    office.vote(case, "dora")
    (nth,) = [n for n, draft in enumerate(draft for draft in office.drafts if draft.tag == "member.invited/1") if b"hugo" in draft.body]
    other = amended(office, tmp_path / "other", ("member.invited/1", nth, lambda event: attrs.evolve(event, roles=("lead",))))
    assert_found(other, case, alone, "outcome")
    assert_found(dropped(office, tmp_path / "none", "member.invited/1", nth), case, alone, "outcome")


def test_an_approval_by_a_role_that_was_taken_away_is_found(office: Office, alone: ModuleType, tmp_path: Path) -> None:
    office.do(c.ChangeMember("clara", ("lead", "finance"), "k1"), "anna")
    case = office.refunding()
    forged = amended(office, tmp_path / "l", ("member.changed/1", 0, lambda event: attrs.evolve(event, roles=("nothing",))))
    assert_found(forged, case, alone, "approvals", "quorum")


def test_a_third_run_of_two_uses_is_found(paid: Any, tmp_path: Path) -> None:
    office, case, alone = paid
    forged = amended(office, tmp_path / "l", ("warrant.issued/1", 0, by_issuer(office, lambda terms: attrs.evolve(terms, uses=1))))
    assert_found(forged, case, alone, "warrant terms", "redemption")


def test_a_case_closed_while_something_of_it_lives_is_found(paid: Any, tmp_path: Path) -> None:
    office, case, alone = paid
    forged = amended(office, tmp_path / "l", ("run.verified/1", 0, lambda event: attrs.evolve(event, closes=True)))
    assert_found(forged, case, alone, "case counter")


def another(value: Any, drawn: random.Random) -> Any:
    """Something else of the same type: nonsense, where there is any."""
    match value:
        case None:
            return drawn.choice([b"x" * 32, "x", 3])
        case bool():
            return not value
        case int():
            return drawn.choice([-1, value + 1, 2**62])
        case str():
            return drawn.choice([text for text in ("", "((", "T9", "any 99999", "ada") if text != value])
        case bytes():
            return value[:-1] + bytes([value[-1] ^ 1]) if value else b"x"
        case tuple():
            return value[1:]
        case _:
            return {}


def test_whatever_field_of_whatever_body_is_altered_both_find_it_and_neither_falls(stage: Stage) -> None:
    drawn, tried = random.Random(SEED), 0
    for entry in of_case(stage.append):
        event = body(entry)
        for field in attrs.fields(type(event)):
            value = getattr(event, field.name)
            if value in ((), {}):
                continue  # nothing to take away
            try:
                forged = said(stage.append, entry, **{field.name: another(value, drawn)})
            except NotCanonical:
                continue  # nothing that could stand in a body
            stage.two.find(forged, "bodies")
            tried += 1
    assert tried > 50


@pytest.mark.parametrize(
    "bomb",
    [
        b"\xdd" + (8 << 20).to_bytes(4, "big") + b"\x80" * (8 << 20),  # empty maps, a hundred times as large in memory
        b"\x92" + 2 * (b"\xdd" + (3 << 20).to_bytes(4, "big") + b"\xc0" * (3 << 20)),
        b"\xdf" + (1 << 16).to_bytes(4, "big") + b"".join(b"\xc4\x02%c%c\xc0" % divmod(number, 256) for number in range(1 << 16)),
    ],
)
def test_a_file_that_would_fill_the_memory_is_refused_before_it_does(bomb: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(VerificationError, match="too many"):
            form.unpack(bomb)
        assert tracemalloc.get_traced_memory()[1] < 200 << 20
    finally:
        tracemalloc.stop()
