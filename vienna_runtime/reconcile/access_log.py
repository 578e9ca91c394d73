"""The requests of an access log in common or combined format, as records: the place is the method and the path.

    127.0.0.1 - deploy [22/Nov/2026:20:04:20 +0000] "POST /orders/8812/refund HTTP/1.1" 201 512

Requests that were refused (a status of 400 or more) changed nothing and are passed over, as are those whose method only reads.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import BinaryIO

from vienna_runtime.reconcile.errors import EvidenceInvalid
from vienna_runtime.reconcile.record import Record, lines, micros

# Who asks may give any name (a space in it, too) and send anything as a request; servers escape quotes in both.
_LINE = re.compile(r'(\S+) \S+ ([^"]*?) \[([^\]]{20,40})\] "((?:[^"\\]|\\.)*)" ([0-9]{3}) \S+.*', re.DOTALL)
_REQUEST = re.compile(r"([A-Z]+) ([^ ]+)(?: HTTP/[0-9.]+)?")
_MONTHS = {name: at for at, name in enumerate(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], 1)}
READS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "CONNECT"})
_REFUSED = 400


def records(file: BinaryIO, name: str) -> Iterator[Record]:
    """Raises ``EvidenceInvalid`` for a line that is none: evidence that is not understood is not passed over."""
    for number, line in enumerate(lines(file, name), 1):
        text = line.decode("utf-8", "backslashreplace").rstrip("\n")
        if not text:
            continue
        found = _LINE.fullmatch(text)
        if found is None:
            raise EvidenceInvalid(f"{name}:{number}: no line of an access log in common or combined format")
        host, user, when, sent, status = found.groups()
        if int(status) >= _REFUSED:
            continue  # also what is no request: anybody can send that, and it was refused
        request = _REQUEST.fullmatch(sent)
        if request is None:
            raise EvidenceInvalid(f"{name}:{number}: its request is not of the form METHOD TARGET, and was not refused")
        method, target = request.groups()
        if method in READS:
            continue
        actor = user if user != "-" else host
        yield Record(time=_time(when, f"{name}:{number}"), place=f"{method} {target.split('?')[0]}", actor=actor)


def _time(text: str, where: str) -> int:
    """``22/Nov/2026:20:04:20 +0000``, whatever the language of this machine."""
    try:
        day, month, rest = text.split("/", 2)
        year, hour, minute, tail = rest.split(":", 3)
        second, _, zone = tail.partition(" ")
        sign = -1 if zone[0] == "-" else 1
        offset = dt.timezone(sign * dt.timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5])))
        return micros(dt.datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second), tzinfo=offset))
    except (ValueError, KeyError, IndexError):
        raise EvidenceInvalid(f"{where}: {text!a} is no time of an access log") from None
