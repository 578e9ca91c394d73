"""What earlier versions folded is read, and gone on with as if it had been folded here.

``folded/`` keeps, for each version of the fold, its fingerprint, the same kind of log as it recorded it, and the state it packed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import msgpack
import pytest

from actors.governance import breaker, codec, older, snapshot
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.canonical import NotCanonical
from actors.governance.codec import encode_state
from actors.governance.finding_book import Counted
from actors.governance.ids import Instant
from actors.governance.signals import UNKNOWN
from actors.governance.state import State
from tests.actors.governance.eventful import full

FOLDED = Path(__file__).with_name("folded")  # this version's is written with VIENNA_WRITE_SNAPSHOTS=1


def path(version: str) -> Path:
    return FOLDED / f"{version.replace('/', '-')}.msgpack"


def recorded(version: str) -> tuple[bytes, list[tuple[int, Instant, str, bytes]], bytes]:
    fingerprint, entries, state = msgpack.unpackb(path(version).read_bytes())
    return fingerprint, [tuple(entry) for entry in entries], state


def test_this_versions_log_and_state_are_kept_for_those_to_come(founded: Callable[[], Any]) -> None:
    if os.environ.get("VIENNA_WRITE_SNAPSHOTS"):
        bench = full(founded())
        entries = [(seq, at, event.TAG, body) for seq, at, event, body in bench.log]
        path(codec.FOLD_VERSION).write_bytes(msgpack.packb([codec.fingerprint(), entries, encode_state(bench.state)]))
    assert path(codec.FOLD_VERSION).is_file(), "a new version of the fold: keep its log and state with VIENNA_WRITE_SNAPSHOTS=1"
    fingerprint, entries, state = recorded(codec.FOLD_VERSION)
    assert fingerprint == codec.fingerprint(), "the shape has changed: raise FOLD_VERSION, and say in older.py how it comes from the last"
    assert encode_state(snapshot.fold(None, "belvedere", entries)) == state


def test_there_is_a_step_from_every_version_that_is_kept() -> None:
    kept = sorted((int(file.stem.partition("-")[2]) for file in FOLDED.iterdir()), reverse=True)
    assert [f"fold/{number}" for number in kept] == [codec.FOLD_VERSION, *(step.version for step in reversed(older.STEPS))]
    assert [recorded(step.version)[0] for step in older.STEPS] == [step.fingerprint for step in older.STEPS]


def what_no_older_state_says(state: State, version: str) -> State:
    """What a fold of the whole log knows and that version did not: as its step leaves it."""
    if version == "fold/27":
        counted = {name: attrs.evolve(known, at=Counted().at) for name, known in state.findings.counted.items()}
        state.findings = attrs.evolve(state.findings, counted=counted)
        for breaker in state.breakers.values():
            breaker.tripped = UNKNOWN if breaker.at else 0
    return state


@pytest.mark.parametrize("version", [step.version for step in older.STEPS])
def test_an_older_state_is_what_its_log_gives_but_for_what_it_could_not_know(version: str) -> None:
    fingerprint, entries, packed = recorded(version)
    found = snapshot.load(packed, fingerprint)
    assert found.cases
    assert found.runs
    assert found.findings.counted
    assert found.pauses
    assert found.breakers
    wanted = what_no_older_state_says(snapshot.fold(None, "belvedere", entries), version)
    assert encode_state(found) == encode_state(wanted)


@pytest.mark.parametrize("version", [step.version for step in older.STEPS])
@pytest.mark.parametrize("packed", [b"", b"\xc0", b"\x80", b"\x81\xa6tenant\xa1x"])
def test_what_is_no_state_of_that_shape_is_refused(version: str, packed: bytes) -> None:
    with pytest.raises(NotCanonical):
        snapshot.load(packed, recorded(version)[0])


def test_of_a_shape_that_nobody_knows_nothing_is_read() -> None:
    assert not snapshot.readable(bytes(32))
    assert snapshot.readable(codec.fingerprint())


def test_what_would_name_a_trip_of_before_names_none(founded: Callable[[], Any]) -> None:
    bench = founded()
    held = bench.propose("orders.payout", by="ada")
    bench.done(c.TripBreaker("agent:ada", "by hand"), "greta")
    ended = e.CaseExpired(held.case, "so")
    trip = bench.state.breakers["agent:ada"].tripped
    assert breaker.named(bench.state, ended, held) == trip > 0
    bench.state.breakers["agent:ada"].tripped = UNKNOWN
    assert breaker.named(bench.state, ended, held) is None
    bench.done(c.TripBreaker("action:orders.payout", "by hand"), "greta")
    assert breaker.named(bench.state, ended, held) == trip + 2  # an alert stands between
    assert breaker.named(founded().state, ended, held) == 0
