"""The scribe: sole owner of the ledger's writing.  See ``actors.scribe.scribe``."""

from actors.scribe.answers import LogFrozen as LogFrozen
from actors.scribe.answers import ReadOnly as ReadOnly
from actors.scribe.answers import ScribeStatistics as ScribeStatistics
from actors.scribe.outcome import Discarded as Discarded
from actors.scribe.outcome import Durable as Durable
from actors.scribe.outcome import Outcome as Outcome
from actors.scribe.outcome import Pending as Pending
from actors.scribe.outcome import Submission as Submission
from actors.scribe.room import Full as Full
from actors.scribe.room import Reservation as Reservation
from actors.scribe.room import Room as Room
from actors.scribe.scribe import Scribe as Scribe
from actors.scribe.worker import Worker as Worker
