"""The words for how a case ended."""

from __future__ import annotations

GOOD_ENDS = frozenset({"verified", "consistent", "applied"})
ENDS = GOOD_ENDS | {"denied", "mismatched", "inconclusive", "failed", "unknown", "expired", "cancelled", "revoked", "settled", "missed"}
