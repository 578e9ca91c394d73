"""How a webhook is signed: the Standard Webhooks specification 1.0, symmetric signatures.

    webhook-id: msg_…            the same however often it is sent: whoever receives it drops what it has seen
    webhook-timestamp: 1674087231   of this attempt
    webhook-signature: v1,BASE64 v1,BASE64   HMAC-SHA256 over id.timestamp.body, one for each secret

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence

from vienna_runtime.secret import Secret

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64  # bytes: "at least 24 bytes (192 bits, 512 maximum)"
FRESH = 32  # bytes of one that is made here: as many as HMAC-SHA256 gives
MOST = 4  # secrets at once: the one in use, those it replaces, and one in preparation


def secret(written: str) -> Secret:
    """From ``whsec_BASE64``; raises ``ValueError`` that says what is wrong and not what stood there."""
    if not written.startswith(PREFIX):
        raise ValueError(f"does not begin with {PREFIX}")
    try:
        key = base64.b64decode(written.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(f"is not base64 after {PREFIX}") from None
    if not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(f"has {len(key)} bytes, expected {SHORTEST} to {LONGEST}")
    return Secret(key)


def written(key: bytes) -> str:
    """As ``secret`` reads it."""
    return PREFIX + base64.b64encode(key).decode()


def headers(secrets: Sequence[Secret], name: str, timestamp: int, body: bytes) -> list[tuple[str, str]]:
    """The three headers of one attempt.  ``name`` holds no full stop, for these separate what is signed."""
    assert "." not in name
    signed = f"{name}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(one.reveal(), signed, "sha256")).decode() for one in secrets)
    return [
        ("webhook-id", name),
        ("webhook-timestamp", str(timestamp)),
        ("webhook-signature", " ".join(f"v1,{signature}" for signature in signatures)),
    ]
