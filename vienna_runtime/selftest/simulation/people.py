"""Who lives in a simulated tenant, with keys that follow from their names.

The same names live in each tenant, so that whoever mixes tenants up is found out.
"""

from __future__ import annotations

import hashlib
from functools import cached_property

import attrs
from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from actors.gate import NODE_TENANT
from actors.governance import apikey
from actors.governance.signing import Purpose, signed_bytes

OPERATOR = "otto"
TENANTS = ("belvedere", "schoenbrunn")

# name, kind, person, roles, owner
CAST: tuple[tuple[str, str, str, tuple[str, ...], str | None], ...] = (
    ("greta", "admin", "greta", (), None),
    ("anna", "admin", "anna", (), None),
    ("clara", "approver", "clara", ("lead",), None),
    ("dora", "approver", "dora", ("finance",), None),
    ("hugo", "approver", "hugo", ("lead", "finance"), None),
    ("clara-two", "approver", "clara", ("finance", "lead"), None),  # the same person behind a second principal
    ("ada", "agent", "ada's machine", (), "greta"),
    ("ben", "agent", "ben's machine", (), "clara"),
    ("mallory", "agent", "mallory", (), "greta"),
    ("till", "executor", "theo", (), None),
    ("mill", "executor", "milan", (), None),
    ("emil", "verifier", "emil", (), None),
    ("vera", "verifier", "vera", (), None),
)
KINDS = {name: kind for name, kind, *_ in CAST}
FIRST_ADMIN = "greta"


def of_kind(kind: str) -> tuple[str, ...]:
    return tuple(name for name, found in KINDS.items() if found == kind)


AGENTS, APPROVERS, EXECUTORS, VERIFIERS, ADMINS = map(of_kind, ("agent", "approver", "executor", "verifier", "admin"))


@attrs.frozen
class Somebody:
    """One principal; in the tenant ``""`` the node's operator."""

    tenant: str
    name: str

    def seed(self, what: str) -> bytes:
        return hashlib.sha256(f"simulated {what} of {self.tenant}/{self.name}".encode()).digest()

    @cached_property
    def _pair(self) -> tuple[bytes, bytes]:
        public, secret = crypto_sign_seed_keypair(self.seed("key"))
        return public, secret

    @property
    def public(self) -> bytes:
        return self._pair[0]

    @property
    def kind(self) -> str:
        return KINDS[self.name] if self.tenant else "operator"

    @cached_property
    def api_key(self) -> apikey.Token:
        return self._token(apikey.TokenKind.API_KEY)

    @cached_property
    def invitation(self) -> apikey.Token:
        return self._token(apikey.TokenKind.INVITATION)

    def _token(self, kind: apikey.TokenKind) -> apikey.Token:
        named = self.seed(f"id of {kind.value}")[: apikey.ID_BYTES]
        return apikey.mint(kind, self.tenant or NODE_TENANT, id=named, secret=self.seed(kind.value))

    def prove(self, message: bytes) -> bytes:
        signed: bytes = crypto_sign(message, self._pair[1])
        return signed[:64]

    def sign(self, purpose: Purpose, packed: bytes) -> bytes:
        return self.prove(signed_bytes(purpose, packed))


_KNOWN: dict[tuple[str, str], Somebody] = {}


def somebody(tenant: str, name: str) -> Somebody:
    """The same object each time: deriving keys costs more than a step."""
    found = _KNOWN.get((tenant, name))
    if found is None:
        found = _KNOWN[tenant, name] = Somebody(tenant, name)
    return found
