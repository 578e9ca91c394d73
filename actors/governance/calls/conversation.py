"""Calls by which approvers and an agent talk about a held case."""

from __future__ import annotations

from .. import commands as c
from ..conversation import LONGEST_ANSWER, LONGEST_QUESTION, MOST_QUESTIONS
from ..kinds import ADMIN, AGENT, APPROVER
from ..wire_fields import Absent, Number, Text
from .call import CASE, call

ROWS = (
    call(
        "approval.ask",
        frozenset({APPROVER, ADMIN}),
        c.AskAgent,
        "asks whoever proposed a held case something about it, on the record",
        case=CASE,
        question=Text(LONGEST_QUESTION),
    ),
    call(
        "approval.answer",
        frozenset({AGENT, ADMIN}),
        c.AnswerApprover,
        "answers the oldest open question about one's own held case, or that of this number",
        case=CASE,
        answer=Text(LONGEST_ANSWER),
        number=Absent(Number(1, MOST_QUESTIONS)),
    ),
)
