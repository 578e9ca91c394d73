"""The entries of the node's log that say which keys a log has, each proved under one checkpoint: what a client follows.

Made from the index in as many steps as there are entries; checked with nothing but a key of the node's that was known before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from ledger import admission, node_index
from ledger.entry import NODE
from ledger.errors import VerificationError
from ledger.header import Header, parse
from ledger.note import VerifierKey
from ledger.proofs import verify_inclusion
from ledger.tree import leaf_hash
from ledger.trust import Trust

if TYPE_CHECKING:
    from ledger.reading import Reader  # opens a database; who follows a chain has none

_STRETCH = 1024  # entries a read, where the index does not help


@attrs.frozen
class Link:
    """An entry of the node's log and its inclusion proof (RFC 9162 §2.1.3)."""

    entry: bytes
    proof: tuple[bytes, ...]


@attrs.frozen
class KeyChain:
    """A checkpoint of the node, and under it every entry about the keys of one log and of the node, in their order."""

    checkpoint: bytes
    links: tuple[Link, ...]


def gather(ledger: Reader, log: str) -> KeyChain:
    """The chain of ``log`` as of now; raises UnknownLog."""
    ledger.head(log)
    head = ledger.head(NODE)
    found = {seq for name in {NODE, log} for seq in _about(ledger, name) if seq < head.size}
    links = []
    for seq in sorted(found):
        (record,) = ledger.read(NODE, seq, seq + 1)
        links.append(Link(record.entry, ledger.prove_inclusion(NODE, seq, head.size)))
    return KeyChain(head.checkpoint, tuple(links))


def follow(node_key: VerifierKey, chain: KeyChain) -> Trust:
    """What the node's log says of those keys, led to from ``node_key``; VerificationError where any of it does not hold.

    Every key in the answer stands in the node's own log.  A node that left the newest links out would keep its reader with
    keys that were replaced, as of the checkpoint it shows; it can lead nobody to a key that its log does not name.
    """
    trust, headers = Trust(node_key), list[Header]()
    for link in chain.links:
        header = parse(link.entry)
        if header.tenant != NODE:
            raise VerificationError(f"an entry of the log {header.tenant!r} among those of the node's", log=NODE, index=header.sequence)
        if headers and header.sequence <= headers[-1].sequence:
            raise VerificationError("the entries about keys are not in their order", log=NODE, index=header.sequence)
        trust.heed(header)
        headers.append(header)
    checkpoint = trust.open(NODE, chain.checkpoint)  # signed by a key that those entries lead to, and covering them:
    for header, link in zip(headers, chain.links, strict=True):
        try:
            verify_inclusion(leaf_hash(link.entry), header.sequence, checkpoint.size, link.proof, checkpoint.root)
        except VerificationError as error:
            raise error.at(NODE, header.sequence) from None
    return trust


def _about(ledger: Reader, log: str) -> Sequence[int]:
    """Where the node's log speaks of that log's keys, newest first."""
    found, at = list[int](), ledger.find(NODE, node_index.keys(log))
    if at is None and log != NODE:
        return _admission(ledger, log)
    while at is not None:
        found.append(at)
        (record,) = ledger.read(NODE, at, at + 1)
        header = parse(record.entry)
        at = header.follows[0] if header.follows else None
        if at is None and log != NODE and header.tag != admission.TAG:
            return (*found, *_admission(ledger, log))
    return found


def _admission(ledger: Reader, log: str) -> Sequence[int]:
    """The admission of a log that was admitted before admissions were found by the index: by looking at every entry."""
    size = ledger.head(NODE).size
    for start in range(0, size, _STRETCH):
        for record in ledger.read(NODE, start, start + _STRETCH):
            header = parse(record.entry)
            if header.tag == admission.TAG and admission.parse(header.public).log == log:
                return (record.seq,)
    return ()
