"""What is wrong with a bundle, where, and what was probably meant: values that a person can act on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

import attrs

LONGEST_WORD = 64  # comparing takes time by the square of the length, and nothing that long is a slip of the finger


@attrs.frozen
class Finding:
    """One fault.  ``line`` and ``column`` count from 1; the nearest place is named where the exact one is not known."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        tail = f" ({self.hint})" if self.hint else ""
        return f"{self.file}:{self.line}:{self.column}: {self.message}{tail}"


@attrs.frozen
class Findings:
    """Why a bundle does not load; never empty, sorted by file and place."""

    items: tuple[Finding, ...]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __str__(self) -> str:
        return "\n".join(map(str, self.items))


@attrs.frozen
class Malformed:
    """A short text that does not say what it must; ``column`` counts from 1 within that text."""

    message: str
    hint: str = ""
    column: int = 1


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The near miss as a hint; where nothing is near, what there is."""
    names = sorted(known)
    if len(word) <= LONGEST_WORD and (near := get_close_matches(word, names, n=1, cutoff=0.6)):
        return f"did you mean {near[0]}?"
    return f"one of: {', '.join(names[:12])}" if names else "there are none"
