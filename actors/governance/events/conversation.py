"""What approvers ask an agent about a held case, and what it answers."""

from __future__ import annotations

from typing import ClassVar

import attrs

from ..ids import CaseId, MemberId, Person


@attrs.frozen
class ApprovalAsked:
    TAG: ClassVar[str] = "approval.asked/1"
    case: CaseId
    number: int  # of the question within its case, from 1
    approver: MemberId
    person: Person
    question: str


@attrs.frozen
class ApprovalAnswered:
    TAG: ClassVar[str] = "approval.answered/1"
    case: CaseId
    number: int  # of the question
    agent: MemberId
    answer: str
