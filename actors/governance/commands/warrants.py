"""What is asked about warrants that are out."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ..canonical import Value


@attrs.frozen
class UseWarrant:
    warrant: str
    key: str
    params: Mapping[str, Value] | None = None


@attrs.frozen
class RevokeWarrants:
    """All in a scope: ``agent:NAME`` or ``bundle:DIGEST`` in hex."""

    scope: str
    reason: str


@attrs.frozen
class ListWarrants:
    limit: int
    scope: str | None = None
    after: str | None = None


@attrs.frozen
class ShowWarrant:
    warrant: str
