"""A small process that starts a node and starts it again when it is dead or hangs: ``vienna serve --supervised``.

    start ─▶ ready ─▶ asked over TLS every few seconds ─┬─ ended by itself ──▶ wait, start again
                                                        ├─ no answer too long ─▶ SIGKILL, wait, start again
                                                        └─ SIGTERM here ──▶ SIGTERM and SIGCONT there, its end, our end

*Hangs* means silence.  A connection that is closed at once, refused in HTTP or by its certificate was answered by somebody who
runs: a node that is crowded is not killed for that.  The node dies with this process, by the kernel's hand
(``PR_SET_PDEATHSIG``), so that no orphan keeps the ledger's lock; killing it loses nothing that was acknowledged.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import ssl
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs
import structlog
import trio

from actors.kernel import Backoff, Intensity
from transport.tls import client_context
from vienna_runtime.errors import ServingError
from vienna_runtime.health import LIVE
from vienna_runtime.notify import Notifier

log = structlog.get_logger(__name__)

PARENT = "VIENNA_GUARDIAN"  # the environment variable by which a node knows its guardian
CHECK = 2.0  # s between two questions; they cost the node a millisecond
START = 600.0  # s until it has to be ready: a large ledger is read from its last snapshot within seconds, without one within minutes
STOP = 30.0  # s for an orderly stop, as in deploy/vienna.service
INTENSITY = Intensity(restarts=5, period=300.0)
BACKOFF = Backoff(first=0.5, limit=30.0)  # the next start reads and verifies the ledger's end: not worth doing thrice a second
DONE, BAD_END, NEVER_STARTED = 0, 1, 2  # as of ``vienna serve`` itself
_PR_SET_PDEATHSIG = 1  # prctl(2)
_LONGEST_LINE = 16 * 1024  # bytes of the ready line


def end_with(parent: int) -> None:
    """In the node: have the kernel kill this process when its guardian ends, by whatever."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        raise ServingError(f"the kernel will not end this node with its guardian: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        raise ServingError("the guardian that started this node has ended")


@attrs.frozen(kw_only=True)
class Ready:
    """What a node says of itself when it can be used."""

    address: str
    line: Mapping[str, object]


