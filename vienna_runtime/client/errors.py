"""Everything the client raises on purpose; one question per branch: what became of what was asked?

    ViennaError                  of the whole package
    └── ClientError
        ├── Refused              nothing was done: the node said no, with a code and a sentence
        ├── Unreachable          nothing was asked: no session came about
        │   ├── Untrusted        ... because whatever answers there could not prove that it is the node
        │   └── NotAdmitted      ... because the node does not accept this credential
        └── OutcomeUnknown       perhaps it was done: ask again with the same idempotency key

What a node shows that does not hold (a card that contradicts itself, another node's key) is ``VerificationError``, as
everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vienna_runtime.errors import ViennaError


class ClientError(ViennaError):
    """The root of what a client raises on purpose."""


class Refused(ClientError):
    """The node said no.  ``code`` is for programs, ``why`` for people, ``retry_after`` in milliseconds where waiting helps."""

    def __init__(self, code: str, why: str, retry_after: int | None = None, detail: Mapping[str, Any] | None = None) -> None:
        super().__init__(why)
        self.code = code
        self.why = why
        self.retry_after = retry_after
        self.detail = detail or {}


class Unreachable(ClientError):
    """No session came about; nothing was asked."""


class Untrusted(Unreachable):
    """Whatever answers at the address did not prove that it is the node."""


class NotAdmitted(Unreachable):
    """The node does not accept this credential."""


class OutcomeUnknown(ClientError):
    """It was asked, and whether it was done is not known; ``key`` repeats it safely where there is one."""

    def __init__(self, why: str, key: str | None = None) -> None:
        super().__init__(why if key is None else f"{why}; ask again with the idempotency key {key}")
        self.key = key
