from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from actors.governance import commands as c
from actors.governance import events as e
from actors.governance import governed
from actors.governance.decision import Decided, Moment, Operator
from actors.governance.ids import HOUR, MINUTE, Fresh, Instant
from actors.governance.signing import fingerprint
from ledger import VerifierKey, removal
from ledger.cosignature import Cosigner
from ledger.header import parse
from ledger.rotation import Kind
from ledger.witness_policy import Policy
from vienna_runtime.evidence import form
from vienna_runtime.evidence.checks import NAMES
from vienna_runtime.verify_evidence import Report, verify_evidence

ALONE = Path(__file__).parents[3] / "examples" / "verify_evidence.py"
JAVASCRIPT = Path(__file__).parents[2] / "interop" / "verify.mjs"
EMIL = Cosigner("witness.example/emil", bytes(32))
RULES = f"witness emil {EMIL.verifier.text}\nquorum emil\n"
Office = Any  # the fixture of this directory's conftest


def verified(office: Office, case: str) -> Report:
    return verify_evidence(form.pack(office.evidence(case)), office.node_key)


def cosign(office: Office) -> None:
    """Emil cosigns both logs as they are."""
    for log in ("", "belvedere"):
        checkpoint = office.ledger.head(log).checkpoint
        text = checkpoint.decode().partition("\n\n")[0] + "\n"
        office.ledger.put_witnessed(log, checkpoint + EMIL.cosign(text, 7).line().encode())


def outcomes(report: Report) -> dict[str, str]:
    return {check.name: check.outcome for check in report.checks}


def good(office: Office, case: str) -> Report:
    """Verified, and nothing failed; what it says otherwise is shown."""
    report = verified(office, case)
    assert report.good, [check for check in report.checks if check.outcome == "fail"]
    return report


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("reading", "consistent"),
        ("appending", "verified"),
        ("refunding", "consistent"),
        ("in_advance", "consistent"),
        ("reviewed", "consistent"),
    ],
)
def test_a_whole_case_of_each_tier_is_verified_from_the_nodes_key_alone(office: Office, kind: str, word: str) -> None:
    report = good(office, getattr(office, kind)())
    assert (report.outcome, report.closed, report.tenant) == (word, True, "belvedere")
    assert [check.name for check in report.checks] == list(NAMES)
    assert {name for name, outcome in outcomes(report).items() if outcome != "pass"} <= {
        "witnesses", "card", "approvals", "conversation", "quorum", "attestations",
    }  # fmt: skip


def test_a_case_that_waits_is_open_at_the_size_of_its_last_entry(office: Office) -> None:
    case = office.propose("notes.append", "notes/today", {"text": "a"})
    size = office.state.size
    office.reading()
    report = good(office, case)
    assert not report.closed
    assert report.outcome == "held"
    (counter,) = [check for check in report.checks if check.name == "case counter"]
    assert counter.outcome == "open"
    assert f"open at size {size}:" in counter.said


def test_what_policy_forbids_is_evidence_too(office: Office) -> None:
    report = good(office, office.propose("notes.append", "notes/secret", {"text": "a"}))
    assert (report.outcome, report.closed) == ("denied", True)


def test_a_denial_by_a_person_ends_the_case(office: Office) -> None:
    case = office.propose("notes.append", "notes/today", {"text": "a"})
    office.vote(case, "clara", "deny")
    assert good(office, case).outcome == "denied"


def test_narrowings_are_in_the_warrant_and_derived_again(office: Office) -> None:
    assert good(office, office.refunding(ttl=5 * MINUTE, cost_cap=7)).closed


def test_cases_that_time_ends_are_verified(office: Office) -> None:
    held = office.propose("notes.append", "notes/today", {"text": "a"})
    unused = office.propose("notes.append", "notes/today", {"text": "b"})
    office.vote(unused, "clara")
    lost = office.propose("notes.append", "notes/today", {"text": "c"})
    office.vote(lost, "clara")
    office.redeem(lost, "r-lost")
    unseen = office.propose("notes.append", "notes/today", {"text": "d"})
    office.vote(unseen, "clara")
    office.redeem(unseen, "r-unseen")
    office.report("r-unseen")
    office.settle_due(2 * HOUR)
    assert [good(office, case).outcome for case in (held, unused, lost, unseen)] == ["expired", "expired", "unknown", "inconclusive"]
    office.do(c.SettleEffect("r-lost", True, "it is there"), "anna")
    settled = good(office, lost)
    assert (settled.outcome, settled.closed) == ("settled", True)