@attrs.define(eq=False)
class Guardian:
    """One node's.  ``command`` starts it, with ``--json``; ``first`` are arguments until it was ready once."""

    command: Sequence[str]
    first: Sequence[str]
    certificate: Path  # that the node shows: it and nothing else is trusted
    server_name: str
    hung_after: float  # s of silence
    told: Callable[[Ready], None]
    notifier: Notifier
    jitter: Callable[[], float]
    backoff: Backoff = BACKOFF
    restarts: int = 0
    _address: str | None = None
    _stopping: bool = False
    _child: subprocess.Popen[bytes] | None = None
    _falls: list[float] = attrs.field(factory=list)

    async def run(self) -> int:
        """Until SIGTERM or SIGINT, or until the node falls too often; the exit code."""
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async with trio.open_nursery() as nursery:
                told = trio.CancelScope()

                async def listen() -> None:
                    async for number in signals:
                        log.info("stopping", signal=signal.Signals(number).name)
                        self._stopping = True
                        told.cancel()
                        return

                nursery.start_soon(listen)
                code = BAD_END
                try:
                    with told:
                        code = await self._guard()
                finally:
                    with trio.CancelScope(shield=True):
                        ended = await self._stop()
                nursery.cancel_scope.cancel()
        return ended if self._stopping else code

    async def _guard(self) -> int:
        """Starts it again and again; returns when that makes no sense any more."""
        while True:
            code = await self._life()
            if code == NEVER_STARTED and self._address is None:
                return code  # it has said why: a setting, the ledger's lock, a rollback to be accepted
            now = trio.current_time()
            self._falls = [fall for fall in self._falls if fall > now - INTENSITY.period] + [now]
            if len(self._falls) > INTENSITY.restarts:
                log.error("the node falls too often; giving up", within=INTENSITY.period, falls=len(self._falls))
                return BAD_END
            pause = self.backoff.delay(len(self._falls), self.jitter())
            log.error("the node is down", code=code, restarts_in=round(pause, 2))
            self.notifier.status(f"the node ended with {code}; it is started again")
            await self._wait(pause)
            self.restarts += 1

    async def _wait(self, seconds: float) -> None:
        """Alive meanwhile: it is not us whom the service manager should start again."""
        end = trio.current_time() + seconds
        while (left := end - trio.current_time()) > 0:
            self.notifier.feed()
            await trio.sleep(min(left, CHECK))

    async def _life(self) -> int:
        """One process of the node, from its start to its end; its exit code, negative for a signal."""
        where = () if self._address is None else ("--listen", self._address)  # port 0 was a wish for any: it is this one from now on
        arguments = [*self.command, *where, *(self.first if self._address is None else ())]
        # Not trio's: it forks in a thread of its own, whose end the kernel would take for the guardian's.
        self._child = child = subprocess.Popen(  # noqa: ASYNC220, S603
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env={**os.environ, PARENT: str(os.getpid())},
            start_new_session=True,  # Ctrl-C is for the guardian, which passes it on
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._look, child)
            await _ended(child)
            nursery.cancel_scope.cancel()
        assert child.stdout is not None
        child.stdout.close()
        return child.returncode

    async def _look(self, child: subprocess.Popen[bytes]) -> None:
        """Waits until it is ready, then asks it; what is silent too long is killed."""
        ready = None
        with trio.move_on_after(START):
            ready = await self._heard(child)
        if ready is not None:
            self._address = ready.address
            self.told(ready)
            self.notifier.ready(f"serving on {ready.address}, restarts {self.restarts}")
            await self._until_silent(ready.address)
        elif child.poll() is None:
            log.error("the node was not ready in time", within=START)
        if child.poll() is None:
            child.kill()

    async def _heard(self, child: subprocess.Popen[bytes]) -> Ready | None:
        """Its ready line; None where it ended, or its line is no such line."""
        assert child.stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            self.notifier.feed()
            with trio.move_on_after(CHECK):
                await trio.lowlevel.wait_readable(child.stdout.fileno())
                part = os.read(child.stdout.fileno(), _LONGEST_LINE - len(line))
                if not part:
                    return None
                line += part
        said = json.loads(line)
        return Ready(address=said["ready"], line=said)

    async def _until_silent(self, address: str) -> None:
        context = client_context(self.certificate)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the leaf itself is what is trusted, whoever issued it
        heard = trio.current_time()
        while trio.current_time() - heard < self.hung_after:
            begun = trio.current_time()
            with trio.move_on_after(self.hung_after):
                if await answers(address, context, self.server_name):
                    heard = trio.current_time()
                    self.notifier.feed()
            await trio.sleep_until(begun + min(CHECK, self.hung_after / 2))
        log.error("the node hangs", silent_for=round(trio.current_time() - heard, 1))

    async def _stop(self) -> int:
        """Ends the node, if there is one: told to, and killed where that does not help; whether it ended well."""
        self.notifier.stopping()
        child = self._child
        if child is None or child.returncode is not None:
            return DONE if child is None or child.returncode in (0, -signal.SIGTERM) else BAD_END
        child.send_signal(signal.SIGTERM)
        child.send_signal(signal.SIGCONT)  # one that is paused hears nothing before
        with trio.move_on_after(STOP):
            await _ended(child)
            return DONE if child.returncode == 0 else BAD_END
        log.error("the node does not stop; it is killed", after=STOP)
        child.kill()
        await _ended(child)
        return BAD_END


async def _ended(child: subprocess.Popen[bytes]) -> None:
    """Until it is over and reaped."""
    if child.poll() is not None:
        return
    watched = os.pidfd_open(child.pid)
    try:
        await trio.lowlevel.wait_readable(watched)
    finally:
        os.close(watched)
    child.wait()


async def answers(address: str, context: ssl.SSLContext, server_name: str) -> bool:
    """Whether somebody who runs is there: anything but silence and a closed port.  Cancelled where nothing comes."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # what listens everywhere is asked here
    try:
        stream = await trio.open_tcp_stream(host, int(port))
    except OSError:
        return False
    async with stream:
        try:
            secured = trio.SSLStream(stream, context, server_hostname=server_name, https_compatible=True)
            await secured.send_all(f"GET {LIVE} HTTP/1.1\r\nHost: {server_name}\r\nConnection: close\r\n\r\n".encode())
            said = await secured.receive_some(4096)
            if not said.startswith(b"HTTP/1.1 200 "):
                log.warning("the node answers, and not with 200", said=bytes(said[:40]))
        except trio.BrokenResourceError as error:
            log.warning("the node answers, and not as it should", why=str(error.__cause__ or error))
    return True
