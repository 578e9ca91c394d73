"""Which checkpoints are being shown to the witnesses, and whether enough of them have cosigned: no clock, no socket, no disk.

All witnesses must see the *same* checkpoint for a quorum to come together over it, while the log goes on growing.  So one
checkpoint a log is the *target* for everybody; it is replaced by a newer one when the quorum has cosigned it, or when it
has waited too long for somebody.  A witness sees the targets of a log in their order, so that sizes only grow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from ledger import Head, NoteSignature
from ledger.witness_policy import Policy

REFRESH = 3600.0  # s: a log that does not grow is cosigned again after this, so that its silence is seen to be one


@attrs.define(eq=False)
class Target:
    """A checkpoint on its round."""

    log: str
    size: int
    root: bytes
    note: bytes  # as the log signed it
    text: str
    since: float  # when it was chosen
    lines: dict[str, NoteSignature] = attrs.Factory(dict)  # by the policy's name of the witness
    enough: bool = False

    def cosigned(self) -> bytes:
        """The note with what has come so far."""
        return self.note + "".join(line.line() for line in self.lines.values()).encode()


class Gathering:
    """The targets of a node.  ``patience`` in seconds is how long one waits for a quorum before a newer takes its place."""

    def __init__(self, policy: Policy, *, patience: float, refresh: float = REFRESH) -> None:
        self._policy, self._patience, self._refresh = policy, patience, refresh
        self._targets: dict[str, Target] = {}

    def choose(self, heads: Mapping[str, Head], origins: Mapping[str, str], now: float) -> int:
        """Look at where the logs are; how many targets are new.  A log that is frozen, or none of the policy's, is left alone."""
        fresh = 0
        for log, head in heads.items():
            if head.frozen is not None or not self._policy.speaks_about(origins[log]):
                continue
            target = self._targets.get(log)
            if target is None or self._is_over(target, head, now):
                text = head.checkpoint.decode().partition("\n\n")[0] + "\n"
                self._targets[log] = Target(log, head.size, head.root, head.checkpoint, text, now)
                fresh += 1
        return fresh

    def _is_over(self, target: Target, head: Head, now: float) -> bool:
        if head.size == target.size:
            return now - target.since >= self._refresh
        return target.enough or now - target.since >= self._patience

    def for_witness(self, name: str) -> Iterator[Target]:
        """What this one has not cosigned yet, those that wait longest first."""
        return iter(sorted((t for t in self._targets.values() if name not in t.lines), key=lambda target: target.since))

    def add(self, target: Target, name: str, signature: NoteSignature) -> bytes | None:
        """A verified cosignature has come; the note, if the quorum has cosigned it by now."""
        target.lines[name] = signature
        if not target.enough and self._policy.has_quorum(set(target.lines)):
            target.enough = True
        return target.cosigned() if target.enough and self._targets.get(target.log) is target else None

    def without(self, log: str) -> None:
        """Begin anew with a log: what was chosen of it is no longer so."""
        self._targets.pop(log, None)
