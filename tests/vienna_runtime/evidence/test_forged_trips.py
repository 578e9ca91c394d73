"""What was granted while a breaker was open, or done on a warrant of before its trip: all three verifiers find it, by name.

The forger has every key of the node, and a law that knows no breakers; or no key at all, and leaves the trip out of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest

from actors.governance import breaker, redeeming, using
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.ids import HOUR
from actors.governance.state import State
from ledger.header import parse
from tests.vienna_runtime.evidence.test_forged_pauses import append, found, handed_on, none, office, warranted
from tests.vienna_runtime.evidence.test_forgeries import Office, alone, amended, tagged, without
from tests.vienna_runtime.evidence.test_leaving import found_in
from vienna_runtime.evidence import form
from vienna_runtime.evidence.form import Evidence
from vienna_runtime.verify_evidence import verify_evidence

__all__ = ["alone", "found", "office"]  # fixtures

SCOPES = ["agent:ada", "action:notes.append", "agent:ada action:notes.append", "tenant"]
OTHERS = ["agent:ben", "action:notes.read", "agent:ben action:notes.append", "agent:ada action:notes.read"]


@pytest.fixture
def lawless(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A law that decides as if no breaker had ever tripped; what it records says that they did."""

    def epoch(state: State, agent: str, action: str) -> int:
        return next(live.epoch for live in state.warrants.values() if (live.agent, live.action) == (agent, action))

    @contextmanager
    def made() -> Iterator[None]:
        with monkeypatch.context() as patched:
            patched.setattr(redeeming, "epoch", epoch)
            patched.setattr(using, "worthless", lambda *_: None)
            patched.setattr(breaker, "admits", lambda *_: [])
            patched.setattr(breaker, "one_probe", lambda *_: None)
            patched.setattr(breaker, "shuts_out", lambda *_, **_more: None)
            yield

    return made


@pytest.fixture
def failing(alone: ModuleType, tmp_path: Path) -> Callable[[Office, Evidence], list[set[str]]]:
    """What each of the verifiers finds wrong with a file."""
    return lambda office, evidence: found_in(office, form.pack(evidence), alone, tmp_path)


def caught(found: list[set[str]]) -> None:
    assert all("breakers" in names for names in found), found


def trip(office: Office, scope: str) -> None:
    office.do(c.TripBreaker(scope, "it loops"), "anna")


def reset(office: Office, scope: str) -> None:
    office.do(c.ResetBreaker(scope, "looked"), "anna")


def of(office: Office, tag: str) -> int:
    """Where the newest entry of that tag stands."""
    return max(number for number, draft in enumerate(office.drafts) if draft.tag == tag)


def renamed(office: Office, path: Path, tag: str, named: int | None) -> Office:
    """The same history, where the newest entry of that tag names another trip, or as of old none."""
    at, drafts = of(office, tag), list(office.drafts)
    first, *_, last = drafts[at].follows
    drafts[at] = drafts[at]._replace(follows=(first, last) if named is None else (first, named, last))
    return office.forged(path, drafts)


# -- by who has every key


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("scope", SCOPES)
def test_a_run_on_a_warrant_of_before_a_trip_is_found_whether_or_not_it_was_reset(
    office: Office, found: Any, lawless: Any, scope: str, closed: bool
) -> None:
    case = warranted(office)
    trip(office, scope)
    if closed:
        reset(office, scope)
    with lawless():
        office.redeem(case, "r1")
    office.attest(case, "r1", office.report("r1"))
    assert case not in office.state.cases
    caught(found(office, case))


@pytest.mark.parametrize("scope", OTHERS)
def test_a_trip_of_another_scope_is_nothing_to_it(office: Office, found: Any, scope: str) -> None:
    case = warranted(office)
    trip(office, scope)
    office.redeem(case, "r1")
    none(found(office, case))


