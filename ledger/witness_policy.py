"""C2SP tlog-policy: whose cosignatures make a checkpoint one that the world has seen.

    log <vkey> [<url>]                       a log this policy speaks about; without any it speaks about every log
    witness <name> <vkey> [<url>]
    group <name> all|any|<k> <name>...
    quorum <name>|none                       exactly once

Names stand for octets and are compared as such (bytes that are no UTF-8 are kept as surrogates).  Every defined name is a
member of at most one group, so that no witness counts twice.  A policy with any fault does not load.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

import attrs

from ledger.checkpoint import Checkpoint
from ledger.cosignature import cosignatures
from ledger.errors import BadPolicy, VerificationError
from ledger.note import COSIGNATURES, ED25519, VerifierKey, open_note

NONE = "none"  # "The special name `none` is predefined"
MOST_LINES = 10_000  # the specification asks for 32 logs, witnesses and groups at least
LARGEST_POLICY = 1 << 20  # bytes; 32 of each are a few thousand

_FORBIDDEN = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")  # only tab and newline are allowed of the control characters
_THRESHOLD = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)


@attrs.frozen
class KnownLog:
    """A log the policy speaks about."""

    key: VerifierKey
    url: str


@attrs.frozen
class KnownWitness:
    """A witness by the name it has in the policy alone, and where it takes checkpoints (or empty)."""

    name: str
    key: VerifierKey
    url: str


@attrs.frozen
class Group:
    """Witnesses a checkpoint when at least ``threshold`` of its members do."""

    name: str
    threshold: int
    members: tuple[str, ...]


@attrs.frozen
class Witnessed:
    """A checkpoint under the quorum's cosignatures."""

    checkpoint: Checkpoint
    times: tuple[tuple[str, int], ...]  # the policy's names of the witnesses who cosigned, and the second each names

    @property
    def since(self) -> int:
        """A second by which everything in the checkpoint had been seen by all of them; 0 where nobody was asked."""
        return max((time for _, time in self.times), default=0)


@attrs.frozen
class Policy:
    """A whole policy; one that exists is without a fault."""

    logs: tuple[KnownLog, ...]
    witnesses: tuple[KnownWitness, ...]
    groups: tuple[Group, ...]
    quorum: str

    @classmethod
    def parse(cls, data: bytes | str) -> Policy:
        """The policy of that file; raises BadPolicy, which names the line."""
        return _Parser().parse(data.encode() if isinstance(data, str) else data)

    def speaks_about(self, origin: str) -> bool:
        """Whether the log of that origin is one of the policy's; with no log named, every one is."""
        return not self.logs or any(log.key.name == origin for log in self.logs)

    def has_quorum(self, names: set[str]) -> bool:
        """Whether witnesses of these names suffice."""
        if self.quorum == NONE:
            return True
        witnessed = set(names)
        for group in self.groups:  # members are defined before their group
            if sum(member in witnessed for member in group.members) >= group.threshold:
                witnessed.add(group.name)
        return self.quorum in witnessed

    def require(self, note: bytes, keys: Sequence[VerifierKey]) -> Witnessed:
        """The checkpoint in ``note``: signed by one of its log's ``keys``, cosigned by the quorum, none of them wrongly.

        Raises VerificationError that says what is missing.  Where the policy names logs, their keys alone count.
        """
        own = [key for key in keys if not self.logs or any(log.key == key for log in self.logs)]
        if not own:
            raise VerificationError("the policy names logs, and this is none of them")
        opened = open_note(note, [*own, *(witness.key for witness in self.witnesses)])
        checkpoint = Checkpoint.parse(opened.text)
        places = {(key.name, key.id) for key in own}
        signers = {signature.name for signature in opened.verified if (signature.name, signature.key_id) in places}
        if checkpoint.origin not in signers:
            raise VerificationError(f"a checkpoint of {checkpoint.origin} that its log has not signed")
        seen = cosignatures(opened, [witness.key for witness in self.witnesses])
        times = tuple((witness.name, seen[witness.key]) for witness in self.witnesses if witness.key in seen)
        if not self.has_quorum({name for name, _ in times}):
            who = ", ".join(name for name, _ in times) or "nobody"
            raise VerificationError(f"the checkpoint of size {checkpoint.size} was cosigned by {who}; the quorum {self.quorum} is not met")
        return Witnessed(checkpoint, times)

    def satisfied(self, note: bytes, keys: Sequence[VerifierKey]) -> bool:
        """Whether ``require`` would return."""
        try:
            self.require(note, keys)
        except VerificationError:
            return False
        return True


_Rule: TypeAlias = Callable[[list[str]], None]


