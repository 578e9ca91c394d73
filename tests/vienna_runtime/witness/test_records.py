"""What a witness remembers survives, and what it cannot tell for certain it refuses to make up."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger import NoteSigner
from ledger.checkpoint import Checkpoint
from ledger.cosignature import Cosigner
from ledger.note import compose
from vienna_runtime.errors import WitnessError
from vienna_runtime.witness.records import MOST_KEYS, Records
from vienna_runtime.witness.rules import Seen

ORIGIN = "hofburg.example/belvedere"
LOG = NoteSigner(ORIGIN, b"\x01" * 32)
WITNESS = Cosigner("witness.example/emil", b"\x05" * 32)
TEXT = Checkpoint(ORIGIN, 7, b"\x07" * 32).text()
NOTE = compose(TEXT, [LOG.sign(TEXT.encode()), WITNESS.cosign(TEXT, 9)])


@pytest.fixture
def records(tmp_path: Path) -> Records:
    (tmp_path / "logs").mkdir()
    made = Records(tmp_path, WITNESS.verifier)
    assert made.trust(LOG.verifier)
    return made


def seen_file(directory: Path) -> Path:
    (found,) = (directory / "logs").glob("*.seen")
    return found


def test_a_log_begins_at_nothing_and_stands_where_it_was_written(records: Records, tmp_path: Path) -> None:
    assert records.read(ORIGIN).seen == Seen()
    records.write(ORIGIN, NOTE)
    again = Records(tmp_path, WITNESS.verifier).read(ORIGIN)
    assert (again.seen, again.note) == (Seen(7, b"\x07" * 32), NOTE)


def test_one_more_key_does_not_touch_what_was_seen(records: Records) -> None:
    records.write(ORIGIN, NOTE)
    newer = NoteSigner(ORIGIN, b"\x02" * 32).verifier
    assert records.trust(newer)
    assert not records.trust(newer)
    assert records.keys(ORIGIN) == (LOG.verifier, newer)
    assert records.read(ORIGIN).seen.size == 7


def test_a_log_that_is_not_known_has_no_keys(records: Records) -> None:
    assert records.keys("mallory.example") == ()
    assert list(records.origins()) == [ORIGIN]


def test_a_memory_that_is_gone_is_not_begun_anew(records: Records, tmp_path: Path) -> None:
    records.write(ORIGIN, NOTE)
    seen_file(tmp_path).unlink()
    with pytest.raises(WitnessError, match="is gone"):
        records.read(ORIGIN)
    with pytest.raises(WitnessError, match="is gone"):
        Records(tmp_path, WITNESS.verifier).begin()
    with pytest.raises(WitnessError, match="is gone"):
        trusting_again(records)


def trusting_again(records: Records) -> None:
    assert records.trust(NoteSigner(ORIGIN, b"\x02" * 32).verifier)
    records.read(ORIGIN)


def test_keys_taken_away_and_given_again_find_the_memory_as_it_was(records: Records, tmp_path: Path) -> None:
    records.write(ORIGIN, NOTE)
    for place in (tmp_path / "logs").glob("*.keys"):
        place.unlink()
    assert records.trust(LOG.verifier)
    assert records.read(ORIGIN).seen.size == 7


def test_every_flipped_bit_of_a_memory_is_found(records: Records, tmp_path: Path) -> None:
    records.write(ORIGIN, NOTE)
    whole = seen_file(tmp_path).read_bytes()
    for bit in range(len(whole) * 8):
        spoilt = bytearray(whole)
        spoilt[bit // 8] ^= 1 << bit % 8
        seen_file(tmp_path).write_bytes(spoilt)
        with pytest.raises(WitnessError):
            records.read(ORIGIN)


@pytest.mark.parametrize("left", [0, 10, 80, 100])
def test_a_cut_memory_is_found(records: Records, tmp_path: Path, left: int) -> None:
    records.write(ORIGIN, NOTE)
    seen_file(tmp_path).write_bytes(seen_file(tmp_path).read_bytes()[:left])
    with pytest.raises(WitnessError):
        records.read(ORIGIN)


def test_a_memory_that_this_witness_did_not_sign_is_refused(records: Records) -> None:
    other = Cosigner("witness.example/emil", b"\x06" * 32)
    records.write(ORIGIN, compose(TEXT, [LOG.sign(TEXT.encode()), other.cosign(TEXT, 9)]))
    with pytest.raises(WitnessError, match="not what this witness wrote"):
        records.read(ORIGIN)


def test_the_memory_of_another_log_is_refused(records: Records) -> None:
    text = Checkpoint("hofburg.example/schoenbrunn", 70, b"\x07" * 32).text()
    records.write(ORIGIN, compose(text, [WITNESS.cosign(text, 9)]))
    with pytest.raises(WitnessError, match=r"is of hofburg\.example/schoenbrunn"):
        records.read(ORIGIN)


def test_two_witnesses_do_not_share_one_memory(records: Records, tmp_path: Path) -> None:
    records.begin()
    second = Records(tmp_path, WITNESS.verifier)
    with pytest.raises(WitnessError, match="another witness serves"):
        second.begin()
    records.end()
    second.begin()
    second.end()


def test_keys_are_bounded(records: Records) -> None:
    for number in range(2, MOST_KEYS + 1):
        records.trust(NoteSigner(ORIGIN, number.to_bytes(32, "big")).verifier)
    with pytest.raises(WitnessError, match="keys already"):
        records.trust(NoteSigner(ORIGIN, b"\x99" * 32).verifier)


def test_the_first_proof_of_a_fork_is_kept(records: Records, tmp_path: Path) -> None:
    records.keep_fork(ORIGIN, 7, b"first")
    records.keep_fork(ORIGIN, 7, b"second")
    (kept,) = (tmp_path / "forks").iterdir()
    assert kept.read_bytes() == b"first"
