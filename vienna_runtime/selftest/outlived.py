"""What a crash left of a keystore and ledger that grow old keeps every promise, or ``Broken`` says which one it does not.

1  both open, no log is frozen, and what a rotation left undone is put right
2  acknowledged entries are there, under the acknowledged roots; so is what was archived and witnessed
3  a body is there and the one that was written unless it was removed; a removal under way took all that it names, or nothing
4  a key that was destroyed is not there again
5  everything verifies, also by the node's very first key
6  forgetting and archiving go on to their end; then all of this holds still, more can be written, and it opens again
"""

from __future__ import annotations

from pathlib import Path

from ledger import NODE, BadDraft, Batch, Draft, Ledger, LedgerError, Receipt, verify_directory
from ledger.forgetting import Step
from ledger.header import parse
from vienna_runtime.errors import ViennaError
from vienna_runtime.keystore import Keystore
from vienna_runtime.ledger_keys import LedgerKeys
from vienna_runtime.selftest import aging, script
from vienna_runtime.selftest.aging import LEDGER, LOGS, Told
from vienna_runtime.selftest.errors import Broken

_LATER = script.BEGUN + 1000 * aging.MONTH  # after everything; so every month of before is over


def check(left: Path, told: Told, *, go_on: bool = True) -> Told:
    """All of it; what holds now.  ``go_on``: also point 6, which changes what is left."""
    if not told.steps and not left.exists():
        return told  # nothing was promised, and not even its directory had come to be; whatever is in one must open
    try:
        return _check(left, told, go_on)
    except (LedgerError, ViennaError) as error:
        raise Broken(f"{type(error).__name__} while or after {told.doing or 'nothing'!r}: {error}") from error


def _check(left: Path, told: Told, go_on: bool) -> Told:
    keystore, ledger = aging.opened(left, lambda: _LATER)
    try:
        _look(keystore, ledger, told)
        ledger.verify()
        if go_on:
            _go_on(ledger)
            _look(keystore, ledger, told)
            ledger.verify()
            _write_more(ledger)
        sizes = {log: head.size for log, head in ledger.logs().items()}
    finally:
        ledger.close()
    if told.node_key:
        report = verify_directory(left / LEDGER, aging.first_key(told))
        if {log.log: log.size for log in report.logs} != sizes:
            raise Broken(f"another reader sees {report.logs}, not {sizes}")
    return told


def _look(keystore: Keystore, ledger: Ledger, told: Told) -> None:
    heads = ledger.logs()
    for log, head in heads.items():
        if head.frozen is not None:
            raise Broken(f"log {log!r} is frozen: {head.frozen}")
    for log, (size, root) in told.at.items():
        if log not in heads or heads[log].size < size:
            raise Broken(f"acknowledged entries are lost: log {log!r} had {size} and has {heads[log].size if log in heads else None}")
        if ledger.root_at(log, size).hex() != root:
            raise Broken(f"log {log!r} has another root at {size} than was acknowledged")
        if ledger.archived(log) < told.archived[log]:
            raise Broken(f"the archive of log {log!r} reached to {told.archived[log]} and reaches to {ledger.archived(log)}")
        if aging.witnessed(ledger, log) < told.witnessed[log]:
            raise Broken(f"log {log!r} was witnessed to {told.witnessed[log]} and is to {aging.witnessed(ledger, log)}")
        current = LedgerKeys(keystore).verifier(log).text
        if current != told.keys[log] and not told.doing.startswith("rotate"):
            raise Broken(f"log {log!r} is signed by {current}, not by {told.keys[log]}")
    for log, head in heads.items():
        _look_at_bodies(ledger, log, head.size, frozenset(told.gone.get(log, ())), frozenset(told.going.get(log, ())))
    for log, keys in told.destroyed.items():
        for key in keys:
            if keystore.data_key_by_id(log, bytes.fromhex(key)) is not None:
                raise Broken(f"the key {key} of log {log!r} was destroyed and is there again")


def _look_at_bodies(ledger: Ledger, log: str, size: int, gone: frozenset[int], going: frozenset[int]) -> None:
    missing = set[int]()
    for record in ledger.read(log, 0, size):
        if record.sealed is None:
            missing.add(record.seq)
        else:
            found = ledger.open_body(log, record)
            if log != NODE and parse(record.entry).tag == aging.TAG and found != script.body(log, record.seq):
                raise Broken(f"entry {record.seq} of log {log!r} has another body than was written")
    if missing not in (gone, gone | going):
        raise Broken(f"log {log!r} lacks the bodies {sorted(missing)}; removed were {sorted(gone)}, being removed {sorted(going)}")


def _go_on(ledger: Ledger) -> None:
    for log in LOGS:
        if log not in ledger.logs():
            continue
        while (step := ledger.forget(log)) is not Step.DONE:
            if step is Step.NEEDS_SNAPSHOT:
                head = ledger.head(log)
                ledger.put_snapshot(log, size=head.size, root=head.root, fingerprint=b"1", state=b"a state")
        if ledger.owes_forgetting(log):
            raise Broken(f"log {log!r} owes forgetting after it is done")
        while (segment := ledger.prepare_segment(log, before=_LATER)) is not None:
            try:
                ledger.adopt_segment(segment)
            except BadDraft as error:
                raise Broken(f"a segment of log {log!r} that nothing overtook is not adopted: {error}") from error
        while ledger.sweep_archived(log):
            pass


def _write_more(ledger: Ledger) -> None:
    for log in LOGS:
        if log in ledger.logs():
            position = ledger.head(log).size
            (answer,) = ledger.append_many([Batch(log, position, (Draft("selftest.more/1", _LATER, "ada", b"more"),))])
            if not isinstance(answer, Receipt):
                raise Broken(f"nothing more can be written: {answer}")
    ledger.commit_heads(time=_LATER, actor="node")
    ledger.verify()
