"""The ``[breaker]`` of a ``bundle.toml``: what each detector looks for, in which scopes, and how long a scope stays shut.

[breaker]
failures = 5                     # and window, percent, scopes: see detectors/failures.py
cool_down = "5m"                 # of whatever tripped, but for a mismatch and by hand
mismatches = 1                   # cannot be turned off
[breaker.denials]                # and unknowns, repetition, rate: on, with careful thresholds
scopes = []                      # looks nowhere: off
[breaker.spend]                  # and novelty: off until somebody says what is much, or what may be new
most = "500"
"""

from __future__ import annotations

import attrs

from .detectors import denials, mismatches, novelty, rate, repetition, spend, unknowns, watched
from .detectors.denials import Limits as Denials
from .detectors.failures import Limits as Failures
from .detectors.novelty import Limits as Novelty
from .detectors.rate import Limits as Rate
from .detectors.repetition import Limits as Repetition
from .detectors.spend import Limits as Spend
from .detectors.unknowns import Limits as Unknowns
from .ids import MINUTE, Micros
from .toml_table import Table

TABLES = ("denials", "unknowns", "repetition", "rate", "spend", "novelty")


@attrs.frozen(kw_only=True)
class BreakerLimits:
    failures: int = Failures().failures
    window: Micros = Failures().window
    percent: int = Failures().percent
    scopes: tuple[str, ...] = Failures().scopes
    cool_down: Micros = Micros(5 * MINUTE)  # long enough for a person to look
    mismatches: int = 1
    denials: Denials = Denials()
    unknowns: Unknowns = Unknowns()
    repetition: Repetition = Repetition()
    rate: Rate = Rate()
    spend: Spend = Spend()
    novelty: Novelty = Novelty()
    reading: frozenset[str] = frozenset()  # the actions that the catalogue calls reads

    @property
    def of_failures(self) -> Failures:
        return Failures(failures=self.failures, window=self.window, percent=self.percent, scopes=self.scopes)


def read(table: Table) -> BreakerLimits:
    default = BreakerLimits()
    table.only(("failures", "window", "percent", "scopes", "cool_down", "mismatches", *TABLES))
    return BreakerLimits(
        failures=table.integer("failures", default.failures, 1, 1_000),
        window=table.duration("window", default.window),
        percent=table.integer("percent", default.percent, 1, 100),
        scopes=watched.read(table, default.scopes),
        cool_down=table.duration("cool_down", default.cool_down),
        mismatches=min(table.integer("mismatches", default.mismatches, 1, 1_000), mismatches.MOST),
        denials=denials.read(table.table("denials"), default.denials),
        unknowns=unknowns.read(table.table("unknowns"), default.unknowns),
        repetition=repetition.read(table.table("repetition"), default.repetition),
        rate=rate.read(table.table("rate"), default.rate),
        spend=spend.read(table.table("spend"), default.spend),
        novelty=novelty.read(table.table("novelty"), default.novelty),
    )
