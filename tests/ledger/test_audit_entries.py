"""The shortcut accepts exactly what the definition accepts."""

from __future__ import annotations

import os

import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger import canonical
from ledger.audit_entries import MOST_KNOWN, EntriesCheck
from ledger.entry import Draft
from ledger.environment import NUMBER
from ledger.errors import VerificationError
from ledger.header import FIRST, pack, parse
from ledger.tail import LONGEST_CASE, case_prefix
from ledger.tree import extend, leaf_hash, root_of

NOVEMBER = 1_795_000_000_000_000
PUBLIC = canonical.encode({"size": 4, "origin": "hofburg.example"})

# As UTF-8 these end in what a field's name looks like in msgpack: è is c3 a8, and a8 begins a text of eight bytes.
TRAPS = ["èsequence", "ätime\u00cf", "åactor", "äcase", "ästep", "èprevious", "çfollows", "êcommitment", "ètenant", "äcaseästep\x00"]
texts = st.sampled_from(["", "ada", "intent.proposed/1", "case-1", "a" * 31, "b" * 32, "c" * LONGEST_CASE, "€" * 20, *TRAPS])
times = st.sampled_from([0, 1, 2**31, 2**32 - 1, 2**32, NOVEMBER, canonical.LARGEST])
steps = st.sampled_from([0, 1, 127, 128, 255, 256, 65535, 2**32])


@st.composite
def logs(draw: st.DrawFn) -> list[Draft]:
    return [
        Draft(
            draw(texts),
            draw(times),
            draw(texts),
            b"",
            case=draw(texts),
            step=draw(steps),
            follows=tuple(draw(st.lists(st.integers(0, at - 1), max_size=3))) if at else (),
            public=draw(st.sampled_from([b"", b"", PUBLIC])),
        )
        for at in range(draw(st.integers(1, 9)))
    ]


def packed(drafts: list[Draft], tenant: str = "belvedere") -> list[bytes]:
    entries, previous = list[bytes](), FIRST
    for at, draft in enumerate(drafts):
        entries.append(pack(draft, tenant, at, previous, os.urandom(32)))
        previous = leaf_hash(entries[-1])
    return entries


def stored(entries: list[bytes]) -> list[bytes]:
    frontier: list[bytes] = []
    return [b"".join(extend(frontier, at, leaf_hash(entry))) + entry for at, entry in enumerate(entries)]


def accepts(values: list[bytes], tenant: str = "belvedere") -> bool:
    try:
        EntriesCheck(tenant, 1, b"").take(values)
    except VerificationError:
        return False
    return True


def defined(entries: list[bytes], tenant: str = "belvedere") -> bool:
    previous = FIRST
    for at, entry in enumerate(entries):
        try:
            header = parse(entry)
        except VerificationError:
            return False
        if (header.tenant, header.sequence, header.previous) != (tenant, at, previous) or len(header.case.encode()) > LONGEST_CASE:
            return False
        previous = leaf_hash(entry)
    return True


@given(logs())
def test_what_the_ledger_writes_is_accepted_and_comes_to_the_same_tree(drafts: list[Draft]) -> None:
    entries = packed(drafts)
    check = EntriesCheck("belvedere", 1, b"salt")
    commitments: list[bytes] = []
    headers = check.take(stored(entries), commitments)
    assert [header.sequence for header in headers] == [at for at, draft in enumerate(drafts) if draft.public]
    frontier: list[bytes] = []
    for at, entry in enumerate(entries):
        extend(frontier, at, leaf_hash(entry))
    assert (check.root, check.size, check.time) == (root_of(frontier), len(drafts), drafts[-1].time)
    assert check.tail(0).frontier == tuple(frontier)
    assert commitments == [parse(entry).commitment for entry in entries]
    rows = [
        b"salt" + case_prefix((1).to_bytes(4, "big"), draft.case) + NUMBER.pack(draft.step) + NUMBER.pack(at)
        for at, draft in enumerate(drafts)
        if draft.case
    ]
    assert check.cases == sum(map(hash, rows))