def test_cases_that_people_end_are_verified(office: Office) -> None:
    cancelled = office.propose("notes.append", "notes/today", {"text": "a"})
    office.do(c.Cancel(cancelled, "no more"), "ada")
    revoked = office.propose("notes.append", "notes/today", {"text": "b"})
    office.vote(revoked, "clara")
    (live,) = [live for live in office.state.warrants.values() if live.case == revoked]
    office.do(c.RevokeWarrant(live.warrant, "not today"), "anna")
    assert [good(office, case).outcome for case in (cancelled, revoked)] == ["cancelled", "revoked"]


def test_a_target_that_moved_is_decided_again_on_its_new_state(office: Office) -> None:
    case = office.propose("notes.append", "notes/today", {"text": "a"}, state_digest=bytes(32))
    office.vote(case, "clara")
    office.redeem(case, "r1", state_digest=b"\x01" * 32)
    office.vote(case, "dora")
    office.redeem(case, "r2", state_digest=b"\x01" * 32)
    office.attest(case, "r2", office.report("r2"))
    assert good(office, case).outcome == "verified"


def test_a_mismatch_and_a_failure_are_what_the_receipt_says(office: Office) -> None:
    mismatched = office.propose("notes.append", "notes/today", {"text": "a"})
    office.vote(mismatched, "clara")
    office.redeem(mismatched, "r1")
    office.report("r1", args_digest=bytes(32))
    office.do(c.ResetBreaker("agent:ada", "looked at"), "anna")
    failed = office.propose("notes.append", "notes/today", {"text": "b"})
    office.vote(failed, "clara")
    office.redeem(failed, "r2")
    office.report("r2", outcome="failed")
    assert [good(office, case).outcome for case in (mismatched, failed)] == ["mismatched", "failed"]


def test_a_bundle_activated_meanwhile_decides_a_held_case_again(office: Office) -> None:
    from_before = office.propose("notes.append", "notes/today", {"text": "a"})
    files = dict(bundle_files(office))
    files["all.cedar"] = files["all.cedar"] + b"\n// looked at again\n"
    office.activate(files)
    office.settle_due(MINUTE)
    office.vote(from_before, "clara")
    report = good(office, from_before)
    bundles = next(check for check in report.checks if check.name == "bundles")
    assert bundles.said.count(";") == 1


def test_whoever_is_excluded_in_a_case_above_is_excluded_below_it(office: Office) -> None:
    above = office.propose("notes.append", "notes/today", {"text": "a"}, by="ada")
    below = office.propose("orders.refund", "order/7", {"amount": 7}, by="ben", parent=above)
    assert set(office.state.cases[below].excluded) == {"Ada's machine", "Anna", "Ben's machine", "Clara"}
    office.vote(above, "clara", "deny")
    office.do(c.RetryLetter(_letter(office), "again"), "anna")
    (again,) = [case.case for case in office.state.cases.values() if case.parent == above and case.agent == "ada"]
    for case in (above, below, again):
        good(office, case)


def test_a_change_of_the_tenant_itself_shows_who_agreed(office: Office) -> None:
    office.do(c.Seal(), "anna")
    asked = office.do(c.Invite("hugo", "approver", "Hugo", (), "i-hugo", bytes(32), office.now + HOUR, "k-hugo", None), "anna")
    case = str(asked.answer["case"])
    office.vote(case, "clara")
    office.vote(case, "dora")
    report = good(office, case)
    assert (report.outcome, report.closed) == ("applied", True)


