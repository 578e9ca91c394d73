"""An entry is the canonical map of one header: these fields, in this order, under these names.

    version tag tenant sequence time actor case step previous follows commitment [public]

The names are spelled out so that a stranger with any msgpack library can read an entry in seven years.  ``previous``
is the leaf hash of the entry before (zeros for the first): a chain for people to follow, the evidence is the tree
alone.  ``commitment`` is SHA-256(salt ‖ body).  ``public`` is a map in the clear, there only when it says something.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import cast

import attrs
import msgpack

from ledger import canonical
from ledger.entry import Draft
from ledger.errors import BadDraft, VerificationError

VERSION = 1
LARGEST_HEADER = 4095  # below one disk page, so that a tail of headers is cheap to read and to ship
LATELY = 16  # headers remembered as read: a reader looks at one for its kind, and at once again to open its body
FIRST = bytes(32)  # what the first entry of a log names as its previous one

_FIELDS = ["version", "tag", "tenant", "sequence", "time", "actor", "case", "step", "previous", "follows", "commitment"]
_WITH_PUBLIC = bytes([0x80 | len(_FIELDS) + 1])  # the map's first byte when ``public`` follows (msgpack fixmap)
_PUBLIC = b"\xa6public"  # its key (msgpack fixstr)


class _Packers(threading.local):
    """A packer a thread: it holds one buffer, and readers parse (which packs again) while the writer packs."""

    def __init__(self) -> None:
        self.packer = msgpack.Packer(autoreset=True)
        self.pack = self.packer.pack


_packers = _Packers()


@attrs.frozen(kw_only=True)
class Header:
    """A parsed entry; ``public`` is empty when there was none."""

    tag: str
    tenant: str
    sequence: int
    time: int
    actor: str
    case: str
    step: int
    previous: bytes
    follows: tuple[int, ...]
    commitment: bytes
    public: bytes


def pack(draft: Draft, tenant: str, sequence: int, previous: bytes, commitment: bytes) -> bytes:
    """The entry's bytes; raises BadDraft for what no header may carry.  Hot: about 2 µs."""
    time, step, follows = draft.time, draft.step, draft.follows
    if type(time) is not int or type(step) is not int or not 0 <= time <= canonical.LARGEST or not 0 <= step <= canonical.LARGEST:
        raise BadDraft("time and step are whole numbers from 0 to 2⁶³−1")
    if follows and not all(type(number) is int and 0 <= number < sequence for number in follows):
        raise BadDraft("an entry follows earlier entries of its own log only")
    try:
        packed: bytes = _packers.pack(
            {
                "version": VERSION,
                "tag": draft.tag,
                "tenant": tenant,
                "sequence": sequence,
                "time": time,
                "actor": draft.actor,
                "case": draft.case,
                "step": step,
                "previous": previous,
                "follows": follows,
                "commitment": commitment,
            }
        )
    except (TypeError, ValueError, OverflowError) as error:
        _packers.packer.reset()
        raise BadDraft(f"not a header: {error}") from None
    if draft.public:
        packed = _WITH_PUBLIC + packed[1:] + _PUBLIC + checked_public(draft.public)
    if len(packed) > LARGEST_HEADER:
        raise BadDraft(f"a header of {len(packed)} bytes; the most is {LARGEST_HEADER}")
    return packed


def parse(entry: bytes) -> Header:
    """The header that has exactly these bytes; raises VerificationError for anything else."""
    return _parsed(entry)


@lru_cache(maxsize=LATELY)
def _parsed(entry: bytes) -> Header:
    if len(entry) > LARGEST_HEADER:
        raise VerificationError(f"a header of {len(entry)} bytes; the most is {LARGEST_HEADER}")
    try:
        fields = msgpack.unpackb(entry, strict_map_key=True)
    except (ValueError, TypeError, msgpack.UnpackException):
        raise VerificationError("the header is not msgpack") from None
    if not isinstance(fields, dict) or list(fields)[: len(_FIELDS)] != _FIELDS or list(fields)[len(_FIELDS) :] not in ([], ["public"]):
        raise VerificationError("the header's fields are not the declared ones")
    public = fields.pop("public", None)
    if public is not None and not (isinstance(public, dict) and public):
        raise VerificationError("the header's public part is not a map that says something")
    header = _typed(fields, b"" if public is None else _encoded(public))
    if _again(header) != entry:
        raise VerificationError("the header is not in its canonical form")
    return header


def _typed(fields: dict[str, object], public: bytes) -> Header:
    texts = all(isinstance(fields[name], str) for name in ("tag", "tenant", "actor", "case"))
    numbers = all(type(fields[name]) is int and 0 <= cast(int, fields[name]) <= canonical.LARGEST for name in ("sequence", "time", "step"))
    hashes = all(isinstance(fields[name], bytes) and len(cast(bytes, fields[name])) == 32 for name in ("previous", "commitment"))
    follows = fields["follows"]
    if not (texts and numbers and hashes and isinstance(follows, list)) or fields["version"] != VERSION:
        raise VerificationError("the header's fields are not of their declared types")
    if not all(type(number) is int and 0 <= number < cast(int, fields["sequence"]) for number in follows):
        raise VerificationError("the header follows what is not before it")
    values = {name: value for name, value in fields.items() if name not in ("version", "follows")}
    return Header(**values, follows=tuple(follows), public=public)  # type: ignore[arg-type]  # looked at above


def _again(header: Header) -> bytes:
    draft = Draft(
        tag=header.tag,
        time=header.time,
        actor=header.actor,
        body=b"",
        case=header.case,
        step=header.step,
        follows=header.follows,
        public=header.public,
    )
    try:
        return pack(draft, header.tenant, header.sequence, header.previous, header.commitment)
    except BadDraft as error:
        raise VerificationError(str(error)) from None


def _encoded(public: dict[str, canonical.Value]) -> bytes:
    try:
        return canonical.encode(public)
    except ValueError as error:
        raise VerificationError(f"the header's public part has no canonical form: {error}") from None


def checked_public(public: bytes) -> bytes:
    """A public part that a header may carry, as it is; raises BadDraft."""
    try:
        if not canonical.decode_map(public):
            raise BadDraft("an empty public part is left out")
    except VerificationError as error:
        raise BadDraft(f"the public part: {error}") from None
    return public
