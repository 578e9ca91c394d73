"""Which keys count for which log, by the node's own log and one key of the node's: the root of everything else.

A ``Trust`` is fed the headers of the node's log in their order (others in between may be left out: it looks at admissions
and rotations alone) and answers afterwards.  What it is told, it believes: whoever feeds it proves the entries by a
checkpoint of the node that ``open_checkpoint(note, trust.keys_of(NODE))`` opens, and relies on nothing before that.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ledger import admission
from ledger.admission import Admission
from ledger.entry import NODE
from ledger.errors import VerificationError
from ledger.header import Header
from ledger.note import VerifierKey


class Trust:
    """See the module."""

    def __init__(self, node_key: VerifierKey) -> None:
        self._keys: dict[str, tuple[VerifierKey, ...]] = {NODE: (node_key,)}
        self._issuers: dict[str, tuple[bytes, ...]] = {}
        self._admissions: dict[str, Admission] = {}

    @property
    def admissions(self) -> Mapping[str, Admission]:
        """Every log that was admitted so far, by its name."""
        return MappingProxyType(self._admissions)

    def heed(self, header: Header) -> None:
        """Take in the next entry of the node's log; VerificationError where it cannot be true."""
        if header.tag == admission.TAG:
            try:
                self._admit(admission.parse(header.public))
            except VerificationError as error:
                raise error.at(NODE, header.sequence) from None

    def keys_of(self, log: str) -> tuple[VerifierKey, ...]:
        """Every key that ever counted for the log's checkpoints, newest first; VerificationError for a log never admitted."""
        try:
            return self._keys[log]
        except KeyError:
            raise VerificationError("no entry of the node's log admits it", log=log) from None

    def issuers_of(self, log: str) -> tuple[bytes, ...]:
        """Every key that ever counted for the warrants of that tenant, newest first; none where the log issues none."""
        self.keys_of(log)
        return self._issuers.get(log, ())

    def _admit(self, entry: Admission) -> None:
        if entry.log in self._keys:
            raise VerificationError(f"the log {entry.log!r} is admitted twice")
        self._admissions[entry.log] = entry
        self._keys[entry.log] = (entry.key,)
        if entry.issuer:
            self._issuers[entry.log] = (entry.issuer,)
