"""Text from elsewhere as a terminal may show it: nothing in it moves, hides, colours or turns what stands around it.

Agents write purposes, resources and params; a terminal obeys escape sequences, turns text round at bidirectional overrides
and shows nothing at all for zero-width characters.  Each of these becomes ``<U+202E>``, and so does a letter that is of another
script than its word: a Cyrillic а in a Latin word.  A long run of blanks is counted.  Text is never markup.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from rich.text import Text

from vienna_runtime.cli.looks import strange, words

# C0/C1, invisible formats, half surrogates, unassigned and private use: no terminal agrees on any of them; line and paragraph ends.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})
# Letters and marks that show as nothing: fillers, joiners, variation selectors.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {
    chr(c) for c in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
}
_MOST_MARKS = 4  # combining marks on one letter: no script needs more, and a pile of them covers the lines around

_FAR = re.compile(" {17,}")  # blanks in a row that are counted instead of shown: our own columns are padded by fewer

CUT = 4096  # characters of one text: what an agent writes is not to push the rest off the screen


def escape(text: str, *, lines: bool = False) -> str:
    """The text with everything that is not plainly visible spelled out; ``lines`` keeps its line ends."""
    return "".join(part for part, _ in _parts(text, lines=lines))


def shown(text: str, *, lines: bool = False, cut: bool = True, style: str = "") -> Text:
    """The same for rich: what was spelled out stands out."""
    found = Text(style=style)
    for part, hidden in _parts(text, lines=lines, cut=cut):
        found.append(part, style="reverse red" if hidden else None)
    return found


def value_text(value: object) -> str:
    """A value of the wire on one line, still to be shown: texts in quotes, bytes in hex, maps and lists with their parts."""
    match value:
        case str():
            return f'"{value}"'
        case bytes():
            return value.hex() if value else "(no bytes)"
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case {"dec": str() as decimal, **others} if not others:
            return decimal
        case Mapping():
            return "{" + ", ".join(f"{name}: {value_text(item)}" for name, item in value.items()) + "}"
        case Sequence():
            return "[" + ", ".join(map(value_text, value)) + "]"
        case _:
            return str(value)


def _parts(text: str, *, lines: bool, cut: bool = True) -> list[tuple[str, bool]]:
    parts: list[tuple[str, bool]] = []
    marks = 0
    taken = text[:CUT] if cut else text
    odd = {start + at for start, word in words(taken) if (found := strange(word)) for at, letter in enumerate(word) if letter in found}
    blanks = {run.start(): run.end() for run in _FAR.finditer(taken)}
    after = 0
    for at, character in enumerate(taken):
        if at < after:
            continue
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        hidden = (category in _HIDDEN or character in _BLANK or (category == "Zs" and character != " ") or marks > _MOST_MARKS) and not (
            lines and character == "\n"
        )
        part = f"<U+{ord(character):04X}>" if hidden or at in odd else character
        if at in blanks:
            after, hidden = blanks[at], True
            part = f"<{after - at} blanks>"
        hidden = hidden or at in odd
        if parts and parts[-1][1] == hidden:
            parts[-1] = (parts[-1][0] + part, hidden)
        else:
            parts.append((part, hidden))
    if cut and len(text) > CUT:
        parts.append((f"<and {len(text) - CUT} characters more>", True))
    return parts
