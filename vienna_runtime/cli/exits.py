"""How a command can end, each end with a code of its own (`endings` says which is whose).

0    done
1    refused, or it ended badly
2    wrong usage: an argument, a file or a setting of this side
3    verification failed: what was shown is not what it must be
4    the node cannot be reached, or cannot be trusted
5    asked, and the outcome is not known: ask again with the same key
6    compared, and something does not agree: see what was found
130  interrupted
"""

from __future__ import annotations

import attrs

from vienna_runtime.errors import ViennaError

DONE, BAD_END, USAGE, UNVERIFIED, UNREACHABLE, UNKNOWN, FOUND, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 130


class BadEnd(ViennaError):
    """The command did what it should, and what it was about did not end well; the text says how, ``details`` more of it."""

    def __init__(self, why: str, *details: str) -> None:
        super().__init__(why)
        self.details = details


@attrs.frozen
class Ending:
    """What is said on stderr, and the code.  ``expected`` is off for bugs and the like."""

    code: int
    kind: str  # for programs: a refusal's code, or the branch
    why: str
    details: tuple[str, ...] = ()
    retry_after: int | None = None  # ms
    expected: bool = True
