"""How often breakers would trip on ordinary days: a week of a desk with eight agents, recorded by the law itself, without sockets.

Office hours in Vienna with a slow start, a lunch dip and a quiet evening, bursts when a batch arrives, one agent that works at night,
a weekend with little to do; two in a hundred intents are denied, four in a thousand runs fail, one in a thousand writes is never reported.
The first week teaches baselines; the second is counted, by every detector at its default, spend and novelty with thresholds of their own.
"""

from __future__ import annotations

import hashlib
import hmac
import random
import sys
from collections import Counter
from collections.abc import Iterator

import attrs
from nacl.signing import SigningKey

from actors.governance import bundle as bundles
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance import intent, receipt, signing
from actors.governance.breaker_limits import BreakerLimits
from actors.governance.detectors import denials, novelty, rate, repetition, spend, unknowns
from actors.governance.ids import DAY, HOUR, MINUTE, SECOND, Cost, Instant, RunId
from actors.governance.signing import Purpose
from actors.governance.source import Source
from bench.recorded import TENANT, Recorder
from vienna_runtime.replay.breakers import DETECTORS, Simulation

UNIT = 1_000_000
FILES = {
    "bundle.toml": b"""
[bundle]
name = "desk"
[tenant]
zone = "Europe/Vienna"
[breaker]
failures = 60
[actions."tickets.read"]
effect = "read"
[actions."tickets.answer"]
params = { text = "string" }
[actions."tickets.close"]
[actions."refunds.pay"]
params = { text = "string" }
[actions."tickets.purge"]
""",
    "all.cedar": b"""
@id("all") @tier("T0") @executor("agent") @cost_cap("60") permit (principal, action, resource);
@id("not") forbid (principal, action == Action::"tickets.purge", resource);
""",
}
LIMITS = attrs.evolve(
    BreakerLimits(),
    spend=spend.Limits(most=2_000 * UNIT),
    novelty=novelty.Limits(of=("action", "kind")),
    reading=frozenset({"tickets.read"}),
)
TIGHT = BreakerLimits(  # what would be too careful: it shows that the measure is not blind
    failures=2, percent=20, denials=denials.Limits(count=3, percent=20), unknowns=unknowns.Limits(count=1),
    repetition=repetition.Limits(count=2, reads=True), rate=rate.Limits(least=12, times=2, deviations=3),
    spend=spend.Limits(most=150 * UNIT), novelty=novelty.Limits(of=("action", "kind", "resource"), percent=10), reading=LIMITS.reading,
)  # fmt: skip
DESK = ("ada", "ben", "cleo", "dan", "eva", "finn", "gus")
NIGHT = "nora"
BY_HOUR = {8: 4, 9: 12, 10: 16, 11: 15, 12: 5, 13: 9, 14: 15, 15: 14, 16: 11, 17: 5, 18: 1}  # intents an hour of each agent
MONDAY = Instant(1_759_701_600 * SECOND)  # 2025-10-06, midnight in Vienna