def _activation(office: Office) -> None:
    """With another retention, which an entry beside it says."""
    files = bundle_files(office)
    pushed = office.do(c.PushBundle({**files, "bundle.toml": files["bundle.toml"] + b"[retention]\ndays = 3000\n"}), "anna")
    office.do(c.ActivateBundle(pushed.answer["bundle"], "k-activate"), "anna")


def _release(office: Office) -> None:
    placed = office.do(c.PlaceHold("tenant", "a lawsuit"), "anna")
    office.do(c.ReleaseHold(str(placed.answer["hold"]), "it is settled", "k-release"), "anna")


def _erasure(office: Office) -> None:
    ordered = e.ErasureOrdered("e1", ("7",), (), ("2026-11", "2026-11"), "asked by its subject", "anna")
    moment = Moment(Instant(office.now), Fresh(bytes(32)))
    asked = governed.change(office.state, governed.ERASE, "erasure/e1", (ordered,), office.state.members["anna"], "k-erase", moment)
    assert isinstance(asked, Decided)
    office.record(asked.events, "anna")


def _roles(office: Office) -> None:
    office.do(c.ChangeMember("ada", ("reader", "writer"), "k-roles"), "anna")


CHANGES = pytest.mark.parametrize("ask", [_roles, _activation, _release, _erasure])


def changed(office: Office, ask: Callable[[Office], None]) -> str:
    """A change of the sealed tenant that records more than who belongs and which bundle is in force; Clara and Dora approve it."""
    office.do(c.Seal(), "anna")
    ask(office)
    (case,) = office.state.cases
    office.vote(case, "clara")
    office.vote(case, "dora")
    return str(case)


@CHANGES
def test_what_a_change_records_beside_the_standing_entries_is_not_missed(office: Office, ask: Callable[[Office], None]) -> None:
    case = changed(office, ask)
    report = good(office, case)
    assert (report.outcome, report.closed, outcomes(report)["outcome"]) == ("applied", True, "pass")
    assert alone(form.pack(office.evidence(case)), office.node_key) == "verified"


def test_a_quorum_is_counted_with_the_roles_that_were_changed(office: Office) -> None:
    case = office.propose("orders.refund", "order/1", {"amount": 5})
    office.vote(case, "clara")
    office.do(c.ChangeMember("clara", (), "k1"), "anna")
    office.do(c.ChangeMember("dora", ("finance", "lead"), "k2"), "anna")
    office.vote(case, "dora")
    assert good(office, case).outcome == "held"  # Clara has no seat any more, and Dora has one of the two
    office.do(c.ChangeMember("clara", ("finance",), "k3"), "anna")
    second = office.propose("orders.refund", "order/2", {"amount": 6})
    office.vote(second, "clara")
    office.vote(second, "dora")
    assert good(office, second).outcome == "warranted"
    for one in (case, second):
        assert alone(form.pack(office.evidence(one)), office.node_key) == "verified"


def recovered(office: Office) -> str:
    """Clara is lost, and Hugo approves in her place: a case that only the members a recovery put in force could decide."""
    office.do(c.Seal(), "anna")
    lost = ("clara", "clara-two")
    invite = c.InviteForRecovery("hugo", "approver", "Hugo", ("lead",), "i-hugo", bytes(32), office.now + HOUR, lost, "she is gone")
    office.do(invite, "anna")
    office.enrol("hugo")
    hugo = office.state.members["hugo"]
    announced = office.do(c.AnnounceRecovery(lost, {"hugo": fingerprint(hugo.public_key, hugo.key_hash)}, "she is gone"), "anna")
    digest = announced.answer["digest"]
    office.do(c.AgreeToRecovery("belvedere", digest), Operator("otto"))
    office.now += 72 * HOUR
    office.do(c.ApplyRecovery(digest), "anna")
    case = office.propose("notes.append", "notes/today", {"text": "a"})
    office.vote(case, "hugo")
    return str(case)


def test_a_case_after_a_recovery_is_verified_with_the_members_that_it_put_in_force(office: Office, tmp_path: Path) -> None:
    case = recovered(office)
    assert good(office, case).outcome == "warranted"
    packed = form.pack(office.evidence(case))
    assert alone(packed, office.node_key) == "verified"
    if (node := shutil.which("node")) is not None:
        (tmp_path / "after").write_bytes(packed)
        ended = subprocess.run([node, JAVASCRIPT, "evidence", tmp_path / "after", office.node_key.text], capture_output=True, text=True)
        assert ended.returncode == 0, ended.stdout + ended.stderr


