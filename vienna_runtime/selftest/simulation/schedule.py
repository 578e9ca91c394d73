"""What happens in a run, as data made from its seed: so that any part of it can be played again, and written down.

A step is a word and three numbers.  What the numbers pick (which case, which voter) is worked out when it is its turn, from
what there is then: a step makes sense whatever was left out before it.  Each seed leans another way: of every kind it takes
none, few, or many.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

SPAN = 1 << 16  # of a step's numbers


class Step(NamedTuple):
    kind: str
    a: int
    b: int
    c: int


def schedule(seed: int, steps: int, weights: Sequence[tuple[str, int]]) -> list[Step]:
    """The same for the same seed, in every process and version that knows the same kinds."""
    chance = random.Random(f"schedule {seed}")  # noqa: S311  # a simulation's
    leaning = [(kind, weight * chance.choice((0, 1, 2, 2, 2, 4)) if weight < ALWAYS else weight) for kind, weight in weights]
    kinds = [kind for kind, weight in leaning if weight]
    shares = [weight for _, weight in leaning if weight]
    chosen = chance.choices(kinds, shares, k=steps)
    return [Step(kind, chance.randrange(SPAN), chance.randrange(SPAN), chance.randrange(SPAN)) for kind in chosen]


ALWAYS = 60  # weights from here on are never left out: without them nothing would happen
