"""What keeps evidence from being compared."""

from __future__ import annotations

from vienna_runtime.errors import ViennaError


class EvidenceInvalid(ViennaError):
    """What was brought, or the mapping for it, cannot be read; the message names the file and the line."""
