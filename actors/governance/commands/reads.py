"""What is answered from state or ledger and never decided."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ..canonical import Value


@attrs.frozen
class ShowCase:
    case: str


@attrs.frozen
class ShowLineage:
    """A case's line of parents, and a page of its children: those whose ids come after ``after``."""

    case: str
    after: str | None = None
    limit: int = 50


@attrs.frozen
class ShowBreaker:
    scope: str


@attrs.frozen
class ShowFacts:
    """What policies would be shown now; what is not said of the wish leaves the facts unknown that rest on it."""

    params: Mapping[str, Value]
    whose: str | None = None  # the agent whose wish it would be
    action: str | None = None
    resource: str | None = None
    parent: str | None = None


@attrs.frozen
class ShowCard:
    case: str


@attrs.frozen
class ShowLetter:
    letter: str


@attrs.frozen
class ListLetters:
    """Those that fit every filter that is given; ``older`` is the time before which they were opened."""

    before: int | None = None
    limit: int = 50
    letters: str | None = None  # open | resolved
    letter_kind: str | None = None
    whose: str | None = None  # the agent
    action: str | None = None
    case: str | None = None
    older: int | None = None


@attrs.frozen
class ShowBundle:
    """The files of a pushed bundle; without a digest, of the one in force."""

    bundle: bytes | None = None


@attrs.frozen
class ListBundles:
    """What was pushed and what was activated, newest first; ``prefix``: only bundles whose digest begins so, in hex."""

    before: int | None = None
    limit: int = 50
    prefix: str | None = None


@attrs.frozen
class Read:
    """A read without arguments; ``what`` is the call's tag."""

    what: str


@attrs.frozen
class Tail:
    """The tenant's entries from ``start`` on, as a subscription; ``follow`` goes on when the end is reached.

    ``believed`` is the size of the last signed head that whoever asks has seen: it is proved to be continued.  ``case`` and
    ``tags`` (how a tag begins) leave out what is not asked for, of which only leaf hashes are sent.
    """

    start: int
    credit: int
    follow: bool = True
    believed: int = 0
    case: str | None = None
    tags: tuple[str, ...] = ()


@attrs.frozen
class Watch:
    """The events of one case, as a subscription."""

    case: str
    credit: int


@attrs.frozen
class Evidence:
    """What proves one case to somebody outside, as a subscription that ends."""

    case: str
    credit: int


@attrs.frozen
class Inbox:
    """What is waiting for whoever asks: approvals, warrants to execute, reports to verify."""

    credit: int


@attrs.frozen
class Wait:
    """Until a case, or so many entries of the log, are durable or witnessed; ``timeout`` in ms.

    Without case and size: everything that was written so far.
    """

    state: str
    timeout: int
    case: str | None = None
    size: int | None = None
