"""What an agent, an approver or a program needs to work with a node.

async with connect("ada.vienna") as vienna:
    case = await vienna.propose("payments.refund", "order/8812", {"amount": {"dec": "12.50"}}, purpose="a double charge")
    print(case.outcome)
"""

from __future__ import annotations

from vienna_runtime.client.administration import Administration
from vienna_runtime.client.card import Card
from vienna_runtime.client.case import Granted, Progress, Step
from vienna_runtime.client.enrolment import Enrolled, enrol
from vienna_runtime.client.errors import ClientError, NotAdmitted, OutcomeUnknown, Refused, Unreachable, Untrusted
from vienna_runtime.client.keys import Keys
from vienna_runtime.client.patience import PATIENT, Patience
from vienna_runtime.client.stream import Stream
from vienna_runtime.client.vienna import Vienna, connect
from vienna_runtime.outcomes import ENDS, GOOD_ENDS

__all__ = [
    "ENDS",
    "GOOD_ENDS",
    "PATIENT",
    "Administration",
    "Card",
    "ClientError",
    "Enrolled",
    "Granted",
    "Keys",
    "NotAdmitted",
    "OutcomeUnknown",
    "Patience",
    "Progress",
    "Refused",
    "Step",
    "Stream",
    "Unreachable",
    "Untrusted",
    "Vienna",
    "connect",
    "enrol",
]
