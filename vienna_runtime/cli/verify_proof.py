"""``vienna verify`` of a tlog-proof file: one entry stands in a log at its place, by the log's key."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from ledger import VerificationError, VerifierKey, open_checkpoint
from ledger.header import parse
from ledger.note import open_note
from ledger.proof_file import LARGEST, MAGIC, ProofFile
from ledger.witness_policy import Policy
from vienna_runtime.cli.cosigned import cosigned_json, cosigned_lines, demanded, others
from vienna_runtime.cli.here import Here
from vienna_runtime.cli.shown import escape, shown


def is_proof(path: Path) -> bool:
    """Whether the file says that it is one."""
    with path.open("rb") as file:
        return file.read(len(MAGIC) + 1) == f"{MAGIC}\n".encode()


def verify_proof(here: Here, path: Path, key: VerifierKey, policy: Policy | None = None) -> None:
    """Check the proof in ``path`` by the key of its log, and show the entry that it proves."""
    with path.open("rb") as file:
        proof = ProofFile.parse(file.read(LARGEST + 1))
    checkpoint = proof.verify(lambda note: open_checkpoint(note, key))
    covered = demanded(policy, [(key.name, proof.note, (key,), checkpoint.size)])
    assert proof.extra is not None  # else it would not have verified
    header, log = parse(proof.extra), key.name.partition("/")[2]
    if header.tenant != log or header.sequence != proof.index:
        raise VerificationError("the header belongs to another place", log=log, index=proof.index)
    unseen = others(key.name, open_note(proof.note, [key]).unverified, policy)
    table = Table(show_header=False, box=None, pad_edge=False)
    said = {
        "log": key.name,
        "index": str(proof.index),
        "of": str(checkpoint.size),
        "tag": header.tag,
        "actor": header.actor,
        "case": header.case,
    }
    for name, value in {**said, "commitment": header.commitment.hex(), "signatures not looked at": ", ".join(unseen) or "-"}.items():
        table.add_row(name, shown(value))
    here.answer(
        {
            "verified": True,
            "origin": key.name,
            "index": proof.index,
            "size": checkpoint.size,
            "root": checkpoint.root,
            "tag": header.tag,
            "actor": header.actor,
            "case": header.case,
            "time": header.time,
            "commitment": header.commitment,
            "unverified": unseen,
            **cosigned_json(covered),
        },
        table,
        *cosigned_lines(covered),
        f"verified: entry {proof.index} is in {escape(key.name)}, under its checkpoint of {checkpoint.size} entries",
    )
