"""Puts one fault into the product for the time of a block, and watches what is put there.

A fault that nobody finds is only worth something when its code has run, and has not fallen over itself: a mutant whose patched code is
never run is inert, and one that falls in its own lines is broken.  Both are said of it, and are not the same as not being found.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import attrs
import pytest

from actors.governance import evolve
from vienna_runtime.selftest.simulation.run import Finding
from vienna_runtime.selftest.simulation.template import found_all

Put = Callable[[Any, str, Any], None]
MUTANTS: dict[str, Callable[[Put], None]] = {}
HERE = Path(__file__).parent
SLIPS = ("TypeError", "AttributeError", "NameError", "UnboundLocalError")  # what a mutant's own mistake looks like


def mutant(name: str) -> Callable[[Callable[[Put], None]], Callable[[Put], None]]:
    def known(function: Callable[[Put], None]) -> Callable[[Put], None]:
        assert name not in MUTANTS, name
        MUTANTS[name] = function
        return function

    return known


@attrs.define
class Mutation:
    """What became of the code that was put into the product."""

    name: str
    ran: int = 0
    fell: str = ""  # how its own lines fell, if they did

    def wrong(self, finding: Finding | None = None) -> str:
        """Why it is no fault that could be found, or empty.  What the product then fell over, given what the mutant returned, counts."""
        if self.fell:
            return f"broken: it falls by itself, {self.fell}"
        if finding is not None and any(slip in finding.seen for slip in SLIPS):
            return f"broken: the product falls over what it gives, {finding.seen.strip().splitlines()[-1]}"
        return "" if self.ran else "inert: its code is never run"

    def watched(self, other: Any) -> Any:
        """``other``, as far as it can be called, counted and watched."""
        if isinstance(other, property):
            return property(self.watched(other.fget))
        if isinstance(other, dict):
            return {key: self.watched(value) if _is_here(value) else value for key, value in other.items()}
        if not inspect.isfunction(other):
            return other
        if inspect.iscoroutinefunction(other):

            @wraps(other)
            async def waits(*args: Any, **named: Any) -> Any:
                self.ran += 1
                try:
                    return await other(*args, **named)
                except Exception as error:
                    self._falls(error)
                    raise

            return waits

        @wraps(other)
        def runs(*args: Any, **named: Any) -> Any:
            self.ran += 1
            try:
                return other(*args, **named)
            except Exception as error:
                self._falls(error)
                raise

        return runs

    def _falls(self, error: Exception) -> None:
        """It is the mutant's own fall where the last line that ran is one of these files."""
        last = traceback.extract_tb(error.__traceback__)[-1]
        if not self.fell and Path(last.filename).parent == HERE:
            self.fell = f"{type(error).__name__}: {error}"


def _is_here(value: object) -> bool:
    return inspect.isfunction(value) and Path(value.__code__.co_filename).parent == HERE


@contextmanager
def mutated(name: str) -> Iterator[Mutation]:
    """The product with this fault, for the time of the block.  What was founded before is whole."""
    found_all()
    mutation = Mutation(name)
    with pytest.MonkeyPatch.context() as patch:
        MUTANTS[name](lambda place, what, other: patch.setattr(place, what, mutation.watched(other), raising=what != "any"))
        yield mutation


def fold(put: Put, kind: type, change: Callable[[Callable[..., None]], Callable[..., None]]) -> None:
    """Another fold of one kind of event."""
    folds = dict(evolve._FOLDS)
    folds[kind] = change(folds[kind])
    put(evolve, "_FOLDS", folds)


def not_at_all(before: Callable[..., None]) -> Callable[..., None]:
    return lambda *given: None
