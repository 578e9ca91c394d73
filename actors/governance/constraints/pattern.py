"""Texts by their beginning, or by a regular expression that takes time in proportion to the text, whatever it says.

The expression is matched by RE2, which does not backtrack, against the whole text.  Of its syntax only the part is taken that
means the same to every engine (RE2, Python, ECMAScript with ``u``), so that whoever checks evidence elsewhere finds the same.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import attrs
import re2

from ..canonical import NotCanonical, Value

LONGEST_PREFIX = 1_024
LONGEST_PATTERN = 512  # characters: one that is longer is a program
LONGEST_TEXT = 8_192  # characters that are matched: RE2 takes some 100 µs for them
_MEMORY = 1 << 20  # bytes that a compiled expression may take; one that needs more is refused
_KEPT = 256  # expressions kept compiled

# Possessive, so that it is read once from left to right, whatever stands there.
_PORTABLE = re.compile(
    r"""(?>  [A-Za-z0-9 _\-./,:;@%&=~!'"<>#`]      # itself (a point is any sign)
          | \\[dDwW]                                # ASCII in every engine when asked so
          | \\[.*+?()\[\]{}|\\^$/]                  # a sign that stands for itself
          | \[\^?(?>\\[dDwW\\\]\[^\-./]|[A-Za-z0-9 _./,:;@%=!'"<>#`+*?()$]|(?<=[A-Za-z0-9])-(?=[A-Za-z0-9]))++\]
          | \((?!\?) | \(\?: | \) | \|
          | [*+?] | \{[0-9]{1,3}(?:,(?:[0-9]{1,3})?)?\}
        )*+""",
    re.ASCII | re.VERBOSE,
)
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # engines differ in what a point makes of these: no text with one matches


@attrs.frozen
class Prefix:
    """The text begins with this, code point by code point; nothing is normalised, as no target would."""

    prefix: str

    def __attrs_post_init__(self) -> None:
        if type(self.prefix) is not str or not 1 <= len(self.prefix) <= LONGEST_PREFIX or _BREAKS.search(self.prefix):
            raise NotCanonical(f"a prefix is a text of 1 to {LONGEST_PREFIX} characters without control characters")

    def problem(self, value: Value) -> str | None:
        if type(value) is not str:
            return "must be a text"
        return None if value.startswith(self.prefix) else f"must begin with {self.prefix!r}"

    def form(self) -> Value:
        return {"prefix": self.prefix}

    def words(self) -> str:
        return f'a text that begins with "{self.prefix}"'


@attrs.frozen
class Matching:
    """The whole text matches this expression."""

    pattern: str

    def __attrs_post_init__(self) -> None:
        if type(self.pattern) is not str or not 1 <= len(self.pattern) <= LONGEST_PATTERN:
            raise NotCanonical(f"a regular expression has 1 to {LONGEST_PATTERN} characters")
        if not _PORTABLE.fullmatch(self.pattern):
            raise NotCanonical(
                "this regular expression uses what not every engine reads alike; letters, digits, [classes], (groups), |, * + ? {n,m}, "
                "\\d, \\w and signs after a backslash are taken, and it always stands for the whole text"
            )
        try:
            re.compile(self.pattern, re.ASCII)  # another engine's look at it: what it cannot read is not portable
        except (re.error, OverflowError, RecursionError):
            raise NotCanonical("this is not a regular expression") from None
        _compiled(self.pattern)

    def problem(self, value: Value) -> str | None:
        if type(value) is not str:
            return "must be a text"
        if len(value) > LONGEST_TEXT:
            return f"must have at most {LONGEST_TEXT} characters to be matched"
        if _BREAKS.search(value):
            return "must not hold control characters or line breaks"
        try:
            matches = _compiled(self.pattern).fullmatch(value) is not None
        except UnicodeEncodeError:  # half a surrogate pair
            matches = False
        return None if matches else f"must match {self.pattern}"

    def form(self) -> Value:
        return {"matching": self.pattern}

    def words(self) -> str:
        return f"a text that matches {self.pattern}"


@lru_cache(maxsize=_KEPT)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False  # it would write on the process's stderr
    options.max_mem = _MEMORY
    options.never_capture = True
    try:
        return re2.compile(f"(?:{pattern})", options)
    except re2.error:
        raise NotCanonical("this is not a regular expression, or one that takes too much memory") from None
