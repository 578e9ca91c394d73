"""Everything transport raises; one question per branch: whose fault?

    TransportError
    ├── ProtocolError          the peer said what may not be said: the connection ends
    │   └── FrameRefused       ... already in its bytes: framing, size, depth, types
    ├── IllegalMessage         our own side asked for what the session does not allow: nothing was sent
    ├── VerificationError      a signature, or what was to be signed, is not what it must be
    ├── ConnectionClosed       the connection is over, on the server's side
    ├── CannotConnect          no session came about; nothing was asked
    │   ├── Unauthenticated    the credentials were refused
    │   ├── Throttled          too much, too often: `retry_after` says when to come again
    │   └── NotVienna          whatever answers there does not speak this protocol
    ├── SubscriptionRefused    a subscription was not granted: nothing will come
    └── OutcomeUnknown         a call was sent and its answer did not come: repeat it with the same idempotency key
        ├── ConnectionLost     ... because the connection ended
        └── CallTimeout        ... within the caller's time

A refusal of a call is none of these: it is a value (`transport.answers.Refused`).
"""

from __future__ import annotations


class TransportError(Exception):
    pass


class ProtocolError(TransportError):
    """The sentence names what was wrong; it is sent to the peer, so it never quotes the peer's values."""


class FrameRefused(ProtocolError):
    pass


class IllegalMessage(TransportError):
    pass


class VerificationError(TransportError):
    pass


class ConnectionClosed(TransportError):
    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"{code}: {why}")
        self.code = code
        self.why = why


class CannotConnect(TransportError):
    pass


class Unauthenticated(CannotConnect):
    pass


class Throttled(CannotConnect):
    """`retry_after` is in milliseconds; None when the server did not say."""

    def __init__(self, why: str, retry_after: int | None) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class NotVienna(CannotConnect):
    pass


class SubscriptionRefused(TransportError):
    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"{code}: {why}")
        self.code = code
        self.why = why


class OutcomeUnknown(TransportError):
    pass


class ConnectionLost(OutcomeUnknown):
    """`code` is the peer's own word (`lagging`, `stopping`, ...) or `lost` when it said none."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"the connection ended ({code}): {why}")
        self.code = code
        self.why = why


class CallTimeout(OutcomeUnknown):
    pass
