"""The date that witnesses confirm, over real cosignatures kept by a real ledger."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from ledger import NODE, Batch, DataKey, Draft, Ledger, NoteSignature, NoteSigner, VerifierKey, open_note, origin_of
from ledger.cosignature import Cosigner
from ledger.note import NoteSignature as Signature
from ledger.note import compose
from ledger.witness_policy import Policy
from vienna_runtime.retention_date import NEVER, confirmed_by

NAME, TENANT = "hofburg.example", "belvedere"
WITNESSES = {name: Cosigner(f"{name}.example", sha256(name.encode()).digest()) for name in ("anna", "berta", "cilli")}
POLICY = (
    "\n".join(f"witness {name} {witness.verifier.text}" for name, witness in WITNESSES.items())
    + "\ngroup most 2 anna berta cilli\nquorum most\n"
)


class Keys:
    def sign(self, log: str, message: bytes) -> list[NoteSignature]:
        return [self._signer(log).sign(message)]

    def verifier(self, log: str) -> VerifierKey:
        return self._signer(log).verifier

    def verifiers(self, log: str) -> tuple[VerifierKey, ...]:
        return (self.verifier(log),)

    def data_key(self, log: str, month: str) -> DataKey:
        return DataKey(bytes(8), bytes(32))

    def data_key_by_id(self, log: str, key_id: bytes) -> DataKey | None:
        return self.data_key(log, "")

    def _signer(self, log: str) -> NoteSigner:
        return NoteSigner(origin_of(NAME, log), sha256(log.encode()).digest())


KEYS = Keys()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger.open(tmp_path / "ledger", node=NAME, keys=KEYS)
    made.create(TENANT, time=1, actor="operator")
    made.append_many([Batch(TENANT, 0, (Draft("t/1", 1, "ada", b""),))])
    yield made
    made.close()


def cosign(ledger: Ledger, log: str, **seconds: int) -> None:
    head = ledger.head(log)
    opened = open_note(head.checkpoint, [KEYS.verifier(log)])
    signed: list[Signature] = list(opened.verified)
    ledger.put_witnessed(log, compose(opened.text, [*signed, *(WITNESSES[name].cosign(opened.text, at) for name, at in seconds.items())]))


def date(ledger: Ledger, policy: str = POLICY) -> int:
    return confirmed_by(Policy.parse(policy), ledger, TENANT, KEYS.verifiers)


def test_without_witnesses_or_a_quorum_no_date_is_confirmed(ledger: Ledger) -> None:
    assert confirmed_by(None, ledger, TENANT, KEYS.verifiers) == NEVER
    assert date(ledger) == NEVER
    cosign(ledger, TENANT, anna=9_000)
    assert date(ledger) == NEVER
    assert date(ledger, POLICY.replace("quorum most", "quorum none")) == NEVER


def test_one_witness_whose_clock_is_far_ahead_confirms_nothing_that_no_other_does(ledger: Ledger) -> None:
    cosign(ledger, TENANT, anna=9_000_000_000, berta=5_000, cilli=4_000)
    assert date(ledger) == 5_000_000_000


def test_a_date_confirmed_over_the_nodes_own_log_counts_as_well(ledger: Ledger) -> None:
    cosign(ledger, TENANT, anna=5_000, berta=5_000)
    cosign(ledger, NODE, anna=7_000, cilli=6_000)
    assert date(ledger) == 6_000_000_000