class _Parser:
    """One pass over the lines; what was defined so far is what a line may name."""

    def __init__(self) -> None:
        self._logs: list[KnownLog] = []
        self._witnesses: list[KnownWitness] = []
        self._groups: list[Group] = []
        self._names: set[str] = set()
        self._members: set[str] = set()
        self._quorum: str | None = None
        self._rules: dict[str, _Rule] = {"log": self._log, "witness": self._witness, "group": self._group, "quorum": self._put_quorum}

    def parse(self, data: bytes) -> Policy:
        if len(data) > LARGEST_POLICY:
            raise BadPolicy(0, f"larger than {LARGEST_POLICY} bytes")
        lines = data.split(b"\n")
        if lines.pop():
            raise BadPolicy(len(lines) + 1, "the last line does not end in a newline")
        if len(lines) > MOST_LINES:
            raise BadPolicy(0, f"more than {MOST_LINES} lines")
        for number, line in enumerate(lines, 1):
            try:
                self._line(line)
            except (VerificationError, _Wrong) as wrong:
                raise BadPolicy(number, str(wrong)) from None
        if self._quorum is None:
            raise BadPolicy(0, "there is no quorum line; write `quorum NAME`, or `quorum none`")
        return Policy(tuple(self._logs), tuple(self._witnesses), tuple(self._groups), self._quorum)

    def _line(self, line: bytes) -> None:
        if _FORBIDDEN.search(line):
            raise _Wrong("a control character")
        words = [word for word in line.decode(errors="surrogateescape").replace("\t", " ").split(" ") if word]
        if not words or words[0].startswith("#"):
            return
        rule = self._rules.get(words[0])
        if rule is None:
            raise _Wrong(f"{_shown(words[0])} is no line of a policy: log, witness, group and quorum are")
        rule(words[1:])

    def _log(self, words: list[str]) -> None:
        if len(words) not in (1, 2):
            raise _Wrong("write: log VKEY [URL]")
        key = _key(words[0], (ED25519,), "a log signs with")
        if any(log.key.public == key.public for log in self._logs):
            raise _Wrong("a second log with this public key")
        self._logs.append(KnownLog(key, words[1] if len(words) == 2 else ""))

    def _witness(self, words: list[str]) -> None:
        if len(words) not in (2, 3):
            raise _Wrong("write: witness NAME VKEY [URL]")
        key = _key(words[1], COSIGNATURES, "a witness cosigns with")
        if any(witness.key.public == key.public for witness in self._witnesses):
            raise _Wrong("a second witness with this public key")
        self._define(words[0])
        self._witnesses.append(KnownWitness(words[0], key, words[2] if len(words) == 3 else ""))

    def _group(self, words: list[str]) -> None:
        if len(words) < 3:
            raise _Wrong("write: group NAME all|any|K NAME...")
        name, least, *members = words
        for member in members:
            if member == NONE or member not in self._names:
                raise _Wrong(f"{_shown(member)} is not defined on a line before")
            if member in self._members:
                raise _Wrong(f"{_shown(member)} is a member already: each name is at most once, or it would count twice")
            self._members.add(member)
        if least not in ("all", "any") and (not _THRESHOLD.fullmatch(least) or int(least) > len(members)):
            raise _Wrong(f"{_shown(least)} of {len(members)} cannot be: write all, any, or a number from 1 to {len(members)}")
        self._define(name)
        threshold = len(members) if least == "all" else 1 if least == "any" else int(least)
        self._groups.append(Group(name, threshold, tuple(members)))

    def _put_quorum(self, words: list[str]) -> None:
        if len(words) != 1:
            raise _Wrong("write: quorum NAME, or: quorum none")
        if self._quorum is not None:
            raise _Wrong("a second quorum line")
        if words[0] != NONE and words[0] not in self._names:
            raise _Wrong(f"{_shown(words[0])} is not defined on a line before")
        self._quorum = words[0]

    def _define(self, name: str) -> None:
        if name == NONE:
            raise _Wrong("the name none is taken: it stands for no witness at all")
        if name in self._names:
            raise _Wrong(f"{_shown(name)} is defined a second time; witnesses and groups share their names")
        self._names.add(name)


class _Wrong(Exception):  # what is wrong with one line; becomes a BadPolicy that names it
    pass


def _key(text: str, kinds: tuple[int, ...], what: str) -> VerifierKey:
    if not text.isprintable():  # octets that are no UTF-8, too: a key's name is Unicode
        raise _Wrong("a verifier key is printable Unicode")
    key = VerifierKey.parse(text)
    if key.type not in kinds:
        raise _Wrong(f"a key of type {key.type:#04x}; {what} type {' or '.join(f'{kind:#04x}' for kind in kinds)}")
    return key


def _shown(word: str) -> str:
    """As it may stand in a sentence, whatever octets it has."""
    return ascii(word[:64])
