from __future__ import annotations

import os
from pathlib import Path
from typing import Any, get_args

import attrs
import pytest

from actors.governance import commands as c
from actors.governance.calls import CALLS, is_urgent, parse
from actors.governance.refusals import Refusal
from actors.governance.wire_fields import Absent, Bytes, Field, Flag, Map, Names, Number, Text, describe

SNAPSHOT = Path(__file__).with_name("calls_snapshot.txt")  # written anew with VIENNA_WRITE_SNAPSHOTS=1


def table() -> str:
    lines = []
    for call in CALLS.values():
        fixed = "".join(f", {name}={value}" for name, value in call.fixed.items())
        lines.append(f"{call.tag} [{' '.join(sorted(call.who))}]{' urgent' if call.urgent else ''} -> {call.build.__name__}{fixed}")
        lines.extend(f"    {name}: {describe(spec)}" for name, spec in call.fields.items())
    return "\n".join(lines) + "\n"


def test_the_wire_is_what_the_snapshot_says() -> None:
    if os.environ.get("VIENNA_WRITE_SNAPSHOTS"):
        SNAPSHOT.write_text(table())
    assert table() == SNAPSHOT.read_text(), "the wire has changed: read the difference, then run again with VIENNA_WRITE_SNAPSHOTS=1"


def sample(spec: Field) -> Any:
    match spec:
        case Absent(kind=kind):
            return sample(kind)
        case Text():
            return "x"
        case Bytes(shortest=shortest):
            return b"x" * shortest
        case Number(least=least):
            return least
        case Flag():
            return True
        case Map():
            return {}
        case Names():
            return ["x"]


@pytest.mark.parametrize("tag", CALLS)
def test_every_call_makes_its_command_and_nothing_that_is_missing_passes(tag: str) -> None:
    call = CALLS[tag]
    kind = min(call.who)
    fields = {name: sample(spec) for name, spec in call.fields.items()}
    command = parse(tag, fields, kind)
    assert isinstance(command, call.build), command
    assert attrs.asdict(command, recurse=False) == {  # type: ignore[arg-type]
        **{name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()},
        **call.fixed,
    }
    for name, spec in call.fields.items():
        rest = parse(tag, {other: value for other, value in fields.items() if other != name}, kind)
        optional = isinstance(spec, Absent | Names) or getattr(spec, "default", None) is not None
        assert isinstance(rest, Refusal) != optional, name
        wrong = parse(tag, {**fields, name: object()}, kind)
        assert isinstance(wrong, Refusal)
        assert name in wrong.why


def test_every_command_has_a_call() -> None:
    asks = {kind for union in get_args(c.Ask) for kind in (get_args(union) or (union,))}
    assert {call.build for call in CALLS.values()} == asks


def test_an_unknown_tag_is_named_and_cut() -> None:
    refusal = parse("x" * 1000 + "\x1b", {}, "agent")
    assert isinstance(refusal, Refusal)
    assert len(refusal.why) < 100


def test_the_urgent_lane_is_for_what_the_table_says_and_for_no_approval() -> None:
    urgent = {tag for tag, call in CALLS.items() if call.urgent}
    assert urgent == {
        "report",
        "deny",
        "attest",
        "probe",
        "member.revoke",
        "recovery.object",
        "seat.return",
        "warrant.revoke",
        "warrants.revoke",
        "breaker.trip",
        "hold.place",
        "pause",
        "alert.ack",
        "envelope.revoke",
    }
    assert is_urgent(c.Vote("deny", b"", b""))
    assert not is_urgent(c.Vote("approve", b"", b""))
    assert is_urgent(c.Report(b"", b""))
    assert not is_urgent(c.Cancel("c1", "no"))
