from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from actors import folding
from actors.governance import snapshot
from actors.governance.codec import encode_state
from actors.tenant import Tenant

if TYPE_CHECKING:
    Shell = Any


def entries(shell: Shell, start: int, stop: int) -> Any:
    from actors.governance.ids import Instant
    from ledger.header import parse

    for record in shell.ledger.read("belvedere", start, stop):
        header = parse(record.entry)
        yield record.seq, Instant(header.time), header.tag, shell.ledger.open_body("belvedere", record)


async def test_snapshot_and_rest_equal_the_full_fold_at_every_position(shell: Shell) -> None:
    for number in range(4):
        await shell.whole_case(f"k{number}")
        await shell.ask(shell.proposal(f"h{number}", action="notes.append"), "ben")
    size = shell.ledger.head("belvedere").size
    whole = encode_state(snapshot.fold(None, "belvedere", entries(shell, 0, size)))
    for position in range(size + 1):
        kept = snapshot.load(snapshot.save(snapshot.fold(None, "belvedere", entries(shell, 0, position))))
        assert encode_state(snapshot.fold(kept, "belvedere", entries(shell, position, size))) == whole


async def test_a_stop_leaves_a_snapshot_that_the_next_start_uses(shell: Shell) -> None:
    await shell.whole_case("k1")
    await shell.tenant.stop()
    await shell.settled()
    folded = folding.fold(shell.ledger, "belvedere")
    assert folded.snapshot_at == shell.ledger.head("belvedere").size - 1
    again = Tenant("belvedere", shell.around, shell.feed)
    await again.start()
    assert encode_state(again.state) == encode_state(folded.state)


async def test_a_snapshot_with_a_flipped_bit_is_not_used_and_the_state_is_the_same(shell: Shell) -> None:
    await shell.whole_case("k1")
    await shell.tenant.stop()
    await shell.settled()
    good = folding.fold(shell.ledger, "belvedere")
    (kept,) = shell.ledger.snapshots("belvedere")
    for position in range(0, len(kept.sealed), 37):
        flipped = bytearray(kept.sealed)
        flipped[position] ^= 1
        assert folding._trusted(shell.ledger, "belvedere", attrs.evolve(kept, sealed=bytes(flipped))) is None
    for other in (
        attrs.evolve(kept, fingerprint=bytes(32)),
        attrs.evolve(kept, size=kept.size - 1),
        attrs.evolve(kept, root=bytes(32)),
        attrs.evolve(kept, digest=bytes(32)),
    ):
        assert folding._trusted(shell.ledger, "belvedere", other) is None
    assert encode_state(folding.extended(shell.ledger, "belvedere", None, shell.ledger.head("belvedere").size)) == encode_state(good.state)


async def test_snapshots_are_made_on_the_way_when_enough_was_written(shell: Shell) -> None:
    shell.tenant._around = attrs.evolve(shell.around, snapshot_every=20)
    for number in range(8):
        await shell.whole_case(f"k{number}")
    assert shell.ledger.snapshots("belvedere")
    assert folding.agrees(shell.ledger, "belvedere", shell.tenant.state)
