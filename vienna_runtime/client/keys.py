"""The keys a tenant is checked by, as the node told them over a connection that proved to be the node's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from ledger import VerificationError as LedgerVerificationError
from ledger.note import VerifierKey
from vienna_runtime.errors import VerificationError


@attrs.frozen
class Keys:
    """``issuer`` checks warrants; ``log`` checks the tenant's checkpoints, ``node`` those of the node."""

    issuer: bytes
    node: VerifierKey
    log: VerifierKey

    @classmethod
    def of(cls, value: Mapping[str, Any], *, node_key: str, tenant: str) -> Keys:
        """From `whoami` or `enrol`; ``VerificationError`` unless they are keys of this credential's node and tenant."""
        try:
            node, log = VerifierKey.parse(value["node"]), VerifierKey.parse(value["log"])
            expected = VerifierKey.parse(node_key)
        except LedgerVerificationError as error:
            raise VerificationError(f"the node names a key that is none: {error}") from None
        if node != expected:
            raise VerificationError(f"the node shows the key {node.text}, this credential was made for {expected.text}")
        origin = f"{node.name}/{tenant}" if tenant else node.name
        if log.name != origin:
            raise VerificationError(f"the node names {log.name} as this tenant's log; it must be {origin}")
        return cls(value.get("issuer", b""), node, log)
