"""What happened although it was paused, or on a warrant of before a pause: all three verifiers find it, by name.

The forger has every key of the node, and a law that knows no pauses.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest

from actors.governance import breaker, codec, intent, links, pauses
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.constraints import Range
from actors.governance.decision import Operator
from actors.governance.ids import MINUTE, Instant, Person
from actors.governance.signing import Purpose
from actors.governance.state import State
from tests.vienna_runtime.evidence.test_forgeries import Office, alone, amended
from tests.vienna_runtime.evidence.test_leaving import failures
from tests.vienna_runtime.evidence.test_verify_evidence import bundle_files

__all__ = ["alone"]  # a fixture

OTTO = Operator("otto")
Begin = Callable[[Office], None]


@pytest.fixture
def office(offices: Callable[..., Office]) -> Any:
    return offices().found()


@pytest.fixture
def found(alone: ModuleType, tmp_path: Path) -> Callable[[Office, str], list[set[str]]]:
    """What each of the verifiers finds wrong with the evidence of a case."""
    return lambda office, case: failures(office, case, alone, tmp_path)


@pytest.fixture
def lawless(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A law that decides as if nothing were ever paused; what it records says that it was."""
    kept = pauses.folded

    def folded(state: State, event: pauses.Pauses, at: Instant) -> None:
        kept(state, attrs.evolve(event, epoch=0) if isinstance(event, e.ScopePaused) else event, at)

    @contextmanager
    def made() -> Iterator[None]:
        with monkeypatch.context() as patched:
            patched.setattr(pauses, "folded", folded)
            patched.setattr(pauses, "stops", lambda *_: None)
            patched.setattr(pauses, "shuts_out", lambda *_: None)
            patched.setattr(pauses, "_covers", lambda *_: False)
            patched.setattr(breaker, "shuts_out", lambda *_, **_more: None)
            yield

    return made


def caught(found: list[set[str]]) -> None:
    assert all("pauses" in names for names in found), found


def none(found: list[set[str]]) -> None:
    assert not any(found), found


# -- pauses


def agents(office: Office) -> None:
    office.do(c.Pause("agent:ada", "it deletes"), "anna")


def tenants(office: Office) -> None:
    office.do(c.Pause("tenant", "which one is it"), "anna")


def operators(office: Office) -> None:
    office.do(c.Pause("tenant", "an incident"), OTTO)


def nodes(office: Office, side: str = "operator") -> None:
    office.now += 1
    office.record((e.ScopePaused("node", side, 0, "operator:otto", Person(""), "all of it", Instant(office.now)),), "node")


def breakers_of_the_node(office: Office) -> None:
    nodes(office, pauses.BREAKER)


def of_old(office: Office) -> None:
    office.now += 1
    office.record((e.TenantSuspended("otto", "an older log"),), "operator:otto")


def of_another_agent(office: Office) -> None:
    office.do(c.Pause("agent:ben", "it deletes"), "anna")


def resume(office: Office, begun: Begin) -> None:
    match begun.__name__:
        case "agents":
            office.do(c.Resume("agent:ada", "fixed", "k1"), "anna")
        case "tenants":
            office.do(c.Resume("tenant", "over", "k2"), "anna")
        case "operators":
            office.do(c.Resume("tenant", "over", "k3"), OTTO)
        case "nodes" | "breakers_of_the_node":
            side = "operator" if begun is nodes else pauses.BREAKER
            office.record((e.ScopeResumed("node", side, "", "node", Person(""), "over"),), "node")
        case "of_old":
            office.record((e.TenantResumed("otto", "over"),), "operator:otto")


KILLING: list[Begin] = [agents, tenants, operators, nodes, breakers_of_the_node]
EVERY: list[Begin] = [*KILLING, of_old]
each = pytest.mark.parametrize("begin", EVERY)
each_that_kills = pytest.mark.parametrize("begin", KILLING)


def append(office: Office, text: str = "a", by: str = "ada", **more: Any) -> str:
    return str(office.propose("notes.append", "notes/today", {"text": text}, by=by, **more))


def warranted(office: Office, **more: Any) -> str:
    case = append(office, **more)
    office.vote(case, "clara")
    return case


# -- forged


@each
def test_a_proposal_of_who_is_paused_is_found(office: Office, found: Any, lawless: Any, begin: Begin) -> None:
    with lawless():
        begin(office)
        case = append(office)
    caught(found(office, case))


@each
def test_a_grant_while_paused_is_found(office: Office, found: Any, lawless: Any, begin: Begin) -> None:
    case = append(office)
    with lawless():
        begin(office)
        office.vote(case, "clara")
    caught(found(office, case))


@each
def test_a_grant_without_people_and_its_run_while_paused_are_found(office: Office, found: Any, lawless: Any, begin: Begin) -> None:
    with lawless():
        begin(office)
        case = office.reading()
    caught(found(office, case))


@each
def test_a_run_opened_while_paused_is_found(office: Office, found: Any, lawless: Any, begin: Begin) -> None:
    case = warranted(office)
    with lawless():
        begin(office)
        office.redeem(case, "r1")
    caught(found(office, case))