@given(logs(), st.data())
def test_a_flipped_bit_is_judged_as_by_the_definition(drafts: list[Draft], data: st.DataObject) -> None:
    entries = packed(drafts + drafts)
    at = data.draw(st.integers(0, len(entries) - 1))
    bit = data.draw(st.integers(0, len(entries[at]) * 8 - 1))
    entries[at] = (int.from_bytes(entries[at], "big") ^ 1 << bit).to_bytes(len(entries[at]), "big")
    assert accepts(stored(entries)) == defined(entries)  # the tree is made of what is there, so the entries alone decide


LONGER = [
    (b"\xa8sequence\x03", b"\xa8sequence\xcc\x03"),
    (b"\xa8sequence\x03", b"\xa8sequence\xd0\x03"),
    (b"\xa4step\x07", b"\xa4step\xcd\x00\x07"),
    (b"\xa4time\xcf", b"\xa4time\xd3"),
    (b"\xa5actor\xa3ada", b"\xa5actor\xd9\x03ada"),
    (b"\xa5actor\xa3ada", b"\xa5actor\xc4\x03ada"),
    (b"\xa4case\xa6case-1", b"\xa4case\xd9\x06case-1"),
    (b"\xa4case\xa6case-1", b"\xa4case\xda\x00\x06case-1"),
    (b"\xa4case\xa6case-1", b"\xa4case\xa6cas\xff-1"),
    (b"\xa4case\xa6case-1", b"\xa4case\xc0"),
    (b"\xa4case\xa6case-1", b"\xa4case\x07"),
    (b"\xa7follows\x91\x01", b"\xa7follows\xdc\x00\x01\x01"),
    (b"\xa7follows\x91\x01", b"\xa7follows\x91\xcc\x01"),
    (b"\xa7follows\x91\x01", b"\xa7follows\x91\x03"),
    (b"\xa7follows\x91\x01", b"\xa7follows\x91\xc3"),
    (b"\xa7follows\x91\x01", b"\xa7follows\x91\xff"),
    (b"\xa7follows\x91\x01", b"\xa7follows"),
    (b"\xa7follows\x91\x01", b"\xa7follows\xc0"),
    (b"\xc4 ", b"\xc5\x00 "),
    (b"\x8b\xa7version\x01", b"\x8b\xa7version\xcc\x01"),
    (b"\x8b\xa7version\x01", b"\xde\x00\x0b\xa7version\x01"),
    (b"\x8b\xa7version\x01", b"\x8c\xa7version\x01"),
    (b"\xa6tenant\xa9belvedere", b"\xa6tenant\xabschoenbrunn"),
    (b"\xa4step\x07\xa8previous", b"\xa4step\x07\xa4step\x07\xa8previous"),
]


@pytest.mark.parametrize(("one", "other"), LONGER, ids=range(len(LONGER)))
def test_another_encoding_of_one_entry_is_refused_at_its_place(one: bytes, other: bytes) -> None:
    entries = packed(
        [Draft("intent.proposed/1", NOVEMBER, "ada", b"", case="case-1", step=7, follows=(1,) if at > 1 else ()) for at in range(5)]
    )
    assert accepts(stored(entries))
    assert one in entries[3]
    entries[3] = entries[3].replace(one, other, 1)
    assert not defined(entries)
    with pytest.raises(VerificationError) as caught:
        EntriesCheck("belvedere", 1, b"").take(stored(entries))
    assert (caught.value.log, caught.value.index) == ("belvedere", 3)


@pytest.mark.parametrize("rest", [b"\x00", b"\xa6public\x80", b"\xa6public\x81\xa1x\x01"])
def test_bytes_behind_an_entry_are_refused(rest: bytes) -> None:
    entries = packed([Draft("intent.proposed/1", NOVEMBER, "ada", b"")] * 3)
    entries[2] += rest
    assert not accepts(stored(entries))


def test_an_entry_of_another_place_or_with_another_predecessor_is_refused() -> None:
    entries = packed([Draft("intent.proposed/1", NOVEMBER + at, "ada", b"") for at in range(4)])
    for wrong in ([entries[0], entries[2]], [entries[0], pack(Draft("t", NOVEMBER, "ada", b""), "belvedere", 1, bytes(32), bytes(32))]):
        with pytest.raises(VerificationError) as caught:
            EntriesCheck("belvedere", 1, b"").take(stored(wrong))
        assert caught.value.index == 1


