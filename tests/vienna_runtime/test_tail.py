"""A server that lies in each way it can, and what the tail says to each."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import attrs
import pytest
from nacl.signing import SigningKey

from ledger import VerificationError, admission, removal, rotation
from ledger.checkpoint import Checkpoint
from ledger.entry import Draft
from ledger.header import FIRST, pack, parse
from ledger.note import NoteSigner, compose
from ledger.proofs import prove_consistency
from ledger.tree import extend, leaf_hash, root_of
from ledger.trust import Trust
from vienna_runtime.tail import Belief, Entry, VerifyingTail
from vienna_runtime.tail_rights import Rights, Wanted

LOG = "belvedere"
SIGNER = NoteSigner("vienna.example/belvedere", bytes(range(32)))
FORGER = NoteSigner("vienna.example/belvedere", bytes(reversed(range(32))))
SALT = b"s" * 32

Value = dict[str, Any]


@attrs.define
class Feed:
    """An honest log of made-up entries, as a server would send it."""

    entries: list[Value] = attrs.Factory(list)
    leaves: list[bytes] = attrs.Factory(list)
    previous: bytes = FIRST

    def add(self, text: str, *, tag: str = "intent.proposed/1", public: bytes = b"") -> Value:
        body = text.encode()
        draft = Draft(tag=tag, time=1_000 + len(self.entries), actor="ada", body=body, case="c1", step=1 + len(self.entries), public=public)
        packed = pack(draft, LOG, len(self.entries), self.previous, sha256(SALT + body).digest())
        self.previous = leaf_hash(packed)
        self.leaves.append(self.previous)
        value: Value = {"kind": "entry", "entry": packed, "body": body, "salt": SALT}
        self.entries.append(value)
        return value

    def frontier(self, size: int) -> list[bytes]:
        found: list[bytes] = []
        for index, leaf in enumerate(self.leaves[:size]):
            extend(found, index, leaf)
        return found

    def start(self, size: int = 0, *, believed: int = 0, signed: int | None = None) -> Value:
        """Beginning at ``size``, on a log that has ``signed`` entries at present."""
        signed = len(self.leaves) if signed is None else signed
        return {
            "kind": "start",
            "size": size,
            "frontier": self.frontier(size),
            "checkpoint": self.checkpoint(signed)["note"] if signed else None,
            "begins": self.proof(size, signed),
            "continues": self.proof(believed, signed) if believed <= signed else [],
        }

    def proof(self, first: int, second: int) -> list[bytes]:
        def node_at(level: int, index: int) -> bytes:
            frontier: list[bytes] = []
            for number, leaf in enumerate(self.leaves[index << level : index + 1 << level]):
                extend(frontier, number, leaf)
            return root_of(frontier)

        return list(prove_consistency(node_at, first, second))

    def leaf_run(self, start: int, stop: int) -> Value:
        return {"kind": "leaves", "hashes": b"".join(self.leaves[start:stop])}

    def checkpoint(self, size: int | None = None, *, signer: NoteSigner = SIGNER) -> Value:
        size = len(self.leaves) if size is None else size
        text = Checkpoint(signer.verifier.name, size, root_of(self.frontier(size))).text()
        return {"kind": "checkpoint", "note": compose(text, [signer.sign(text.encode())])}

    def belief(self, size: int) -> Belief:
        return Belief(size, root_of(self.frontier(size)), self.checkpoint(size)["note"])


@pytest.fixture
def feed() -> Feed:
    made = Feed()
    for number in range(11):
        made.add(f"entry {number}")
    return made


def read(
    values: list[Value], believed: Belief | None = None, *, start: int = 0, rights: Rights = Rights.ALL, wanted: Wanted | None = None
) -> VerifyingTail:
    tail = VerifyingTail(LOG, SIGNER.verifier, believed, start=start, rights=rights, wanted=wanted)
    for value in values:
        tail.feed(value)
    return tail


def whole(feed: Feed) -> list[Value]:
    return [feed.start(), *feed.entries, feed.checkpoint(), {"kind": "end", "size": len(feed.entries)}]


def test_an_honest_log_is_believed_up_to_its_signed_head(feed: Feed) -> None:
    assert read(whole(feed)).belief == feed.belief(11)


def test_who_knows_that_a_key_was_replaced_believes_nothing_larger_of_it(feed: Feed) -> None:
    node, new = NoteSigner("vienna.example", b"n" * 32), SigningKey(b"new" + bytes(29))
    old, origin = SigningKey(bytes(range(32))), SIGNER.verifier.name
    change = rotation.Rotation(
        kind=rotation.Kind.CHECKPOINT, log=LOG, origin=origin, previous=bytes(old.verify_key), key=bytes(new.verify_key), size=5
    )
    publics = {
        admission.TAG: admission.compose(admission.Admission(LOG, SIGNER.verifier, 1), b""),
        rotation.TAG: rotation.compose(change, by_previous=lambda m: old.sign(m).signature, by_key=lambda m: new.sign(m).signature),
    }
    trust = Trust(node.verifier)
    for number, (tag, public) in enumerate(publics.items()):
        trust.heed(parse(pack(Draft(tag, 1, "operator", b"", public=public), "", number, bytes(32), bytes(32))))
    newer = NoteSigner(origin, bytes(new))

    def ending(size: int, signer: NoteSigner) -> Belief | None:
        start = {**feed.start(), "checkpoint": None, "begins": [], "continues": []}
        tail = VerifyingTail(LOG, trust.keys_of(LOG), opens=lambda note: trust.open(LOG, note))
        for value in (start, *feed.entries[:size], feed.checkpoint(size, signer=signer)):
            tail.feed(value)
        return tail.belief

    assert ending(5, SIGNER) is not None
    assert ending(11, newer) is not None
    with pytest.raises(VerificationError, match="replaced at a smaller size"):
        ending(11, SIGNER)


def test_a_head_cosigned_before_the_given_key_took_over_is_taken_for_its_root_and_believed_for_nothing_else(feed: Feed) -> None:
    newer = NoteSigner(SIGNER.verifier.name, b"new" + bytes(29))
    other = Feed()
    for number in range(6):
        other.add(f"another {number}")

    def reading(*last: Value, recorded: bool = True) -> None:
        keys = (newer.verifier, SIGNER.verifier) if recorded else None
        tail = VerifyingTail(LOG, newer.verifier, recorded=keys)
        start = {**feed.start(), "checkpoint": None, "begins": [], "continues": []}
        for value in (start, *feed.entries, feed.checkpoint(signer=newer), *last):
            tail.feed(value)

    cosigned = {"kind": "witnessed", "note": feed.checkpoint(6)["note"], "proof": feed.proof(6, 11)}
    reading(cosigned)
    with pytest.raises(VerificationError, match="none of the known keys"):
        reading(cosigned, recorded=False)
    with pytest.raises(VerificationError, match="forked"):
        reading({"kind": "witnessed", "note": other.checkpoint(6)["note"], "proof": feed.proof(6, 11)})
    with pytest.raises(VerificationError, match="none of the known keys"):
        reading({**cosigned, "note": feed.checkpoint(6, signer=FORGER)["note"]})
    with pytest.raises(VerificationError, match="none of the known keys"):
        reading(feed.checkpoint())  # the log's own head counts by the keys of now alone


def test_entries_come_out_with_their_headers_and_bodies(feed: Feed) -> None:
    tail = VerifyingTail(LOG, SIGNER.verifier)
    tail.feed(feed.start())
    entry = tail.feed(feed.entries[0])
    assert isinstance(entry, Entry)
    assert (entry.header.sequence, entry.body) == (0, b"entry 0")


@pytest.mark.parametrize("size", range(12))
def test_a_tail_may_begin_anywhere_on_a_frontier_that_the_next_checkpoint_signs(feed: Feed, size: int) -> None:
    values = [feed.start(size), *feed.entries[size:], feed.checkpoint(), {"kind": "end", "size": 11}]
    assert read(values, start=size).belief == feed.belief(11)


def test_nothing_is_believed_before_a_checkpoint_signs_it(feed: Feed) -> None:
    assert read([feed.start(), *feed.entries]).belief is None


def _changed(feed: Feed) -> list[Value]:
    other = Feed()
    for number in range(11):
        other.add("another" if number == 4 else f"entry {number}")
    return [feed.start(), *other.entries, feed.checkpoint()]


def _missing(feed: Feed) -> list[Value]:
    return [feed.start(), *feed.entries[:4], *feed.entries[5:], feed.checkpoint()]


def _reordered(feed: Feed) -> list[Value]:
    entries = [*feed.entries]
    entries[4], entries[5] = entries[5], entries[4]
    return [feed.start(), *entries, feed.checkpoint()]


def _repeated(feed: Feed) -> list[Value]:
    return [feed.start(), *feed.entries[:5], feed.entries[4], *feed.entries[5:], feed.checkpoint()]


def _invented(feed: Feed) -> list[Value]:
    note = feed.checkpoint()
    feed.add("never happened")
    return [feed.start(), *feed.entries, note]


def _cut(feed: Feed) -> list[Value]:
    return [feed.start(), *feed.entries[:9], feed.checkpoint()]


def _cut_with_an_older_checkpoint(feed: Feed) -> list[Value]:
    return [feed.start(), *feed.entries[:9], feed.checkpoint(9), {"kind": "end", "size": 11}]


def _another_body(feed: Feed) -> list[Value]:
    feed.entries[4]["body"] = b"entry four"
    return whole(feed)


def _another_salt(feed: Feed) -> list[Value]:
    feed.entries[4]["salt"] = b"t" * 32
    return whole(feed)


def _withheld(feed: Feed) -> list[Value]:
    feed.entries[4]["body"] = feed.entries[4]["salt"] = None
    return whole(feed)


def _said_to_be_removed(feed: Feed) -> list[Value]:
    feed.entries[4].update(body=None, salt=None, removed=True)
    return whole(feed)


def _forged_signature(feed: Feed) -> list[Value]:
    return [feed.start(), *feed.entries, feed.checkpoint(signer=FORGER)]


def _unsigned_end(feed: Feed) -> list[Value]:
    return [feed.start(), *feed.entries, {"kind": "end", "size": 11}]


def _another_frontier(feed: Feed) -> list[Value]:
    return [{"kind": "start", "size": 0, "frontier": [bytes(32)]}]


def _began_elsewhere(feed: Feed) -> list[Value]:
    return [feed.start(3), *feed.entries[3:], feed.checkpoint()]


def _no_start(feed: Feed) -> list[Value]:
    return [*feed.entries]


def _garbage(feed: Feed) -> list[Value]:
    return [feed.start(), {"kind": "entry", "entry": b"\x80", "body": b"", "salt": SALT}]


@pytest.mark.parametrize(
    ("lie", "index", "words"),
    [
        (_changed, 10, "signed root"),
        (_missing, 4, "missing"),
        (_reordered, 4, "missing"),
        (_repeated, 5, "second time"),
        (_invented, 11, "not signed"),
        (_cut, 9, "missing at the end"),
        (_cut_with_an_older_checkpoint, 9, "are all"),
        (_another_body, 4, "not the one the header commits to"),
        (_another_salt, 4, "not the one the header commits to"),
        (_withheld, 4, "withheld"),
        (_said_to_be_removed, 4, "no entry says that it was removed"),
        (_forged_signature, 10, "signed by none"),
        (_unsigned_end, 10, "under no signed checkpoint"),
        (_another_frontier, 0, "frontier"),
        (_began_elsewhere, 0, "begins at 3"),
        (_no_start, None, "before the frontier"),
        (_garbage, 0, "header"),
    ],
    ids=lambda value: value.__name__.lstrip("_") if callable(value) else "",
)
def test_a_lie_is_named_with_its_place(feed: Feed, lie: Callable[[Feed], list[Value]], index: int | None, words: str) -> None:
    with pytest.raises(VerificationError, match=words) as raised:
        read(lie(feed))
    assert (raised.value.log, raised.value.index) == (LOG, index)


def test_a_changed_header_is_found_at_its_successor_before_any_checkpoint(feed: Feed) -> None:
    other = Feed()
    for number in range(5):
        other.add("another" if number == 4 else f"entry {number}")
    with pytest.raises(VerificationError, match="does not follow") as raised:
        read([feed.start(), *feed.entries[:4], other.entries[4], feed.entries[5]])
    assert raised.value.index == 5


def test_a_removed_body_is_explained_by_the_entry_that_removed_it(feed: Feed) -> None:
    feed.entries[4].update(body=None, salt=None, removed=True)
    feed.add("", tag=removal.TAG, public=removal.compose([(4, 5)], "2026-11", "retention"))
    assert read(whole(feed)).at == 12


def test_a_reader_without_bodies_checks_headers_and_roots_all_the_same(feed: Feed) -> None:
    for value in feed.entries:
        value["body"] = value["salt"] = None
    assert read(whole(feed), rights=Rights.HEADERS).belief == feed.belief(11)


def test_a_log_that_continues_what_was_believed_is_believed_further(feed: Feed) -> None:
    values = [feed.start(6, believed=6), *feed.entries[6:], feed.checkpoint(), {"kind": "end", "size": 11}]
    assert read(values, feed.belief(6), start=6).belief == feed.belief(11)


@pytest.mark.parametrize("start", [0, 3, 6])
def test_a_log_with_another_past_than_the_believed_one_has_forked(feed: Feed, start: int) -> None:
    other = Feed()
    for number in range(11):
        other.add("another" if number == start // 2 else f"entry {number}")
    values = [other.start(start), *other.entries[start:], other.checkpoint()]
    with pytest.raises(VerificationError, match="forked") as raised:
        read(values, feed.belief(6), start=start)
    assert raised.value.index == 5


@pytest.mark.parametrize("signed", [True, False])
def test_a_log_that_is_shorter_than_believed_was_rolled_back_however_well_it_is_signed(feed: Feed, signed: bool) -> None:
    believed = feed.belief(11)
    tail = VerifyingTail(LOG, SIGNER.verifier, believed)
    for value in [feed.start(), *feed.entries[:8]]:
        tail.feed(value)
    with pytest.raises(VerificationError, match="rolled back") as raised:
        tail.feed(feed.checkpoint(8) if signed else {"kind": "end", "size": 8})
    assert raised.value.index == 8
    assert tail.belief == believed  # a lie never replaces what was believed


def test_a_renewed_connection_must_show_the_history_it_showed_before(feed: Feed) -> None:
    other = Feed()
    for number in range(11):
        other.add("another" if number == 2 else f"entry {number}")
    values = [feed.start(), *feed.entries[:6], other.start(6)]
    with pytest.raises(VerificationError, match="forked") as raised:
        read(values)
    assert raised.value.index == 6


def test_a_renewed_connection_that_goes_on_is_followed(feed: Feed) -> None:
    values = [feed.start(), *feed.entries[:6], feed.start(6), *feed.entries[6:], feed.checkpoint()]
    assert read(values).belief == feed.belief(11)


def test_a_signed_head_that_was_rolled_back_is_named_when_the_server_begins(feed: Feed) -> None:
    tail = VerifyingTail(LOG, SIGNER.verifier, feed.belief(11))
    with pytest.raises(VerificationError, match="the log ends after 8 entries; one of 11 was signed and seen here before"):
        tail.feed(feed.start(believed=11, signed=8))


def test_a_server_that_says_there_is_nothing_is_not_believed_by_who_has_seen_something(feed: Feed) -> None:
    with pytest.raises(VerificationError, match="the log ends after 0 entries; one of 6"):
        read([Feed().start()], feed.belief(6))


@pytest.mark.parametrize("start", [0, 3, 6, 9, 11])
def test_a_tail_goes_on_from_anywhere_when_the_proof_leads_from_what_was_believed(feed: Feed, start: int) -> None:
    values = [feed.start(start, believed=6), *feed.entries[start:], feed.checkpoint(), {"kind": "end", "size": 11}]
    assert read(values, feed.belief(6), start=start).belief == feed.belief(11)


@pytest.mark.parametrize("start", [0, 3, 6, 9, 11])
def test_a_fork_is_named_before_an_entry_is_read_wherever_reading_begins(feed: Feed, start: int) -> None:
    other = Feed()
    for number in range(11):
        other.add("another" if number == 2 else f"entry {number}")
    with pytest.raises(VerificationError, match="do not continue the 6 that were signed and seen here before: the log forked"):
        read([other.start(start, believed=6)], feed.belief(6), start=start)


def test_a_frontier_of_another_log_is_found_by_the_head_that_is_signed(feed: Feed) -> None:
    other = Feed()
    for number in range(11):
        other.add("another" if number == 2 else f"entry {number}")
    with pytest.raises(VerificationError, match="frontier the server states at 5 is not the beginning of the 11 entries it signs"):
        read([{**feed.start(5), "frontier": other.frontier(5)}], start=5)


def test_two_signed_histories_are_told_apart_in_one_tail(feed: Feed) -> None:
    """The head it begins with is of one history, entries and checkpoint are of another; all are signed."""
    other = Feed()
    for number in range(11):
        other.add("another" if number == 10 else f"entry {number}")
    with pytest.raises(VerificationError, match="signed root over 11 entries is another than theirs"):
        read([feed.start(), *other.entries, other.checkpoint()])


def test_less_than_was_signed_at_the_beginning_is_not_all(feed: Feed) -> None:
    with pytest.raises(VerificationError, match="ends after 9 entries; one of 11"):
        read([feed.start(), *feed.entries[:9], feed.checkpoint(9), {"kind": "end", "size": 9}])


@pytest.mark.parametrize("shown", [range(0), range(1), range(4, 6), range(10, 11), range(11)])
def test_positions_that_come_as_hashes_prove_the_root_all_the_same(feed: Feed, shown: range) -> None:
    runs = [feed.leaf_run(start, stop) for start, stop in ((0, shown.start), (shown.stop, 11)) if start < stop]
    before, after = ([runs[0]], runs[1:]) if shown.start else ([], runs)
    values = [feed.start(), *before, *feed.entries[shown.start : shown.stop], *after, feed.checkpoint(), {"kind": "end", "size": 11}]
    tail = read(values, rights=Rights.OWN)
    assert (tail.belief, tail.hidden) == (feed.belief(11), 11 - len(shown))


def test_a_changed_hash_among_those_that_are_not_shown_is_found(feed: Feed) -> None:
    run = feed.leaf_run(0, 11)
    changed = {**run, "hashes": bytes([run["hashes"][0] ^ 1]) + run["hashes"][1:]}
    with pytest.raises(VerificationError, match="signed root"):
        read([feed.start(), changed, feed.checkpoint()], rights=Rights.OWN)


@pytest.mark.parametrize("rights", [Rights.ALL, Rights.HEADERS])
def test_who_may_see_everything_is_not_put_off_with_hashes(feed: Feed, rights: Rights) -> None:
    for value in feed.entries:
        value.update({"body": None, "salt": None} if rights is Rights.HEADERS else {})
    with pytest.raises(VerificationError, match="only the hashes of 2 entries came: they were withheld") as raised:
        read([feed.start(), *feed.entries[:4], feed.leaf_run(4, 6), *feed.entries[6:]], rights=rights)
    assert raised.value.index == 4


def test_a_filter_is_held_to_what_was_asked_for(feed: Feed) -> None:
    feed.add("another", tag="breaker.tripped/1")
    wanted = Wanted(tags=("breaker.",))
    assert read([feed.start(), feed.leaf_run(0, 11), *feed.entries[11:], feed.checkpoint()], wanted=wanted).belief == feed.belief(12)
    with pytest.raises(VerificationError, match="an entry that was not asked for") as raised:
        read([feed.start(), feed.leaf_run(0, 4), feed.entries[4]], wanted=wanted)
    assert raised.value.index == 4


def test_a_step_left_out_of_a_case_that_was_asked_for_is_missed(feed: Feed) -> None:
    values = [feed.start(), *feed.entries[:4], feed.leaf_run(4, 6), *feed.entries[6:]]
    with pytest.raises(VerificationError, match="step 7 of the case 'c1' came after step 4: an entry of it was withheld") as raised:
        read(values, wanted=Wanted(case="c1"))
    assert raised.value.index == 6


def test_a_removal_is_shown_to_everybody_and_explains_what_is_gone(feed: Feed) -> None:
    feed.entries[4].update(body=None, salt=None, removed=True)
    feed.add("", tag=removal.TAG, public=removal.compose([(4, 5)], "2026-11", "retention"))
    feed.entries[11].update(body=None, salt=None)
    values = [feed.start(), *feed.entries, feed.checkpoint(), {"kind": "end", "size": 12}]
    assert read(values, rights=Rights.OWN).at == 12


def test_a_body_that_is_gone_must_be_explained_by_the_next_checkpoint_but_one(feed: Feed) -> None:
    feed.entries[4].update(body=None, salt=None, removed=True)
    values = [feed.start(), *feed.entries, feed.checkpoint()]
    assert read(values).belief == feed.belief(11)  # the removal may have been made while this was read
    feed.add("later")
    with pytest.raises(VerificationError, match="no entry says that it was removed") as raised:
        read([*values, feed.entries[11], feed.checkpoint()])
    assert raised.value.index == 4


def test_a_witnessed_head_must_be_one_that_the_log_continues(feed: Feed) -> None:
    before = [feed.start(), *feed.entries, feed.checkpoint()]
    honest = {"kind": "witnessed", "note": feed.checkpoint(6)["note"], "proof": feed.proof(6, 11)}
    assert read([*before, honest]).belief == feed.belief(11)
    other = Feed()
    for number in range(11):
        other.add("another" if number == 2 else f"entry {number}")
    lie = {"kind": "witnessed", "note": other.checkpoint(6)["note"], "proof": other.proof(6, 11)}
    with pytest.raises(VerificationError, match="do not continue the 6 that witnesses have cosigned: the log forked"):
        read([*before, lie])
    ahead = {"kind": "witnessed", "note": feed.checkpoint(11)["note"], "proof": []}
    with pytest.raises(VerificationError, match="a witnessed head of 11 entries came after 4"):
        read([*before[:5], ahead])


@pytest.mark.parametrize("field", ["size", "frontier", "checkpoint", "begins"])
@pytest.mark.parametrize("wrong", [7.5, "text", -1, [1], [b"short"], [bytes(32)] * 200])
def test_what_is_no_field_of_a_tail_is_refused_in_words(feed: Feed, field: str, wrong: object) -> None:
    with pytest.raises(VerificationError):
        read([{**feed.start(), field: wrong}])


@pytest.mark.parametrize("value", [{}, {"kind": "leaves", "hashes": b"odd"}, {"kind": "leaves", "hashes": b""}, {"kind": "end"}])
def test_what_is_no_event_of_a_tail_is_refused_in_words(feed: Feed, value: Value) -> None:
    with pytest.raises(VerificationError):
        read([feed.start(), value], rights=Rights.OWN)