@each_that_kills
def test_a_run_on_a_warrant_of_before_is_found_also_when_the_pause_is_over(office: Office, found: Any, lawless: Any, begin: Begin) -> None:
    case = warranted(office)
    with lawless():
        begin(office)
        resume(office, begin)
        office.redeem(case, "r1")
        office.attest(case, "r1", office.report("r1"))
    caught(found(office, case))


def test_a_second_use_of_a_warrant_of_before_is_found(office: Office, found: Any, lawless: Any) -> None:
    case = office.propose("orders.refund", "order/1", {"amount": 5})
    office.vote(case, "clara")
    office.vote(case, "dora")
    office.redeem(case, "r1")
    office.report("r1")
    with lawless():
        agents(office)
        resume(office, agents)
        (live,) = office.state.warrants
        office.do(c.UseWarrant(live, "once more"), "ada")
    caught(found(office, case))
    with lawless():
        office.redeem(case, "r2")
        office.report("r2")
    caught(found(office, case))


def test_a_state_that_was_stale_only_after_the_pause_is_found(office: Office, found: Any, lawless: Any) -> None:
    case = warranted(office, state_digest=bytes(32))
    with lawless():
        agents(office)
        resume(office, agents)
        office.redeem(case, "r1", state_digest=b"\x01" * 32)
    caught(found(office, case))


@each
def test_a_case_that_is_decided_again_while_paused_is_found(office: Office, found: Any, lawless: Any, begin: Begin) -> None:
    """The node puts this off, and no function of the law refuses it."""
    case = append(office)
    with lawless():
        begin(office)
        files = dict(bundle_files(office))
        policy = files["all.cedar"].replace(b'@tier("T1") @verify("observed")', b'@tier("T0") @verify("observed")')
        office.activate({**files, "all.cedar": policy})
        office.settle_due(MINUTE)
    assert [live.case for live in office.state.warrants.values()] == [case]
    caught(found(office, case))


@pytest.mark.parametrize("begin", [operators, of_old])
def test_a_vote_while_an_operator_has_stopped_the_tenant_is_found(office: Office, found: Any, lawless: Any, begin: Begin) -> None:
    case = office.propose("orders.refund", "order/1", {"amount": 5})
    with lawless():
        begin(office)
        office.vote(case, "clara")
        resume(office, begin)
    office.vote(case, "dora")
    caught(found(office, case))


@pytest.mark.parametrize("act", ["open", "ask", "delegate", "envelope", "change", "settle"])
def test_whatever_else_people_do_while_an_operator_has_stopped_the_tenant_is_found(
    office: Office, found: Any, lawless: Any, act: str
) -> None:
    if act == "change":
        office.do(c.Seal(), "anna")
    case = append(office)
    if act == "settle":
        office.vote(case, "clara")
        office.redeem(case, "r1")
        office.report("r1", outcome="unknown")
    with lawless():
        operators(office)
        match act:
            case "open":
                office.do(c.OpenCard(case), "clara")
            case "ask":
                office.do(c.AskAgent(case, "what for?"), "clara")
            case "delegate":
                office.hand_on("clara", "dora")
            case "envelope":
                office.sign_in_advance("dora", "ada", "orders.refund", {"amount": Range(1, 99, None)})
            case "change":
                case = str(office.do(c.ChangeMember("clara", ("lead", "finance"), "k"), "anna").answer["case"])
            case _:
                office.do(c.SettleEffect("r1", True, "it is there"), "anna")
        resume(office, operators)
    if act in ("delegate", "envelope"):
        case = append(office, "later")
    caught(found(office, case))


def test_a_quorum_that_is_filled_while_an_operator_has_stopped_the_tenant_changes_nothing(office: Office, found: Any, lawless: Any) -> None:
    office.do(c.Seal(), "anna")
    asked: Any = office.do(c.ChangeMember("ada", ("reader", "writer"), "k"), "anna")
    case = str(asked.answer["case"])
    office.vote(case, "clara")
    with lawless():
        operators(office)
        office.vote(case, "dora")
    caught(found(office, case))


def test_an_answer_of_who_is_paused_is_found(office: Office, found: Any, lawless: Any) -> None:
    case = append(office)
    with lawless():
        agents(office)
        office.talk(case)
    caught(found(office, case))


def test_a_canary_that_was_missed_while_its_agent_was_paused_is_found(office: Office, found: Any, lawless: Any) -> None:
    case = office.canary()
    office.vote(case, "clara")
    with lawless():
        agents(office)
        office.vote(case, "dora")
    caught(found(office, case))


