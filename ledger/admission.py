"""The node's log lists every other log: origin, verifier key and whatever its admitter adds, in the clear.

So the node's verifier key is the one root of trust: who has it finds the others' keys under it.
"""

from __future__ import annotations

import attrs

from ledger import canonical
from ledger.errors import VerificationError
from ledger.note import VerifierKey

TAG = "log.admitted/1"


@attrs.frozen
class Admission:
    """A log and the key that signs its checkpoints."""

    log: str
    key: VerifierKey
    id: int  # under which the store keeps it; a place, no promise
    issuer: bytes = b""  # the Ed25519 key that its warrants verify with; said by the admitter, empty where it issues none


def compose(admission: Admission, more: bytes) -> bytes:
    """The public part of the entry; raises VerificationError when ``more`` is no canonical map or says what is said here."""
    own: dict[str, canonical.Value] = {
        "id": admission.id,
        "origin": admission.key.name,
        "tenant": admission.log,
        "verifier": admission.key.text,
    }
    added = canonical.decode_map(more) if more else {}
    if own.keys() & added.keys():
        raise VerificationError(f"the admission says {sorted(own.keys() & added.keys())} itself")
    public = canonical.encode({**added, **own})
    parse(public)  # what nobody could read must not be written
    return public


def parse(public: bytes) -> Admission:
    """The admission of a public part, or VerificationError."""
    fields = canonical.decode_map(public) if public else {}
    log, origin, verifier, number = (fields.get(name) for name in ("tenant", "origin", "verifier", "id"))
    if not isinstance(log, str) or not isinstance(verifier, str) or type(number) is not int:
        raise VerificationError("an admission without tenant, verifier key or id")
    key = VerifierKey.parse(verifier)
    if key.name != origin:
        raise VerificationError("an admission whose key has another origin's name")
    issuer = fields.get("issuer", b"")
    if not isinstance(issuer, bytes) or len(issuer) not in (0, 32):
        raise VerificationError("an admission whose issuer key is none")
    return Admission(log, key, number, issuer)
