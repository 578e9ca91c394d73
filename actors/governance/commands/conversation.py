"""What approvers and an agent say to each other about a held case."""

from __future__ import annotations

import attrs


@attrs.frozen
class AskAgent:
    case: str
    question: str


@attrs.frozen
class AnswerApprover:
    case: str
    answer: str
    number: int | None = None  # of the question; None: the oldest without an answer
