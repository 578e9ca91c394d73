"""The keys a tenant is checked by, followed from the one key of the node's that this credential was made with.

The node answers `keys.chain` with the entries of its own log that admitted the tenant's log and that replaced a key of it, of
its warrants or of the node, each under a checkpoint of the node.  So a key may be replaced, and nobody can put another there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from ledger import NODE
from ledger import VerificationError as LedgerVerificationError
from ledger.key_chain import KeyChain, Link, follow
from ledger.note import VerifierKey
from ledger.trust import Trust
from vienna_runtime.errors import VerificationError


@attrs.frozen
class Keys:
    """``nodes`` check the checkpoints of the node, ``logs`` those of the tenant, ``issuers`` its warrants; the newest of each first."""

    nodes: tuple[VerifierKey, ...]
    logs: tuple[VerifierKey, ...]
    issuers: tuple[bytes, ...]  # that ever counted
    live_issuers: tuple[bytes, ...]  # for a warrant that is to be used now: none that was given up as compromised
    trust: Trust = attrs.field(eq=False, repr=False)  # opens checkpoints, each by the keys that count at its size

    @property
    def node(self) -> VerifierKey:
        """The node's newest key."""
        return self.nodes[0]

    @property
    def log(self) -> VerifierKey:
        """The log's newest key."""
        return self.logs[0]

    @property
    def issuer(self) -> bytes:
        """The key that signs the tenant's warrants now; empty for an operator, whom none concern."""
        return self.issuers[0] if self.issuers else b""

    @classmethod
    def of(cls, value: Mapping[str, Any], *, node_key: str, tenant: str) -> Keys:
        """From `keys.chain`; ``VerificationError`` unless ``node_key`` leads to them.  ``tenant`` is empty for the node's own log."""
        try:
            root = VerifierKey.parse(node_key)
            links = tuple(Link(entry["entry"], tuple(entry["proof"])) for entry in value["entries"])
            trust = follow(root, KeyChain(value["checkpoint"], links))
            nodes, logs = trust.keys_of(NODE), trust.keys_of(tenant)
        except LedgerVerificationError as error:
            raise VerificationError(
                f"the node shows keys that {node_key}, by which this credential knows it, does not lead to: {error}"
            ) from None
        except (KeyError, TypeError):
            raise VerificationError("the node does not show the entries about its keys") from None
        origin = f"{root.name}/{tenant}" if tenant else root.name
        if logs[0].name != origin:
            raise VerificationError(f"the node names {logs[0].name} as this tenant's log; it must be {origin}")
        return cls(nodes, logs, trust.issuers_of(tenant), trust.live_issuers_of(tenant), trust)