def test_a_second_use_after_a_trip_is_found_when_it_is_asked_for_and_when_it_runs(office: Office, found: Any, lawless: Any) -> None:
    case = office.propose("orders.refund", "order/1", {"amount": 5})
    office.vote(case, "clara")
    office.vote(case, "dora")
    office.redeem(case, "r1")
    office.report("r1")
    none(found(office, case))
    trip(office, "action:orders.refund")
    none(found(office, case))
    with lawless():
        (live,) = office.state.warrants
        office.do(c.UseWarrant(live, "once more"), "ada")
        caught(found(office, case))
        office.redeem(case, "r2")
    caught(found(office, case))


def test_a_state_that_was_stale_only_after_a_trip_is_found(office: Office, found: Any, lawless: Any) -> None:
    case = warranted(office, state_digest=bytes(32))
    trip(office, "agent:ada")
    reset(office, "agent:ada")
    with lawless():
        office.redeem(case, "r1", state_digest=b"\x01" * 32)
    assert any(draft.tag == e.TargetStale.TAG for draft in office.drafts)
    caught(found(office, case))


@pytest.mark.parametrize("hands", [("ben",), ("ben", "till")])
def test_what_was_handed_to_whose_breaker_tripped_since_is_found(office: Office, found: Any, lawless: Any, hands: tuple[str, ...]) -> None:
    def tripped(office: Office) -> None:
        trip(office, "agent:ben")
        reset(office, "agent:ben")

    with lawless():
        case, _ = handed_on(office, *hands, meanwhile=tripped)
    caught(found(office, case))


@pytest.mark.parametrize("scope", SCOPES)
def test_a_grant_while_a_breaker_is_open_is_found(office: Office, found: Any, lawless: Any, scope: str) -> None:
    case = append(office)
    trip(office, scope)
    with lawless():
        office.vote(case, "clara")
    caught(found(office, case))


def test_a_grant_without_people_while_a_breaker_is_open_is_found(office: Office, found: Any, lawless: Any) -> None:
    trip(office, "agent:ada")
    with lawless():
        case = office.propose("notes.read", "notes/today", {"path": "a"})
    caught(found(office, case))


# -- by who passes the file on, and by who names another trip


@pytest.fixture
def closed_before(office: Office) -> tuple[Office, str]:
    """A case that began after its agent's breaker had been closed again: its run names that trip."""
    trip(office, "agent:ada")
    reset(office, "agent:ada")
    case = warranted(office)
    office.redeem(case, "r1")
    return office, case


def test_a_trip_that_is_left_out_is_missed(closed_before: tuple[Office, str], failing: Any) -> None:
    office, case = closed_before
    evidence = office.evidence(case)
    none(failing(office, evidence))
    caught(failing(office, without(evidence, tagged(evidence, e.BreakerTripped.TAG))))


def test_a_trip_that_is_moved_to_after_the_grant_is_found(office: Office, found: Any, lawless: Any) -> None:
    """The twin of the history above, in another order."""
    case = warranted(office)
    trip(office, "agent:ada")
    with lawless():
        office.redeem(case, "r1")
    caught(found(office, case))


@pytest.mark.parametrize("scope", OTHERS)
def test_a_trip_of_another_scope_in_its_place_is_found(closed_before: tuple[Office, str], found: Any, tmp_path: Path, scope: str) -> None:
    office, case = closed_before
    forged = amended(office, tmp_path / "l", (e.BreakerTripped.TAG, 0, lambda event: attrs.evolve(event, scope=scope)))
    caught(found(forged, case))
    forged.ledger.close()


def test_another_entry_in_the_place_of_a_trip_is_found(closed_before: tuple[Office, str], found: Any, tmp_path: Path) -> None:
    office, case = closed_before
    for name in (e.BreakerReset.TAG, e.BundleActivated.TAG):
        forged = renamed(office, tmp_path / name.replace("/", "-"), e.RunOpened.TAG, of(office, name))
        caught(found(forged, case))
        forged.ledger.close()


