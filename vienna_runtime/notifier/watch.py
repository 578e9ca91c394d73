"""Whether the node is heard of: a notifier stands outside of it, and is the one that can tell when it is not.

Each outage is said once, when it has lasted for ``silence``, and once more when it is over; both are carried as alerts are, from the
journal, so that a notifier that is started again in between says neither twice.  Who watches the notifier asks for a word at an interval
(``alive``): it is sent while the node is heard of and is not tried again, for the next one is as good.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
import trio

from actors.governance.ids import Instant
from actors.governance.utc import utc
from vienna_runtime.client import OutcomeUnknown, Refused, Unreachable, Vienna
from vienna_runtime.notifier.journal import Journal
from vienna_runtime.notifier.message import Message
from vienna_runtime.notifier.schedule import Delivered, Gone
from vienna_runtime.notifier.target import Target

log = structlog.get_logger(__name__)

AGAIN = 1.0  # s before a node that takes no connection is tried again
_LOOKS = 3  # within the time that it may be silent


class Watch:
    def __init__(
        self,
        *,
        silence: float,
        journal: Journal,
        own: Callable[[str, str], Message],
        say: Callable[[Message, int], None],
        now: Callable[[], float],
    ) -> None:
        """``own`` makes a message of the notifier's own, by kind and text; ``say`` has it carried and notes when the outage began, 0 for
        none.  ``now``: wall time, in s."""
        self._silence, self._journal = silence, journal
        self._own, self._say, self._now = own, say, now

    @property
    def _out_since(self) -> int:
        """In s since 1970, as it was said; 0 while the node is heard of."""
        return self._journal.fact("out_since") or 0

    async def node(self, vienna: Vienna) -> None:
        heard = self._now()
        while True:
            with trio.move_on_after(self._silence) as waiting:
                await _answered(vienna)
            if not waiting.cancelled_caught:
                self._heard()
                heard = self._now()
                await trio.sleep(self._silence / _LOOKS)
            elif not self._out_since:
                text = f"nothing was heard of the node for {self._silence:g} s, since {_written(heard)}"
                log.error("the node is not heard of", seconds=self._silence)
                self._say(self._own("node.unreachable", text), max(1, int(heard)))

    def _heard(self) -> None:
        if since := self._out_since:
            log.info("the node is heard of again")
            self._say(self._own("node.heard", f"the node answers again; nothing was heard of it since {_written(since)}"), 0)

    async def alive(self, target: Target, every: float) -> None:
        while True:
            await trio.sleep(every)  # first of all: one that falls at each start is not alive
            if self._out_since or self._journal.is_gone(target.name):
                continue
            word = self._own("notifier.alive", "this notifier runs and hears its node")
            outcome = await target.means.attempt(word.name, word.body, self._now())
            if isinstance(outcome, Gone):
                self._journal.gone(target.name, outcome.why)
            if not isinstance(outcome, Delivered):
                log.warning("nobody took the word that this notifier is alive", target=target.name, why=outcome.why)


async def _answered(vienna: Vienna) -> None:
    """Returns when the node has answered anything at all: also one that refuses is there.

    What answers in its place, or does not know this notifier any more, is not the node that it was: it is not heard of.
    """
    while True:
        try:
            await vienna.whoami()
        except (Unreachable, OutcomeUnknown) as error:
            log.warning("the node did not answer", why=str(error))
            await trio.sleep(AGAIN)
        except Refused:
            return
        else:
            return


def _written(seconds: float) -> str:
    return utc(Instant(int(seconds * 1_000_000)))
