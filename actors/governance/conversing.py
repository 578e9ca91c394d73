"""Asking the agent about a held case, and its answer: both on the record, neither changes how long the case waits."""

from __future__ import annotations

from . import commands as c
from . import events as e
from .approving import seatless
from .conversation import MOST_QUESTIONS, open_question
from .decision import Decided, Decision, Moment
from .refusals import Code, Refusal, unknown
from .state import Case, Member, State


def ask(state: State, command: c.AskAgent, by: Member, moment: Moment) -> Decision:
    """A question by somebody whose vote could count: the case is held, in time, and has a seat that is not closed to this person."""
    case = state.cases.get(command.case)
    if case is None:
        return unknown("held case", command.case)
    if (no := _over(case, moment)) is not None:
        return no
    if (no := seatless(state, by, case, moment.now)) is not None:
        return no
    if len(case.said) >= MOST_QUESTIONS:
        why = f"{MOST_QUESTIONS} questions have been asked about this case, and that is the most: decide, or let its deadline pass"
        return Refusal(Code.TOO_MANY, why, about=case.case)
    number = len(case.said) + 1
    asked = e.ApprovalAsked(case.case, number, by.member, by.person, command.question)
    return Decided((asked,), {"case": case.case, "number": number})


def answer(state: State, command: c.AnswerApprover, by: Member, moment: Moment) -> Decision:
    """The answer of whoever proposed the case, and of nobody else; to others the case is not there."""
    case = state.cases.get(command.case)
    if case is None or case.agent != by.member:
        return unknown("held case", command.case)
    if (no := _over(case, moment)) is not None:
        return no
    question = open_question(case.said, command.number)
    if question is None:
        which = "no question waits for an answer" if command.number is None else f"question {command.number} does not wait for an answer"
        return Refusal(Code.UNKNOWN, f"{which} in this case", about=case.case)
    answered = e.ApprovalAnswered(case.case, question.number, by.member, command.answer)
    return Decided((answered,), {"case": case.case, "number": question.number})


def _over(case: Case, moment: Moment) -> Refusal | None:
    if case.status != "held":
        return Refusal(Code.NOT_HELD, f"the case does not wait for approval: it is {case.status}", about=case.case)
    if moment.now >= case.expires_at:
        return Refusal(Code.NOT_HELD, "the case's deadline has passed", about=case.case)
    return None
