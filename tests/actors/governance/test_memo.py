from __future__ import annotations

from actors.governance.memo import Memo


def test_the_least_recently_used_goes_first() -> None:
    memo: Memo[str, int] = Memo(2)
    memo.put("a", 1)
    memo.put("b", 2)
    assert memo.get("a") == 1
    memo.put("c", 3)
    assert (memo.get("a"), memo.get("b"), memo.get("c")) == (1, None, 3)


def test_it_never_holds_more_than_its_capacity() -> None:
    memo: Memo[int, int] = Memo(8)
    for number in range(1_000):
        memo.put(number, number)
        assert len(memo) <= 8
