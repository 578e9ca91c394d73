"""NAME.known beside NAME.vienna: the keys of the node and of the log, and the last signed head that its holder has believed.

They are taken from the node once, at enrolment or on first use, over a connection that proved to be the node's.  From then on
keys to which those do not lead, or a head that does not continue the believed one, are a finding and not a surprise to get
used to; keys that took over from them are remembered in their place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import attrs

from ledger import VerificationError as LedgerVerificationError
from ledger.checkpoint import open_checkpoint
from ledger.note import VerifierKey
from vienna_runtime import private_file
from vienna_runtime.errors import CredentialError, VerificationError
from vienna_runtime.tail import Belief

SUFFIX = ".known"
LARGEST = 16 * 1024  # ours has a few hundred bytes, and a hundred more for each key that was replaced


@attrs.frozen
class Known:
    """What is remembered about one log."""

    log: VerifierKey
    belief: Belief | None = None
    node: VerifierKey | None = None  # nothing where an earlier version wrote the file
    before: tuple[VerifierKey, ...] = ()  # the log's keys that the newest took over from, newest first

    @property
    def logs(self) -> tuple[VerifierKey, ...]:
        """Every key of the log, newest first."""
        return (self.log, *self.before)


def place(credential: Path) -> Path:
    """Where it lies for that credential file."""
    return credential.with_suffix(SUFFIX)


def read(path: Path) -> Known | None:
    """What is remembered, or ``None`` where nothing is; ``CredentialError`` where the file is damaged."""
    try:
        fields = json.loads(private_file.read(path, largest=LARGEST))
    except FileNotFoundError:
        return None
    except ValueError:
        raise _damaged(path) from None
    try:
        log, before = VerifierKey.parse(fields["log"]), tuple(map(VerifierKey.parse, fields.get("before", ())))
        node, note = fields.get("node"), fields["checkpoint"]
        known = Known(log, None, None if node is None else VerifierKey.parse(node), before)
        if note is None:
            return known
        head = open_checkpoint(note.encode(), known.logs)
    except (LedgerVerificationError, KeyError, TypeError, AttributeError):
        raise _damaged(path) from None
    return attrs.evolve(known, belief=Belief(head.size, head.root, note.encode()))


def write(path: Path, known: Known) -> None:
    """Remembered durably, whole or not at all."""
    fields: dict[str, object] = {"log": known.log.text, "checkpoint": None if known.belief is None else known.belief.note.decode()}
    if known.node is not None:
        fields["node"] = known.node.text
    if known.before:
        fields["before"] = [key.text for key in known.before]
    private_file.replace(path, json.dumps(fields).encode())


def settle(path: Path, *, nodes: Sequence[VerifierKey], logs: Sequence[VerifierKey]) -> Known:
    """What is known of the log, its keys pinned by now.

    ``nodes`` and ``logs`` are the keys that were followed, newest first; ``VerificationError`` where those that were pinned
    before are not among them: the node then shows the history of another.
    """
    known = read(path)
    if known is not None:
        for pinned, told in ((known.log, logs), (known.node, nodes)):
            if pinned is not None and pinned not in told:
                raise VerificationError(
                    f"the node names {told[0].text} as its key; it was {pinned.text} before, which does not lead there ({path})"
                )
    settled = Known(logs[0], None if known is None else known.belief, nodes[0], tuple(logs[1:]))
    if settled != known:
        write(path, settled)
    return settled


def _damaged(path: Path) -> CredentialError:
    return CredentialError(f"{path} is damaged; what was believed about the log is lost: remove it only if you can say why")
