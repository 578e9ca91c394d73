"""How many dead letters are open, of which kind and since when: of fixed size, whatever lies there unresolved; see letters.py."""

from __future__ import annotations

import attrs

from .ids import Instant


@attrs.define
class Hour:
    """The open letters of one hour."""

    count: int
    first: Instant  # when the first of them was opened
    said: bool = False  # whether it was said that they have grown old


@attrs.define
class Letters:
    kinds: dict[str, int] = attrs.Factory(dict)  # open ones by kind; letters that an earlier version resolved are still in here
    hours: dict[str, Hour] = attrs.Factory(dict)  # by the hour since 1970 in ten digits; at most letters.MOST_HOURS
