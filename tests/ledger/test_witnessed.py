"""What is kept as witnessed is the log's own, and only grows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger import NODE, Batch, Draft, Ledger, NoteSigner, VerificationError, verify_directory, witnessed
from ledger.checkpoint import Checkpoint
from ledger.cosignature import Cosigner
from ledger.environment import Environment
from ledger.errors import CommitFailed
from ledger.note import compose

WITNESS = Cosigner("witness.example/emil", b"\x05" * 32)


def grow(ledger: Ledger, log: str = "belvedere") -> bytes:
    """One entry more; the checkpoint, cosigned."""
    ledger.append_many([Batch(log, ledger.head(log).size, (Draft("test/1", 10, "ada", b"body"),))])
    return cosigned(ledger.head(log).checkpoint)


def cosigned(checkpoint: bytes, time: int = 7) -> bytes:
    return checkpoint + WITNESS.cosign(checkpoint.decode().partition("\n\n")[0] + "\n", time).line().encode()


def test_what_was_put_is_there_after_reopening(ledger: Ledger, opened: Callable[..., Ledger]) -> None:
    assert ledger.witnessed("belvedere") is None
    note = grow(ledger)
    ledger.put_witnessed("belvedere", note)
    ledger.put_witnessed(NODE, cosigned(ledger.head(NODE).checkpoint))
    ledger.close()
    again = opened()
    assert again.witnessed("belvedere") == note
    assert again.witnessed("schoenbrunn") is None


def test_a_larger_checkpoint_takes_the_place_of_a_smaller_and_never_the_other_way(ledger: Ledger) -> None:
    small, large = grow(ledger), grow(ledger)
    ledger.put_witnessed("belvedere", large)
    with pytest.raises(VerificationError, match="of size 1 after one of 2"):
        ledger.put_witnessed("belvedere", small)
    assert ledger.witnessed("belvedere") == large


def test_the_same_checkpoint_may_be_cosigned_again_later(ledger: Ledger) -> None:
    ledger.put_witnessed("belvedere", grow(ledger))
    later = cosigned(ledger.head("belvedere").checkpoint, 99)
    ledger.put_witnessed("belvedere", later)
    assert ledger.witnessed("belvedere") == later


def test_a_checkpoint_of_another_log_is_refused_though_its_key_is_ours(ledger: Ledger) -> None:
    note = grow(ledger, "schoenbrunn")
    with pytest.raises(VerificationError):
        ledger.put_witnessed("belvedere", note)


def test_a_checkpoint_beyond_the_log_or_of_another_root_is_refused(ledger: Ledger, keys: object) -> None:
    grow(ledger)
    for size, what in ((5, "the log ends at 1"), (1, "another root"), (0, "another root")):
        text = Checkpoint("hofburg.example/belvedere", size, b"\x07" * 32).text()
        note = compose(text, [*keys.sign("belvedere", text.encode()), WITNESS.cosign(text, 7)])  # type: ignore[attr-defined]
        with pytest.raises(VerificationError, match=what):
            ledger.put_witnessed("belvedere", note)
    assert ledger.witnessed("belvedere") is None


def test_a_checkpoint_that_somebody_else_signed_is_refused(ledger: Ledger) -> None:
    grow(ledger)
    text = ledger.head("belvedere").checkpoint.decode().partition("\n\n")[0] + "\n"
    mallory = NoteSigner("hofburg.example/belvedere", b"\x66" * 32)
    with pytest.raises(VerificationError, match="none of the known keys"):
        ledger.put_witnessed("belvedere", compose(text, [mallory.sign(text.encode()), WITNESS.cosign(text, 7)]))


def test_of_many_all_are_kept_or_none(ledger: Ledger) -> None:
    good, bad = grow(ledger), grow(ledger, "schoenbrunn")
    with pytest.raises(VerificationError):
        ledger.put_all_witnessed({"belvedere": good, "schoenbrunn": bad.replace(b"schoenbrunn", b"schoenbrumm")})
    assert ledger.witnessed("belvedere") is None
    ledger.put_all_witnessed({"belvedere": good, "schoenbrunn": bad})
    assert (ledger.witnessed("belvedere"), ledger.witnessed("schoenbrunn")) == (good, bad)


def test_a_failed_commit_stops_writing_as_any_other(opened: Callable[..., Ledger]) -> None:
    failing = False

    def fault(point: str) -> None:
        if failing and point == "commit":
            raise OSError(5, "the disk is gone")

    ledger = opened(fault=fault)
    ledger.create("belvedere", time=1, actor="operator")
    note = grow(ledger)
    failing = True
    with pytest.raises(CommitFailed):
        ledger.put_witnessed("belvedere", note)
    failing = False
    ledger.reopen()
    assert ledger.witnessed("belvedere") is None
    ledger.put_witnessed("belvedere", note)


def plant(opened_at: Path, number: int, note: bytes) -> None:
    """Puts a note into the table behind the ledger's back."""
    env = Environment(opened_at)
    env.write(lambda txn: witnessed.put_all(env, txn, {number: note}), lambda _: None)
    env.close()


@pytest.mark.parametrize("lie", ["another root", "beyond the end", "another log", "mallory's"])
def test_verify_finds_a_note_that_is_not_of_its_log(ledger: Ledger, keys: Any, tmp_path: Path, lie: str) -> None:
    note = grow(ledger)
    ledger.put_witnessed("belvedere", note)
    verified = {log.log: log for log in ledger.verify().logs}
    assert verified["belvedere"].witnessed == note
    assert verified["belvedere"].keys == (keys.verifier("belvedere"),)
    assert verified["schoenbrunn"].witnessed == b""
    other = grow(ledger, "schoenbrunn")
    ledger.close()
    size = {"another root": 1, "beyond the end": 2}.get(lie, 1)
    text = Checkpoint("hofburg.example/belvedere", size, b"\x07" * 32).text()
    planted = compose(text, [*keys.sign("belvedere", text.encode()), WITNESS.cosign(text, 7)])
    if lie == "another log":
        planted = other
    elif lie == "mallory's":
        text = note.decode().partition("\n\n")[0] + "\n"
        planted = compose(text, [NoteSigner("hofburg.example/belvedere", b"\x66" * 32).sign(text.encode())])
    plant(tmp_path / "ledger", 1, planted)
    with pytest.raises(VerificationError, match="the witnessed checkpoint: ") as found:
        verify_directory(tmp_path / "ledger", keys.verifier(NODE))
    assert found.value.log == "belvedere"
