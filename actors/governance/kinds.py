"""The kinds of principal.  What each may ask is said by ``calls.py``."""

from __future__ import annotations

OPERATOR = "operator"  # runs the node; belongs to no tenant
INVITEE = "invitee"  # holds an invitation and may enrol
ADMIN = "admin"
AGENT = "agent"
APPROVER = "approver"
EXECUTOR = "executor"
VERIFIER = "verifier"
AUDITOR = "auditor"
NOTIFIER = "notifier"  # hears of alerts and carries them out of the house

MEMBER_KINDS = frozenset({ADMIN, AGENT, APPROVER, EXECUTOR, VERIFIER, AUDITOR, NOTIFIER})
SIGNING_KINDS = MEMBER_KINDS - {AUDITOR}  # these prove possession of their key when they connect
