"""The witness itself: one request after the other for each log, recorded before it is answered.

Two requests for one log wait for each other; those of different logs do not.  A record that could not be written is read
again from the disk before the next judgement, since whether it is there is not known.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial

import structlog
import trio

from ledger import VerifierKey
from ledger.cosignature import Cosigner
from ledger.note import compose
from transport.http import Request, Response, plain
from vienna_runtime.errors import WitnessError
from vienna_runtime.witness import rules
from vienna_runtime.witness.records import Record, Records

log = structlog.get_logger(__name__)

QUIET = 60.0  # s between two warnings about the same log
LISTED = 1.0  # s that a list is shown again: making it reads and verifies a record of every log, for anybody who asks

Fault = Callable[[str], None]


def no_fault(point: str) -> None:
    """The process as it is."""


class Witness:
    """Answers HTTP requests.  ``fault(point)`` is called at "judged", "recorded" and "cosigned", where a test may end the process."""

    def __init__(self, cosigner: Cosigner, records: Records, *, now: Callable[[], float] = time.time, fault: Fault = no_fault) -> None:
        self._cosigner, self._records, self._now, self._fault = cosigner, records, now, fault
        self._turns: defaultdict[str, trio.Lock] = defaultdict(trio.Lock)  # one a known log, so there are no more than logs
        self._known: dict[str, Record] = {}
        self._quiet_until: dict[str, float] = {}
        self._listing, self._thread = trio.Lock(), trio.CapacityLimiter(1)  # its own: cosigning never waits for a list
        self._list: tuple[float, Response] | None = None  # when it was asked for

    async def handle(self, request: Request) -> Response:
        """POST /add-checkpoint, and GET /checkpoints: what was cosigned, for auditors and for a node that was restored."""
        path = request.target.partition("?")[0]
        if path == "/add-checkpoint":
            return await self.add_checkpoint(request.body) if request.method == "POST" else plain(405, None, ("Allow", "POST"))
        if path == "/checkpoints":
            return await self.checkpoints() if request.method in ("GET", "HEAD") else plain(405, None, ("Allow", "GET, HEAD"))
        return plain(404)

    async def add_checkpoint(self, body: bytes) -> Response:
        """C2SP tlog-witness, add-checkpoint."""
        asked = rules.parse(body)
        if isinstance(asked, rules.Refused):
            return _refusal(asked)
        origin = asked.unverified_checkpoint.origin
        try:
            keys = self._records.keys(origin)
            if not keys:
                return _refusal(rules.Refused(404, "a log of this origin is not known here"))
            async with self._turns[origin]:
                return await self._in_turn(origin, asked, keys)
        except WitnessError as error:
            log.error("a log cannot be witnessed", origin=origin, why=str(error))
            return plain(500)

    async def _in_turn(self, origin: str, asked: rules.AddCheckpoint, keys: tuple[VerifierKey, ...]) -> Response:
        record = self._known.get(origin) or self._records.read(origin)
        self._known[origin] = record
        verdict = rules.judge(asked, keys, record.seen)
        self._fault("judged")
        if isinstance(verdict, rules.Refused):
            if verdict.fork or verdict.status == 422:
                self._warn(origin, asked, record, verdict)
            if verdict.fork:
                await trio.to_thread.run_sync(self._records.keep_fork, origin, record.seen.size, asked.note)
            return _refusal(verdict)
        ours = self._cosigner.cosign(verdict.text, int(self._now()))
        # Nobody else's lines, and none that bear our name: what is kept is what the log and we have signed.
        note = compose(verdict.text, [*verdict.signatures, ours])
        del self._known[origin]  # until the disk has it
        try:
            await trio.to_thread.run_sync(partial(self._records.write, origin, note))
        except OSError as error:
            log.error("nothing is cosigned, because it cannot be recorded", origin=origin, why=str(error))
            return plain(503, "The witness cannot write at present; nothing was cosigned.\n", ("Retry-After", "5"))
        self._fault("recorded")
        self._known[origin] = Record(origin, rules.Seen(verdict.checkpoint.size, verdict.checkpoint.root), note)
        self._fault("cosigned")
        return Response(headers=(("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")), body=ours.line().encode())

    def _warn(self, origin: str, asked: rules.AddCheckpoint, record: Record, verdict: rules.Refused) -> None:
        """Once a minute for each log: anybody can send an old checkpoint with a wrong proof, and lines fill a disk."""
        now = time.monotonic()
        if now >= self._quiet_until.get(origin, 0):
            self._quiet_until[origin] = now + QUIET
            log.warning("not cosigned", origin=origin, size=asked.unverified_checkpoint.size, seen=record.seen.size, why=verdict.why)

    async def checkpoints(self) -> Response:
        """Every log that is known, with the note that was cosigned last: at most a second old, and one list for all who ask at once."""
        async with self._listing:
            now = trio.current_time()
            if self._list is None or now - self._list[0] >= LISTED:
                listed = partial(self._listed, dict(self._known))
                self._list = now, await trio.to_thread.run_sync(listed, limiter=self._thread)
            return self._list[1]

    def _listed(self, known: dict[str, Record]) -> Response:
        try:
            found = [known.get(origin) or self._records.read(origin) for origin in self._records.origins()]
        except WitnessError as error:
            log.error("what was witnessed cannot be told", why=str(error))
            return plain(500)
        said = {
            "witness": self._cosigner.verifier.text,
            "checkpoints": [{"origin": record.origin, "size": record.seen.size, "note": record.note.decode()} for record in found],
        }
        headers = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))
        return Response(headers=headers, body=json.dumps(said, indent=1).encode() + b"\n")


def _refusal(refused: rules.Refused) -> Response:
    if refused.size is not None:
        return Response(status=409, headers=(("Content-Type", rules.SIZE_TYPE), ("Cache-Control", "no-store")), body=b"%d\n" % refused.size)
    return plain(refused.status, f"{refused.why}\n")
