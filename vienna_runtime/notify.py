"""systemd's notification protocol, where it is spoken: sd_notify(3), sd_watchdog_enabled(3).

A datagram of ``NAME=value`` lines to the socket that ``NOTIFY_SOCKET`` names, by a path or, after an ``@``, in the abstract
namespace.  The watchdog is fed by whoever calls ``keep_alive``, from its event loop and from nowhere else, so that a loop
that hangs is noticed.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, MutableMapping

import structlog
import trio

log = structlog.get_logger(__name__)

VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
_MICROS = 1_000_000
_LOOK = 5.0  # s between two looks at what to say where no watchdog waits


class Notifier:
    """Says nothing where nobody listens.  A datagram that cannot be sent is a line in the log: the work goes on without."""

    def __init__(self, address: str | bytes | None, watchdog: float | None) -> None:
        self.watchdog = watchdog  # s within which it has to be fed
        self._address = address
        self._said = ""

    @classmethod
    def from_environment(cls, environ: MutableMapping[str, str]) -> Notifier:
        """Takes the variables out, so that no program that is started from here speaks in this one's name."""
        found = {name: environ.pop(name, "") for name in VARIABLES}
        named = found["NOTIFY_SOCKET"]
        if not named.startswith(("/", "@")):
            return cls(None, None)
        address: str | bytes = b"\0" + os.fsencode(named[1:]) if named.startswith("@") else named
        meant = found["WATCHDOG_PID"] in ("", str(os.getpid()))
        every = found["WATCHDOG_USEC"]
        return cls(address, int(every) / _MICROS if meant and every.isascii() and every.isdigit() and int(every) else None)

    @property
    def listened_to(self) -> bool:
        return self._address is not None

    def ready(self, status: str) -> None:
        self._said = status
        self.say("READY=1", f"STATUS={status}")

    def stopping(self) -> None:
        self.say("STOPPING=1", "STATUS=stopping in order")

    def status(self, text: str) -> None:
        """Said when it is news."""
        if text != self._said:
            self._said = text
            self.say(f"STATUS={text}")

    def feed(self) -> None:
        """It lives: what the watchdog waits for."""
        if self.watchdog is not None:
            self.say("WATCHDOG=1")

    def say(self, *lines: str) -> None:
        if self._address is None:
            return
        text = "\n".join(line.replace("\n", " ") for line in lines)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaker:
                speaker.setblocking(False)  # a full socket must not hold up the event loop
                speaker.sendto(text.encode(), self._address)
        except OSError as error:
            log.warning("the service manager was not told", what=lines[0], why=str(error))

    async def keep_alive(self, status: Callable[[], str]) -> None:
        """Feeds the watchdog at half its time, and says ``status`` when it changes, until cancelled."""
        if not self.listened_to:
            return
        while True:
            self.feed()
            self.status(status())
            await trio.sleep(_LOOK if self.watchdog is None else min(_LOOK, self.watchdog / 2))
