from __future__ import annotations

from typing import Any

import pytest

from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.conversation import MOST_QUESTIONS, heard
from actors.governance.ids import HOUR


def test_a_question_and_its_answer_stand_on_the_record_and_the_deadline_stays(bench: Any) -> None:
    case = bench.propose("orders.refund")
    until = case.expires_at
    assert bench.done(c.AskAgent(case.case, "which order?"), "clara").answer["number"] == 1
    bench.done(c.AnswerApprover(case.case, "the blue one"), "ada")
    assert bench.tags(case.case)[-2:] == ["approval.asked", "approval.answered"]
    assert [(part.question, part.answer, part.person) for part in case.said] == [("which order?", "the blue one", "clara")]
    assert case.expires_at == until
    bench.pass_time(HOUR)
    assert case.case not in bench.state.cases


@pytest.mark.parametrize("who", ["ben", "mallory", "greta"])
def test_nobody_answers_for_another_agent(bench: Any, who: str) -> None:
    case = bench.propose("orders.refund")
    bench.done(c.AskAgent(case.case, "which order?"), "clara")
    assert bench.refused(c.AnswerApprover(case.case, "never mind"), who) == "unknown"
    assert case.said[0].answer == ""


def test_only_who_could_fill_a_seat_asks_and_only_while_it_waits(bench: Any) -> None:
    payout, bens = bench.propose("orders.payout"), bench.propose("orders.refund", by="ben")
    assert bench.refused(c.AskAgent(bens.case, "why?"), "greta") == "no_seat"
    assert bench.refused(c.AskAgent(bens.case, "why?"), "clara") == "self_approval"
    running = bench.propose("notes.append")
    assert bench.refused(c.AskAgent(running.case, "why?"), "clara") == "not_held"
    assert bench.refused(c.AskAgent("c-nowhere", "why?"), "clara") == "unknown"
    bench.done(bench.vote(payout, "dora", "deny"), "dora")
    assert bench.refused(c.AskAgent(payout.case, "why?"), "dora") == "unknown"
    assert bench.refused(c.AnswerApprover(payout.case, "so"), "ada") == "unknown"


def test_as_many_questions_as_there_may_be_and_each_is_answered_once(bench: Any) -> None:
    case = bench.propose("orders.refund")
    for number in range(MOST_QUESTIONS):
        bench.done(c.AskAgent(case.case, f"{number}?"), "clara")
    assert bench.refused(c.AskAgent(case.case, "more?"), "dora") == "too_many"
    assert bench.done(c.AnswerApprover(case.case, "the third", 3), "ada").answer["number"] == 3
    assert bench.refused(c.AnswerApprover(case.case, "again", 3), "ada") == "unknown"
    assert bench.done(c.AnswerApprover(case.case, "the oldest"), "ada").answer["number"] == 1
    assert [part.answer for part in case.said[:3]] == ["the oldest", "", "the third"]


def test_an_approval_binds_what_was_said_and_one_given_before_keeps_its_meaning(bench: Any) -> None:
    case = bench.propose("orders.payout")
    bench.done(bench.vote(case, "clara"), "clara")
    looked = bench.vote(case, "dora")
    bench.done(c.AskAgent(case.case, "which order?"), "dora")
    assert bench.refused(looked, "dora") == "statement_mismatch"
    looked = bench.vote(case, "dora")
    bench.done(c.AnswerApprover(case.case, "the blue one"), "ada")
    assert bench.refused(looked, "dora") == "statement_mismatch"
    assert bench.refused(bench.vote(case, "dora", heard=heard(())), "dora") == "statement_mismatch"
    bench.done(bench.vote(case, "dora"), "dora")
    assert bench.warrant_of(case).terms.approvals == ("clara", "dora")


def test_no_answer_holds_up_a_denial(bench: Any) -> None:
    case = bench.propose("orders.payout")
    looked = bench.vote(case, "dora", "deny")
    bench.done(c.AskAgent(case.case, "which order?"), "clara")
    bench.done(c.AnswerApprover(case.case, "the blue one"), "ada")
    bench.done(looked, "dora")
    assert bench.last(e.DeadLetterOpened).kind == "denied"


def test_what_was_said_stays_with_a_case_that_is_decided_again(bench: Any) -> None:
    case = bench.propose("orders.refund")
    bench.done(c.AskAgent(case.case, "which order?"), "clara")
    bench.activate("strict")
    bench.pass_time(0)
    assert (case.tier, len(case.said)) == ("T2", 1)
    assert bench.refused(bench.vote(case, "clara", heard=b""), "clara") == "statement_mismatch"
