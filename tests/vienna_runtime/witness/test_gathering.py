"""One checkpoint a log is shown to all, and is replaced only when it is done or has waited too long."""

from __future__ import annotations

from ledger import Head, NoteSigner
from ledger.checkpoint import Checkpoint
from ledger.cosignature import Cosigner
from ledger.note import compose
from ledger.witness_policy import Policy
from vienna_runtime.witness.gathering import Gathering

ORIGINS = {"": "hofburg.example", "belvedere": "hofburg.example/belvedere"}
SIGNERS = {log: NoteSigner(origin, b"\x01" * 32) for log, origin in ORIGINS.items()}
WITNESSES = {name: Cosigner(f"{name}.example", bytes([number]) * 32) for number, name in enumerate(("x", "y", "z"), 1)}
LINES = "".join(f"witness {name} {witness.verifier.text}\n" for name, witness in WITNESSES.items())
POLICY = Policy.parse(LINES + "group two 2 x y z\nquorum two\n")


def head(log: str, size: int, *, frozen: str | None = None) -> Head:
    text = Checkpoint(ORIGINS[log], size, bytes([size]) * 32).text()
    return Head(size, bytes([size]) * 32, compose(text, [SIGNERS[log].sign(text.encode())]), frozen)


def gathering(policy: Policy = POLICY) -> Gathering:
    return Gathering(policy, patience=15, refresh=100)


def cosign(name: str, g: Gathering) -> bytes | None:
    (target,) = g.for_witness(name)
    return g.add(target, name, WITNESSES[name].cosign(target.text, 9))


def sizes(g: Gathering, name: str) -> list[int]:
    return [target.size for target in g.for_witness(name)]


def test_a_quorum_over_one_checkpoint_makes_a_note_that_the_policy_accepts() -> None:
    g = gathering()
    assert g.choose({"belvedere": head("belvedere", 5)}, ORIGINS, 0) == 1
    assert cosign("x", g) is None
    note = cosign("z", g)
    assert note is not None
    assert POLICY.require(note, [SIGNERS["belvedere"].verifier]).checkpoint.size == 5
    assert sizes(g, "x") == []
    assert sizes(g, "y") == [5]


def test_a_log_that_grows_meanwhile_does_not_take_the_checkpoint_from_under_the_second_witness() -> None:
    g = gathering()
    g.choose({"belvedere": head("belvedere", 5)}, ORIGINS, 0)
    cosign("x", g)
    assert g.choose({"belvedere": head("belvedere", 6)}, ORIGINS, 14) == 0
    assert sizes(g, "y") == [5]
    assert cosign("y", g) is not None
    assert g.choose({"belvedere": head("belvedere", 7)}, ORIGINS, 14) == 1  # done: on to the next
    assert sizes(g, "x") == [7]


def test_what_waits_too_long_makes_way_and_its_late_cosignature_is_of_no_use() -> None:
    g = gathering()
    g.choose({"belvedere": head("belvedere", 5)}, ORIGINS, 0)
    cosign("x", g)
    (late,) = g.for_witness("y")
    assert g.choose({"belvedere": head("belvedere", 6)}, ORIGINS, 15) == 1
    assert g.add(late, "y", WITNESSES["y"].cosign(late.text, 9)) is None
    assert sizes(g, "y") == [6]


def test_a_later_witness_makes_the_note_fuller() -> None:
    g = gathering()
    g.choose({"belvedere": head("belvedere", 5)}, ORIGINS, 0)
    cosign("x", g)
    cosign("y", g)
    note = cosign("z", g)
    assert note is not None
    assert len(POLICY.require(note, [SIGNERS["belvedere"].verifier]).times) == 3


def test_a_log_that_rests_is_shown_again_after_a_while() -> None:
    g = gathering()
    g.choose({"belvedere": head("belvedere", 5)}, ORIGINS, 0)
    cosign("x", g)
    cosign("y", g)
    assert g.choose({"belvedere": head("belvedere", 5)}, ORIGINS, 99) == 0
    assert g.choose({"belvedere": head("belvedere", 5)}, ORIGINS, 100) == 1
    assert sizes(g, "x") == [5]


def test_a_frozen_log_and_one_the_policy_does_not_name_are_left_alone() -> None:
    g = gathering(Policy.parse(f"log {SIGNERS[''].verifier.text}\n{LINES}quorum x\n"))
    heads = {"": head("", 4, frozen="damaged"), "belvedere": head("belvedere", 5)}
    assert g.choose(heads, ORIGINS, 0) == 0
    assert g.choose({"": head("", 4), "belvedere": head("belvedere", 5)}, ORIGINS, 1) == 1