class Desk(Recorder):
    """Decisions as the shell would record them, with every entry given to a simulation at once."""

    def __init__(self, seed: int) -> None:
        super().__init__(None, None, seed)  # type: ignore[arg-type]  # nothing is written, and keys are its own
        loaded = bundles.load(Source(FILES))
        assert isinstance(loaded, bundles.Bundle), loaded
        self.bundle, self.now = loaded, Instant(MONDAY - DAY)
        counted = Instant(MONDAY + 7 * DAY)
        self.simulations = {"defaults": Simulation(TENANT, LIMITS, counted), "too tight": Simulation(TENANT, TIGHT, counted)}
        self.told: Counter[tuple[str, str, str]] = Counter()  # which, detector, verdict
        self._key, self._entries = SigningKey(hashlib.sha256(b"desk").digest()), 0
        self._number = 0

    def issuer_sign(self, tenant: str, message: bytes) -> bytes:
        return self._key.sign(message).signature

    def warrant_mac(self, tenant: str, message: bytes) -> bytes:
        return hmac.digest(b"desk", message, "sha256")

    def write(self) -> None:
        self._drafts.clear()

    def record(self, events: tuple[e.Event, ...], actor: str) -> tuple[e.Event, ...]:
        done = super().record(events, actor)
        for event in done:
            for name, simulation in self.simulations.items():
                for trip in simulation.entry(self._entries, self.now, event):
                    self.told[name, trip.detector, trip.verdict] += 1
            self._entries += 1
        return done

    def joined(self) -> None:
        self.found()
        token = hashlib.sha256(b"token").digest()
        for name in (*DESK, NIGHT):
            if name not in self.state.members:
                self.do(c.Invite(name, "agent", name.title(), (), f"i-{name}", token, self.now + HOUR, f"k-{name}", "rosa"), "rosa")
                self._enrol(name)
                member = self.state.members[name]
                self.do(c.Confirm(name, signing.fingerprint(member.public_key, member.key_hash), f"c-{name}"), "rosa")

    def one(self, agent: str) -> None:
        self._number += 1
        drawn, run = self._random.random(), f"r{self._number}"
        action = "tickets.purge" if drawn < 0.02 else self._random.choice(("tickets.read", "tickets.read", "tickets.answer", "refunds.pay"))
        resource = f"ticket/{self._random.randrange(400)}"
        params = {"text": f"n{self._number}"} if action in ("tickets.answer", "refunds.pay") else {}
        self.do(c.Propose(action, resource, params, "a ticket", run, run=None if action == "tickets.purge" else run), agent)
        if run not in self.state.runs or (params and self._random.random() < 0.001):
            return
        cost = self._random.randrange(1, 40) * UNIT if action == "refunds.pay" else 0
        outcome = "failed" if self._random.random() < 0.004 else "succeeded"
        opened = self.state.runs[run]
        told = receipt.Receipt(
            warrant=opened.warrant, run=RunId(run), started=self.now, ended=self.now, outcome=outcome, action=action,  # type: ignore[arg-type]
            resource=resource, args_digest=intent.args_digest(action, resource, params), cost=Cost(cost),
            result_digest=hashlib.sha256(b"").digest(), evidence={},
        )  # fmt: skip
        packed = receipt.pack(told)
        self.do(c.Report(packed, self._sign(agent, Purpose.RECEIPT, packed)), agent)


def moments(day: int, drawn: random.Random) -> list[tuple[int, str]]:
    """When who asks for something, in order."""
    found: list[tuple[int, str]] = []
    weekend = day % 7 >= 5
    for agent in DESK:
        for hour, usual in BY_HOUR.items():
            count = usual * drawn.uniform(0.6, 1.5) * (0.05 if weekend else 1)
            found += [(hour * HOUR + drawn.randrange(HOUR), agent) for _ in range(int(count + drawn.random()))]
        if not weekend and drawn.random() < 0.5:  # a batch arrives: up to forty in four minutes
            begin = drawn.randrange(9 * HOUR, 17 * HOUR)
            found += [(begin + drawn.randrange(4 * MINUTE), agent) for _ in range(drawn.randrange(15, 40))]
    begin = 2 * HOUR + drawn.randrange(20 * MINUTE)
    found += [(begin + drawn.randrange(90 * MINUTE), NIGHT) for _ in range(drawn.randrange(150, 260))]
    return sorted((MONDAY + day * DAY + at, agent) for at, agent in found)


@attrs.frozen
class Row:
    detector: str
    trips: int
    right: int
    false: int
    per_day: float  # false trips a day


def table(quick: bool, seed: int = 11) -> Iterator[Row]:
    desk, drawn = Desk(seed), random.Random(seed)
    desk.joined()
    for day in range(7, 9) if quick else range(14):
        for at, agent in moments(day, drawn):
            desk.pass_time(max(0, at - desk.now))
            desk.one(agent)
    desk.pass_time(DAY)
    for name, simulation in desk.simulations.items():
        for trip in simulation.end():
            desk.told[name, trip.detector, trip.verdict] += 1
        yield Row(f"{name}: {simulation.intents:,} intents, {simulation.runs:,} runs", *_figures(desk, name, DETECTORS))
        for detector in DETECTORS:
            yield Row(f"  {detector}", *_figures(desk, name, (detector,)))


def _figures(desk: Desk, name: str, detectors: tuple[str, ...]) -> tuple[int, int, int, float]:
    by = Counter[str]()
    for (which, detector, verdict), count in desk.told.items():
        if which == name and detector in detectors:
            by[verdict] += count
    return sum(by.values()), by["right"], by["false"], by["false"] / 7


def main() -> None:
    print(f"{'detector':52} {'trips':>6} {'right':>6} {'false':>6} {'a day':>6}")
    for row in table("--quick" in sys.argv):
        print(f"{row.detector:52} {row.trips:6} {row.right:6} {row.false:6} {row.per_day:6.2f}", flush=True)


if __name__ == "__main__":
    main()
