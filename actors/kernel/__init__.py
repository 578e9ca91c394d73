"""How actors live: mailboxes, refs, cells, supervision, clocks.  On trio, and without a word of what they are for."""

from actors.kernel.actor import Actor as Actor
from actors.kernel.actor import run_actor as run_actor
from actors.kernel.cell import Life as Life
from actors.kernel.clock import Clock as Clock
from actors.kernel.clock import ManualClock as ManualClock
from actors.kernel.clock import SystemClock as SystemClock
from actors.kernel.envelope import Envelope as Envelope
from actors.kernel.mailbox import Mailbox as Mailbox
from actors.kernel.mailbox import MailboxStatistics as MailboxStatistics
from actors.kernel.monitor import Death as Death
from actors.kernel.monitor import Monitor as Monitor
from actors.kernel.ref import Ref as Ref
from actors.kernel.reply import Reply as Reply
from actors.kernel.spec import Backoff as Backoff
from actors.kernel.spec import Child as Child
from actors.kernel.spec import ChildStatistics as ChildStatistics
from actors.kernel.spec import Down as Down
from actors.kernel.spec import Intensity as Intensity
from actors.kernel.spec import Notice as Notice
from actors.kernel.spec import Overran as Overran
from actors.kernel.spec import Restart as Restart
from actors.kernel.spec import Strategy as Strategy
from actors.kernel.spec import When as When
from actors.kernel.supervise import Supervision as Supervision
from actors.kernel.supervise import supervise as supervise
from actors.kernel.turn import Turn as Turn
