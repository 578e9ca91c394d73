"""A node serves no ledger that lies behind what it once released, or beside it, unless somebody answers for that by name.

Every log that the watermark names must be there, be at least as long, and have had the same root at that length.  A log
that does not match itself is frozen by the ledger on opening and is not judged here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from hmac import compare_digest

import attrs

from actors.governance.codec import decode_node, encode_node
from actors.governance.node_law import RollbackAccepted
from ledger import NODE, Batch, BodyRemoved, Draft, Ledger, Receipt
from ledger.header import parse
from vienna_runtime import forked
from vienna_runtime.config import Config
from vienna_runtime.errors import ServingError, WatermarkLost
from vienna_runtime.watermark import Mark, Marks, Watermark
from vienna_runtime.witness.showing import Finding

_SHOWN = 8  # logs in one sentence; an old copy is behind in all of them, and a few say which copy it must be
GONE = Mark(0, b"")
ACCEPTED = b"rollback.accepted"  # finds the last of these entries


@attrs.frozen
class Behind:
    """A log that is not what it was."""

    log: str
    released: Mark
    found: Mark  # ``GONE`` where there is no such log

    def __str__(self) -> str:
        name = f"the log of {self.log}" if self.log else "the node's own log"
        size, root = self.released.size, self.released.root.hex()[:16]
        if self.found is GONE:
            return f"{name} is missing; it must have at least {size} entries, with the root {root}… at that size"
        if self.found.size < size:
            return f"{name} ends after {self.found.size}; it must have at least {size} entries, with the root {root}… at that size"
        return f"{name} is another one: at the size {size} it must have the root {root}…, and has another"


def compared(marks: Marks, ledger: Ledger) -> tuple[Behind, ...]:
    """The logs that are not what they were when the marks were taken."""
    logs = ledger.logs()
    behind = []
    for name, mark in marks.items():
        head = logs.get(name)
        if head is None:
            behind.append(Behind(name, mark, GONE))
        elif head.frozen is None and (head.size < mark.size or not compare_digest(ledger.root_at(name, mark.size), mark.root)):
            behind.append(Behind(name, mark, Mark(head.size, head.root)))
    return tuple(behind)


def begin(config: Config, node: str, ledger: Ledger, *, accept: str | None, heard: Sequence[Finding] = ()) -> Watermark:
    """The watermark to go on with; before anything is served.  ``heard`` is what the witnesses object to.

    Raises ``ServingError`` where the ledger is not the one that was released, unless ``accept`` gives a reason, or a restore
    that forked has left one: then that is an entry of the node's log.  Without such a need a reason is refused, or it would
    stand in somebody's start script and accept whatever comes.
    """
    behind: tuple[Behind, ...] = ()
    try:
        watermark = Watermark.read(config.watermark, node)
        behind = compared(watermark.marks, ledger)
        found = _shown(behind)
    except WatermarkLost as lost:
        watermark, found = Watermark(config.watermark, node), str(lost)
    known = _accepted(ledger) if heard else {}
    objections = [finding for finding in heard if finding.known > known.get(finding.log, -1)]
    pending = forked.pending(config)
    accept = accept if pending is None else accept or pending.reason
    found = "; ".join(part for part in (found, _shown(objections)) if part) or ("" if pending is None else pending.found)
    if found and accept is None:
        raise ServingError(_refusal(config, found, lost=not behind and not objections))
    if not found and accept is not None:
        raise ServingError("there is no rollback to accept: the ledger is all that was released; start without --accept-rollback")
    if found and accept is not None:
        gone_on = [(b.log, *_plain(b.released), *_plain(b.found)) for b in behind]
        gone_on += [(f.log, f.known, b"", f.size, f.root) for f in heard]  # those accepted before, too: the last entry holds them all
        _record(ledger, RollbackAccepted(accept, found, tuple(gone_on)))
        watermark = Watermark(config.watermark, node)
        watermark.advance(ledger.logs())
        watermark.write()
        forked.settle(config)
    return watermark


def _refusal(config: Config, found: str, *, lost: bool) -> str:
    what = (
        f"it is not known whether the ledger in {config.ledger} is complete" if lost else f"an old or another ledger is in {config.ledger}"
    )
    back = "Put that file back from where it was" if lost else "Put back the ledger, or a copy of it, that has all this"
    way = f"vienna serve {config.directory} --accept-rollback REASON"
    return f"{what}: {found}.\n{back}. To go on with what is there, for a reason that is recorded for ever:\n  {way}"


def _shown(found: Sequence[object]) -> str:
    return "; ".join(map(str, found[:_SHOWN])) + (f"; and {len(found) - _SHOWN} logs more" if len(found) > _SHOWN else "")


def _accepted(ledger: Ledger) -> dict[str, int]:
    """By log, the largest size at which somebody has accepted that it was another; what witnesses remember of it is not news."""
    seq = ledger.find(NODE, ACCEPTED)
    if seq is None:
        return {}
    (record,) = ledger.read(NODE, seq, seq + 1)
    try:
        event = decode_node(RollbackAccepted.TAG, ledger.open_body(NODE, record))
    except BodyRemoved:
        return {}
    found = dict[str, int]()
    for log, size, *_ in event.logs if isinstance(event, RollbackAccepted) else ():
        found[log] = max(size, found.get(log, 0))
    return found


def _plain(mark: Mark) -> tuple[int, bytes]:
    return mark.size, mark.root


def _record(ledger: Ledger, event: RollbackAccepted) -> None:
    head = ledger.head(NODE)
    now = time.time_ns() // 1000
    if head.size:
        (last,) = ledger.read(NODE, head.size - 1, head.size)
        now = max(now, parse(last.entry).time)  # legal time never runs backwards
    (answer,) = ledger.append_many([Batch(NODE, head.size, (Draft(event.TAG, now, "serve", encode_node(event), keys=(ACCEPTED,)),))])
    if not isinstance(answer, Receipt):
        raise ServingError(f"the rollback cannot be accepted, because it cannot be recorded: {answer}")
