"""Whose signatures a report says that nobody looked at."""

from __future__ import annotations

from ledger.note import NoteSignature
from ledger.witness_policy import Policy
from vienna_runtime.cli.cosigned import others

EMIL = "witness.example/emil+3b299102+BE8tke9lNItJy1k2V9W8T7RXLScmHaK74qmu8q4MuSFU"
LOG = "vienna.local/belvedere+53b8c52a+AcqA6NKpy8Gq/pU3XaJS9D2K1ERO3wT2dVh5YX4ek/9M"
POLICY = f"witness emil {EMIL}\nquorum emil\n"


def signed(name: str, key_id: str) -> NoteSignature:
    return NoteSignature(name, bytes.fromhex(key_id), bytes(72))


def test_a_witness_of_the_policy_was_looked_at_and_its_namesake_was_not() -> None:
    emil, mallory = signed("witness.example/emil", "3b299102"), signed("witness.example/emil", "00000000")
    policy = Policy.parse(POLICY)
    assert others("vienna.local/belvedere", [emil], None) == ["witness.example/emil"]
    assert others("vienna.local/belvedere", [emil], policy) == []
    assert others("vienna.local/belvedere", [mallory], policy) == ["witness.example/emil"]


def test_a_policy_that_speaks_about_other_logs_has_nobody_looked_at() -> None:
    policy = Policy.parse(f"log {LOG}\n{POLICY}")
    assert others("vienna.local/schoenbrunn", [signed("witness.example/emil", "3b299102")], policy) == ["witness.example/emil"]
