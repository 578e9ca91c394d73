"""C2SP tlog-policy: its own example, every fault by its line, and quorums over real cosignatures."""

from __future__ import annotations

from itertools import combinations

import pytest

from ledger import NoteSigner, VerificationError
from ledger.checkpoint import Checkpoint
from ledger.cosignature import Cosigner
from ledger.errors import BadPolicy
from ledger.note import compose
from ledger.witness_policy import Policy

LOG = NoteSigner("hofburg.example/belvedere", b"\x09" * 32)
ELSE = NoteSigner("hofburg.example/schoenbrunn", b"\x08" * 32)
NAMES = ("X1", "X2", "X3", "Y1", "Y2", "Y3")
WITNESSES = {name: Cosigner(f"{name.lower()}.example", bytes([number]) * 32) for number, name in enumerate(NAMES, 1)}
V = {name: witness.verifier.text for name, witness in WITNESSES.items()}
TEXT = Checkpoint("hofburg.example/belvedere", 7, bytes(32)).text()

EXAMPLE = f"""
log {LOG.verifier.text}

witness X1 {V["X1"]}
witness X2 {V["X2"]}
witness X3 {V["X3"]}
group X-witnesses 2 X1 X2 X3

witness Y1 {V["Y1"]} https://y1.example/witness
\twitness   Y2\t{V["Y2"]}\t
witness Y3 {V["Y3"]}
group Y-witnesses any Y1 Y2 Y3

  # both
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def note(*names: str, text: str = TEXT, time: int = 1_000) -> bytes:
    return compose(text, [LOG.sign(text.encode()), *(WITNESSES[name].cosign(text, time + at) for at, name in enumerate(names))])


def test_the_example_of_the_specification_is_read() -> None:
    policy = Policy.parse(EXAMPLE)
    assert [log.key for log in policy.logs] == [LOG.verifier]
    assert [witness.name for witness in policy.witnesses] == list(NAMES)
    assert policy.witnesses[3].url == "https://y1.example/witness"
    assert [(group.threshold, group.members) for group in policy.groups] == [
        (2, ("X1", "X2", "X3")),
        (1, ("Y1", "Y2", "Y3")),
        (2, ("X-witnesses", "Y-witnesses")),
    ]


def test_every_set_of_witnesses_is_judged_as_the_groups_say() -> None:
    policy = Policy.parse(EXAMPLE)
    for count in range(7):
        for names in combinations(NAMES, count):
            enough = sum(name[0] == "X" for name in names) >= 2 and any(name[0] == "Y" for name in names)
            assert policy.satisfied(note(*names), [LOG.verifier]) is enough, names


def test_who_cosigned_and_when_is_told() -> None:
    seen = Policy.parse(EXAMPLE).require(note("X1", "X3", "Y2"), [LOG.verifier])
    assert (seen.checkpoint.size, seen.times, seen.since) == (7, (("X1", 1_000), ("X3", 1_001), ("Y2", 1_002)), 1_002)


def test_an_unmet_quorum_says_who_was_there() -> None:
    with pytest.raises(VerificationError, match=r"size 7 was cosigned by X1, Y2; the quorum X-and-Y is not met"):
        Policy.parse(EXAMPLE).require(note("X1", "Y2"), [LOG.verifier])


def test_the_logs_own_signature_is_demanded_whoever_cosigned() -> None:
    bare = compose(TEXT, [WITNESSES[name].cosign(TEXT, 5) for name in NAMES])
    with pytest.raises(VerificationError, match="has not signed"):
        Policy.parse(EXAMPLE).require(bare, [LOG.verifier])


def test_a_checkpoint_of_another_log_does_not_pass_for_this_one() -> None:
    text = Checkpoint("hofburg.example/schoenbrunn", 7, bytes(32)).text()
    with pytest.raises(VerificationError, match="has not signed"):
        Policy.parse(EXAMPLE).require(note(*NAMES, text=text), [LOG.verifier])


def test_a_policy_that_names_logs_vouches_for_no_other() -> None:
    policy = Policy.parse(EXAMPLE)
    assert (policy.speaks_about(LOG.verifier.name), policy.speaks_about(ELSE.verifier.name)) == (True, False)
    with pytest.raises(VerificationError, match="none of them"):
        policy.require(note(*NAMES), [ELSE.verifier])
    assert Policy.parse("quorum none\n").speaks_about(ELSE.verifier.name)


def test_a_wrong_cosignature_of_a_known_witness_spoils_the_note() -> None:
    wrong = compose(
        TEXT, [LOG.sign(TEXT.encode()), *(WITNESSES[name].cosign(TEXT, 5) for name in NAMES[1:]), WITNESSES["X1"].cosign("x\n", 5)]
    )
    assert not Policy.parse(EXAMPLE).satisfied(wrong, [LOG.verifier])


def test_without_a_quorum_the_logs_signature_is_enough() -> None:
    assert Policy.parse("quorum none\n").require(note(), [LOG.verifier]).times == ()


def test_a_single_witness_may_be_the_quorum() -> None:
    policy = Policy.parse(f"witness emil {V['X1']}\nquorum emil\n")
    assert policy.satisfied(note("X1"), [LOG.verifier])
    assert not policy.satisfied(note("X2"), [LOG.verifier])


def test_names_are_octets_and_a_kelvin_sign_is_no_k() -> None:
    policy = Policy.parse(
        f"witness K {V['X1']}\nwitness \u212a {V['X2']}\n".encode() + b"witness \xff\xfe " + V["X3"].encode() + b"\nquorum \xff\xfe\n"
    )
    assert not policy.satisfied(note("X1", "X2"), [LOG.verifier])
    assert policy.satisfied(note("X3"), [LOG.verifier])


@pytest.mark.parametrize(
    ("lines", "line", "what"),
    [
        ("", 0, "no quorum line"),
        ("quorum none", 1, "does not end in a newline"),
        ("quorum none\nquorum none\n", 2, "a second quorum line"),
        ("quorum\n", 1, "write: quorum"),
        ("quorum X9\n", 1, "not defined on a line before"),
        ("bogus x\n", 1, "no line of a policy"),
        ("Quorum none\n", 1, "no line of a policy"),
        ("quorum none\r\n", 1, "control character"),
        ("quorum\x0bnone\n", 1, "control character"),
        ("quorum none # why\n", 1, "write: quorum"),
        (f"witness X1 {V['X1']}\nwitness X1 {V['X2']}\nquorum X1\n", 2, "a second time"),
        (f"witness X1 {V['X1']}\nwitness X2 {V['X1']}\nquorum X1\n", 2, "a second witness with this public key"),
        (f"witness none {V['X1']}\nquorum none\n", 1, "the name none is taken"),
        (f"witness X1 {LOG.verifier.text}\nquorum X1\n", 1, "a key of type 0x01"),
        (f"log {V['X1']}\nquorum none\n", 1, "a key of type 0x04"),
        (f"log {LOG.verifier.text}\nlog {LOG.verifier.text}\nquorum none\n", 2, "a second log"),
        (f"witness X1 {V['X1'][:-2]}==\nquorum X1\n", 1, "base64"),
        ("witness X1\nquorum none\n", 1, "write: witness"),
        (f"witness X1 {V['X1']} url more\nquorum none\n", 1, "write: witness"),
        ("log\nquorum none\n", 1, "write: log"),
        (f"witness X1 {V['X1']}\ngroup G 2 X1\nquorum G\n", 2, "cannot be"),
        (f"witness X1 {V['X1']}\ngroup G 0 X1\nquorum G\n", 2, "cannot be"),
        (f"witness X1 {V['X1']}\ngroup G 01 X1\nquorum G\n", 2, "cannot be"),
        (f"witness X1 {V['X1']}\ngroup G some X1\nquorum G\n", 2, "cannot be"),
        (f"witness X1 {V['X1']}\ngroup G any\nquorum G\n", 2, "write: group"),
        (f"witness X1 {V['X1']}\ngroup X1 any X1\nquorum X1\n", 2, "a second time"),
        (f"witness X1 {V['X1']}\ngroup G any X1 X1\nquorum G\n", 2, "a member already"),
        (f"witness X1 {V['X1']}\ngroup G any X1\ngroup H any X1\nquorum G\n", 3, "a member already"),
        ("group G any none\nquorum G\n", 1, "not defined"),
        (f"group G any X1\nwitness X1 {V['X1']}\nquorum G\n", 1, "not defined"),
        (f"quorum X1\nwitness X1 {V['X1']}\n", 1, "not defined"),
    ],
)
def test_a_fault_is_told_with_its_line(lines: str, line: int, what: str) -> None:
    with pytest.raises(BadPolicy, match=what) as bad:
        Policy.parse(lines)
    assert bad.value.line == line


def test_forty_of_each_are_read() -> None:
    witnesses = [Cosigner(f"w{number}.example", number.to_bytes(32, "big")) for number in range(40)]
    lines = [f"witness w{number} {witness.verifier.text}" for number, witness in enumerate(witnesses)]
    lines += [f"group g{number} all w{number}" for number in range(40)]
    lines += ["group all 40 " + " ".join(f"g{number}" for number in range(40)), "quorum all"]
    policy = Policy.parse("\n".join(lines) + "\n")
    every = compose(TEXT, [LOG.sign(TEXT.encode()), *(witness.cosign(TEXT, 3) for witness in witnesses)])
    assert policy.satisfied(every, [LOG.verifier])
