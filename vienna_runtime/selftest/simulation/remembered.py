"""What an account remembers of members, cases, warrants, runs and breakers: in its own words, and not the law's."""

from __future__ import annotations

from typing import Any

import attrs

from actors.governance import intent as intents
from actors.governance import warrant as warrants
from actors.governance.canonical import digest, pack


@attrs.define(eq=False)
class Who:
    kind: str
    person: str
    roles: frozenset[str]
    owner: str | None = None
    status: str = "invited"
    public: bytes = b""


@attrs.define(eq=False)
class CaseNow:
    case: str
    agent: str
    key: str
    intent: bytes
    excluded: tuple[str, ...]
    place: str = "proposed"  # proposed | held | going | over, while something of it still runs | closed
    verdict: Any = None
    quorum: str = ""
    persons: int = 0
    expires_at: int = 0
    card: bytes = b""
    given: dict[str, str] = attrs.Factory(dict)  # person → the member by which it approved
    agreed: dict[str, str] = attrs.Factory(dict)  # the same at the newest vote, whoever left since
    seats: dict[str, tuple[str, ...]] = attrs.Factory(dict)  # person → whose seats it filled beside its own
    said: list[tuple[int, str, str, str, str]] = attrs.Factory(list)
    denied: bool = False
    denied_by: str = ""  # the person
    canary: bool = False  # as its end says
    live: set[str] = attrs.Factory(set)  # warrants
    runs: set[str] = attrs.Factory(set)  # not closed
    ends: list[str] = attrs.Factory(list)  # how its runs ended
    letters: int = 0
    applied: bool = False


@attrs.define(eq=False)
class WarrantNow:
    issued: Any
    terms: warrants.Warrant
    epoch: tuple[int, ...]
    number: int  # of its entry
    used: int = 0
    live: bool = True
    revoked: str = ""


@attrs.define(eq=False)
class RunNow:
    opened: Any
    terms: warrants.Warrant
    at: int
    status: str = "open"  # open | reported | unknown | closed
    due: int = 0
    receipt: bytes = b""
    late: bool = False


@attrs.define(eq=False)
class Guard:
    epoch: int = 0
    status: str = "closed"
    probe: str = ""
    stopped: int = 0  # by its newest trip or pause: the number of that entry
    until: int | None = None  # when the cool-down is over; None where only persons reset it
    mismatched: bool = False  # since it was closed last
    backed: dict[str, str] = attrs.Factory(dict)  # persons who said that it may be reset, and as which members


def terms_args(terms: warrants.Warrant) -> bytes:
    return intents.args_digest(terms.action, terms.resource, terms.params)


def heard(case: CaseNow) -> bytes:
    """What an approval binds of the conversation, see ``actors.governance.conversation``."""
    return digest(pack([list(part) for part in case.said])) if case.said else b""
