"""What happens to warrants beside their issue and their end: a further use is asked for, and many are revoked at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import attrs

from ..ids import CaseId, MemberId, WarrantId


@attrs.frozen
class WarrantUseAsked:
    """The agent wants the warrant used once more; nothing is burnt before the executor redeems."""

    TAG: ClassVar[str] = "warrant.use_asked/1"
    case: CaseId
    warrant: WarrantId
    use: int  # the first use is the one that was proposed, so this begins at 2
    params: Mapping[str, object] | None  # None: as proposed
    key: str
    by: MemberId


@attrs.frozen
class WarrantsRevoked:
    """From this entry on no warrant in the scope is worth anything; the entry of each follows."""

    TAG: ClassVar[str] = "warrants.revoked/1"
    scope: str  # agent:NAME | bundle:DIGEST in hex
    reason: str
    by: str
    warrants: int  # how many were live
