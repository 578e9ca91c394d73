"""A candidate bundle beside the one in force: what it would have said, which decides nothing."""

from __future__ import annotations

from typing import ClassVar

import attrs


@attrs.frozen
class ShadowStarted:
    TAG: ClassVar[str] = "shadow.started/1"
    bundle: bytes
    by: str


@attrs.frozen
class ShadowDiffered:
    """One of the first of its kind.  It is not an entry of the case it is about, whose own say nothing of a shadow."""

    TAG: ClassVar[str] = "shadow.differed/1"
    bundle: bytes
    about: str  # the case
    agent: str
    action: str
    kind: str  # see flip.py
    before: str
    after: str
    said: str  # the sentence of the bundle in force
    says: str  # the candidate's
    policies: tuple[str, ...]  # the candidate's that decided


@attrs.frozen
class ShadowCounted:
    """What came since the last such entry: intents compared, those that were passed over, and the differences by kind."""

    TAG: ClassVar[str] = "shadow.counted/1"
    bundle: bytes
    compared: int
    passed_over: int  # there were too many at once, or the candidate reads what nobody counts for it
    differed: tuple[tuple[str, str, str, str, int], ...]  # kind, before, after, action, how many


@attrs.frozen
class ShadowStopped:
    TAG: ClassVar[str] = "shadow.stopped/1"
    bundle: bytes
    by: str
