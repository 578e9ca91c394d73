"""Under which keys an entry can be found again once its case is closed and the state has forgotten it."""

from __future__ import annotations

from hashlib import sha256

from . import events as e

LONGEST_PLAIN = 128  # bytes; a longer text stands in its key as its digest, so that no text makes a key the store cannot hold


def intent_key(agent: str, key: str) -> bytes:
    """An agent's idempotency key: (principal, command) and the key itself."""
    return b"intent\0" + agent.encode() + b"\0" + _short(key)


def _short(text: str) -> bytes:
    """The text itself, or 0xff and its digest: no text begins with that byte in UTF-8, so the two never meet."""
    plain = text.encode()
    return plain if len(plain) <= LONGEST_PLAIN else b"\xff" + sha256(plain).digest()


def run_key(run: str) -> bytes:
    return b"run\0" + _short(run)


def receipt_key(run: str) -> bytes:
    """Of what is not durable yet, see ``passing_keys``."""
    return b"receipt\0" + _short(run)


def effect_key(effect: str) -> bytes:
    """The newest run of an effect, whoever opened it."""
    return b"effect\0" + _short(effect)


def letter_key(letter: str) -> bytes:
    return b"letter\0" + _short(letter)


def resolved_key(letter: str) -> bytes:
    return b"resolved\0" + _short(letter)


def quarantine_key(digest: bytes) -> bytes:
    """Of a command, by its digest."""
    return b"quarantine\0" + digest


def quarantined_key(letter: str) -> bytes:
    """The same by its dead letter."""
    return b"quarantined\0" + _short(letter)


def finding_key(finding: str) -> bytes:
    return b"finding\0" + _short(finding)


def envelope_key(envelope: str) -> bytes:
    return b"envelope\0" + _short(envelope)


def bundle_key(bundle: bytes) -> bytes:
    return b"bundle\0" + bundle


def snapshot_key(digest: bytes) -> bytes:
    return b"snapshot\0" + digest


def case_key(case: str) -> bytes:
    """The case's first entry."""
    return b"case\0" + _short(case)


def alert_key(number: int | None = None) -> bytes:
    """The alert that was raised as the ``number``th of its log; without one, how the keys of all of them begin."""
    return b"alert\0" + (b"" if number is None else number.to_bytes(8, "big"))


def children_key(case: str) -> bytes:
    """How the keys of the cases begin that have this one as parent; the child's id follows."""
    return b"child\0" + _short(case) + b"\0"


def keys(event: e.Event) -> tuple[bytes, ...]:
    """The index keys that will point to this event's entry."""
    match event:
        case e.IntentProposed():
            above = () if event.parent is None else (children_key(event.parent) + event.case.encode(),)
            return (intent_key(event.agent, event.key), case_key(event.case), *above)
        case e.RunOpened():
            return (run_key(event.run), effect_key(event.effect))
        case e.DeadLetterOpened():
            return (letter_key(event.letter),)
        case e.DeadLetterResolved() | e.DeadLetterResolvedBefore():
            return (resolved_key(event.letter),)
        case e.CommandQuarantined():
            return (quarantine_key(event.digest), quarantined_key(event.letter))
        case e.FindingOpened():
            return (finding_key(event.finding),)
        case e.FindingResolved():
            return (resolved_key(event.finding),)  # no letter bears a finding's name
        case e.BundlePushed():
            return (bundle_key(event.bundle),)
        case e.EnvelopeSigned():
            return (envelope_key(event.envelope),)
        case e.SnapshotMade():
            return (snapshot_key(event.digest),)
        case _:
            return ()


def passing_keys(event: e.Event) -> tuple[bytes, ...]:
    """Further ones under which it is found until it is durable: from then on it is found by its case."""
    match event:
        case e.RunReported() | e.RunReportedLate():
            return (receipt_key(event.run),)
        case _:
            return ()
