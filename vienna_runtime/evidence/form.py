"""The file: one canonical map, of a version that it names, with exactly the declared fields.

It holds entries, proofs and signed heads and nothing else: no key stands in it but in the entries that admit keys, so that there is
none to be trusted by mistake.  Whoever reads it gets ``Evidence`` of the right shape, and nothing in it is true yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import attrs
import msgpack

from actors.governance import canonical
from actors.governance.canonical import Value
from vienna_runtime.errors import VerificationError

FORMAT = "vienna evidence 1"
SUFFIX = ".evidence"
MOST_ITEMS = 1 << 22  # fields, entries and hashes: a case among 100,000 others that are shown has some 30 an entry
_MOST_FIELDS = 64  # of one map in it; ours have at most seven
LARGEST = 512 * 1024 * 1024  # bytes: a case of 10,000 entries among 10,000 members is some 30 MB


@attrs.frozen(kw_only=True)
class Proved:
    """An entry, what its header commits to where that is not gone, and its path to the root."""

    entry: bytes
    salt: bytes | None
    body: bytes | None
    proof: tuple[bytes, ...]


@attrs.frozen(kw_only=True)
class Witnessed:
    """A checkpoint of the same log that witnesses have cosigned, and that the log has only grown since."""

    note: bytes
    consistency: tuple[bytes, ...]


@attrs.frozen(kw_only=True)
class Share:
    """What is shown of one log, all under one checkpoint."""

    checkpoint: bytes
    witnessed: Witnessed | None
    entries: tuple[Proved, ...]


@attrs.frozen(kw_only=True)
class Commitment:
    """The node's log commits to the tenant's: in entry ``sequence``, leaf ``index``, to ``size`` and ``root``."""

    sequence: int
    index: int
    size: int
    root: bytes
    proof: tuple[bytes, ...]  # of the leaf, under the root in the entry
    consistency: tuple[bytes, ...]  # from that size to the tenant's checkpoint


@attrs.frozen(kw_only=True)
class Evidence:
    """One case."""

    node: str
    tenant: str
    case: str
    node_log: Share
    tenant_log: Share
    commitment: Commitment | None


def pack(evidence: Evidence) -> bytes:
    """The file's bytes."""
    return canonical.pack({"format": FORMAT, **cast("dict[str, Value]", attrs.asdict(evidence))})


def unpack(packed: bytes) -> Evidence:
    """The evidence of exactly these bytes; VerificationError for anything else."""
    if len(packed) > LARGEST:
        raise VerificationError(f"the file has {len(packed)} bytes, evidence at most {LARGEST}")
    _check_items(packed)
    try:
        value = canonical.unpack(packed)
    except canonical.NotCanonical as error:
        raise VerificationError(f"the file is no evidence: {error}") from None
    if not isinstance(value, dict) or value.pop("format", None) != FORMAT:
        raise VerificationError(f"the file is no evidence of the version {FORMAT!r}")
    return Evidence(
        **_fields(value, "file", node=str, tenant=str, case=str, node_log=dict, tenant_log=dict, commitment=(dict, type(None)))
        | {
            "node_log": _share(value["node_log"], "node_log"),
            "tenant_log": _share(value["tenant_log"], "tenant_log"),
            "commitment": None if value["commitment"] is None else _commitment(value["commitment"]),
        }
    )


def _check_items(packed: bytes) -> None:
    """Before anything is built of it: a byte of an empty map takes a hundred in memory, and half a gigabyte of them the machine."""
    count = 0

    def seen(container: Sequence[Any] | Mapping[Any, Any]) -> None:
        nonlocal count
        count += 1 + len(container)
        if count > MOST_ITEMS:
            raise ValueError(f"it has more than {MOST_ITEMS} items")

    try:
        msgpack.unpackb(packed, list_hook=seen, object_hook=seen, max_array_len=MOST_ITEMS, max_map_len=_MOST_FIELDS, strict_map_key=True)
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise VerificationError(f"the file is no evidence: not one msgpack value, or too many ({type(error).__name__})") from None


def _share(value: Any, where: str) -> Share:
    fields = _fields(value, where, checkpoint=bytes, witnessed=(dict, type(None)), entries=list)
    witnessed = fields["witnessed"]
    if witnessed is not None:
        found = _fields(witnessed, f"{where}.witnessed", note=bytes, consistency=list)
        witnessed = Witnessed(note=found["note"], consistency=_hashes(found["consistency"], f"{where}.witnessed"))
    entries = tuple(_proved(item, f"{where}.entries") for item in fields["entries"])
    return Share(checkpoint=fields["checkpoint"], witnessed=witnessed, entries=entries)


def _proved(value: Any, where: str) -> Proved:
    fields = _fields(value, where, entry=bytes, salt=(bytes, type(None)), body=(bytes, type(None)), proof=list)
    if (fields["salt"] is None) != (fields["body"] is None):
        raise VerificationError(f"the file's {where}: a salt without its body, or a body without its salt")
    return Proved(**{**fields, "proof": _hashes(fields["proof"], where)})


def _commitment(value: Any) -> Commitment:
    where = "commitment"
    fields = _fields(value, where, sequence=int, index=int, size=int, root=bytes, proof=list, consistency=list)
    return Commitment(**{**fields, "proof": _hashes(fields["proof"], where), "consistency": _hashes(fields["consistency"], where)})


def _fields(value: Any, where: str, **kinds: type | tuple[type, ...]) -> dict[str, Any]:
    """The declared fields, each of its type (a boolean is no integer)."""
    if not isinstance(value, Mapping) or value.keys() != kinds.keys():
        raise VerificationError(f"the file's {where} has not exactly the fields {', '.join(kinds)}")
    for name, kind in kinds.items():
        if type(value[name]) not in (kind if isinstance(kind, tuple) else (kind,)):
            raise VerificationError(f"the file's {where}.{name} is of another type")
    return dict(value)


def _hashes(value: Sequence[Any], where: str) -> tuple[bytes, ...]:
    if any(type(item) is not bytes or len(item) != 32 for item in value):
        raise VerificationError(f"the file's {where} has a proof with something that is no hash")
    return tuple(value)
