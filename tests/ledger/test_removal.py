from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import Draft, VerificationError, canonical, header, removal

HEADER = header.parse(header.pack(Draft(removal.TAG, 1, "node", b""), "belvedere", 9, header.FIRST, bytes(32)))


def test_ranges_read_back_from_the_entry_that_names_them() -> None:
    assert removal.parse(attrs.evolve(HEADER, public=removal.compose([(0, 2), (5, 9)], "2026-11", "erasure"))) == [(0, 2), (5, 9)]


@pytest.mark.parametrize("ranges", [[[2, 2]], [[3, 1]], [[0, 10]], [[-1, 2]], [[1]], ["x"], 3])
def test_ranges_that_are_none_or_not_yet_written_are_refused(ranges: canonical.Value) -> None:
    for public in (canonical.encode({"removed": ranges}), b""):
        with pytest.raises(VerificationError):
            removal.parse(attrs.evolve(HEADER, public=public))


@given(st.sets(st.integers(0, 30)), st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9))))
def test_the_first_number_outside_is_the_one_a_set_would_give(missing: set[int], allowed: list[tuple[int, int]]) -> None:
    ranges = removal.Ranges()
    for index in sorted(missing):
        ranges.add(index)
    covered = {index for start, width in allowed for index in range(start, start + width)}
    assert ranges.first_outside([(start, start + width) for start, width in allowed]) == min(missing - covered, default=None)
    assert ranges.count() == len(missing)