@CHANGES
def test_the_verifier_in_javascript_does_not_miss_it_either(office: Office, ask: Callable[[Office], None], tmp_path: Path) -> None:
    if (node := shutil.which("node")) is None:
        pytest.skip("node is not installed here (Debian: nodejs): the verifier in JavaScript was not run")
    (tmp_path / "changed").write_bytes(form.pack(office.evidence(changed(office, ask))))
    ended = subprocess.run([node, JAVASCRIPT, "evidence", tmp_path / "changed", office.node_key.text], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_another_nodes_key_vouches_for_nothing(office: Office) -> None:
    packed = form.pack(office.evidence(office.reading()))
    report = verify_evidence(packed, office.keys.verifier("schoenbrunn"))
    assert outcomes(report)["node checkpoint"] == "fail"


def bundle_files(office: Office) -> dict[str, bytes]:
    from actors.recall import Recall

    files = Recall(office.ledger, office.tenant).bundle_files(office.state.bundle)
    assert files is not None
    return dict(files)


def _letter(office: Office) -> str:
    from actors.recall import Recall

    event = Recall(office.ledger, office.tenant).entry(office.state.last_letter)[1]
    return str(event.letter)  # type: ignore[union-attr]  # it is a dead letter


def test_keys_that_handed_over_are_followed_from_the_old_nodes_key_and_from_the_new(office: Office) -> None:
    old_key = office.node_key
    before = office.refunding()
    office.rotate("belvedere", Kind.CHECKPOINT)
    office.rotate("belvedere", Kind.ISSUER)
    office.rotate("", Kind.CHECKPOINT)
    after = office.refunding()
    for case in (before, after):
        packed = form.pack(office.evidence(case))
        for key in (old_key, office.node_key):
            report = verify_evidence(packed, key)
            assert report.good, [check for check in report.checks if check.outcome == "fail"]
        assert alone(packed, old_key) == alone(packed, office.node_key) == "verified"


def test_what_was_cosigned_before_the_nodes_key_handed_over_is_taken_by_the_new_key_too(office: Office) -> None:
    """Until a witness has cosigned again, the kept note of the node's log carries the old key's signature alone."""
    case, old_key = office.refunding(), office.node_key
    cosign(office)
    for log in ("", "belvedere"):
        office.rotate(log, Kind.CHECKPOINT)
    packed = form.pack(office.evidence(case))
    for key in (old_key, office.node_key):
        report = verify_evidence(packed, key)
        assert report.good, [check for check in report.checks if check.outcome == "fail"]
        assert outcomes(report)["witnesses"] == "pass"
        assert alone(packed, key) == "verified"


@pytest.mark.parametrize(("log", "kind"), [("", Kind.CHECKPOINT), ("belvedere", Kind.CHECKPOINT), ("belvedere", Kind.ISSUER)])
def test_under_a_policy_a_rotation_that_no_witness_has_seen_is_refused(office: Office, log: str, kind: Kind) -> None:
    """Else whoever has a key could show to one reader alone that it handed over."""
    case, first = office.refunding(), office.node_key
    policy = Policy.parse(RULES)
    elsewhere = Policy.parse(f"log {office.keys.verifier('belvedere').text}\n{RULES}")
    cosign(office)
    assert verify_evidence(form.pack(office.evidence(case)), first, policy).good
    office.rotate(log, kind)
    packed = form.pack(office.evidence(case))
    failure = verify_evidence(packed, first, policy).first_failure
    assert failure is not None
    assert (failure.name, "make newer evidence" in failure.said) == ("witnesses", True)
    assert verify_evidence(packed, first).good
    assert verify_evidence(packed, first, elsewhere).good  # it says nothing of the node's log
    cosign(office)
    assert verify_evidence(form.pack(office.evidence(case)), first, policy).good


def test_under_a_policy_the_nodes_newest_commitment_may_come_after_what_was_cosigned(office: Office) -> None:
    case = office.refunding()
    cosign(office)
    cosigned = office.ledger.head("").size
    evidence = office.evidence(case)
    assert evidence.commitment is not None
    assert evidence.commitment.sequence >= cosigned
    assert verify_evidence(form.pack(evidence), office.node_key, Policy.parse(RULES)).good


def test_evidence_of_a_case_whose_bodies_were_forgotten_says_which_and_proves_the_rest(office: Office) -> None:
    case = office.refunding()
    places = office.ledger.case_entries("belvedere", case)
    office.forget(*places[2:4])
    evidence = office.evidence(case)
    report = verify_evidence(form.pack(evidence), office.node_key)
    assert report.good, [check for check in report.checks if check.outcome == "fail"]
    assert report.removed == tuple(places[2:4])
    assert (outcomes(report)["tenant entries"], outcomes(report)["chain"], outcomes(report)["standing"]) == ("pass", "pass", "pass")
    assert {outcomes(report)[name] for name in ("case counter", "card", "approvals", "quorum", "outcome")} == {"none"}
    assert alone(form.pack(evidence), office.node_key) == "verified"


def test_a_case_whose_case_above_was_forgotten_still_has_evidence_and_says_what_is_not_looked_at(office: Office) -> None:
    top = office.propose("notes.append", "notes/today", {"text": "a"}, by="ada")
    above = office.propose("notes.append", "notes/today", {"text": "b"}, by="ada", parent=top)
    below = office.propose("orders.refund", "order/7", {"amount": 7}, by="ben", parent=above)
    for case, approver in ((top, "clara"), (above, "clara"), (below, "dora")):
        office.vote(case, approver, "deny")
    office.forget(office.ledger.case_entries("belvedere", top)[0])
    for case in (above, below):
        report = good(office, case)
        assert (outcomes(report)["tenant entries"], outcomes(report)["chain"], outcomes(report)["intent"]) == ("pass", "pass", "none")
        assert alone(form.pack(office.evidence(case)), office.node_key) == "verified"


def test_an_entry_of_no_case_above_that_was_forgotten_keeps_nobody_from_looking(office: Office, tmp_path: Path) -> None:
    """Whoever passes evidence on may add entries that are true, and must not make the law look away by that."""
    other, case = office.propose("notes.append", "notes/today", {"text": "a"}, by="ada"), office.refunding()
    office.vote(other, "clara", "deny")
    (first, *_) = office.ledger.case_entries("belvedere", other)
    office.forget(first)
    made = office.evidence(case)
    more = office.evidence(other)
    known = {entry.entry for entry in made.tenant_log.entries}
    added = [entry for entry in more.tenant_log.entries if parse(entry.entry).tag in (e.IntentProposed.TAG, removal.TAG)]
    together = sorted((*made.tenant_log.entries, *(x for x in added if x.entry not in known)), key=lambda x: parse(x.entry).sequence)
    packed = form.pack(attrs.evolve(made, tenant_log=attrs.evolve(made.tenant_log, entries=tuple(together))))
    report = verify_evidence(packed, office.node_key)
    assert report.good, [check for check in report.checks if check.outcome == "fail"]
    assert (outcomes(report)["intent"], outcomes(report)["quorum"], outcomes(report)["outcome"]) == ("pass", "pass", "pass")
    assert alone(packed, office.node_key) == "verified"
    if (node := shutil.which("node")) is not None:
        (tmp_path / "more").write_bytes(packed)
        ended = subprocess.run([node, JAVASCRIPT, "evidence", tmp_path / "more", office.node_key.text], capture_output=True, text=True)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert "redemption: ok" in ended.stdout


def alone(packed: bytes, key: VerifierKey) -> str:
    """The stand-alone verifier's last word, from a process without this project's packages."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(packed)
        file.flush()
        ended = subprocess.run([sys.executable, "-I", str(ALONE), file.name, key.text], capture_output=True, text=True)
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended.stdout.splitlines()[-1]
