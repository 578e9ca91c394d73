"""A snapshot and the rest of a real run's log are the whole log, wherever the snapshot was taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from actors import folding
from actors.governance import snapshot
from actors.governance.codec import encode_state
from actors.governance.ids import Instant
from actors.governance.state import State
from ledger import Ledger
from ledger.header import parse

Entry = tuple[int, Instant, str, bytes]


@pytest.fixture
def ledger(past: Any) -> Iterator[Ledger]:
    opened = past.ledger()
    yield opened
    opened.close()


def entries(ledger: Ledger) -> list[Entry]:
    found = []
    for record in ledger.read("belvedere", 0, 10**9):
        header = parse(record.entry)
        found.append((record.seq, Instant(header.time), header.tag, ledger.open_body("belvedere", record)))
    return found


def test_a_snapshot_and_the_rest_equal_the_full_fold_at_every_position(ledger: Ledger) -> None:
    log = entries(ledger)
    assert len({tag for _, _, tag, _ in log}) > 25, "the run was to see a bit of everything"
    whole = encode_state(snapshot.fold(None, "belvedere", log))
    state = State("belvedere")  # type: ignore[arg-type]
    saved = [snapshot.save(state)]
    for entry in log:
        state = snapshot.fold(state, "belvedere", [entry])
        saved.append(snapshot.save(state))
    assert saved[-1] == whole
    for at, packed in enumerate(saved):
        loaded = snapshot.load(packed)
        assert loaded.size == at
        assert snapshot.save(loaded) == packed
        assert encode_state(snapshot.fold(loaded, "belvedere", log[at:])) == whole, at


def test_what_the_node_kept_is_used_and_says_the_same(ledger: Ledger) -> None:
    folded = folding.fold(ledger, "belvedere")
    assert folded.snapshot_at > 0
    assert encode_state(folded.state) == encode_state(snapshot.fold(None, "belvedere", entries(ledger)))
    assert folding.agrees(ledger, "belvedere", folded.state)


def test_a_snapshot_of_another_fold_is_passed_over(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = folding.fold(ledger, "belvedere")
    monkeypatch.setattr(snapshot, "fingerprint", lambda: b"another version of the fold")
    again = folding.fold(ledger, "belvedere")
    assert again.snapshot_at == 0
    assert encode_state(again.state) == encode_state(whole.state)


def test_a_snapshot_that_no_entry_names_is_passed_over(ledger: Ledger) -> None:
    """Whoever can write to the store but not to the log cannot give a tenant another past."""
    whole = folding.fold(ledger, "belvedere")
    size = ledger.head("belvedere").size
    forged = State("belvedere")  # type: ignore[arg-type]
    forged.size = size
    kept = (forged.size, ledger.root_at("belvedere", size))
    ledger.put_snapshot("belvedere", size=kept[0], root=kept[1], fingerprint=snapshot.fingerprint(), state=snapshot.save(forged))
    assert ledger.snapshots("belvedere")[0].size == size
    again = folding.fold(ledger, "belvedere")
    assert again.snapshot_at == whole.snapshot_at < size
    assert encode_state(again.state) == encode_state(whole.state)
