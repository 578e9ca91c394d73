from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from actors.governance import canonical, codec
from actors.governance import commands as c
from actors.governance import events as e
from actors.governance.canonical import NotCanonical
from actors.governance.codec import EVENTS, decode, decode_state, encode, encode_state, fingerprint
from actors.governance.ids import HOUR, TenantId
from actors.governance.state import State
from tests.actors.governance.eventful import eventful

SNAPSHOT = Path(__file__).with_name("events_snapshot.txt")  # written anew with VIENNA_WRITE_SNAPSHOTS=1


def table() -> str:
    lines = []
    for tag, kind in EVENTS.items():
        lines.append(f"{tag} {kind.__name__}")
        lines.extend(f"    {field.name}: {field.type}" for field in attrs.fields(kind))
    return "\n".join(lines) + "\n"


def test_the_ledgers_events_are_what_the_snapshot_says() -> None:
    if os.environ.get("VIENNA_WRITE_SNAPSHOTS"):
        SNAPSHOT.write_text(table())
    assert table() == SNAPSHOT.read_text(), "an event has changed: a new meaning is a new tag; else VIENNA_WRITE_SNAPSHOTS=1"


def test_tags_are_hand_chosen_and_each_stands_once() -> None:
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+/[0-9]+", tag) for tag in EVENTS)
    defined = [kind for kind in vars(e).values() if isinstance(kind, type) and hasattr(kind, "TAG")]
    assert set(EVENTS.values()) == set(defined)
    assert len(EVENTS) == len(defined)


@pytest.fixture(name="eventful")
def _eventful(bench: Any) -> Any:
    return eventful(bench)


def test_every_event_is_read_back_from_its_body(eventful: Any) -> None:
    assert len({type(event) for _, _, event, _ in eventful.log}) >= 20
    for _, _, event, body in eventful.log:
        assert decode(event.TAG, body) == event
        assert encode(decode(event.TAG, body)) == body


def test_a_body_with_anything_changed_is_refused_or_another_event(eventful: Any) -> None:
    for _, _, event, body in eventful.log[-40:]:
        for bit in range(0, len(body) * 8, 61):
            flipped = bytearray(body)
            flipped[bit // 8] ^= 1 << bit % 8
            try:
                read = decode(event.TAG, bytes(flipped))
            except NotCanonical:
                continue
            assert read != event


@pytest.mark.parametrize("change", ["field missing", "field more", "type", "inner type", "inner length", "tag"])
def test_a_body_that_does_not_fit_its_tag_is_refused(change: str) -> None:
    verified = e.RunVerified("c1", "r1", "verified", "observed", (("digest", "a", "a", True),), None, None, None, True)  # type: ignore[arg-type]
    fields: dict[str, Any] = {field.name: getattr(verified, field.name) for field in attrs.fields(e.RunVerified)}
    tag = verified.TAG
    match change:
        case "field missing":
            del fields["closes"]
        case "field more":
            fields["more"] = 1
        case "type":
            fields["closes"] = 1
        case "inner type":
            fields["checks"] = (("digest", "a", "a", "yes"),)
        case "inner length":
            fields["checks"] = (("digest", "a", "a"),)
        case _:
            tag = "run.verified/2"
    with pytest.raises(NotCanonical):
        decode(tag, canonical.pack_fields(fields.items()))


def test_a_state_is_read_back_whole(eventful: Any) -> None:
    packed = encode_state(eventful.state)
    again = decode_state(packed)
    assert again == eventful.state
    assert encode_state(again) == packed


def test_names_that_mean_something_to_the_encoding_are_only_names(founded: Callable[[], Any]) -> None:
    bench = founded()
    bench.done(c.Invite("dec", "executor", "dec", (), "dec", b"t" * 32, bench.now + HOUR, "dec"), "greta")
    bench.running(run="dec")
    assert encode_state(decode_state(encode_state(bench.state))) == encode_state(bench.refold())
    assert "dec" in decode_state(encode_state(bench.state)).runs


@pytest.mark.parametrize("packed", [b"", b"\x80", b"\xc0", canonical.pack_fields((("tenant", "belvedere"),))])
def test_what_is_not_a_state_is_refused(packed: bytes) -> None:
    with pytest.raises(NotCanonical):
        decode_state(packed)


def test_the_fingerprint_names_the_shape_and_the_version_of_the_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint()
    assert before == fingerprint()
    monkeypatch.setattr(codec, "FOLD_VERSION", "fold/next")
    assert fingerprint() != before


def test_an_empty_state_has_no_deadlines() -> None:
    state = decode_state(encode_state(State(TenantId("belvedere"))))
    assert state.deadlines == []


def test_a_number_that_no_language_holds_is_refused_in_our_own_words() -> None:
    state = State("belvedere")  # type: ignore[arg-type]  # a TenantId
    state.size = 2**64
    with pytest.raises(NotCanonical):
        encode_state(state)
