"""How a member comes into being: its keys are made here, where it works, and no other process ever holds them."""

from __future__ import annotations

import os
from functools import partial

import attrs
from nacl.signing import SigningKey

from actors.governance import apikey
from actors.governance.enrolment import statement
from actors.governance.signing import Purpose, fingerprint, signed_bytes
from vienna_runtime.client.dial import Door, dial
from vienna_runtime.client.errors import OutcomeUnknown
from vienna_runtime.client.keys import Keys
from vienna_runtime.client.line import line_over
from vienna_runtime.client.patience import PATIENT, Patience
from vienna_runtime.credential import Credential
from vienna_runtime.errors import InvitationError, VerificationError
from vienna_runtime.invitation import Invitation
from vienna_runtime.secret import Secret


@attrs.frozen(kw_only=True, eq=False)
class NewMember:
    """The keys of a member that the node does not know yet; keep the credential before enrolling, or they are lost."""

    credential: Credential
    invitation: str  # its id
    token: apikey.Token

    @property
    def fingerprint(self) -> str:
        """What the admin is told and compares."""
        assert self.credential.signing_key is not None
        return fingerprint(bytes(SigningKey(self.credential.signing_key.reveal()).verify_key), self.token.digest())


@attrs.frozen(kw_only=True)
class Enrolled:
    """The node has recorded the member's keys."""

    member: str
    tenant: str
    kind: str
    fingerprint: str
    keys: Keys


def new_member(invitation: Invitation) -> NewMember:
    """Fresh keys for whom the invitation names; nothing is sent."""
    given = apikey.parse(apikey.TokenKind.INVITATION, invitation.token.reveal().decode("ascii", errors="replace"))
    if given is None or given.tenant != invitation.tenant:
        raise InvitationError("the token in this invitation is damaged; ask for a new one")
    token = apikey.mint(apikey.TokenKind.API_KEY, invitation.tenant, id=os.urandom(apikey.ID_BYTES), secret=os.urandom(apikey.SECRET_BYTES))
    credential = Credential(
        address=invitation.address,
        server_name=invitation.server_name,
        ca=invitation.ca,
        node_key=invitation.node_key,
        tenant=invitation.tenant,
        principal=invitation.name,
        role=invitation.role,
        api_key=Secret(token.reveal().encode()),
        signing_key=Secret(bytes(SigningKey.generate())),
    )
    return NewMember(credential=credential, invitation=given.id, token=token)


async def enrol(invitation: Invitation, member: NewMember, *, patience: Patience = PATIENT) -> Enrolled:
    """Uses the invitation up; ``VerificationError`` if the node did not record exactly these keys."""
    credential = member.credential
    assert credential.signing_key is not None
    key = SigningKey(credential.signing_key.reveal())
    public, digest = bytes(key.verify_key), member.token.digest()
    proof = statement(credential.tenant, credential.principal, member.invitation, public, member.token.id, digest)
    door = Door(
        address=credential.address,
        server_name=credential.server_name,
        ca=credential.ca,
        node_key=credential.node_key,
        bearer=invitation.token,
        signing_key=None,
    )
    fields = {
        "public_key": public,
        "key_id": member.token.id,
        "key_hash": digest,
        "proof": key.sign(signed_bytes(Purpose.ENROLMENT, proof)).signature,
    }
    async with line_over(partial(dial, door), patience) as line:
        # First, so that a node whose keys do not hold does not use the invitation up.
        keys = Keys.of(await line.call("keys.chain", {}), node_key=credential.node_key, tenant=credential.tenant)
        try:
            answer = await line.call("enrol", fields)
        except OutcomeUnknown as error:
            raise OutcomeUnknown(
                f"{error}; try the new credential (`vienna whoami`), and ask for another invitation if it is unknown"
            ) from error
    if answer["fingerprint"] != member.fingerprint:
        raise VerificationError("the node recorded other keys than the ones made here: tell the tenant's admin not to confirm them")
    return Enrolled(
        member=answer["member"],
        tenant=answer.get("tenant", credential.tenant),
        kind=answer.get("kind", credential.role),
        fingerprint=answer["fingerprint"],
        keys=keys,
    )


def new_invitation(tenant: str) -> apikey.Token:
    """A fresh invitation token: the inviter keeps it, the node gets its id and hash."""
    return apikey.mint(apikey.TokenKind.INVITATION, tenant, id=os.urandom(apikey.ID_BYTES), secret=os.urandom(apikey.SECRET_BYTES))
