"""Cuts Cedar text into statements and finds the place of a syntax error, which Cedar's own messages do not name.

Cedar reads left to right and gives up at the first token that cannot follow.  So the shortest run of tokens whose error is
not "unexpected end of input" ends with the token at fault.

A statement beyond what a person writes never reaches Cedar: its parser recurses, and a stack that overflows ends the process
where no exception can be caught.  The limits count raw characters, in strings and comments too, so that no disagreement
between this lexer and Cedar's can hide anything from them.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable

import attrs

MOST_BRACKETS = 200  # opening ones in a statement; Cedar's parser was seen to die between 500 and 900
MOST_SIGNS = 1_000  # everything that can chain or nest: `a.b.c`, `1+1+1`; seen to die between 2,000 and 8,000
MOST_LENGTH = 16_384  # characters of a statement: `if` chains by words alone, at some twenty characters each
UNFINISHED = "unexpected end of input"  # Cedar's words for text that is right so far

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\r\n]*)
      | "(?:[^"\\]|\\.)*"?                   # a string, closed or not, may run over lines
      | [A-Za-z_][A-Za-z0-9_]* | [0-9]+
      | && | \|\| | == | != | <= | >= | ::
      | .""",
    re.VERBOSE | re.DOTALL,
)
_OPENING = re.compile(r"[(\[{<]")
_SIGN = re.compile(r"[^\w\s,\"]")


@attrs.frozen
class Statement:
    """One policy with its annotations, up to and with its semicolon."""

    text: str  # as written, from its first token
    start: int  # offset in the file
    tokens: tuple[tuple[int, str], ...]  # (offset within text, token)

    def annotation(self, name: str) -> int:
        """The offset of ``@name`` within the statement, 0 where it is not there."""
        for (at, sign), (_, following) in zip(self.tokens, self.tokens[1:], strict=False):
            if sign == "@" and following == name:
                return at
        return 0


def excess(statement: str) -> str | None:
    """What makes this text more than Cedar is given, or None."""
    if len(statement) > MOST_LENGTH:
        return f"more than {MOST_LENGTH} characters in one statement"
    if len(_OPENING.findall(statement)) > MOST_BRACKETS:
        return f"more than {MOST_BRACKETS} brackets in one statement"
    if len(_SIGN.findall(statement)) > MOST_SIGNS:
        return f"more than {MOST_SIGNS} signs in one statement"
    return None


def statements(text: str) -> list[Statement]:
    """The statements of a file, in order; the last one may lack its semicolon."""
    found: list[Statement] = []
    tokens: list[tuple[int, str]] = []
    for match in _TOKEN.finditer(text):
        if match["space"] is None:
            tokens.append((match.start(), match.group()))
            if match.group() == ";":
                found.append(_statement(text, tokens))
                tokens = []
    if tokens:
        found.append(_statement(text, tokens))
    return found


def _statement(text: str, tokens: list[tuple[int, str]]) -> Statement:
    start, (last, token) = tokens[0][0], tokens[-1]
    return Statement(text[start : last + len(token)], start, tuple((at - start, word) for at, word in tokens))


def fault_at(statement: Statement, error_of: Callable[[str], str | None]) -> tuple[int, str]:
    """The offset within the statement, and the token, where reading it fails; ``error_of`` gives the parser's message."""

    def fails(count: int) -> bool:
        at, last = statement.tokens[count - 1]
        error = error_of(statement.text[: at + len(last)])
        return error is not None and UNFINISHED not in error

    total = len(statement.tokens)
    count = bisect_left(range(1, total + 1), True, key=fails) + 1
    if count > total:
        at, last = statement.tokens[-1]
        return at + len(last), ""
    at, last = statement.tokens[count - 1]
    message = error_of(statement.text[: at + len(last)]) or ""
    if message.startswith("unexpected token `"):  # Cedar recovers at a closing bracket and may notice one token late
        named = message.removeprefix("unexpected token `").rstrip("`")
        return next((pair for pair in reversed(statement.tokens[:count]) if pair[1] == named), (at, last))
    return at, last


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1
