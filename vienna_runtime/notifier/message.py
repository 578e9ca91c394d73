"""What is sent of an alert: one JSON text, the same at every attempt and for every target."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import attrs

from actors.governance.alert_kinds import EVERY_KIND

MOST = 2**63  # of what the journal holds in one number


@attrs.frozen(kw_only=True)
class Message:
    name: str  # the webhook's id
    number: int  # of the alert; 0 for what a notifier itself says
    kind: str
    severity: str
    body: bytes


def message(item: Mapping[str, Any], *, node: str, tenant: str, base: str) -> Message:
    """Of one alert as ``alert.tail`` gives it.  ``base``: where cases are looked at, or empty; ``node``: the node's verifier key.

    Raises ``ValueError``, ``OverflowError``, ``KeyError`` or ``TypeError`` for what is none.
    """
    number, case = int(item["alert"]), str(item["case"])
    if not 0 <= number < MOST:
        raise ValueError(f"an alert has no such number: {number}")
    data: dict[str, Any] = {"alert": number, "show": f"vienna alert show {number}"}
    if case:
        data |= {"case": case, "see": f"vienna case {case}"}
        if base:
            data["link"] = f"{base}{case}"
    about, text = str(item["about"]), str(item["text"])
    said = _said(str(item["kind"]), str(item["severity"]), tenant, int(item["time"]), about, text, int(item["count"]), data)
    return Message(
        name=f"msg_{_place(node, tenant)}_{number}", number=number, kind=str(item["kind"]), severity=str(item["severity"]), body=said
    )


def own(kind: str, text: str, *, node: str, tenant: str, now: float) -> Message:
    """What a notifier itself has to say, which stands on no log and has no number.  ``now``: wall time, in s."""
    at, severity = int(now * 1_000_000), EVERY_KIND[kind].severity
    said = _said(kind, severity, tenant, at, "node", text, 1, {})
    return Message(name=f"msg_{_place(node, tenant)}_{kind.replace('.', '_')}_{at}", number=0, kind=kind, severity=severity, body=said)


def _said(kind: str, severity: str, tenant: str, at: int, about: str, text: str, count: int, more: Mapping[str, Any]) -> bytes:
    known = EVERY_KIND.get(kind)
    when = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=at)
    data = {"tenant": tenant, "kind": kind, "severity": severity, "about": about, "text": text, "count": count, **more}
    if known is not None:
        data |= {"means": known.means, "do": known.do}
    said = {"type": f"vienna.{kind}", "timestamp": when.isoformat(timespec="microseconds").replace("+00:00", "Z"), "data": data}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def _place(node: str, tenant: str) -> str:
    return hashlib.sha256(f"{node}\0{tenant}".encode()).hexdigest()[:16]
