from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import canonical
from ledger.entry import Draft
from ledger.errors import BadDraft
from ledger.header import FIRST, LARGEST_HEADER, pack
from ledger.header_writer import LONGEST_KEPT, MOST_KEPT, HeaderWriter

DRAFT = Draft("intent.proposed/1", 1_795_000_000_000_000, "ada", b"", case="case-1", step=3, follows=(1, 2))
PUBLIC = canonical.encode({"size": 4, "origin": "hofburg.example"})

texts = st.text(st.characters(codec="utf-8"), max_size=300)
numbers = st.one_of(
    st.integers(0, canonical.LARGEST), st.sampled_from([0, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, canonical.LARGEST])
)


def written(writer: HeaderWriter, draft: Draft, sequence: int = 7, previous: bytes = FIRST, commitment: bytes = bytes(32)) -> bytes:
    return writer.write(
        writer.front(draft.tag),
        sequence,
        draft.time,
        writer.middle(draft.actor, draft.case),
        draft.step,
        previous,
        draft.follows,
        commitment,
        draft.public,
    )


@given(st.data())
def test_a_log_of_headers_has_the_bytes_that_the_definition_gives(data: st.DataObject) -> None:
    tenant = data.draw(texts)
    writer = HeaderWriter(tenant)
    for _ in range(data.draw(st.integers(1, 4))):
        sequence = data.draw(numbers)
        follows = data.draw(st.lists(st.integers(0, sequence - 1), max_size=20)) if sequence else []
        draft = Draft(
            data.draw(texts),
            data.draw(numbers),
            data.draw(texts),
            b"",
            case=data.draw(texts),
            step=data.draw(numbers),
            follows=tuple(follows),
            public=data.draw(st.sampled_from([b"", PUBLIC])),
        )
        previous, commitment = data.draw(st.binary(min_size=32, max_size=32)), data.draw(st.binary(min_size=32, max_size=32))
        expected = pack(draft, tenant, sequence, previous, commitment)
        assert written(writer, draft, sequence, previous, commitment) == expected


@pytest.mark.parametrize(
    "draft",
    [
        DRAFT._replace(time=1.5),  # type: ignore[arg-type]
        DRAFT._replace(time=True),
        DRAFT._replace(time=-1),
        DRAFT._replace(time=2**63),
        DRAFT._replace(step=2**63),
        DRAFT._replace(follows=(7,)),
        DRAFT._replace(follows=(-1,)),
        DRAFT._replace(follows=(True,)),
        DRAFT._replace(actor="\ud800"),
        DRAFT._replace(tag="\ud800"),
        DRAFT._replace(case="\ud800"),
        DRAFT._replace(tag=b"bytes"),  # type: ignore[arg-type]
        DRAFT._replace(actor=7),  # type: ignore[arg-type]
        DRAFT._replace(case=None),  # type: ignore[arg-type]
        DRAFT._replace(actor="a" * LARGEST_HEADER),
        DRAFT._replace(public=b"\x80"),
        DRAFT._replace(public=b"\x91\x01"),
        DRAFT._replace(public=b"\x81\xa1a\xcc\x05"),
    ],
    ids=range(18),
)
def test_a_draft_that_no_header_may_carry_is_refused_and_harms_no_later_one(draft: Draft) -> None:
    writer = HeaderWriter("belvedere")
    with pytest.raises(BadDraft):
        written(writer, draft)
    assert written(writer, DRAFT) == pack(DRAFT, "belvedere", 7, FIRST, bytes(32))


def test_it_keeps_few_texts_and_short_ones() -> None:
    writer = HeaderWriter("belvedere")
    for number in range(MOST_KEPT * 2 + 1):
        written(writer, DRAFT._replace(actor=f"agent-{number}", tag=f"tag-{number}"))
    written(writer, DRAFT._replace(actor="a" * LONGEST_KEPT * 3))
    assert len(writer._actors) <= MOST_KEPT
    assert len(writer._fronts) <= MOST_KEPT
    assert max(map(len, writer._actors)) < LONGEST_KEPT