def handed_on(office: Office, *hands: str, meanwhile: Begin = lambda _: None) -> tuple[str, str]:
    """A T0 warrant of ada's that goes from hand to hand; the last of them redeems it."""
    case = office.propose("notes.read", "notes/today", {"path": "a"})
    meanwhile(office)
    (live,) = [live for live in office.state.warrants.values() if live.case == case]
    (issued,) = [draft for draft in office.drafts if draft.tag == e.WarrantIssued.TAG and draft.case == case]
    signature = codec.decode(issued.tag, issued.body).signature  # type: ignore[union-attr]  # by the tag it is a warrant
    above: bytes = links.digest(live.fields, signature)
    chain: tuple[links.Signed, ...] = ()
    for by, to in zip(("ada", *hands), hands, strict=False):
        packed = links.pack(links.Link(above, office.state.members[to].public_key, {}, live.expires_at, 1, None))
        link = (packed, office.sign(by, Purpose.LINK, packed))
        chain, above = (*chain, link), links.digest(*link)
    args = intent.args_digest(live.terms.action, live.terms.resource, live.terms.params)
    run = f"r-{secrets.token_hex(4)}"
    office.do(c.Redeem(live.fields, signature, bytes(32), run, args, None, None, links.pack_chain(chain)), hands[-1])
    return case, run


def test_a_run_by_who_was_handed_the_warrant_and_is_paused_is_found(office: Office, found: Any, lawless: Any) -> None:
    with lawless():
        of_another_agent(office)
        case, _ = handed_on(office, "ben")
    caught(found(office, case))


def test_a_run_on_a_warrant_that_went_through_the_hands_of_who_is_paused_is_found(office: Office, found: Any, lawless: Any) -> None:
    with lawless():
        of_another_agent(office)
        case, _ = handed_on(office, "ben", "till")
    caught(found(office, case))


@pytest.mark.parametrize("hands", [("ben",), ("ben", "till")])
def test_what_was_handed_to_who_was_paused_since_is_found_also_when_the_pause_is_over(
    office: Office, found: Any, lawless: Any, hands: tuple[str, ...]
) -> None:
    def paused_and_resumed(office: Office) -> None:
        of_another_agent(office)
        office.do(c.Resume("agent:ben", "fixed", "k"), "anna")

    with lawless():
        case, _ = handed_on(office, *hands, meanwhile=paused_and_resumed)
    caught(found(office, case))


@pytest.mark.parametrize("paused", [False, True])
def test_hands_that_an_entry_does_not_name_are_found(office: Office, found: Any, lawless: Any, tmp_path: Path, paused: bool) -> None:
    """Else who was paused would be left out of it."""
    with lawless():
        if paused:
            of_another_agent(office)
        case, _ = handed_on(office, "ben", "till")
    forged = amended(office, tmp_path / "l", ("run.opened/1", 0, lambda event: attrs.evolve(event, holders=("till",))))
    for names in found(forged, case):
        assert names & ({"redemption", "pauses"} if paused else {"redemption"})
    forged.ledger.close()


@pytest.mark.parametrize(
    "begun",
    [("agent:ada", "operator"), ("node", "tenant"), ("tenant", "breaker"), ("", "tenant"), ("agents", "tenant"), ("tenant", "agent")],
)
def test_a_pause_of_no_kind_that_there_is_is_found(office: Office, found: Any, begun: tuple[str, str]) -> None:
    scope, side = begun
    office.now += 1
    office.record((e.ScopePaused(scope, side, 1, "anna", Person("Anna"), "x", Instant(office.now)),), "anna")
    office.state.pauses.clear()
    caught(found(office, append(office)))


@pytest.mark.parametrize("old", [False, True])
def test_an_end_of_what_was_not_paused_is_found(office: Office, found: Any, lawless: Any, old: bool) -> None:
    """An operator's word does not lift a tenant's own pause."""
    tenants(office)
    office.now += 1
    ended = e.TenantResumed("otto", "on") if old else e.ScopeResumed("tenant", "operator", "", "operator:otto", Person(""), "on")
    office.record((ended,), "operator:otto")
    with lawless():
        case = append(office)
    caught(found(office, case))


def test_a_pause_whose_body_is_gone_is_found(office: Office, found: Any, lawless: Any) -> None:
    """No body of a standing entry is ever forgotten: whoever removed it had something to hide."""
    with lawless():
        agents(office)
        case = append(office)
    at = next(number for number, draft in enumerate(office.drafts) if draft.tag == e.ScopePaused.TAG)
    office.forget(at)
    for names in found(office, case):
        assert "standing" in names


def test_the_same_pause_of_another_scope_is_found(office: Office, found: Any, tmp_path: Path) -> None:
    """The twin of an honest history, but for one word."""
    case = warranted(office)
    of_another_agent(office)
    office.redeem(case, "r1")
    none(found(office, case))
    for scope in ("agent:ada", "tenant"):
        forged = amended(office, tmp_path / scope, ("scope.paused/1", 0, lambda event, to=scope: attrs.evolve(event, scope=to)))
        caught(found(forged, case))
        forged.ledger.close()


def test_a_run_in_the_very_moment_in_which_its_agent_went_on_is_honest(office: Office, found: Any) -> None:
    """Where nothing was handed on, only the order of the entries counts: legal time may stand still."""
    office.now += MINUTE
    moment = office.now
    for act in (lambda: agents(office), lambda: resume(office, agents)):
        office.now = moment
        act()
    office.now = moment
    none(found(office, office.reading()))
