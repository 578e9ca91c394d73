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

MEMBER_KINDS = frozenset({ADMIN, AGENT, APPROVER, EXECUTOR, VERIFIER, AUDITOR})
SIGNING_KINDS = MEMBER_KINDS - {AUDITOR}  # these prove possession of their key when they connect