def test_a_missing_entry_is_named_after_those_before_it_were_looked_at() -> None:
    values: list[bytes | None] = list(stored(packed([Draft("intent.proposed/1", NOVEMBER, "ada", b"")] * 4)))
    values[2] = None
    with pytest.raises(VerificationError, match="missing") as caught:
        EntriesCheck("belvedere", 1, b"").take(values)
    assert caught.value.index == 2
    values[1] = (values[1] or b"")[:-1]
    with pytest.raises(VerificationError) as caught:
        EntriesCheck("belvedere", 1, b"").take(values)
    assert caught.value.index == 1


@given(st.integers(0, 40), st.integers(0, 5), st.integers(0, 31))
@example(31, 5, 0)
def test_a_changed_node_is_named_by_its_level(index: int, level: int, byte: int) -> None:
    values = stored(packed([Draft("intent.proposed/1", NOVEMBER, "ada", b"")] * (index + 1)))
    level %= (index + 1 & -(index + 1)).bit_length()
    value = bytearray(values[index])
    value[32 * level + byte] ^= 4
    with pytest.raises(VerificationError, match=f"level {level} is another") as caught:
        EntriesCheck("belvedere", 1, b"").take([*values[:index], bytes(value)])
    assert caught.value.index == index


@pytest.mark.parametrize(
    "value", [b"", bytes(31), bytes(32), b"\xff" * 300, bytes(32) + msgpack.packb([1] * 22), bytes(33) + b"\x8b" * 400]
)
def test_garbage_is_refused(value: bytes) -> None:
    assert not accepts([value])


def test_what_it_knows_stays_small() -> None:
    drafts = [Draft(f"tag-{at}", NOVEMBER, f"agent-{at}", b"") for at in range(MOST_KNOWN + 2)]
    check = EntriesCheck("belvedere", 1, b"")
    check.take(stored(packed(drafts)))
    assert len(check._heads) <= MOST_KNOWN
    assert len(check._actors) <= MOST_KNOWN
    assert check.tail(3).committed == 3


@given(st.lists(st.sampled_from([0, 127, 128, 255, 256, 65535, 65536, 70_000, 99_999, 100_000, 2**32 - 1, 2**32]), max_size=4))
def test_what_an_entry_follows_is_judged_alike_whatever_way_it_is_read(numbers: list[int]) -> None:
    rest = bytes(32) + b"\xa7follows" + msgpack.packb(numbers) + b"\xaacommitment\xc4\x20" + bytes(32)
    fits = bool(numbers) and all(number < 100_000 for number in numbers)
    assert EntriesCheck("belvedere", 1, b"")._follows(rest, 100_000) == fits


@pytest.mark.parametrize(
    "listed",
    [
        b"\x91\xce\x00\x00\xff\xff",
        b"\x91\xd2\x00\x01\x11\x70",
        b"\x91\xca\x00\x01\x11\x70",
        b"\x81\xce\x00\x01\x11\x70",
        b"\x92\xce\x00\x01\x11\x70\xce\x00\x00\x00\x01",
        b"\x92\xce\x00\x01\x11\x70\xd2\x00\x01\x11\x70",
        b"\x92\xd2\x00\x01\x11\x70\xce\x00\x01\x11\x70",
        b"\x91\xce\x00\x01\x11\x70\xce\x00\x01\x11\x70",
        b"\xdc\x00\x01\xcd\x11\x70",
    ],
    ids=range(9),
)
def test_another_encoding_of_what_an_entry_follows_is_refused(listed: bytes) -> None:
    rest = bytes(32) + b"\xa7follows" + listed + b"\xaacommitment\xc4\x20" + bytes(32)
    assert not EntriesCheck("belvedere", 1, b"")._follows(rest, 100_000)
    for wrong in (
        b"\xa7follow_\x91\xce\x00\x01\x11\x70\xaacommitment\xc4\x20",
        b"\xa7follows\x91\xce\x00\x01\x11\x70\xaacommitment\xc4\x21",
    ):
        assert not EntriesCheck("belvedere", 1, b"")._follows(bytes(32) + wrong + bytes(32), 100_000)
