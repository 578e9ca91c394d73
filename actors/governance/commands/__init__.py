"""What may be asked of a tenant, as values.

A command's fields are the wire's fields, by name; ``calls.py`` says their limits and who may ask.  Who asks is never among
them: authority comes from the authenticated connection.
"""

from __future__ import annotations

from typing import TypeAlias

from .canaries import ProposeCanary
from .case import (
    Attest,
    Cancel,
    OpenCard,
    Probe,
    Propose,
    Redeem,
    Report,
    RevokeWarrant,
    SettleEffect,
    Vote,
)
from .chores import (
    Archive,
    ListKeys,
    RetireKeys,
    RotateKey,
)
from .conversation import AnswerApprover, AskAgent
from .envelopes import RevokeEnvelope, SignEnvelope
from .guards import (
    ResetBreaker,
    ResolveLetter,
    RetryLetter,
    TripBreaker,
)
from .keeping import (
    Erase,
    PlaceHold,
    ReleaseHold,
    RunRetention,
)
from .membership import (
    ActivateBundle,
    ChangeMember,
    Confirm,
    Enrol,
    Found,
    Invite,
    PushBundle,
    RevokeMember,
    Seal,
)
from .pauses import AcknowledgeAlert, Pause, Resume, TailAlerts
from .reads import (
    Evidence,
    Inbox,
    ListBundles,
    ListLetters,
    Read,
    ShowBreaker,
    ShowBundle,
    ShowCard,
    ShowCase,
    ShowFacts,
    ShowLetter,
    ShowLineage,
    Tail,
    Wait,
    Watch,
)
from .reconciling import BringEvidence, ListFindings, ResolveFinding, RunReconciliation, ShowFinding, TakeStock
from .recovery import (
    AgreeToRecovery,
    AnnounceRecovery,
    ApplyRecovery,
    InviteForRecovery,
    ObjectToRecovery,
    ShowRecovery,
)
from .seats import DelegateSeat, ReturnSeat
from .shadow import StartShadow, StopShadow
from .warrants import ListWarrants, RevokeWarrants, ShowWarrant, UseWarrant

Command: TypeAlias = (
    Propose | Cancel | Redeem | Report | Vote | AskAgent | AnswerApprover | SignEnvelope | RevokeEnvelope
    | Attest | Probe | Invite | Enrol | Confirm | ChangeMember | RevokeMember
    | PushBundle | ActivateBundle | Seal | RevokeWarrant | TripBreaker | ResetBreaker | RetryLetter | ResolveLetter
    | SettleEffect | PlaceHold | ReleaseHold | RunRetention | Erase | Pause | Resume | AcknowledgeAlert | Found | StartShadow | StopShadow
    | UseWarrant | RevokeWarrants | InviteForRecovery | AnnounceRecovery | AgreeToRecovery | ObjectToRecovery | ApplyRecovery
    | OpenCard | DelegateSeat | ReturnSeat | ProposeCanary | ResolveFinding | BringEvidence | TakeStock
)  # fmt: skip
Query: TypeAlias = (
    ShowBreaker | ShowCase | ShowFacts | ShowLineage | ShowCard | ShowLetter | ListLetters | ShowBundle | ListBundles | Read
    | ListWarrants | ShowWarrant | ShowRecovery | ListFindings | ShowFinding | RunReconciliation
)  # fmt: skip
Subscription: TypeAlias = Tail | Watch | Evidence | Inbox | TailAlerts
Chore: TypeAlias = Archive | ListKeys | RotateKey | RetireKeys
Governed: TypeAlias = Invite | Confirm | ChangeMember | RevokeMember | ActivateBundle | ReleaseHold | RunRetention | Erase | Resume
GOVERNED = (Invite, Confirm, ChangeMember, RevokeMember, ActivateBundle, ReleaseHold, RunRetention, Erase, Resume)  # by quorum, once sealed
CHORES = (Archive, ListKeys, RotateKey, RetireKeys)
Ask: TypeAlias = Command | Query | Subscription | Chore | Wait

__all__ = [
    "CHORES",
    "GOVERNED",
    "AcknowledgeAlert",
    "ActivateBundle",
    "AgreeToRecovery",
    "AnnounceRecovery",
    "AnswerApprover",
    "ApplyRecovery",
    "Archive",
    "Ask",
    "AskAgent",
    "Attest",
    "BringEvidence",
    "Cancel",
    "ChangeMember",
    "Chore",
    "Command",
    "Confirm",
    "DelegateSeat",
    "Enrol",
    "Erase",
    "Evidence",
    "Found",
    "Governed",
    "Inbox",
    "Invite",
    "InviteForRecovery",
    "ListBundles",
    "ListFindings",
    "ListKeys",
    "ListLetters",
    "ListWarrants",
    "ObjectToRecovery",
    "OpenCard",
    "Pause",
    "PlaceHold",
    "Probe",
    "Propose",
    "ProposeCanary",
    "PushBundle",
    "Query",
    "Read",
    "Redeem",
    "ReleaseHold",
    "Report",
    "ResetBreaker",
    "ResolveFinding",
    "ResolveLetter",
    "Resume",
    "RetireKeys",
    "RetryLetter",
    "ReturnSeat",
    "RevokeEnvelope",
    "RevokeMember",
    "RevokeWarrant",
    "RevokeWarrants",
    "RotateKey",
    "RunReconciliation",
    "RunRetention",
    "Seal",
    "SettleEffect",
    "ShowBreaker",
    "ShowBundle",
    "ShowCard",
    "ShowCase",
    "ShowFacts",
    "ShowFinding",
    "ShowLetter",
    "ShowLineage",
    "ShowRecovery",
    "ShowWarrant",
    "SignEnvelope",
    "StartShadow",
    "StopShadow",
    "Subscription",
    "Tail",
    "TailAlerts",
    "TakeStock",
    "TripBreaker",
    "UseWarrant",
    "Vote",
    "Wait",
    "Watch",
]
