"""Who this process is to its node: the credential's keys in use, and what the node says of the member behind them."""

from __future__ import annotations

from typing import Any

import attrs
from nacl.signing import SigningKey

from actors.governance.signing import Purpose, signed_bytes
from transport.answers import Reply
from transport.errors import CannotConnect
from transport.link import ClientConnection
from vienna_runtime.client.keys import Keys
from vienna_runtime.credential import Credential
from vienna_runtime.executors.errors import NotServing
from vienna_runtime.secret import Secret

ANSWER_SECONDS = 30.0


@attrs.frozen(kw_only=True, eq=False)
class Identity:
    tenant: str
    member: str
    node_key: str
    seed: Secret

    @property
    def public_key(self) -> bytes:
        return bytes(self._key().verify_key)

    def sign(self, purpose: Purpose, packed: bytes) -> bytes:
        return self._key().sign(signed_bytes(purpose, packed)).signature

    def _key(self) -> SigningKey:
        return SigningKey(self.seed.reveal())


def of(credential: Credential) -> Identity:
    if credential.signing_key is None:
        raise NotServing(f"the credential of {credential.principal} has no signing key, so it can sign nothing it has done or seen")
    return Identity(tenant=credential.tenant, member=credential.principal, node_key=credential.node_key, seed=credential.signing_key)


async def greet(connection: ClientConnection, identity: Identity, kind: str) -> Keys:
    """The keys of this tenant; raises ``NotServing`` if the member is not of that kind, ``VerificationError`` if the
    credential's key of the node does not lead to them."""
    told = await _told(connection, "whoami")
    if (told.get("tenant"), told.get("member")) != (identity.tenant, identity.member):
        raise NotServing(f"the node takes this credential for {told.get('member')!a}, and it is {identity.member}'s")
    if told.get("kind") != kind:
        raise NotServing(f"{identity.member} is a member of kind {told.get('kind')!a}; this process needs one of kind {kind}")
    keys = Keys.of(await _told(connection, "keys.chain"), node_key=identity.node_key, tenant=identity.tenant)
    if not keys.issuers:
        raise NotServing("the node does not tell the key its warrants are signed with")
    return keys


async def _told(connection: ClientConnection, tag: str) -> dict[str, Any]:
    answer = await connection.call(tag, {}, timeout=ANSWER_SECONDS)
    if not isinstance(answer, Reply):
        raise CannotConnect(f"the node does not say who this connection belongs to: {answer.why}")
    return dict(answer.value)
