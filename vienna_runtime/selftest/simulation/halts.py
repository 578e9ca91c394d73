"""What stops a tenant, or a part of it: breakers and pauses, told again from the log, and who lets them go on.

trip, pause ──▶ the epoch of the scope is one more, and what was granted before is worth nothing
probing     ──▶ after the cool-down, by one case, with one use of it
reset       ──▶ after a mismatch by two persons, once the tenant is sealed, none of them behind the agent
resume      ──▶ by whoever is not behind what is paused, or by a quorum of others
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from actors.governance import events as e
from vienna_runtime.selftest.simulation.entries import Broken
from vienna_runtime.selftest.simulation.remembered import CaseNow, Guard, WarrantNow, Who

ALONE = "whoever answers for what is paused does not let it go on alone"
TWO = "what a mismatch shut is opened by two"
MISMATCHES = "mismatches"  # the detector


@attrs.define(eq=False)
class Halts:
    """One tenant's.  ``members``, ``live`` and ``cases`` are the account's own."""

    members: Mapping[str, Who]
    live: Mapping[str, WarrantNow]
    cases: Mapping[str, CaseNow]
    sealed: bool = False
    guards: dict[str, Guard] = attrs.Factory(dict)
    pauses: dict[tuple[str, str], e.ScopePaused] = attrs.Factory(dict)  # by whose it is, and scope
    paused_ever: set[tuple[str, str]] = attrs.Factory(set)
    resumed_ever: set[tuple[str, str]] = attrs.Factory(set)
    trips: int = 0
    seen: int = 0  # entries
    owed: tuple[str, frozenset[str]] | None = None  # a scope that goes on by a quorum, without these persons: the next entry says so

    def guard(self, scope: str) -> Guard:
        return self.guards.setdefault(scope, Guard())

    def stopped(self, *agents: str) -> str:
        """What keeps these agents from everything at present."""
        scopes = {"tenant", "node", *(f"agent:{agent}" for agent in agents)}
        return next((f"{side}'s pause of {scope}" for side, scope in self.pauses if scope in scopes), "")

    def epoch(self, agent: str, action: str) -> tuple[int, ...]:
        return tuple(self.guard(scope).epoch for scope in scopes_of(agent, action))

    def granted(self, case: str, agent: str, action: str, warrant: str) -> None:
        """A warrant: everything that it stands in is open, or probes with it."""
        if why := self.stopped(agent):
            raise Broken("nothing is granted in a scope that is shut", f"{warrant} under {why}")
        for scope in scopes_of(agent, action):
            guard = self.guard(scope)
            if guard.status != "closed" and not (guard.status == "probing" and guard.probe == case):
                raise Broken("nothing is granted in a scope that is shut", f"{warrant} in {scope}, which is {guard.status}")

    def redeemed(self, case: CaseNow, found: WarrantNow, hands: Iterable[str]) -> None:
        """A run: nobody through whose hands the warrant went is stopped, nothing has tripped since it was granted, and one use probes."""
        terms, name = found.terms, found.issued.warrant
        if self.stopped(terms.agent, *hands) or found.epoch != self.epoch(terms.agent, terms.action):
            raise Broken("nothing is redeemed in a scope that is shut", name)
        for hand in hands:
            for scope in scopes_of(hand, terms.action)[:2]:
                if self.guard(scope).status != "closed":
                    raise Broken("nothing is redeemed in a scope that is shut", f"{name} by way of {hand}, and {scope} is shut")
                if self.guard(scope).stopped > found.number:
                    raise Broken("what is in the hands of somebody who was stopped is worth nothing", f"{name} by way of {hand}")
        for scope in scopes_of(terms.agent, terms.action):
            guard = self.guard(scope)
            if guard.status == "probing" and guard.probe == case.case and case.runs:
                raise Broken("one use probes", f"{name} in {scope} while {sorted(case.runs)} is under way")

    def follows(self, event: object) -> None:
        """Looks at every entry: what is let go on by a quorum is so in the same batch."""
        self.seen += 1
        if self.owed is not None and type(event) is not e.ChangeApplied:
            raise Broken(ALONE, f"{self.owed[0]} by one of {sorted(self.owed[1])}")

    def applied(self, persons: Iterable[str]) -> None:
        """A change that these have approved."""
        if self.owed is not None and (own := self.owed[1].intersection(persons)):
            raise Broken(ALONE, f"{self.owed[0]}, approved by {sorted(own)}")
        self.owed = None

    # -- entries

    def paused(self, event: e.ScopePaused, at: int) -> None:
        self.pauses[event.side, event.scope] = event
        self.paused_ever.add((event.side, event.scope))
        if event.scope != "node":
            guard = self.guard(event.scope)
            if event.epoch != guard.epoch + 1:
                raise Broken("a pause raises the epoch", f"{event.scope}: {guard.epoch}, then {event.epoch}")
            guard.epoch, guard.stopped = event.epoch, self.seen
        for found in self.live.values():
            if event.scope in ("tenant", "node", f"agent:{found.terms.agent}"):
                found.revoked = event.reason

    def resumed(self, event: e.ScopeResumed, at: int) -> None:
        if self.pauses.pop((event.side, event.scope), None) is None:
            raise Broken("what was paused is resumed", event.scope)
        self.resumed_ever.add((event.side, event.scope))
        behind = self.behind(event.scope)
        if self.sealed and event.side == "tenant" and event.person in behind:
            self.owed = event.scope, frozenset({event.person}) if event.scope == "tenant" else behind

    def tripped(self, event: e.BreakerTripped, at: int) -> None:
        guard = self.guard(event.scope)
        if event.epoch != guard.epoch + 1:
            raise Broken("a trip raises the epoch", f"{event.scope}: {guard.epoch}, then {event.epoch}")
        guard.epoch, guard.status, guard.until = event.epoch, "open", event.until
        guard.mismatched = guard.mismatched or event.detector == MISMATCHES
        guard.backed, guard.stopped = {}, self.seen
        self.trips += 1

    def probing(self, event: e.BreakerProbed, at: int) -> None:
        guard = self.guard(event.scope)
        if guard.status == "closed" or (guard.status == "open" and (guard.until is None or at < guard.until)):
            raise Broken("one probes when the cool-down is over", f"{event.case} in {event.scope}, {guard.status} until {guard.until}")
        if guard.status == "probing" and self.cases[guard.probe].place != "closed":
            raise Broken("one case probes", f"{event.case} in {event.scope}, where {guard.probe} does")
        guard.status, guard.probe = "probing", event.case

    def backed(self, event: e.BreakerResetBacked, at: int) -> None:
        self.guard(event.scope).backed = {event.person: event.by}

    def reset(self, event: e.BreakerReset, at: int) -> None:
        guard = self.guard(event.scope)
        if guard.mismatched and self.sealed:
            word = self.members[event.by].person if event.by in self.members else ""
            others = {person for person, by in guard.backed.items() if self.members[by].status == "active"} - {word}
            if not word or not others or (others | {word}) & self.behind(event.scope):
                raise Broken(TWO, f"{event.scope} by {event.by}, after {sorted(guard.backed)}")
        guard.status, guard.mismatched, guard.backed = "closed", False, {}

    def behind(self, scope: str) -> frozenset[str]:
        """The persons who answer for what a scope stops: of an agent its own, its owner's, and so on."""
        kind, _, name = scope.partition(":")
        if scope == "tenant":
            agents = [name for name, who in self.members.items() if who.kind == "agent" and who.status == "active"]
        else:
            agents = [name] if kind == "agent" and name in self.members else []
        found: set[str] = set()
        for agent in agents:
            at, seen = agent, set[str]()
            while at in self.members and at not in seen:
                seen.add(at)
                found.add(self.members[at].person)
                at = self.members[at].owner or ""
        return frozenset(found)


def scopes_of(agent: str, action: str) -> tuple[str, ...]:
    return (f"agent:{agent} action:{action}", f"agent:{agent}", f"action:{action}", "tenant")
