"""How a key hands over on a running node, in an order in which every crash leaves something that is put right on starting.

    1  the new key is in the keystore, and signs nothing       a crash: it waits there for the next time
    2  the entry is in the node's log, signed by the old key   a crash: ``settle`` goes on with 3
    3  both keys sign                                          a crash: ``settle`` goes on with 4
    4  the log's checkpoint is signed again, by both           from here on every checkpoint carries the new key's signature
    5  the old key is over: after the overlap, or at once where it may be in other hands, and always for an issuer's,
       whose signatures are checked by its public half alone

All of it runs in the ledger's thread, between two commits.  When the commit of 2 fails nobody knows whether the entry is
there: both keys sign from then on, which is true either way, and ``settle`` finds out what was meant.
"""

from __future__ import annotations

import attrs
import structlog

from ledger import NODE, CommitFailed, Ledger, LogFrozen, VerificationError, node_index, origin_of, rotation
from ledger.header import parse
from ledger.note import open_note
from ledger.rotation import Kind, Rotation
from vienna_runtime.keyring import Purpose
from vienna_runtime.keystore import Keystore
from vienna_runtime.ledger_keys import LedgerKeys

warnings = structlog.get_logger(__name__)

DAY = 86_400_000_000  # µs
OVERLAP = 7 * DAY  # long enough for a verifier that looks once a week; a short one costs only those who are late a look at the log

PURPOSES = {Kind.CHECKPOINT: Purpose.CHECKPOINT, Kind.ISSUER: Purpose.ISSUER}
KINDS = {purpose: kind for kind, purpose in PURPOSES.items()}


@attrs.frozen(kw_only=True)
class Wanted:
    """Which key is to be replaced."""

    log: str
    kind: Kind
    compromised: bool = False
    overlap: int = OVERLAP  # µs; none where it is compromised, and none for an issuer's
    now: int  # µs, of legal time
    actor: str


def rotate(ledger: Ledger, keystore: Keystore, wanted: Wanted) -> Rotation:
    """Have a new key take over; durable when this returns.  Raises UnknownOwnerError, CommitFailed, LogFrozen."""
    purpose, log = PURPOSES[wanted.kind], wanted.log
    _settle(ledger, keystore, purpose, log)
    old, new = keystore.signing(purpose, log)[0], keystore.prepare(purpose, log)
    change = Rotation(
        kind=wanted.kind,
        log=log,
        origin=origin_of(keystore.node, log),
        previous=old.public,
        key=new.public,
        size=ledger.head(log).size,
        compromised=wanted.compromised,
    )
    public = rotation.compose(change, by_previous=old.sign, by_key=new.sign)
    try:
        ledger.rotate(public, time=wanted.now, actor=wanted.actor)
    except CommitFailed:
        if wanted.kind is Kind.CHECKPOINT:
            keystore.activate(purpose, log)
        raise
    keystore.activate(purpose, log)
    _finish(ledger, keystore, change, wanted.overlap)
    return change


def settle(ledger: Ledger, keystore: Keystore) -> None:
    """Bring the keystore to what the node's log says, where a rotation was cut short; end the overlaps that are over."""
    for purpose, log in keystore.turning():
        try:
            _settle(ledger, keystore, purpose, log)
        except LogFrozen as error:
            warnings.warning("a rotation stays where it was cut short", log=log, purpose=purpose.value, why=str(error))


def retire(ledger: Ledger, keystore: Keystore, kind: Kind, log: str) -> int:
    """End the overlap now; how many keys are over.  The newest signs everything already."""
    ended = _settle(ledger, keystore, PURPOSES[kind], log)
    return ended + keystore.retire(PURPOSES[kind], log)


def _settle(ledger: Ledger, keystore: Keystore, purpose: Purpose, log: str) -> int:
    """How many keys were over."""
    if log not in ledger.logs():
        return 0  # its keys were made, and its admission was cut short: nothing was announced
    last = _last(ledger, log, KINDS[purpose])
    newest, prepared = keystore.signing(purpose, log)[0], keystore.prepared(purpose, log)
    if last is not None and prepared is not None and last.key == prepared.public:
        keystore.activate(purpose, log)
        _finish(ledger, keystore, last, OVERLAP)
    elif last is not None and last.key == newest.public:
        _finish(ledger, keystore, last, OVERLAP)
    elif len(keystore.signing(purpose, log)) > 1:
        keystore.withdraw(purpose, log)  # the commit that failed did not happen
    return keystore.retire(purpose, log, ended=True)


def _finish(ledger: Ledger, keystore: Keystore, change: Rotation, overlap: int) -> None:
    purpose = PURPOSES[change.kind]
    if change.kind is Kind.CHECKPOINT and not _signed(ledger.head(change.log).checkpoint, keystore, change.log):
        ledger.sign_again(change.log)
    # Only now: a log whose stored checkpoint none of the keys has signed that still do would not open.
    if change.compromised or change.kind is Kind.ISSUER or not overlap:
        keystore.retire(purpose, change.log, compromised=change.compromised)
    else:
        keystore.end(purpose, change.log, until=keystore.now() + overlap)


def _signed(note: bytes, keystore: Keystore, log: str) -> bool:
    """Whether the newest key has signed it."""
    try:
        open_note(note, [LedgerKeys(keystore).verifier(log)])
    except VerificationError:
        return False
    return True


def _last(ledger: Ledger, log: str, kind: Kind) -> Rotation | None:
    """The newest rotation of that key that the node's log holds."""
    at = ledger.find(NODE, node_index.keys(log))
    while at is not None:
        (record,) = ledger.read(NODE, at, at + 1)
        header = parse(record.entry)
        if header.tag == rotation.TAG:
            found = rotation.parse(header.public)
            if found.kind is kind:
                return found
        at = header.follows[0] if header.follows else None
    return None
