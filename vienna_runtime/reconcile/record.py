"""One thing that a provider says happened, and the file form of it: one JSON object a line.

    {"time": "2026-11-22T20:04:20Z", "place": "refs/heads/main", "digest": "5e1c…", "effect": "", "actor": "deploy-bot"}

All fields may be left out but for one of ``effect``, ``place`` and ``resource``.  A field of another name is refused: a misspelt
``effect`` would match nothing, in silence.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import attrs

from vienna_runtime.reconcile.errors import EvidenceInvalid

FIELDS = ("time", "action", "resource", "place", "digest", "effect", "actor")
LONGEST_LINE = 64 * 1024  # bytes: a record is a few hundred
LONGEST_TEXT = 2_048  # characters of one field


@attrs.frozen
class Record:
    time: int | None = None  # µs since 1970
    action: str = ""
    resource: str = ""
    place: str = ""  # what the provider calls the thing: a path, a ref, a method and a URL
    digest: str = ""  # of what is there now, or of what was done
    effect: str = ""  # the idempotency key the provider was given: the effect's id
    actor: str = ""

    def __str__(self) -> str:
        what = self.place or " ".join(part for part in (self.action, self.resource) if part) or f"effect {self.effect}"
        return f"{what} {self.digest[:64]}".strip()


def records(file: BinaryIO, name: str, longest: int = LONGEST_TEXT) -> Iterator[Record]:
    """The records of a file of JSON lines, one at a time; raises ``EvidenceInvalid``."""
    for number, line in enumerate(lines(file, name), 1):
        if line.strip():
            yield _record(line, f"{name}:{number}", longest)


def spooled(file: BinaryIO, name: str) -> Iterator[Record]:
    """What ``spool`` wrote: whoever makes a file, or a ref, may give it the longest name there is."""
    return records(file, name, LONGEST_LINE)


def lines(file: BinaryIO, name: str) -> Iterator[bytes]:
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise EvidenceInvalid(f"{name}:{number}: a line of more than {LONGEST_LINE // 1024} KiB is no record")
        yield line


def _record(line: bytes, where: str, longest: int) -> Record:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise EvidenceInvalid(f"{where}: not JSON: {error}") from None
    if not isinstance(found, dict):
        raise EvidenceInvalid(f"{where}: a record is a JSON object")
    if unknown := set(found) - set(FIELDS):
        raise EvidenceInvalid(f"{where}: a record has no field {sorted(unknown)[0]!a}; its fields are {', '.join(FIELDS)}")
    texts = {name: found.get(name) or "" for name in FIELDS[1:]}
    if wrong := [name for name, text in texts.items() if not isinstance(text, str) or len(text) > longest]:
        raise EvidenceInvalid(f"{where}: {wrong[0]} is not text of at most {longest} characters")
    if not (texts["effect"] or texts["place"] or texts["resource"]):
        raise EvidenceInvalid(f"{where}: a record names an effect, a place or a resource")
    plain = {name: text.encode("utf-8", "backslashreplace").decode() for name, text in texts.items()}  # JSON may hold half a surrogate
    return Record(time=_time(found.get("time"), where), **plain)


def _time(value: object, where: str) -> int | None:
    """µs since 1970, from those or from RFC 3339."""
    if value is None:
        return None
    if type(value) is int and 0 <= value < 2**62:
        return value
    try:
        when = dt.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        when = None
    if when is None or when.tzinfo is None:
        raise EvidenceInvalid(f"{where}: a time is RFC 3339 with its zone, as in 2026-11-22T20:04:20Z, or whole microseconds since 1970")
    return micros(when)


def micros(when: dt.datetime) -> int:
    return int(when.timestamp()) * 1_000_000 + when.microsecond


def spool(found: Iterable[Record], file: BinaryIO) -> tuple[bytes, int]:
    """Writes records as lines, to be read again after the log; their digest, and how many."""
    digest, count = hashlib.sha256(), 0
    for record in found:
        fields = {name: value for name, value in attrs.asdict(record).items() if value not in ("", None)}
        line = json.dumps(fields, sort_keys=True).encode() + b"\n"
        digest.update(line)
        file.write(line)
        count += 1
    file.seek(0)
    return digest.digest(), count
