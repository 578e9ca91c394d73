"""Which keys count for which log, by the node's own log and one key of the node's: the root of everything else.

A ``Trust`` is fed the headers of the node's log in their order (others in between may be left out: it looks at admissions
and rotations alone) and answers afterwards.  What it is told, it believes: whoever feeds it proves the entries by a
checkpoint that ``trust.open(NODE, note)`` opens, and relies on nothing before that.

    the node's key    the one given, and every key that took over from it; a key before it signs nothing here, and what
                      such a key began stands under the given one all the same, since its checkpoint covers the log
    a log's key       the one it was admitted under, and every key that took over from that
    at a size         once a key took over at a size, a checkpoint beyond it needs the newer one's signature
"""

from __future__ import annotations

from collections.abc import Mapping
from hmac import compare_digest
from types import MappingProxyType

import attrs

from ledger import admission, rotation
from ledger.admission import Admission
from ledger.checkpoint import Checkpoint, open_checkpoint
from ledger.entry import NODE
from ledger.errors import VerificationError
from ledger.header import Header
from ledger.note import VerifierKey
from ledger.rotation import Kind, Rotation


@attrs.frozen
class _Checking:
    """A key of a log's checkpoints, and up to which size it may sign them alone."""

    key: VerifierKey
    until: int | None = None


@attrs.frozen
class _Issuing:
    """A key of a tenant's warrants, and whether it was given up because others may have it."""

    key: bytes
    compromised: bool = False


class Trust:
    """See the module."""

    def __init__(self, node_key: VerifierKey) -> None:
        self._checking: dict[str, tuple[_Checking, ...]] = {NODE: (_Checking(node_key),)}  # newest first
        self._issuing: dict[str, tuple[_Issuing, ...]] = {}  # likewise
        self._admissions: dict[str, Admission] = {}
        self._before: list[bytes] = []  # the node's keys before the one given, oldest first
        self._reached = False  # the one given has its place among the node's keys

    @property
    def admissions(self) -> Mapping[str, Admission]:
        """Every log that was admitted so far, by its name."""
        return MappingProxyType(self._admissions)

    def heed(self, header: Header) -> None:
        """Take in the next entry of the node's log; VerificationError where it cannot be true."""
        try:
            if header.tag == admission.TAG:
                self._admit(admission.parse(header.public))
            elif header.tag == rotation.TAG:
                self._rotate(rotation.parse(header.public), header.sequence)
        except VerificationError as error:
            raise error.at(NODE, header.sequence) from None

    def keys_of(self, log: str) -> tuple[VerifierKey, ...]:
        """Every key that ever counted for the log's checkpoints, newest first; VerificationError for a log never admitted."""
        return tuple(checking.key for checking in self._known(log))

    def recorded_keys_of(self, log: str) -> tuple[VerifierKey, ...]:
        """Those, and the node's keys before the one given: for a checkpoint that was kept and is held against the log itself.

        Whoever has such an earlier key by now can sign with it what they like, so nothing is believed for its signature alone.
        """
        before = tuple(VerifierKey(self._checking[NODE][0].key.name, key) for key in reversed(self._before)) if log == NODE else ()
        known = self.keys_of(log)
        return (*known, *(key for key in before if key not in known))

    def issuers_of(self, log: str) -> tuple[bytes, ...]:
        """Every key that ever counted for the warrants of that tenant, newest first: for what lies in the past."""
        self._known(log)
        return tuple(issuing.key for issuing in self._issuing.get(log, ()))

    def live_issuers_of(self, log: str) -> tuple[bytes, ...]:
        """Those of them that a warrant may be signed with which is to be used now: none that was given up as compromised."""
        self._known(log)
        return tuple(issuing.key for issuing in self._issuing.get(log, ()) if not issuing.compromised)

    def open(self, log: str, note: bytes) -> Checkpoint:
        """The checkpoint of that log, signed by a key that may sign at its size; else VerificationError."""
        known = self._known(log)
        checkpoint = open_checkpoint(note, [checking.key for checking in known])
        allowed = [checking.key for checking in known if checking.until is None or checkpoint.size <= checking.until]
        if len(allowed) < len(known):
            try:
                open_checkpoint(note, allowed)
            except VerificationError:
                raise VerificationError(
                    f"a checkpoint of size {checkpoint.size}, signed by no key but one that was replaced at a smaller size", log=log
                ) from None
        return checkpoint

    def _known(self, log: str) -> tuple[_Checking, ...]:
        try:
            return self._checking[log]
        except KeyError:
            raise VerificationError("no entry of the node's log admits it", log=log) from None

    def _admit(self, entry: Admission) -> None:
        if entry.log in self._checking:
            raise VerificationError(f"the log {entry.log!r} is admitted twice")
        self._admissions[entry.log] = entry
        self._checking[entry.log] = (_Checking(entry.key),)
        if entry.issuer:
            self._issuing[entry.log] = (_Issuing(entry.issuer),)

    def _rotate(self, found: Rotation, sequence: int) -> None:
        known = self._known(found.log)
        if found.origin != known[0].key.name:
            raise VerificationError(f"a rotation of {found.origin} for the log {found.log!r}")
        if found.log == NODE and found.size != sequence:
            raise VerificationError("a rotation of the node's key that names another place than its own")
        if found.kind is Kind.ISSUER:
            self._rotate_issuer(found)
        elif found.log == NODE and not self._reached and not compare_digest(found.previous, known[0].key.public):
            self._rotate_before(found, known[0].key)
        else:
            self._rotate_checking(found, known)

    def _rotate_checking(self, found: Rotation, known: tuple[_Checking, ...]) -> None:
        newest, *older = known
        _check_successor(found, [checking.key.public for checking in known], self._before if found.log == NODE else [])
        if older and found.bound < (older[0].until or 0):
            raise VerificationError("a rotation at a smaller size than the one before it")
        if found.log == NODE:
            if self._before and not self._reached:
                raise VerificationError("a rotation of the node's key that follows from none before it")
            self._reached = True
        self._checking[found.log] = (_Checking(found.verifier), attrs.evolve(newest, until=found.bound), *older)

    def _rotate_before(self, found: Rotation, given: VerifierKey) -> None:
        """One of the node's keys before the one that was given: it has to lead there, and signs nothing for us."""
        if self._before and not compare_digest(found.previous, self._before[-1]):
            raise VerificationError("a rotation of the node's key that follows from none before it")
        self._before += [found.key] if self._before else [found.previous, found.key]
        self._reached = compare_digest(found.key, given.public)

    def _rotate_issuer(self, found: Rotation) -> None:
        known = self._issuing.get(found.log, ())
        _check_successor(found, [issuing.key for issuing in known], [])
        newest, *older = known
        self._issuing[found.log] = (_Issuing(found.key), attrs.evolve(newest, compromised=found.compromised), *older)


def _check_successor(found: Rotation, known: list[bytes], before: list[bytes]) -> None:
    if not known or not compare_digest(found.previous, known[0]):
        raise VerificationError(f"a rotation of the {found.kind.value} key of log {found.log!r} from a key that is not its newest")
    if found.key in known or found.key in before:
        raise VerificationError(f"a rotation of the {found.kind.value} key of log {found.log!r} to a key that was replaced before")
