"""What happens to the tenant itself, its members and its policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import attrs

from ..ids import Instant, MemberId, Person, TenantId


@attrs.frozen
class TenantFounded:
    TAG: ClassVar[str] = "tenant.founded/1"
    tenant: TenantId
    by: str


@attrs.frozen
class TenantSealed:
    TAG: ClassVar[str] = "tenant.sealed/1"
    persons: tuple[Person, ...]  # the two or more who can approve from now on


@attrs.frozen
class TenantSuspended:
    TAG: ClassVar[str] = "tenant.suspended/1"
    by: str
    reason: str


@attrs.frozen
class TenantResumed:
    TAG: ClassVar[str] = "tenant.resumed/1"
    by: str
    reason: str


@attrs.frozen
class MemberInvited:
    TAG: ClassVar[str] = "member.invited/1"
    member: MemberId
    kind: str
    person: Person
    roles: tuple[str, ...]
    owner: MemberId | None  # whose agent it is
    invitation: str
    token_hash: bytes
    expires_at: Instant


@attrs.frozen
class MemberEnrolled:
    TAG: ClassVar[str] = "member.enrolled/1"
    member: MemberId
    invitation: str
    public_key: bytes
    key_id: str
    key_hash: bytes
    proof: bytes  # signature over the enrolment, by the key itself


@attrs.frozen
class MemberConfirmed:
    TAG: ClassVar[str] = "member.confirmed/1"
    member: MemberId
    fingerprint: str
    by: str


@attrs.frozen
class MemberChanged:
    TAG: ClassVar[str] = "member.changed/1"
    member: MemberId
    roles: tuple[str, ...]  # all that it has from now on


@attrs.frozen
class MemberRevoked:
    TAG: ClassVar[str] = "member.revoked/1"
    member: MemberId
    reason: str


@attrs.frozen
class BundlePushed:
    TAG: ClassVar[str] = "bundle.pushed/1"
    bundle: bytes
    files: Mapping[str, bytes]
    name: str = ""  # as its bundle.toml has it
    by: MemberId = MemberId("")
    person: Person = Person("")  # behind that member: the policy's author
    commit: str = ""  # of the git repository its directory is in, as whoever pushed says; empty where there is none
    dirty: bool = False  # the directory had changes that the commit does not have


@attrs.frozen
class BundleActivated:
    TAG: ClassVar[str] = "bundle.activated/1"
    bundle: bytes
    previous: bytes | None
    counters: tuple[Mapping[str, object], ...] = ()  # what is counted from now on for its facts, see counters.py
    zone: str = "UTC"  # whose hours, days and months its budgets count in
    limits: tuple[Mapping[str, object], ...] = ()  # its budgets, see budgets.py
    by: MemberId = MemberId("")  # who asked for it
    person: Person = Person("")
    author: Person = Person("")  # who had pushed it
    reason: str = ""
