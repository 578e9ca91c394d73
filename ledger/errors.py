"""Everything the ledger raises, one question a branch: whose fault?

    LedgerError
    ├── UnsuitableDirectory      the place: a network file system, another program's files, unreadable
    │   ├── DirectoryBusy        another process writes there; names its pid
    │   └── CopyOvertaken        the writer replaced what was being copied: copy again
    ├── CallerError              the call: what was asked for cannot be
    │   ├── UnknownLog           no log of that name was admitted
    │   ├── LogExists            a log of that name was admitted before
    │   ├── BadDraft             a value that no header may carry
    │   ├── BadPolicy            a witness policy that cannot be read; names the line
    │   └── BodyRemoved          the body was there and is gone, as it may be
    ├── LogFrozen                the log did not match when it was opened: reads only
    ├── CommitFailed             the disk: whether the transaction is on it is not known
    │   └── DiskFull             no room: nothing of the transaction is in force
    ├── WritingStopped           an earlier CommitFailed: reads only until reopen()
    ├── Closed                   close() was called, or reopen() failed
    └── VerificationError        the evidence: names log, index and what did not match

A position that is not the expected one is no error but a value (``Conflict``), see ``ledger.entry``.
"""

from __future__ import annotations


class LedgerError(Exception):
    """The root of everything raised here."""


class UnsuitableDirectory(LedgerError):
    """A ledger cannot live in that directory; the message says why and what to do."""


class DirectoryBusy(UnsuitableDirectory):
    """Another process has the directory open for writing."""

    def __init__(self, path: str, pid: int | None) -> None:
        who = f"process {pid}" if pid is not None else "another process"
        super().__init__(f"{path} is in use: {who} writes to this ledger; stop it first, two writers are never allowed")
        self.pid = pid


class CopyOvertaken(UnsuitableDirectory):
    """What was being copied was replaced by its writer; doing it again helps."""


class CallerError(LedgerError):
    """What was asked for cannot be; asking again changes nothing."""


class UnknownLog(CallerError):
    """No log of that name was ever admitted."""


class LogExists(CallerError):
    """A log of that name was admitted before."""


class BadDraft(CallerError):
    """A draft holds a value that no header may carry."""


class BadPolicy(CallerError):
    """A witness policy has a fault; ``line`` is 0 where it is the whole file's."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}" if line else what)
        self.line, self.what = line, what


class BodyRemoved(CallerError):
    """The entry stands, its body is gone."""


class LogFrozen(LedgerError):
    """The log did not match when it was opened; it serves reads only."""


class CommitFailed(LedgerError):
    """Whether the transaction is on the disk is not known; only ``reopen()`` finds out."""


class DiskFull(CommitFailed):
    """The disk, or the map, has no room for the transaction."""


class WritingStopped(LedgerError):
    """A commit failed before; nothing is written until ``reopen()`` has looked at what is there."""


class Closed(LedgerError):
    """The ledger is not open."""


class VerificationError(LedgerError):
    """What is stored or presented does not prove what it must.

    ``log`` and ``index`` name the place where they are known: an index is a sequence number.
    """

    def __init__(self, what: str, *, log: str | None = None, index: int | None = None) -> None:
        self.what, self.log, self.index = what, log, index
        place = [] if log is None else [f"log {log!r}" if log else "the node's log"]
        if index is not None:
            place.append(f"index {index}")
        super().__init__(f"{', '.join(place)}: {what}" if place else what)

    def at(self, log: str, index: int | None = None) -> VerificationError:
        """The same finding with its place."""
        return VerificationError(self.what, log=log, index=self.index if index is None else index)
