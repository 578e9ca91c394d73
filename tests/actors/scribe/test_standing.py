from __future__ import annotations

from actors.scribe.standing import REMEMBERED, Standing


def test_only_what_was_given_up_counts_as_discarded() -> None:
    standing = Standing("belvedere", 0, None)
    standing.discard(3, 5)
    assert [number for number in range(8) if standing.is_discarded(number)] == [3, 4, 5]


def test_what_is_too_old_to_be_told_apart_counts_as_discarded_and_memory_stays_small() -> None:
    standing = Standing("belvedere", 0, None)
    for failure in range(REMEMBERED * 3):
        standing.discard(10 * failure + 5, 10 * failure + 6)
    assert len(standing.discarded) == REMEMBERED
    assert standing.is_discarded(1)
    assert not standing.is_discarded(0)  # before the first submission there is nothing to lose
    newest = 10 * (REMEMBERED * 3 - 1)
    assert not standing.is_discarded(newest + 4)
    assert standing.is_discarded(newest + 5)
