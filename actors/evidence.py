"""What proves one case to somebody who has nothing but the node's verifier key: which entries, under which checkpoints.

    tenant's log   the case's entries; those of the cases above it that proposed them; the standing chain (who belongs, which
                   bundle is in force) as far as the case's last entry names it; the bundles it was decided or executed under;
                   the trips of breakers that the case's entries name
    node's log     what says which keys the tenant's log and its warrants have; the newest commitment to that log

``plan`` chooses sizes and places once, so that every proof is under the same two checkpoints however the logs grow
meanwhile; ``part`` makes a stretch of it.  Both only read, from any thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from struct import Struct

import attrs

from actors.governance import codec, governed, index
from actors.governance import events as e
from actors.governance.evolve import STANDING
from ledger import NODE, BodyRemoved, Head, Header, Ledger, Record, leaf_hash, node_index, proofs, removal
from ledger.commitments import name_hash
from ledger.header import parse
from ledger.seal import SALT_SIZE
from ledger.tree import extend
from ledger.witnessed import size_of

MOST_ABOVE = 256  # cases above one another: beyond that a chain of retries has become a loop of its own
STRETCH = 32  # entries proved and opened at once, some milliseconds of a thread
_LEAF = Struct(">32sQ32s")  # a commitment's: hash of the log's name, size, root
_NAMING = 3  # what an entry follows that names a trip: its case's entry before, the trip, the newest standing entry
_STANDING_TAGS = frozenset(kind.TAG for kind in STANDING)  # type: ignore[attr-defined]  # all of them are events

Item = Mapping[str, object]


@attrs.frozen(kw_only=True)
class Plan:
    """Which entries of which log, and under which heads."""

    tenant: str
    case: str
    node: str  # the node's name
    heads: Mapping[str, Head]  # of the node's log and the tenant's
    places: Mapping[str, tuple[int, ...]]  # sequence numbers, rising
    commitment: Item | None


def last_entry(ledger: Ledger, tenant: str, case: str) -> int | None:
    """The newest entry of a case, None where there is none."""
    found = ledger.case_entries(tenant, case)
    return found[-1] if found else None


def committed_size(ledger: Ledger, tenant: str) -> int:
    """How much of a tenant's log the node's log has committed to by now."""
    commitment = ledger.commitment(tenant)
    return 0 if commitment is None else _committed(commitment[1], tenant)[1]


def plan(ledger: Ledger, tenant: str, case: str) -> Plan | None:
    """What evidence of a case consists of, as durable just now; None for a case that is not there."""
    head = ledger.head(tenant)
    steps = [seq for seq in ledger.case_entries(tenant, case) if seq < head.size]
    if not steps:
        return None
    commitment = ledger.commitment(tenant)
    node_head = ledger.head(NODE)
    wanted = {*steps}
    standing = list(_standing(ledger, tenant, steps[-1]))
    wanted.update(standing)
    above = list(_above(ledger, tenant, steps[0]))
    wanted.update(above)
    for digest in _bundles(ledger, tenant, steps, standing):
        pushed = ledger.find(tenant, index.bundle_key(digest))
        if pushed is not None:
            wanted.add(pushed)
    wanted.update(trip for seq in steps if (trip := trip_of(_header(ledger, tenant, seq))) is not None)
    wanted.update(_removals(ledger, tenant, wanted))
    own = {*_keys(ledger, NODE), *_keys(ledger, tenant)}
    bound = None
    if commitment is not None:
        sequence, leaves = commitment
        bound = _bound(ledger, tenant, sequence, leaves, head.size)
        own.add(sequence)
    return Plan(
        tenant=tenant,
        case=case,
        node=node_head.checkpoint.partition(b"\n")[0].decode(),  # its origin is the node's name
        heads={NODE: node_head, tenant: head},
        places={NODE: tuple(sorted(own)), tenant: tuple(sorted(seq for seq in wanted if seq < head.size))},
        commitment=bound,
    )


def opening(ledger: Ledger, made: Plan) -> Iterator[Item]:
    """What stands before the entries: the heads they are proved under, with what witnesses have signed."""
    yield {"kind": "start", "node": made.node, "tenant": made.tenant, "case": made.case}
    for log, head in made.heads.items():
        yield {"kind": "log", "log": log, "checkpoint": head.checkpoint, "witnessed": _witnessed(ledger, log, head)}
    yield {"kind": "commitment", "commitment": made.commitment}


def stretches(made: Plan) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The entries, in parts that ``part`` makes."""
    for log, places in made.places.items():
        for at in range(0, len(places), STRETCH):
            yield log, places[at : at + STRETCH]


def part(ledger: Ledger, made: Plan, log: str, places: Iterable[int]) -> list[Item]:
    """These entries with their proofs, and of the tenant's log with what their bodies were committed with."""
    found: list[Item] = []
    for seq in places:
        (record,) = ledger.read(log, seq, seq + 1)
        salt, body = (None, None) if log == NODE else _opened(ledger, log, record)
        proof = list(ledger.prove_inclusion(log, seq, made.heads[log].size))
        found.append({"kind": "entry", "log": log, "at": seq, "entry": record.entry, "salt": salt, "body": body, "proof": proof})
    return found


