"""The steps of C2SP tlog-witness, one by one, against logs of a list of leaves."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import pytest

from ledger import NoteSigner, leaf_hash, root_of
from ledger.checkpoint import Checkpoint
from ledger.note import compose as compose_note
from ledger.proofs import prove_consistency
from ledger.tree import EMPTY_ROOT, extend
from vienna_runtime.witness import rules
from vienna_runtime.witness.rules import AddCheckpoint, Consistent, Refused, Seen

ORIGIN = "hofburg.example/belvedere"
LOG = NoteSigner(ORIGIN, b"\x01" * 32)
MALLORY = NoteSigner(ORIGIN, b"\x66" * 32)


class Leaves:
    """A log as a list of leaves."""

    def __init__(self, *leaves: str) -> None:
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.roots = [EMPTY_ROOT]
        frontier: list[bytes] = []
        for index, leaf in enumerate(leaves):
            for level, node in enumerate(extend(frontier, index, leaf_hash(leaf.encode()))):
                self.nodes[level, (index + 1 >> level) - 1] = node
            self.roots.append(root_of(frontier))

    def prove(self, first: int, second: int) -> tuple[bytes, ...]:
        return prove_consistency(lambda level, index: self.nodes[level, index], first, second)

    def note(self, size: int, *, signer: NoteSigner = LOG, more: str = "", origin: str = ORIGIN) -> bytes:
        text = Checkpoint(origin, size, self.roots[size]).text() + more
        return compose_note(text, [signer.sign(text.encode())])

    def seen(self, size: int) -> Seen:
        return Seen(size, self.roots[size])


TRUE = Leaves(*"abcdefghijklmnopqrstu")
FORK = Leaves(*"abcXefghijklmnopqrstu")


def asked(old: int, proof: Sequence[bytes], note: bytes) -> AddCheckpoint:
    found = rules.parse(rules.compose(old, proof, note))
    assert isinstance(found, AddCheckpoint), found
    return found


def judged(old: int, proof: Sequence[bytes], note: bytes, seen: Seen) -> rules.Verdict:
    return rules.judge(asked(old, proof, note), [LOG.verifier], seen)


def status(verdict: rules.Verdict) -> int:
    return verdict.status if isinstance(verdict, Refused) else 200


def test_every_true_growth_is_consistent_and_every_forked_one_is_not() -> None:
    for first in range(22):
        for second in range(first, 22):
            good = judged(first, TRUE.prove(first, second), TRUE.note(second), TRUE.seen(first))
            assert isinstance(good, Consistent)
            assert (good.checkpoint.size, good.text) == (second, TRUE.note(second).decode().partition("\n\n")[0] + "\n")
            if first >= 4:  # the leaf at which the histories part is witnessed by then
                bad = judged(first, FORK.prove(first, second), FORK.note(second), TRUE.seen(first))
                assert status(bad) == (409 if first == second else 422), (first, second)


def test_an_unknown_origin_is_404_before_anything_is_verified() -> None:
    verdict = rules.judge(asked(0, (), TRUE.note(3, signer=MALLORY)), [], Seen())
    assert status(verdict) == 404


def test_a_checkpoint_that_nobody_trusted_signed_is_403() -> None:
    assert status(judged(0, (), TRUE.note(3, signer=MALLORY), Seen())) == 403


def test_a_known_key_that_signed_wrongly_is_403_whoever_else_signed() -> None:
    note = TRUE.note(3)
    wrong = note + LOG.sign(b"another text\n").line().encode()
    other = compose_note(note.decode().partition("\n\n")[0] + "\n", [LOG.sign(b"another text\n")])
    assert status(judged(0, (), other, Seen())) == 403
    assert status(judged(0, (), wrong, Seen())) == 200  # a second line of the same key is not looked at, as signed-note has it


def test_any_of_several_keys_of_a_log_will_do() -> None:
    newer = NoteSigner(ORIGIN, b"\x02" * 32)
    request = asked(0, (), TRUE.note(3, signer=newer))
    assert isinstance(rules.judge(request, [LOG.verifier, newer.verifier], Seen()), Consistent)


def test_an_old_size_beyond_the_checkpoint_is_400() -> None:
    assert status(judged(5, (), TRUE.note(3), TRUE.seen(5))) == 400


@pytest.mark.parametrize("old", [0, 3, 9])
def test_an_old_size_that_is_not_what_was_seen_is_409_and_told(old: int) -> None:
    verdict = judged(old, TRUE.prove(old, 12), TRUE.note(12), TRUE.seen(5))
    assert isinstance(verdict, Refused)
    assert (verdict.status, verdict.size, verdict.fork) == (409, 5, False)


def test_another_root_of_the_size_that_was_seen_is_409_and_a_fork() -> None:
    verdict = judged(7, (), FORK.note(7), TRUE.seen(7))
    assert isinstance(verdict, Refused)
    assert (verdict.status, verdict.size, verdict.fork) == (409, None, True)


def test_a_smaller_checkpoint_is_never_consistent() -> None:
    """Rolled back: with the true old size it is 400, with its own it is 409."""
    assert status(judged(7, (), TRUE.note(5), TRUE.seen(7))) == 400
    assert status(judged(5, (), TRUE.note(5), TRUE.seen(7))) == 409


@pytest.mark.parametrize("spoil", ["flip", "short", "long", "reversed", "empty"])
def test_a_spoilt_proof_is_422(spoil: str) -> None:
    proof = list(TRUE.prove(6, 19))
    match spoil:
        case "flip":
            proof[1] = bytes([proof[1][0] ^ 1]) + proof[1][1:]
        case "short":
            proof.pop()
        case "long":
            proof.append(sha256(b"more").digest())
        case "reversed":
            proof.reverse()
        case _:
            proof.clear()
    assert status(judged(6, proof, TRUE.note(19), TRUE.seen(6))) == 422


def test_a_proof_must_be_empty_where_nothing_was_seen_or_nothing_grew() -> None:
    assert status(judged(0, TRUE.prove(6, 19), TRUE.note(19), Seen())) == 422
    assert status(judged(6, TRUE.prove(6, 19), TRUE.note(6), TRUE.seen(6))) == 422


def test_an_empty_log_is_witnessed_once_its_root_is_the_empty_one() -> None:
    assert status(judged(0, (), TRUE.note(0), Seen())) == 200
    text = Checkpoint(ORIGIN, 0, bytes(32)).text()
    assert status(judged(0, (), compose_note(text, [LOG.sign(text.encode())]), Seen())) == 409


def test_extension_lines_are_cosigned_with_the_rest() -> None:
    verdict = judged(0, (), TRUE.note(3, more="extension\n"), Seen())
    assert isinstance(verdict, Consistent)
    assert verdict.text.endswith("\nextension\n")


NOTE = TRUE.note(3)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"\n\n",
        b"old 0\n",
        b"old 0\n" + NOTE,
        b"old\n\n" + NOTE,
        b"old 00\n\n" + NOTE,
        b"old +1\n\n" + NOTE,
        b"old -1\n\n" + NOTE,
        b"old 1_0\n\n" + NOTE,
        b"old  0\n\n" + NOTE,
        b"old 0 \n\n" + NOTE,
        b"Old 0\n\n" + NOTE,
        b"old 0\r\n\r\n" + NOTE,
        "old \u0663\n\n".encode() + NOTE,
        b"old 99999999999999999999\n\n" + NOTE,
        b"old 0\nAAAA\n\n" + NOTE,
        b"old 0\nnot base64\n\n" + NOTE,
        b"old 0\n" + b"A" * 43 + b"=\n" * 2 + b"\n" + NOTE,
        b"old 0\n" + (b"A" * 43 + b"=\n") * 64 + b"\n" + NOTE,
        b"old 0\n\n" + b"\xff" + NOTE,
        b"old 0\n\nhofburg.example\n",
        b"old 0\n\nhofburg.example\n-1\nAAAA\n\nx\n",
        b"old 0\n\n" + NOTE.replace(b"\n3\n", b"\n03\n"),
    ],
)
def test_what_is_malformed_is_400(body: bytes) -> None:
    found = rules.parse(body)
    assert isinstance(found, Refused)
    assert found.status == 400


def test_sixty_three_proof_lines_are_read() -> None:
    assert len(asked(1, [bytes(32)] * 63, NOTE).proof) == 63


def test_a_text_hidden_behind_an_empty_line_is_not_cosigned_in_place_of_the_one_that_was_judged() -> None:
    """The origin is looked up in the first lines: a signed note whose text goes on after an empty line is another text."""
    text = Checkpoint(ORIGIN, 3, TRUE.roots[3]).text() + "\n" + "more\n"
    note = compose_note(text, [LOG.sign(text.encode())])
    assert status(judged(0, (), note, Seen())) == 400
