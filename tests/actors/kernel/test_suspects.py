from __future__ import annotations

from actors.kernel.suspects import MOST, Suspects


def test_the_second_fall_over_the_same_message_quarantines_it_and_no_other() -> None:
    suspects = Suspects()
    assert not suspects.wary
    assert [suspects.fell(b"a"), suspects.fell(b"b"), suspects.fell(b"a")] == [False, False, True]
    assert suspects.wary
    assert (suspects.holds(b"a"), suspects.holds(b"b"), suspects.holds(b"c")) == (True, False, False)
    assert (len(suspects), suspects.doubtful()) == (1, [b"b"])


def test_the_oldest_is_forgotten_so_that_memory_stays_bounded() -> None:
    suspects = Suspects()
    for number in range(MOST + 10):
        suspects.fell(b"%d" % number)
        suspects.fell(b"first of all")  # as often as anything, so it stays
    assert len(suspects.doubtful()) + len(suspects) == MOST
    assert suspects.holds(b"first of all")
    assert not suspects.fell(b"0")
