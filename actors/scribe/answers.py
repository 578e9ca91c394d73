"""Why nothing can be reserved now, where more room would not help; and what the scribe says of itself."""

from __future__ import annotations

import attrs


@attrs.frozen
class ReadOnly:
    """Writing does not work at present; reads do."""

    why: str
    retry_after: int  # ms


@attrs.frozen
class LogFrozen:
    """This log takes no entries until somebody has looked at it; reads work."""

    why: str


@attrs.frozen(kw_only=True)
class ScribeStatistics:
    submissions: int
    durable: int
    queued: int  # submissions
    entries: int  # reserved or queued, ordinary lane
    urgent_entries: int
    bytes: int
    waiting: int
    commits: int
    failures: int
    read_only: str | None
