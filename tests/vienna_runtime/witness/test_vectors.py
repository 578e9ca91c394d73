"""A log, a proof and keys that other people's witness and tools were tested with; where from stands in the file."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from ledger import NoteSignature, VerificationError, VerifierKey
from ledger.checkpoint import Checkpoint
from ledger.cosignature import Cosigner, cosigned_at
from ledger.note import COSIGNATURE
from vienna_runtime.witness import rules

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "witness_reference.json").read_text())
LOG = VECTORS["log"]
KEY = VerifierKey.parse(LOG["key"])
PROOF = [bytes.fromhex(line) for line in LOG["consistency"]]


def seen_of(note: str) -> rules.Seen:
    found = Checkpoint.parse(note.partition("\n\n")[0] + "\n")
    return rules.Seen(found.size, found.root)


def judged(old: int, proof: list[bytes], note: str, seen: rules.Seen) -> rules.Verdict:
    asked = rules.parse(rules.compose(old, proof, note.encode()))
    assert isinstance(asked, rules.AddCheckpoint), asked
    return rules.judge(asked, [KEY], seen)


def test_their_log_is_taken_from_nothing_and_on() -> None:
    assert isinstance(judged(0, [], LOG["first"], rules.Seen()), rules.Consistent)
    second = judged(5, PROOF, LOG["second"], seen_of(LOG["first"]))
    assert isinstance(second, rules.Consistent)
    assert second.checkpoint.size == 8
    assert isinstance(judged(5, [], LOG["first"], seen_of(LOG["first"])), rules.Consistent)


@pytest.mark.parametrize(
    ("old", "proof", "note", "seen", "status"),
    [
        (2, [], "second", "first", 409),  # "oldSize doesn't match current state"
        (0, PROOF, "first", None, 422),  # "starting from tree size 0 with proof"
        (8, PROOF, "first", "second", 400),  # "submit smaller checkpoint"
        (5, [], "second", "first", 422),
        (5, PROOF[::-1], "second", "first", 422),
    ],
)
def test_what_their_witness_refuses_ours_does(old: int, proof: list[bytes], note: str, seen: str | None, status: int) -> None:
    verdict = judged(old, proof, LOG[note], rules.Seen() if seen is None else seen_of(LOG[seen]))
    assert isinstance(verdict, rules.Refused)
    assert verdict.status == status


def test_their_key_as_a_cosigner_signs_what_their_public_key_verifies() -> None:
    name, _, rest = VECTORS["witness"]["private"].removeprefix("PRIVATE+KEY+").partition("+")
    seed = base64.b64decode(rest.partition("+")[2])[1:]
    plain, cosigner = VerifierKey.parse(VECTORS["witness"]["public"]), Cosigner(name, seed)
    assert cosigner.verifier.public == plain.public
    assert cosigner.verifier.id != plain.id  # "The returned Signer has a different key hash from a non-timestamped one"
    signed = cosigner.cosign("test\n123\nf+7CoKgXKE/tNys9TTXcr/ad6U/K3xvznmzew9y6SP0=\n", 9).signature
    assert VerifierKey(name, plain.public, COSIGNATURE).verifies(b"test\n123\nf+7CoKgXKE/tNys9TTXcr/ad6U/K3xvznmzew9y6SP0=\n", signed)
    assert not plain.verifies(b"test\n123\nf+7CoKgXKE/tNys9TTXcr/ad6U/K3xvznmzew9y6SP0=\n", signed)


def test_a_running_witness_s_key_is_read_and_one_with_another_id_is_not() -> None:
    assert VerifierKey.parse(VECTORS["keys"]["cosigner"]).type == COSIGNATURE
    with pytest.raises(VerificationError, match="another key's"):
        VerifierKey.parse(VECTORS["keys"]["wrong_id"])


@pytest.mark.parametrize(("text", "time"), VECTORS["times"])
def test_the_second_of_a_cosignature_is_read_and_a_plain_signature_has_none(text: str, time: int | None) -> None:
    raw = base64.b64decode(text)
    signature = NoteSignature("somebody", raw[:4], raw[4:])
    if time is not None:
        assert cosigned_at(signature) == time
        return
    with pytest.raises(VerificationError, match="no cosignature"):
        cosigned_at(signature)
