"""A node of its own with one tenant, its members and its policy: made within a second, thrown away afterwards.

The members' keys are made here and lie in their files unsealed, which no tenant that is meant would do.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from actors.governance import kinds
from actors.governance.apikey import Token
from vienna_runtime import credential as credentials
from vienna_runtime import founding
from vienna_runtime.client import Patience, Vienna, connect
from vienna_runtime.client.enrolment import enrol, new_invitation, new_member
from vienna_runtime.credential import Credential
from vienna_runtime.errors import ViennaError
from vienna_runtime.invitation import Invitation
from vienna_runtime.secret import Secret

TENANT, ADMIN = "belvedere", "otto"
PATIENCE = Patience(seconds=120.0, longest=0.5)  # a node that is killed again and again is there again within seconds
_LIFE = 3_600_000_000  # µs of an invitation


@attrs.frozen
class Cast:
    name: str
    kind: str


@attrs.define
class Workplace:
    """``members`` hold the address at which the node is reached directly."""

    directory: Path
    members: dict[str, Credential] = attrs.Factory(dict)

    @property
    def node(self) -> Path:
        return self.directory / "node"

    @property
    def operator(self) -> Credential:
        return credentials.read(self.node / "operator.vienna", ask=_nobody_is_asked)

    def found(self, *, port: int = 0) -> None:
        """The node's directory."""
        wanted = founding.Wanted(
            directory=self.node,
            node="selftest.local",
            operator="operator",
            host="127.0.0.1",
            port=port,
            insecure_dev_keys=True,
            ask=lambda _: _nobody_is_asked(),
        )
        founding.found(wanted, {})

    def hand_out(self, member: str, address: str) -> Path:
        """The member's credential in a file, for a process that reaches the node at that address."""
        path = self.directory / f"{member}.vienna"
        credentials.write(path, attrs.evolve(self.members[member], address=address), passphrase=None, force=True)
        return path

    async def settle(self, address: str, bundle: Mapping[str, bytes], cast: Sequence[Cast]) -> None:
        """The tenant with these members and this bundle in force, on the node that is served at ``address``."""
        operator = attrs.evolve(self.operator, address=address)
        async with connect(operator, patience=PATIENCE) as by:
            token, expires = new_invitation(TENANT), _soon()
            await by.admin.create_tenant(
                TENANT, admin=ADMIN, person="Otto", invitation=token.id, token_hash=token.digest(), expires_at=expires
            )
            await self._enrol(operator, Cast(ADMIN, kinds.ADMIN), token, expires)
        async with connect(self.members[ADMIN], patience=PATIENCE) as admin:
            await admin.admin.activate(await admin.admin.push(dict(bundle)))
            for one in cast:
                await self._join(admin, operator, one)

    async def _join(self, admin: Vienna, operator: Credential, one: Cast) -> None:
        token, expires = new_invitation(TENANT), _soon()
        owner = ADMIN if one.kind == kinds.AGENT else None
        person = "Otto" if one.kind == kinds.AGENT else one.name.title()
        await admin.admin.invite(
            one.name, one.kind, person, owner=owner, invitation=token.id, token_hash=token.digest(), expires_at=expires
        )
        fingerprint = await self._enrol(operator, one, token, expires)
        await admin.admin.confirm(one.name, fingerprint)

    async def _enrol(self, operator: Credential, one: Cast, token: Token, expires: int) -> str:
        invitation = Invitation(
            address=operator.address,
            server_name=operator.server_name,
            ca=operator.ca,
            node_key=operator.node_key,
            tenant=TENANT,
            name=one.name,
            role=one.kind,
            token=Secret(token.reveal().encode()),
            expires=expires,
        )
        member = new_member(invitation)
        self.members[one.name] = member.credential
        return (await enrol(invitation, member, patience=PATIENCE)).fingerprint


def _soon() -> int:
    return time.time_ns() // 1000 + _LIFE


def _nobody_is_asked() -> Any:
    raise ViennaError("a self-test has no passphrase to give")
