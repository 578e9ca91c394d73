from __future__ import annotations

from ledger import NODE, Batch, Draft, Ledger, header
from ledger.admission import TAG, parse
from ledger.commitments import name_hash
from ledger.commitments import parse as parse_commitment
from ledger.node_index import keys

NOVEMBER = 1_795_000_000_000_000


def grow(ledger: Ledger, log: str) -> None:
    head = ledger.head(log)
    ledger.append_many([Batch(log, head.size, (Draft("intent.proposed/1", NOVEMBER, "ada", b""),))])


def test_the_admission_of_a_log_is_found_whatever_was_admitted_since(ledger: Ledger) -> None:
    for log in ("belvedere", "schoenbrunn"):
        seq = ledger.find(NODE, keys(log))
        assert seq is not None
        found = header.parse(ledger.read(NODE, seq, seq + 1)[0].entry)
        assert (found.tag, parse(found.public).log) == (TAG, log)
    assert ledger.find(NODE, keys("laxenburg")) is None


def test_the_newest_commitment_to_a_log_is_found_though_others_followed(ledger: Ledger) -> None:
    assert ledger.commitment("belvedere") is None
    grow(ledger, "belvedere")
    ledger.commit_heads(time=NOVEMBER, actor="node")
    grow(ledger, "belvedere")
    grow(ledger, "schoenbrunn")
    ledger.commit_heads(time=NOVEMBER, actor="node")
    for _ in range(3):
        grow(ledger, "schoenbrunn")
        ledger.commit_heads(time=NOVEMBER, actor="node")
    found = ledger.commitment("belvedere")
    assert found is not None
    seq, leaves = found
    public = header.parse(ledger.read(NODE, seq, seq + 1)[0].entry).public
    sizes = {head.name: head.size for head in parse_commitment(public, leaves)}
    assert sizes == {name_hash("belvedere"): 2, name_hash("schoenbrunn"): 1}
