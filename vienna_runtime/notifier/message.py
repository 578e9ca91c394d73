"""What is sent of an alert: one JSON text, the same at every attempt and for every target."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import attrs

from actors.governance.alert_kinds import KINDS


@attrs.frozen(kw_only=True)
class Message:
    name: str  # the webhook's id
    number: int  # of the alert
    kind: str
    severity: str
    body: bytes


def message(item: Mapping[str, Any], *, node: str, tenant: str, base: str) -> Message:
    """Of one alert as ``alert.tail`` gives it.  ``base``: where cases are looked at, or empty; ``node``: the node's verifier key."""
    kind, number, case = str(item["kind"]), int(item["alert"]), str(item["case"])
    known = KINDS.get(kind)
    at = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=int(item["time"]))
    data: dict[str, Any] = {
        "alert": number, "tenant": tenant, "kind": kind, "severity": item["severity"], "about": item["about"], "text": item["text"],
        "count": item["count"], "show": f"vienna alert show {number}",
    }  # fmt: skip
    if known is not None:
        data |= {"means": known.means, "do": known.do}
    if case:
        data |= {"case": case, "see": f"vienna case {case}"}
        if base:
            data["link"] = f"{base}{case}"
    said = {"type": f"vienna.{kind}", "timestamp": at.isoformat(timespec="microseconds").replace("+00:00", "Z"), "data": data}
    body = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    place = hashlib.sha256(f"{node}\0{tenant}".encode()).hexdigest()[:16]
    return Message(name=f"msg_{place}_{number}", number=number, kind=kind, severity=str(item["severity"]), body=body)
