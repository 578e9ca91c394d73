"""A sealed state, bound to the position it was taken at, and used only when every part of that binding holds.

    sealed = data key's id ‖ nonce ‖ XSalsa20-Poly1305(length (4) ‖ [purpose, log, size, root, fingerprint] ‖ state)

XSalsa20-Poly1305 has no associated data, so the binding lies inside, in front of the state.  The digest is SHA-256 of the
sealed bytes; its holder puts it on the log, which is what makes a snapshot evidence.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from hashlib import sha256
from hmac import compare_digest

import attrs
import msgpack

from ledger import canonical
from ledger.entry import Head
from ledger.environment import NUMBER, Environment, Txn
from ledger.errors import VerificationError
from ledger.keys import DataKey
from ledger.seal import NONCE_SIZE, open_sealed, seal

KEPT = 3  # the newest, one to fall back on when it is damaged, and one more; older ones answer no question
PURPOSE = "vienna/snapshot/1"


@attrs.frozen
class Snapshot:
    """A state as stored; ``digest`` is what was returned when it was put."""

    size: int
    root: bytes
    fingerprint: bytes
    digest: bytes
    sealed: bytes = attrs.field(repr=False)


def make(key: DataKey, log: str, head: Head, fingerprint: bytes, state: bytes) -> Snapshot:
    """A snapshot of ``state`` at the head's position."""
    bound = canonical.encode([PURPOSE, log, head.size, head.root, fingerprint])
    sealed = seal(key, os.urandom(NONCE_SIZE), len(bound).to_bytes(4, "big") + bound + state)
    return Snapshot(head.size, head.root, fingerprint, sha256(sealed).digest(), sealed)


def unseal(key: DataKey, log: str, snapshot: Snapshot) -> bytes:
    """The state, when digest, seal and binding all hold; else VerificationError."""
    if not compare_digest(sha256(snapshot.sealed).digest(), snapshot.digest):
        raise VerificationError("the snapshot has another digest", log=log, index=snapshot.size)
    content = open_sealed(key, snapshot.sealed)
    bound = canonical.encode([PURPOSE, log, snapshot.size, snapshot.root, snapshot.fingerprint])
    if not compare_digest(content[: 4 + len(bound)], len(bound).to_bytes(4, "big") + bound):
        raise VerificationError("the snapshot is bound to another position", log=log, index=snapshot.size)
    return content[4 + len(bound) :]


def put(env: Environment, txn: Txn, log: int, snapshot: Snapshot) -> None:
    """Store it, and drop what is older than the kept ones."""
    table, prefix = env.table("snapshots"), log.to_bytes(4, "big")
    value = msgpack.packb([snapshot.root, snapshot.fingerprint, snapshot.digest, snapshot.sealed])
    txn.put(prefix + NUMBER.pack(snapshot.size), value, db=table)
    for key in _keys(env, txn, log)[:-KEPT]:
        txn.delete(key, db=table)


def drop(env: Environment, txn: Txn, log: int, sizes: Iterable[int]) -> None:
    """Take away the snapshots at these sizes: the key that opens them is about to be destroyed."""
    for size in sizes:
        txn.delete(log.to_bytes(4, "big") + NUMBER.pack(size), db=env.table("snapshots"))


def stored(env: Environment, txn: Txn, log: int) -> list[Snapshot]:
    """What is there, newest first; what does not even parse is left out, as a snapshot that is not used."""
    found = []
    for key in reversed(_keys(env, txn, log)):
        try:
            root, fingerprint, digest, sealed = msgpack.unpackb(txn.get(key, db=env.table("snapshots")))
        except (ValueError, TypeError, msgpack.UnpackException):
            continue
        if all(type(part) is bytes for part in (root, fingerprint, digest, sealed)):
            found.append(Snapshot(NUMBER.unpack(key[4:])[0], root, fingerprint, digest, sealed))
    return found


def _keys(env: Environment, txn: Txn, log: int) -> list[bytes]:
    cursor, prefix, found = txn.cursor(env.table("snapshots")), log.to_bytes(4, "big"), list[bytes]()
    if cursor.set_range(prefix):
        for key in cursor.iternext(keys=True, values=False):
            if not key.startswith(prefix):
                break
            found.append(key)
    return found
