"""The node shows its checkpoints to its witnesses, keeps what a quorum of them has cosigned, and heeds what they object to.

    every period: heads ──▶ targets ──▶ one task a witness ──▶ cosignatures ──quorum──▶ the ledger's table ──▶ witnessed
                                              └──▶ a finding: rolled back, or forked ──▶ log, status, and an event, once

Each witness has a task and a connection of its own: a slow one delays nobody, an unreachable one is asked again with a
growing wait.  Nothing here ever stops the node; that happens only at its start, see ``witness_start``.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice

import attrs
import structlog
import trio

from actors.governance.node_law import WitnessRefused
from actors.kernel.cell import Life
from actors.scribe import Scribe
from ledger import Ledger, LedgerError, NoteSignature, VerificationError, VerifierKey
from ledger.cosignature import cosigned_at
from ledger.errors import UnknownLog
from ledger.witness_policy import KnownWitness, Policy
from vienna_runtime import witness_start
from vienna_runtime.config import Config
from vienna_runtime.witness.asking import Door, Rejected, Unreachable
from vienna_runtime.witness.gathering import Gathering, Target
from vienna_runtime.witness.showing import Ahead, Finding, show

log = structlog.get_logger(__name__)

MICROS = 1_000_000
PATIENCE = 10.0  # s for one request, dialling included: a witness that syncs a slow disk answers within one
TARGETS = 3  # periods a checkpoint waits for its quorum before a newer takes its place
FIRST_WAIT, LAST_WAIT = 1.0, 60.0  # s before an unreachable witness is asked again
AT_ONCE = 100  # logs whose cosigned checkpoints are kept in one transaction: some 30 ms in which nobody else's entries are written
STRANGER = 60.0  # s before a witness that does not know a log, or has refused it, is asked about it again


@attrs.define(eq=False)
class Standing:
    """How it goes with one witness, as the status shows it."""

    witness: KnownWitness
    reached: bool = False
    why: str = "not asked yet"
    cosigned: int = 0  # cosignatures that came
    last: int = 0  # the newest second that one of them named
    known: dict[str, int] = attrs.Factory(dict)  # by log: what it has cosigned, as far as is known here
    later: dict[str, float] = attrs.Factory(dict)  # by log: not to be asked about before
    strange: set[str] = attrs.Factory(set)  # logs it does not know, so that this is said once


@attrs.define(eq=False)
class Witnesses:
    """The collector.  ``verifier`` is the key of a log; ``objected`` hears of each finding once: the node's log, and alerts."""

    policy: Policy
    scribe: Scribe
    verifier: Callable[[str], VerifierKey]
    objected: Callable[[WitnessRefused], None]
    period: float  # s
    tls: ssl.SSLContext
    patience: float = PATIENCE
    at_once: int = AT_ONCE
    standings: dict[str, Standing] = attrs.field(init=False)
    given_up: str = attrs.field(default="", init=False)  # why nobody is asked any more
    findings: dict[tuple[str, str, str], Finding] = attrs.field(factory=dict, init=False)
    _gathering: Gathering = attrs.field(init=False)
    _ready: dict[str, tuple[int, bytes]] = attrs.field(factory=dict, init=False)
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)
    _owed: trio.Event = attrs.field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self.standings = {witness.name: Standing(witness) for witness in self.policy.witnesses if witness.url}
        self._gathering = Gathering(self.policy, patience=TARGETS * self.period)

    @property
    def ledger(self) -> Ledger:
        """For reading."""
        return self.scribe.ledger

    async def run(self, *, task_status: Life) -> None:
        """Until cancelled."""
        self.scribe.published.quorum = self.policy.quorum
        self._remember()
        async with trio.open_nursery() as nursery:
            for standing in self.standings.values():
                nursery.start_soon(self._ask_for_ever, standing)
            nursery.start_soon(self._keep_for_ever)
            task_status.started()
            while True:
                heads = self.ledger.logs()
                if self._gathering.choose(heads, {name: self.verifier(name).name for name in heads}, trio.current_time()):
                    self._news.set()
                    self._news = trio.Event()
                await trio.sleep(self.period)

    def about(self) -> Mapping[str, object]:
        """For the node's status."""
        return {
            "quorum": self.policy.quorum,
            "given_up": self.given_up,
            "asked": [
                {
                    "witness": name,
                    "url": standing.witness.url,
                    "reached": standing.reached,
                    "why": standing.why,
                    "cosigned": standing.cosigned,
                    "last": standing.last,
                    "unknown_logs": len(standing.strange),
                }
                for name, standing in self.standings.items()
            ],
            "refused": [str(finding) for finding in self.findings.values()],
        }

    # -- what was kept before this life

    def _remember(self) -> None:
        for name in self.ledger.logs():
            note = self.ledger.witnessed(name)
            if note is None:
                continue
            try:
                seen = self.policy.require(note, [self.verifier(name)])
            except VerificationError as error:
                log.info("what was witnessed does not meet the policy of now", log=name, why=str(error))
                continue
            self.scribe.published.raise_to(name, seen.checkpoint.size)
            for witness, _ in seen.times:
                if witness in self.standings:
                    self.standings[witness].known[name] = seen.checkpoint.size

    # -- one task a witness

    async def _ask_for_ever(self, standing: Standing) -> None:
        witness, wait = standing.witness, FIRST_WAIT
        door = Door(witness.url, witness.key, tls=self.tls, patience=self.patience)
        try:
            while True:
                news = self._news
                try:
                    asked = await self._ask_about_all(standing, door)
                except Unreachable as error:
                    if standing.reached or standing.why == "not asked yet":
                        log.warning("a witness cannot be reached", witness=witness.name, url=witness.url, why=str(error))
                    standing.reached, standing.why = False, str(error)
                    await trio.sleep(wait)
                    wait = min(LAST_WAIT, wait * 2)
                    continue
                if asked:
                    wait = FIRST_WAIT
                with trio.move_on_after(self.period):
                    await news.wait()
        finally:
            with trio.CancelScope(shield=True):
                await door.close()

    async def _ask_about_all(self, standing: Standing, door: Door) -> bool:
        """Show it everything it has not cosigned; whether it was asked anything."""
        asked = False
        for target in self._gathering.for_witness(standing.witness.name):
            if standing.later.get(target.log, 0) <= trio.current_time():
                asked = True
                await self._ask(standing, door, target)
        return asked

    async def _ask(self, standing: Standing, door: Door, target: Target) -> None:
        name = target.log
        try:
            known, outcome = await show(door, standing.witness.name, self.ledger, target, standing.known.get(name, 0))
        except LedgerError as error:  # closed and opened again in this moment
            log.info("a checkpoint is shown later", log=name, why=str(error))
            return
        standing.reached, standing.why, standing.known[name] = True, "", known
        match outcome:
            case NoteSignature():
                self._cosigned(standing, target, outcome)
            case Finding():
                self._found(standing, outcome)
            case Rejected():
                standing.later[name] = trio.current_time() + STRANGER
                if name not in standing.strange:
                    standing.strange.add(name)
                    why = ascii(outcome.unverified_why)
                    log.warning("a witness does not take a log", witness=standing.witness.name, log=name, status=outcome.status, why=why)
            case Ahead():
                pass

    def _cosigned(self, standing: Standing, target: Target, signature: NoteSignature) -> None:
        standing.cosigned += 1
        standing.last = max(standing.last, cosigned_at(signature))
        standing.strange.discard(target.log)
        note = self._gathering.add(target, standing.witness.name, signature)
        if note is not None:
            self._ready[target.log] = target.size, note
            self._owed.set()

    def _found(self, standing: Standing, finding: Finding) -> None:
        standing.later[finding.log] = trio.current_time() + STRANGER
        key = (finding.witness, finding.log, finding.what)
        if key not in self.findings:
            self.findings[key] = finding
            log.error("a witness objects", finding=str(finding))
            self.objected(WitnessRefused(*attrs.astuple(finding)))

    # -- keeping what a quorum has cosigned

    async def _keep_for_ever(self) -> None:
        while True:
            await self._owed.wait()
            self._owed = trio.Event()
            taken = dict(islice(self._ready.items(), self.at_once))
            self._ready = dict(islice(self._ready.items(), self.at_once, None))
            if self._ready:
                self._owed.set()
            try:
                await self.scribe.errand(partial(self.ledger.put_all_witnessed, {name: note for name, (_, note) in taken.items()}))
            except (VerificationError, UnknownLog) as error:
                # A log that is no longer the one that was shown: everything is chosen anew, and only what is so is kept.
                log.warning("what was witnessed is not of this ledger", why=str(error))
                for name in taken:
                    self._gathering.without(name)
            except (LedgerError, OSError) as error:
                log.info("what was witnessed is kept when writing works again", why=str(error))
                self._ready = {**taken, **self._ready}
                self._owed.set()
                await trio.sleep(self.period)
            else:
                for name, (size, _) in taken.items():
                    self.scribe.published.raise_to(name, size)


def collector(
    config: Config, scribe: Scribe, verifier: Callable[[str], VerifierKey], objected: Callable[[WitnessRefused], None]
) -> Witnesses | None:
    """The collector of a node; None where its settings name no policy."""
    asked = witness_start.asked(config)
    if asked is None:
        return None
    return Witnesses(asked.policy, scribe, verifier, objected, config.settings.witness.period / MICROS, asked.tls)
