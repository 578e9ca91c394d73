"""Histories with pauses in which the law was kept: none of the three verifiers takes them for forged."""

from __future__ import annotations

from typing import Any

import pytest

from actors.governance import commands as c
from actors.governance.ids import HOUR, MINUTE
from tests.vienna_runtime.evidence.test_forged_pauses import (
    Begin,
    Office,
    agents,
    alone,
    append,
    breakers_of_the_node,
    each,
    each_that_kills,
    found,
    handed_on,
    nodes,
    none,
    of_another_agent,
    of_old,
    office,
    operators,
    resume,
    tenants,
    warranted,
)
from tests.vienna_runtime.evidence.test_verify_evidence import bundle_files

__all__ = ["alone", "found", "office"]  # fixtures


def test_a_pause_of_another_agent_is_nothing_to_this_one(office: Office, found: Any) -> None:
    waits = append(office)
    of_another_agent(office)
    case = office.appending()
    office.vote(waits, "clara")
    office.do(c.Resume("agent:ben", "fixed", "k"), "anna")
    office.redeem(waits, "r1")
    none(found(office, case))
    none(found(office, waits))


@each
def test_a_warrant_that_was_issued_after_the_pause_is_good(office: Office, found: Any, begin: Begin) -> None:
    waits = append(office)
    begin(office)
    resume(office, begin)
    office.vote(waits, "clara")
    office.redeem(waits, "r1")
    office.attest(waits, "r1", office.report("r1"))
    for case in (office.reading(), waits):
        none(found(office, case))


@each
def test_reports_and_verdicts_of_what_ran_already_are_taken_while_paused(office: Office, found: Any, begin: Begin) -> None:
    case = warranted(office)
    office.redeem(case, "r1")
    begin(office)
    office.attest(case, "r1", office.report("r1"))
    office.settle_due(0)
    assert case not in office.state.cases
    none(found(office, case))


@each_that_kills
def test_a_second_use_that_is_revoked_and_a_late_report_are_good(office: Office, found: Any, begin: Begin) -> None:
    unused, case = warranted(office), office.propose("orders.refund", "order/1", {"amount": 5})
    office.vote(case, "clara")
    office.vote(case, "dora")
    office.redeem(case, "r1")
    begin(office)
    none(found(office, case))
    office.settle_due(0)
    office.settle_due(HOUR)
    office.report("r1")
    for ended in (case, unused):
        none(found(office, ended))


def test_what_was_called_a_suspension_leaves_warrants_as_they_were(office: Office, found: Any) -> None:
    case = warranted(office)
    of_old(office)
    resume(office, of_old)
    office.redeem(case, "r1")
    office.attest(case, "r1", office.report("r1"))
    none(found(office, case))


def test_a_suspension_of_old_that_is_lifted_as_a_pause_is_over(office: Office, found: Any) -> None:
    of_old(office)
    resume(office, operators)
    none(found(office, office.appending()))


@each
def test_cases_that_wait_may_be_denied_withdrawn_and_run_out_while_paused(office: Office, found: Any, begin: Begin) -> None:
    denied, withdrawn, late = (append(office, text) for text in "abc")
    begin(office)
    office.vote(denied, "clara", "deny")
    office.do(c.Cancel(withdrawn, "no more"), "ada")
    office.settle_due(30 * HOUR)
    for case in (denied, withdrawn, late):
        assert case not in office.state.cases
        none(found(office, case))


@pytest.mark.parametrize("begin", [agents, tenants, nodes, breakers_of_the_node])
def test_people_may_vote_and_talk_while_nothing_is_granted_by_it(office: Office, found: Any, begin: Begin) -> None:
    case = office.propose("orders.refund", "order/1", {"amount": 5})
    begin(office)
    office.do(c.OpenCard(case), "clara")
    office.vote(case, "clara")
    office.do(c.AskAgent(case, "what for?"), "dora")
    resume(office, begin)
    office.do(c.AnswerApprover(case, "the usual"), "ada")
    office.vote(case, "dora")
    office.redeem(case, "r1")
    none(found(office, case))


@each
def test_a_case_that_is_decided_again_when_the_pause_is_over_is_good(office: Office, found: Any, begin: Begin) -> None:
    case, files = append(office), bundle_files(office)
    office.activate({**files, "all.cedar": files["all.cedar"] + b"\n// looked at again\n"})
    begin(office)
    office.settle_due(MINUTE)
    none(found(office, case))
    resume(office, begin)
    office.settle_due(2 * MINUTE)
    office.vote(case, "clara")
    none(found(office, case))


def test_a_tenant_that_paused_itself_changes_its_members_and_goes_on_by_a_quorum(office: Office, found: Any) -> None:
    office.do(c.Seal(), "anna")
    tenants(office)
    changes = [c.ChangeMember("ada", ("reader", "writer"), "k1"), c.Resume("tenant", "repaired", "k2")]
    cases = [str(office.do(change, "anna").answer["case"]) for change in changes]
    for case in cases:
        if case == cases[-1]:  # anna answers for ada, clara for ben: neither says alone that nothing was wrong
            office.vote(case, "dora")
            office.vote(case, "clara")
        else:
            office.vote(case, "clara")
            office.vote(case, "dora")
    assert not office.state.pauses
    for case in (*cases, append(office)):
        none(found(office, case))


def test_a_node_that_paused_twice_while_the_tenant_slept_and_tripped_too_is_good(office: Office, found: Any) -> None:
    nodes(office)
    breakers_of_the_node(office)
    nodes(office)
    resume(office, nodes)
    resume(office, breakers_of_the_node)
    none(found(office, office.appending()))


def test_what_is_handed_on_is_redeemed_by_who_is_not_paused(office: Office, found: Any) -> None:
    of_another_agent(office)
    resume_ben = c.Resume("agent:ben", "fixed", "k")
    office.do(resume_ben, "anna")
    case, run = handed_on(office, "ben", "till")
    office.report(run, "till")
    none(found(office, case))
