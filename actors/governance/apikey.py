"""Keys and invitations that a server can check and cannot repeat: it stores a hash, and the hash opens nothing.

    vk_<tenant>_<key id>_<secret>     an API key: who is calling, on every connection
    vi_<tenant>_<id>_<secret>         an invitation: may enrol once

A tenant is a name (or ``node``, for those who run it), an id 16 and a secret 64 lowercase hexadecimal digits: each token has exactly one
spelling, and no part can hold the separator.  The secret is 32 random bytes, so a plain SHA-256 is enough (nothing to
guess), and it covers kind, tenant and id: a stored hash moved to another row or tenant opens nothing there.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from enum import Enum
from typing import NoReturn

import attrs

from actors.governance.names import NAME

LONGEST_TOKEN = 2 + 1 + 40 + 1 + 16 + 1 + 64  # so that a server can refuse before it parses
SECRET_BYTES = 32
ID_BYTES = 8  # random: names a row, guards nothing

_TOKEN = re.compile(r"(vk|vi)_([a-z0-9-]{1,40})_([0-9a-f]{16})_([0-9a-f]{64})")


class TokenKind(Enum):
    """What a token is for; one never passes for the other."""

    API_KEY = "vk"
    INVITATION = "vi"


@attrs.frozen(repr=False, eq=False)
class Token:
    """An API key or an invitation, as its holder has it.  Shows which one it is, never its secret."""

    kind: TokenKind
    tenant: str
    id: str
    secret: bytes

    def reveal(self) -> str:
        """The text itself, for the wire or the holder's own file."""
        return f"{self.kind.value}_{self.tenant}_{self.id}_{self.secret.hex()}"

    def digest(self) -> bytes:
        """What a server stores instead: SHA-256 over purpose, tenant, id and secret."""
        purpose = b"vienna/api-key/1" if self.kind is TokenKind.API_KEY else b"vienna/invitation/1"
        return hashlib.sha256(b"\0".join((purpose, self.tenant.encode(), self.id.encode(), self.secret))).digest()

    def matches(self, stored: bytes) -> bool:
        """Whether ``stored`` is this token's digest, in constant time."""
        return hmac.compare_digest(self.digest(), stored)

    def __repr__(self) -> str:
        return f"Token({self.kind.value}_{self.tenant}_{self.id}_***)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a token holds a secret and is not pickled or copied")


def mint(kind: TokenKind, tenant: str, *, id: bytes, secret: bytes) -> Token:
    """A token from 8 and 32 bytes that the caller drew at random; the law itself draws nothing."""
    if NAME.fullmatch(tenant) is None:
        raise ValueError(f"not a tenant's id: {tenant!r}")
    if len(id) != ID_BYTES or len(secret) != SECRET_BYTES:
        raise ValueError(f"a token needs {ID_BYTES} bytes of id and {SECRET_BYTES} of secret")
    return Token(kind, tenant, id.hex(), secret)


def parse(kind: TokenKind, text: str) -> Token | None:
    """The token of that kind with exactly this text, or ``None``: nothing is trimmed, folded or guessed."""
    found = _TOKEN.fullmatch(text) if len(text) <= LONGEST_TOKEN else None
    if found is None or found[1] != kind.value or NAME.fullmatch(found[2]) is None:
        return None
    return Token(kind, found[2], found[3], bytes.fromhex(found[4]))
