from __future__ import annotations

from contextlib import suppress

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import canonical
from ledger.entry import Draft
from ledger.errors import BadDraft, VerificationError
from ledger.header import FIRST, LARGEST_HEADER, pack, parse

DRAFT = Draft("intent.proposed/1", 1_795_000_000_000_000, "ada", b"", case="case-1", step=3, follows=(1, 2))
PUBLIC = canonical.encode({"size": 4, "origin": "hofburg.example"})


def packed(draft: Draft = DRAFT, sequence: int = 7) -> bytes:
    return pack(draft, "belvedere", sequence, FIRST, bytes(32))


def test_any_msgpack_reader_finds_the_fields_by_their_names() -> None:
    assert msgpack.unpackb(packed(DRAFT._replace(public=PUBLIC))) == {
        "version": 1,
        "tag": "intent.proposed/1",
        "tenant": "belvedere",
        "sequence": 7,
        "time": 1_795_000_000_000_000,
        "actor": "ada",
        "case": "case-1",
        "step": 3,
        "previous": FIRST,
        "follows": [1, 2],
        "commitment": bytes(32),
        "public": {"origin": "hofburg.example", "size": 4},
    }


@given(st.text(st.characters(codec="utf-8"), max_size=40), st.integers(0, canonical.LARGEST), st.booleans())
def test_a_header_parses_back_to_what_was_packed(text: str, number: int, public: bool) -> None:
    draft = Draft(text, number, text, b"", case=text, step=number, follows=(0, 6), public=PUBLIC if public else b"")
    header = parse(packed(draft))
    assert (header.tag, header.actor, header.case, header.time, header.step) == (text, text, text, number, number)
    assert (header.follows, header.public, header.sequence, header.tenant) == ((0, 6), draft.public, 7, "belvedere")


@given(st.integers(0, len(packed(DRAFT._replace(public=PUBLIC))) * 8 - 1))
def test_a_flipped_bit_is_refused_or_reads_as_another_header(bit: int) -> None:
    entry = packed(DRAFT._replace(public=PUBLIC))
    flipped = (int.from_bytes(entry, "big") ^ 1 << bit).to_bytes(len(entry), "big")
    with suppress(VerificationError):
        assert parse(flipped) != parse(entry)


@pytest.mark.parametrize(
    "draft",
    [
        DRAFT._replace(time=1.5),  # type: ignore[arg-type]
        DRAFT._replace(time=True),
        DRAFT._replace(time=-1),
        DRAFT._replace(step=2**63),
        DRAFT._replace(follows=(7,)),
        DRAFT._replace(follows=(-1,)),
        DRAFT._replace(actor="\ud800"),
        DRAFT._replace(actor=object()),  # type: ignore[arg-type]
        DRAFT._replace(actor="a" * LARGEST_HEADER),
        DRAFT._replace(public=b"\x80"),
        DRAFT._replace(public=b"\x91\x01"),
        DRAFT._replace(public=b"\x81\xa1a\xcc\x05"),
    ],
    ids=range(12),
)
def test_a_draft_that_no_header_may_carry_is_refused_and_harms_no_later_one(draft: Draft) -> None:
    with pytest.raises(BadDraft):
        packed(draft)
    assert parse(packed()).actor == "ada"


def test_fields_beyond_the_declared_ones_and_other_orders_and_types_are_refused() -> None:
    fields = msgpack.unpackb(packed())
    turned = dict(reversed(list(fields.items())))
    for changed in (
        fields | {"more": 1},
        turned,
        fields | {"version": 2},
        fields | {"tag": b"bytes"},
        fields | {"time": True},
        fields | {"follows": [7]},
        fields | {"previous": bytes(31)},
        fields | {"public": {}},
        fields | {"public": {"x": 1.5}},
        {name: value for name, value in fields.items() if name != "step"},
        [1],
    ):
        with pytest.raises(VerificationError):
            parse(msgpack.packb(changed))
    with pytest.raises(VerificationError, match="most"):
        parse(bytes(LARGEST_HEADER + 1))