def _opened(ledger: Ledger, log: str, record: Record) -> tuple[bytes | None, bytes | None]:
    try:
        salted = ledger.open_salted(log, record)
    except BodyRemoved:
        return None, None
    return salted[:SALT_SIZE], salted[SALT_SIZE:]


def _header(ledger: Ledger, log: str, seq: int) -> Header:
    (record,) = ledger.read(log, seq, seq + 1)
    return parse(record.entry)


def _event(ledger: Ledger, log: str, seq: int) -> e.Event | None:
    """None where the body was removed."""
    (record,) = ledger.read(log, seq, seq + 1)
    try:
        return codec.decode(parse(record.entry).tag, ledger.open_body(log, record))
    except BodyRemoved:
        return None


def _standing(ledger: Ledger, tenant: str, last: int) -> Iterator[int]:
    """The standing chain, newest first, from what the entry ``last`` names."""
    follows = _header(ledger, tenant, last).follows
    while follows:
        header = _header(ledger, tenant, follows[-1])
        if header.tag not in _STANDING_TAGS:
            return  # an entry from before the chain was kept
        yield header.sequence
        follows = header.follows


def _above(ledger: Ledger, tenant: str, first: int) -> Iterator[int]:
    """The first entries of the cases above: whom they excluded is excluded here."""
    for _ in range(MOST_ABOVE):
        proposed = _event(ledger, tenant, first)
        if not isinstance(proposed, e.IntentProposed) or proposed.parent is None:
            return
        found = ledger.find(tenant, index.case_key(proposed.parent))
        if found is None or found >= first:
            return
        yield found
        first = found


def trip_of(header: Header) -> int | None:
    """The trip of a breaker that an entry of a case names, 0 for none; None where it names none, as of most kinds and of old ones."""
    return header.follows[1] if len(header.follows) == _NAMING else None


def _bundles(ledger: Ledger, tenant: str, steps: Sequence[int], standing: Sequence[int]) -> set[bytes]:
    """What the case was decided under, and what was in force from its first entry to its last."""
    found: set[bytes] = set()
    for seq in standing:  # newest first
        if (activated := _event(ledger, tenant, seq)) is not None and isinstance(activated, e.BundleActivated):
            found.add(activated.bundle)
            if seq < steps[0]:
                break
    decided = (_event(ledger, tenant, seq) for seq in steps if _header(ledger, tenant, seq).tag == e.CaseDecided.TAG)
    found.update(event.bundle for event in decided if isinstance(event, e.CaseDecided))
    return found - {governed.BUNDLE}


def _removals(ledger: Ledger, tenant: str, wanted: Iterable[int]) -> set[int]:
    """The entries that say why bodies are gone, where any are."""
    gone = {seq for seq in wanted if ledger.read(tenant, seq, seq + 1)[0].sealed is None}
    found: set[int] = set()
    at = ledger.find(tenant, removal.INDEX) if gone else None
    while at is not None and gone:
        header = _header(ledger, tenant, at)
        if explained := {seq for seq in gone for start, stop in removal.parse(header) if start <= seq < stop}:
            found.add(at)
            gone -= explained
        at = header.follows[-1] if header.follows else None
    return found


def _keys(ledger: Ledger, log: str) -> Iterator[int]:
    """What the node's log says about a log's keys: its rotations back to its admission."""
    at = ledger.find(NODE, node_index.keys(log))
    while at is not None:
        yield at
        follows = _header(ledger, NODE, at).follows
        at = follows[-1] if follows else None


def _witnessed(ledger: Ledger, log: str, head: Head) -> Item | None:
    note = ledger.witnessed(log)
    if note is None or (size := size_of(note)) > head.size:
        return None
    return {"note": note, "consistency": list(ledger.prove_consistency(log, size, head.size))}


def _committed(leaves: bytes, tenant: str) -> tuple[int, int, bytes]:
    """(index, size, root) of the tenant among a commitment's leaves."""
    name = name_hash(tenant)
    for at, (hashed, size, root) in enumerate(_LEAF.iter_unpack(leaves)):
        if hashed == name:
            return at, size, root
    raise AssertionError("the index names a commitment that is not about this log")


def _bound(ledger: Ledger, tenant: str, sequence: int, leaves: bytes, size: int) -> Item:
    """The commitment to this tenant alone, proved within the node's entry: others' sizes are not this case's business."""
    at, committed, root = _committed(leaves, tenant)
    parts = [leaves[start : start + _LEAF.size] for start in range(0, len(leaves), _LEAF.size)]
    nodes: list[list[bytes]] = []
    frontier: list[bytes] = []
    for number, leaf in enumerate(parts):
        for level, node in enumerate(extend(frontier, number, leaf_hash(leaf))):
            if level == len(nodes):
                nodes.append([])
            nodes[level].append(node)
    return {
        "sequence": sequence,
        "index": at,
        "size": committed,
        "root": root,
        "proof": list(proofs.prove_inclusion(lambda level, place: nodes[level][place], at, len(parts))),
        "consistency": list(ledger.prove_consistency(tenant, committed, size)),
    }
