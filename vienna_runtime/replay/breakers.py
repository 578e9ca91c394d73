"""When the breakers of a bundle would have tripped on a recorded log, and how often for nothing.

The log is folded by the law's own ``evolve``, and after each entry the law's own detectors are asked (``watching.alarms``); there is
no second implementation of either.  Each detector is looked at by itself in each scope: what it finds is a trip, and it is silent
and forgiven for the cool-down, as if a probe had then ended well.  Nothing is shut out, for what was recorded happened.

A trip is judged by what followed in its scope within its horizon, which is the detector's window and at least the cool-down:

    right     a run failed, was a mismatch or became unknown, or an intent was denied
    false     none of that, although something was decided or run
    quiet     nothing at all was decided or run, so nobody knows
    shut      the scope was shut or paused at the time, by a recorded breaker or by hand: nothing could follow
    open      the log ends before the horizon does
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import attrs

from actors.governance import breaker, codec, watching
from actors.governance import events as e
from actors.governance.breaker_limits import BreakerLimits
from actors.governance.detectors import denials, failures, mismatches, novelty, rate, repetition, spend, unknowns
from actors.governance.detectors.alarm import BEGINNING, Alarm
from actors.governance.evolve import evolve
from actors.governance.ids import Instant, TenantId
from actors.governance.state import State, scopes
from vienna_runtime.replay.world import Entry

VERDICTS = ("right", "false", "quiet", "shut", "open")
DETECTORS = tuple(module.NAME for module in (failures, mismatches, unknowns, denials, repetition, rate, spend, novelty))


@attrs.define(kw_only=True)
class Trip:
    """One time that a detector would have tripped a scope."""

    detector: str
    scope: str
    at: Instant
    seq: int
    case: str
    why: str
    counts: dict[str, int]
    until: Instant  # the end of its horizon
    verdict: str = "open"
    followed: int = 0  # what was decided or run within it
    bad: int = 0
    shut: bool = False


def horizon(limits: BreakerLimits, detector: str) -> int:
    windows = {
        failures.NAME: limits.window,
        mismatches.NAME: mismatches.WINDOW,
        unknowns.NAME: limits.unknowns.window,
        denials.NAME: limits.denials.window,
        repetition.NAME: limits.repetition.window,
        rate.NAME: rate.INTERVAL,
        spend.NAME: limits.spend.window,
        novelty.NAME: limits.novelty.window,
    }
    return max(windows[detector], limits.cool_down)


class Simulation:
    """Fed with every entry in order, then ``end``; gives each trip as soon as its verdict is known.

    ``limits``: of the candidate; without one, of the bundle that was in force at each moment, as ``recorded`` reads it.
    """

    def __init__(self, tenant: str, limits: BreakerLimits | None, since: Instant = BEGINNING) -> None:
        self.state = State(TenantId(tenant))
        self._limits, self._fixed, self._since = limits or BreakerLimits(), limits is not None, since
        self._files: dict[bytes, e.BundlePushed] = {}
        self._pending: deque[Trip] = deque()
        self._forgiven: dict[tuple[str, str], Instant] = {}
        self._gone: set[str] = set()
        self.forgotten = 0  # entries whose bodies are gone
        self.intents = 0
        self.runs = 0
        self.first, self.last = BEGINNING, BEGINNING

    def feed(self, entries: Iterable[Entry]) -> Iterator[Trip]:
        for entry in entries:
            if entry.tag not in codec.EVENTS or self._is_gone(entry):
                self.state.size, self.state.time = entry.seq + 1, entry.at
                continue
            assert entry.body is not None  # else it is gone
            yield from self.entry(entry.seq, entry.at, codec.decode(entry.tag, entry.body))

    def _is_gone(self, entry: Entry) -> bool:
        if entry.body is None:
            self.forgotten += 1
            if entry.case:
                self._gone.add(entry.case)
        return entry.body is None or entry.case in self._gone

    def entry(self, seq: int, at: Instant, event: e.Event) -> Iterator[Trip]:
        """One entry, decoded."""
        yield from self._over(at)
        about = watching.subject(self.state, event)
        evolve(self.state, event, at, seq)
        self._bundle(event)
        if at < self._since or about is None:
            self._shut(event)
            return
        if isinstance(event, e.IntentProposed):
            case = self.state.cases[event.case]
            about = attrs.evolve(about, action=case.wish.action)
        self.first, self.last = self.first or at, at
        self.intents += isinstance(event, e.IntentProposed)
        self.runs += isinstance(event, (e.RunVerified, e.RunUnknown))
        self._followed(event, about)
        for detector, scope, alarm in watching.alarms(self.state, event, about, self._limits, at, self._forgiven_since):
            if at > self._forgiven_since(detector, scope):
                self._trip(detector, scope, alarm, at, seq, about)

    def _forgiven_since(self, detector: str, scope: str) -> Instant:
        """A moment yet to come while it is silent: up to then everything is forgiven."""
        return self._forgiven.get((detector, scope), BEGINNING)

    def _trip(self, detector: str, scope: str, alarm: Alarm, at: Instant, seq: int, about: watching.Subject) -> None:
        self._forgiven[detector, scope] = Instant(at + self._limits.cool_down)
        shut = any(breaker.seen(self.state, name).status != "closed" for name in scopes(about.agent, about.action))
        until = Instant(at + horizon(self._limits, detector))
        self._pending.append(
            Trip(
                detector=detector, scope=scope, at=at, seq=seq, case=about.case, why=alarm.why, counts=dict(alarm.counts), until=until,
                shut=shut or bool(self.state.pauses),
            )
        )  # fmt: skip

    def _bundle(self, event: e.Event) -> None:
        """Follows the bundle in force, where no candidate stands in its place."""
        from actors.governance import bundle as bundles  # Cedar takes a while to load, and only this needs it

        if isinstance(event, e.BundlePushed):
            self._files[event.bundle] = event
        if isinstance(event, e.BundleActivated) and not self._fixed and (pushed := self._files.get(event.bundle)) is not None:
            loaded = bundles.recall(bundles.Source(pushed.files))
            if isinstance(loaded, bundles.Bundle):
                self._limits = loaded.settings.breaker

    def _shut(self, event: e.Event) -> None:
        if isinstance(event, (e.BreakerTripped, e.BreakerTrippedBefore)):
            for trip in self._pending:
                trip.shut = trip.shut or _covers(event.scope, trip.scope)
        if isinstance(event, e.ScopePaused):
            for trip in self._pending:
                trip.shut = True

    def _followed(self, event: e.Event, about: watching.Subject) -> None:
        bad = isinstance(event, e.DeadLetterOpened) or not about.good
        inside = frozenset(scopes(about.agent, about.action))
        for trip in self._pending:
            if trip.scope in inside and not isinstance(event, e.RunReported):
                trip.followed += 1
                trip.bad += bad

    def _over(self, now: Instant) -> Iterator[Trip]:
        for trip in [trip for trip in self._pending if trip.until < now]:
            self._pending.remove(trip)
            trip.verdict = "right" if trip.bad else "shut" if trip.shut else "false" if trip.followed else "quiet"
            yield trip

    def end(self) -> Iterator[Trip]:
        """What is still to be told after the last entry."""
        for trip in self._pending:
            trip.verdict = "right" if trip.bad else "shut" if trip.shut else "open"
            yield trip
        self._pending.clear()


def _covers(wider: str, scope: str) -> bool:
    """Whether nothing can happen in ``scope`` while ``wider`` is shut."""
    return wider == "tenant" or wider == scope or (" action:" in scope and (scope.startswith(f"{wider} ") or scope.endswith(f" {wider}")))
