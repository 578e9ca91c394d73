"""What a witness trusts and what it has cosigned, on its disk: nothing is forgotten by a crash, a full disk or a second process.

    DIR/
    ├── lock                    held while it serves: two witnesses on one memory would cosign two histories
    ├── key, key.pub            the cosigner's seed and its verifier key, see ``vienna_runtime.witness.founding``
    ├── logs/<H>.keys           the verifier keys trusted for a log, one a line, newest last; written by `add-log`
    ├── logs/<H>.seen           the last checkpoint that was cosigned for it; written by the serving process alone
    └── forks/<H>-<size>.note   a checkpoint that its log signed beside the one that was cosigned: the proof of a fork

H is the SHA-256 of the log's origin.  A ``.seen`` file is one line naming its format, one with the SHA-256 of the rest in
hexadecimal, and the rest: the origin and a newline where nothing was cosigned yet, else the checkpoint with its log's
signatures and our cosignature, which is checked when it is read.  It is replaced as a whole and synced, with its
directory, before a cosignature leaves.  One that is missing or damaged is refused for good: to begin at zero again would
be to forget.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import attrs

from ledger import Checkpoint, VerificationError, VerifierKey
from ledger.note import open_note
from vienna_runtime import private_file
from vienna_runtime.errors import FileTakenError, WitnessError
from vienna_runtime.witness.rules import Seen

FORMAT = b"vienna/witness/1\n"
MOST_KEYS = 64  # of one log; a key that is replaced every year for its seven years, many times over
PUBLIC = 0o644


@attrs.frozen
class Record:
    """Where a witness stands with one log."""

    origin: str
    seen: Seen
    note: bytes  # empty where nothing was cosigned yet


class Records:
    """The directory.  ``cosigner`` is the witness's own verifier key: what it has not signed is not its memory."""

    def __init__(self, directory: Path, cosigner: VerifierKey) -> None:
        self.directory, self._cosigner = directory, cosigner
        self._lock: int | None = None

    def begin(self) -> None:
        """Take the directory for this process, and look at everything in it; raises WitnessError."""
        handle = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, private_file.OWNER_ONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise WitnessError(f"another witness serves {self.directory}; two on one memory would cosign two histories") from None
        self._lock = handle
        for origin in self.origins():
            self.read(origin)

    def end(self) -> None:
        """Let the directory go."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def trust(self, key: VerifierKey) -> bool:
        """Take checkpoints of the key's log under this key, too; whether that is news."""
        keys, place = self.keys(key.name), self._keys_file(key.name)
        if key in keys:
            return False
        if len(keys) >= MOST_KEYS:
            raise WitnessError(f"{key.name} has {MOST_KEYS} keys already")
        if not keys:
            try:
                private_file.create(self._seen_file(key.name), _packed(key.name.encode() + b"\n"), mode=PUBLIC)
            except FileTakenError:
                self.read(key.name)  # left by a crash before its keys were written, or kept when they were taken away
        private_file.replace(place, "".join(f"{known.text}\n" for known in (*keys, key)).encode(), mode=PUBLIC)
        return True

    def keys(self, origin: str) -> tuple[VerifierKey, ...]:
        """The keys trusted for a log; none for one that is not known.  Read each time, so that a new one counts at once."""
        place = self._keys_file(origin)
        try:
            text = place.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ()
        try:
            found = tuple(VerifierKey.parse(line) for line in text.splitlines())
        except VerificationError as error:
            raise WitnessError(f"{place} is damaged: {error}") from None
        if any(key.name != origin for key in found):
            raise WitnessError(f"{place} holds keys of another log than {origin}")
        return found

    def read(self, origin: str) -> Record:
        """Where the witness stands with a log that it knows; raises WitnessError where that cannot be told for certain."""
        place = self._seen_file(origin)
        try:
            content = place.read_bytes()
        except FileNotFoundError:
            raise WitnessError(f"{place}, which says how far {origin} was witnessed, is gone; put it back from where it was") from None
        rest = content[len(FORMAT) + 65 :]
        if content != _packed(rest):
            raise WitnessError(f"{place}, which says how far {origin} was witnessed, is damaged")
        if rest == origin.encode() + b"\n":
            return Record(origin, Seen(), b"")
        try:
            text = open_note(rest, [self._cosigner]).text
            checkpoint = Checkpoint.parse("\n".join(text.split("\n")[:3]) + "\n")
        except VerificationError as error:
            raise WitnessError(f"{place} is not what this witness wrote: {error}") from None
        if checkpoint.origin != origin:
            raise WitnessError(f"{place} is of {checkpoint.origin}, not of {origin}")
        return Record(origin, Seen(checkpoint.size, checkpoint.root), rest)

    def write(self, origin: str, note: bytes) -> None:
        """Remember a cosigned checkpoint; on the disk when this returns, and not to be relied on when it raises OSError."""
        private_file.replace(self._seen_file(origin), _packed(note), mode=PUBLIC)

    def keep_fork(self, origin: str, size: int, note: bytes) -> None:
        """Keep the first signed checkpoint that contradicts a cosigned one of that size: the two together convict the log."""
        (self.directory / "forks").mkdir(mode=0o700, exist_ok=True)
        place = self.directory / "forks" / f"{_hash(origin)}-{size}.note"
        if not place.exists():
            private_file.replace(place, note, mode=PUBLIC)

    def origins(self) -> Iterator[str]:
        """The logs that are known, in the order of their names."""
        found = []
        for place in (self.directory / "logs").glob("*.keys"):
            line = place.read_text(encoding="utf-8").partition("\n")[0]
            origin = line.partition("+")[0]
            if self._keys_file(origin) != place:
                raise WitnessError(f"{place} is damaged: it does not lie where the keys of {origin!a} do")
            found.append(origin)
        return iter(sorted(found))

    def _keys_file(self, origin: str) -> Path:
        return self.directory / "logs" / f"{_hash(origin)}.keys"

    def _seen_file(self, origin: str) -> Path:
        return self.directory / "logs" / f"{_hash(origin)}.seen"


def _hash(origin: str) -> str:
    return sha256(origin.encode()).hexdigest()


def _packed(rest: bytes) -> bytes:
    return FORMAT + sha256(rest).hexdigest().encode() + b"\n" + rest
