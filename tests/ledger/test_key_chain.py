from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import attrs
import pytest
from nacl.signing import SigningKey

from ledger import (
    Batch,
    DataKey,
    Draft,
    Ledger,
    NoteSignature,
    NoteSigner,
    UnknownLog,
    VerificationError,
    VerifierKey,
    node_index,
    origin_of,
    rotation,
)
from ledger.key_chain import KeyChain, follow, gather
from ledger.rotation import Kind, Rotation
from ledger.tail import index_key

NAME = "hofburg.example"
SECOND, THIRD, FOREIGN = (bytes([number]) * 32 for number in (1, 2, 3))


class Seeds:
    """One signer a log, which a test replaces."""

    def __init__(self) -> None:
        self.seed = {log: sha256(log.encode()).digest() for log in ("", "belvedere", "schoenbrunn")}

    def verifier(self, log: str) -> VerifierKey:
        return self._signer(log).verifier

    def verifiers(self, log: str) -> tuple[VerifierKey, ...]:
        return (self.verifier(log),)

    def sign(self, log: str, message: bytes) -> list[NoteSignature]:
        return [self._signer(log).sign(message)]

    def data_key(self, log: str, month: str) -> DataKey:
        digest = sha256(f"{log} {month}".encode()).digest()
        return DataKey(digest[:8], digest)

    def data_key_by_id(self, log: str, key_id: bytes) -> DataKey | None:
        return self.data_key(log, "1970-01")

    def _signer(self, log: str) -> NoteSigner:
        return NoteSigner(origin_of(NAME, log), self.seed[log])


@pytest.fixture
def keys() -> Seeds:
    return Seeds()


@pytest.fixture
def ledger(opened: Callable[..., Ledger]) -> Ledger:
    made = opened()
    for log in ("belvedere", "schoenbrunn"):
        made.create(log, time=1, actor="operator")
    return made


def rotate(ledger: Ledger, keys: Seeds, log: str, seed: bytes) -> None:
    old, new = SigningKey(keys.seed[log]), SigningKey(seed)
    change = Rotation(
        kind=Kind.CHECKPOINT,
        log=log,
        origin=origin_of(NAME, log),
        previous=bytes(old.verify_key),
        key=bytes(new.verify_key),
        size=ledger.head(log).size,
    )
    public = rotation.compose(change, by_previous=lambda m: old.sign(m).signature, by_key=lambda m: new.sign(m).signature)
    ledger.rotate(public, time=2, actor="operator")
    keys.seed[log] = seed
    ledger.sign_again(log)


def test_a_log_that_never_changed_its_key_has_its_admission_alone(ledger: Ledger, keys: Seeds) -> None:
    chain = gather(ledger, "belvedere")
    assert len(chain.links) == 1
    assert follow(keys.verifier(""), chain).keys_of("belvedere") == (keys.verifier("belvedere"),)
    assert gather(ledger, "").links == ()
    with pytest.raises(UnknownLog):
        gather(ledger, "mallory")


def test_the_first_key_of_the_node_leads_to_the_newest_of_everybody_through_rotations_of_both(ledger: Ledger, keys: Seeds) -> None:
    pinned, admitted = keys.verifier(""), keys.verifier("belvedere")
    rotate(ledger, keys, "belvedere", SECOND)
    rotate(ledger, keys, "", SECOND)
    rotate(ledger, keys, "schoenbrunn", SECOND)
    middle = keys.verifier("")
    rotate(ledger, keys, "", THIRD)
    rotate(ledger, keys, "belvedere", THIRD)
    ledger.append_many([Batch("", ledger.head("").size, (Draft("t/1", 3, "node", b""),))])
    chain = gather(ledger, "belvedere")
    assert len(chain.links) == 5  # schoenbrunn's are not in it
    for known in (pinned, middle, keys.verifier("")):
        trust = follow(known, chain)
        assert trust.keys_of("")[0] == keys.verifier("")
        assert trust.keys_of("belvedere")[0] == keys.verifier("belvedere")
        assert trust.keys_of("belvedere")[-1] == admitted


def test_nobody_is_led_to_a_key_from_one_that_is_not_the_nodes(ledger: Ledger, keys: Seeds) -> None:
    rotate(ledger, keys, "", SECOND)
    with pytest.raises(VerificationError):
        follow(NoteSigner(NAME, FOREIGN).verifier, gather(ledger, "belvedere"))


def test_a_link_that_was_left_out_is_missed(ledger: Ledger, keys: Seeds) -> None:
    pinned = keys.verifier("")
    rotate(ledger, keys, "", SECOND)
    rotate(ledger, keys, "", THIRD)
    chain = gather(ledger, "belvedere")
    for index in (1, 2):
        with pytest.raises(VerificationError):
            follow(pinned, attrs.evolve(chain, links=(*chain.links[:index], *chain.links[index + 1 :])))
    trust = follow(pinned, attrs.evolve(chain, links=chain.links[1:]))
    with pytest.raises(VerificationError, match="admits"):
        trust.keys_of("belvedere")


def test_links_out_of_order_twice_changed_or_from_elsewhere_are_refused(ledger: Ledger, keys: Seeds) -> None:
    pinned = keys.verifier("")
    ledger.append_many([Batch("belvedere", 0, (Draft("t/1", 3, "ada", b""),))])
    rotate(ledger, keys, "belvedere", SECOND)
    chain = gather(ledger, "belvedere")
    first, second = chain.links
    (foreign,) = ledger.read("belvedere", 0, 1)
    spoilt: list[KeyChain] = [
        attrs.evolve(chain, links=(second, first)),
        attrs.evolve(chain, links=(first, first, second)),
        attrs.evolve(chain, links=(first, attrs.evolve(second, proof=first.proof))),
        attrs.evolve(chain, links=(first, attrs.evolve(second, proof=second.proof[1:]))),
        attrs.evolve(chain, links=(attrs.evolve(first, entry=first.entry.replace(b"operator", b"mallory!")), second)),
        attrs.evolve(chain, links=(first, second, attrs.evolve(second, entry=foreign.entry))),
        attrs.evolve(chain, links=(first, attrs.evolve(second, entry=b""))),
        attrs.evolve(chain, checkpoint=ledger.head("belvedere").checkpoint),
    ]
    follow(pinned, chain)
    for wrong in spoilt:
        with pytest.raises(VerificationError):
            follow(pinned, wrong)


def test_an_admission_that_no_index_finds_is_found_all_the_same(ledger: Ledger, keys: Seeds) -> None:
    unindexed(ledger, "schoenbrunn")
    assert follow(keys.verifier(""), gather(ledger, "schoenbrunn")).keys_of("schoenbrunn") == (keys.verifier("schoenbrunn"),)
    rotate(ledger, keys, "schoenbrunn", SECOND)  # follows nothing: no entry was found that it could follow
    assert follow(keys.verifier(""), gather(ledger, "schoenbrunn")).keys_of("schoenbrunn")[0] == keys.verifier("schoenbrunn")


def unindexed(ledger: Ledger, log: str) -> None:
    """As a ledger is whose logs were admitted before admissions had an index key."""
    where = index_key(bytes(4), node_index.keys(log))
    ledger._env.write(lambda txn: txn.delete(where, db=ledger._env.table("index")), lambda point: None)