@pytest.mark.parametrize("named", [0, None])
def test_who_knows_of_a_trip_that_a_run_does_not_name_adds_it_to_the_file(
    office: Office, lawless: Any, failing: Any, tmp_path: Path, named: int | None
) -> None:
    case = warranted(office)
    trip(office, "agent:ada")
    with lawless():
        office.redeem(case, "r1")
    lying = renamed(office, tmp_path / "l", e.RunOpened.TAG, named)
    evidence = lying.evidence(case)
    none(failing(lying, evidence))
    caught(failing(lying, added(lying, evidence, of(office, e.BreakerTripped.TAG))))
    lying.ledger.close()


def added(office: Office, evidence: Evidence, at: int) -> Evidence:
    """The file with one more entry of the same log, which is true."""
    (record,) = office.ledger.read(office.tenant, at, at + 1)
    salted = office.ledger.open_salted(office.tenant, record)
    size = int(evidence.tenant_log.checkpoint.split(b"\n")[1])
    proof = tuple(office.ledger.prove_inclusion(office.tenant, at, size))
    one = form.Proved(entry=record.entry, salt=salted[:32], body=salted[32:], proof=proof)
    entries = sorted([*evidence.tenant_log.entries, one], key=lambda entry: parse(entry.entry).sequence)
    return attrs.evolve(evidence, tenant_log=attrs.evolve(evidence.tenant_log, entries=tuple(entries)))


# -- honest


@pytest.mark.parametrize("scope", SCOPES)
def test_a_warrant_of_after_the_reset_is_good(office: Office, found: Any, scope: str) -> None:
    waits = append(office)
    trip(office, scope)
    reset(office, scope)
    office.vote(waits, "clara")
    office.redeem(waits, "r1")
    office.attest(waits, "r1", office.report("r1"))
    none(found(office, waits))


def test_a_probe_is_good(office: Office, found: Any) -> None:
    office.now += 1
    office.record((e.BreakerTripped("agent:ada", 1, office.now, "too many", "law", "rate"),), "law")
    office.now += HOUR
    case = office.appending()
    assert any(draft.tag == e.BreakerProbed.TAG for draft in office.drafts)
    none(found(office, case))
    none(found(office, office.appending()))


def test_a_warrant_that_a_trip_made_worthless_and_a_report_of_what_ran_are_good(office: Office, found: Any) -> None:
    unused, case = warranted(office), warranted(office)
    office.redeem(case, "r1")
    trip(office, "agent:ada")
    office.settle_due(0)
    office.attest(case, "r1", office.report("r1"))
    for one in (unused, case):
        assert one not in office.state.cases
        none(found(office, one))


def test_a_trip_whose_body_was_forgotten_is_still_a_trip(closed_before: tuple[Office, str], found: Any) -> None:
    office, case = closed_before
    office.forget(of(office, e.BreakerTripped.TAG))
    none(found(office, case))


def test_a_trip_after_the_grant_is_found_though_its_body_was_forgotten(office: Office, found: Any, lawless: Any) -> None:
    case = warranted(office)
    trip(office, "agent:ada")
    with lawless():
        office.redeem(case, "r1")
    office.forget(of(office, e.BreakerTripped.TAG))
    caught(found(office, case))


def test_an_entry_of_before_they_named_trips_is_good_and_the_check_says_so(office: Office, found: Any, tmp_path: Path) -> None:
    case = warranted(office)
    office.redeem(case, "r1")
    old = renamed(office, tmp_path / "l", e.RunOpened.TAG, None)
    none(found(old, case))
    report = verify_evidence(form.pack(old.evidence(case)), old.node_key)
    (check,) = (check for check in report.checks if check.name == "breakers")
    assert check.outcome == "none"
    assert "names no trip" in check.said
    old.ledger.close()


def test_every_grant_and_every_use_names_a_trip_or_that_there_was_none(office: Office) -> None:
    office.refunding()
    named = [draft.follows for draft in office.drafts if draft.tag in {kind.TAG for kind in breaker.NAMING}]
    assert len(named) == 3
    assert all(len(follows) == 3 and follows[1] == 0 for follows in named)
