"""Everything that is left to chance in this process comes from one seed, for as long as the block lasts.

Keys, nonces, salts, ids and the order in which ready tasks run.  For a process that does nothing else: a key that is made
in the block is no secret.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import nacl.utils
import trio

from actors.governance import snapshot
from ledger import DataKey, header, seal

_SCHEDULER: Any = trio._core._run  # what hypothesis asks of trio: ready tasks are shuffled by ``_r``, from an order that is always the same


LATELY = 1 << 14  # of what is a function of its bytes alone, as many answers as a run has entries, a few times over


@contextmanager
def remembering() -> Iterator[None]:
    """Folding the same log for the tenth time does not read it for the tenth time: parsed headers, opened bodies and decoded events
    are remembered by their bytes.  The first time each is read as ever."""
    opened: Callable[..., bytes] = seal.open_salted
    module: Any = snapshot  # which does not offer what it has imported

    @lru_cache(LATELY)
    def open_once(name: bytes, secret: bytes, sealed: bytes, commitment: bytes) -> bytes:
        return opened(DataKey(name, secret), sealed, commitment)

    places: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
        (header, "_parsed", lru_cache(LATELY)(header._parsed.__wrapped__)),
        (snapshot, "decode", lru_cache(LATELY)(module.decode)),
        (seal, "open_salted", lambda key, sealed, commitment: open_once(key.id, key.secret, sealed, commitment)),
    )
    before = [getattr(module, name) for module, name, _ in places]
    for module, name, made in places:
        setattr(module, name, made)
    try:
        yield
    finally:
        for (module, name, _), old in zip(places, before, strict=True):
            setattr(module, name, old)


@contextmanager
def seeded(seed: int) -> Iterator[Callable[[int], bytes]]:
    """Gives the source of bytes that all others draw from."""
    source = random.Random(seed)  # noqa: S311  # a simulation's
    drawn = source.randbytes
    before = os.urandom, nacl.utils.random, _SCHEDULER._ALLOW_DETERMINISTIC_SCHEDULING, _SCHEDULER._r.getstate()
    _put(drawn, lambda size=32: drawn(size), True)
    _SCHEDULER._r.seed(seed)
    try:
        yield drawn
    finally:
        _put(*before[:3])
        _SCHEDULER._r.setstate(before[3])


def is_anybody_ready() -> bool:
    """Whether a task of the running loop, beside the one that asks, has something to do."""
    return bool(_SCHEDULER.GLOBAL_RUN_CONTEXT.runner.runq)


def _put(urandom: Callable[[int], bytes], nonce: Callable[..., bytes], same_order: bool) -> None:
    setattr(os, "urandom", urandom)  # noqa: B010  # to mypy these are constants
    setattr(nacl.utils, "random", nonce)  # noqa: B010
    _SCHEDULER._ALLOW_DETERMINISTIC_SCHEDULING = same_order
