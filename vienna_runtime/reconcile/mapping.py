"""Which place, and which digest, a run of an action must have left: the file that whoever compares writes once.

[[effect]]
action = "file.write"
place = "{params.path}"             # as the evidence names it
digest = "sha256:{params.content}"  # or "result": the digest in the receipt; or a value: "{params.commit}"; none: not compared

[[effect]]
action = "file.delete"
place = "{params.path}"
absent = true                       # afterwards nothing is there
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from vienna_runtime.reconcile.errors import EvidenceInvalid

_HOLE = re.compile(r"\{([a-z]+(?:\.[A-Za-z0-9_-]+)?)\}")
_HASHED = "sha256:"
RESULT = "result"
_FIELDS = {"action": str, "place": str, "digest": str, "absent": bool}


@attrs.frozen
class Rule:
    action: str
    place: str
    digest: str = ""
    absent: bool = False


@attrs.frozen
class Meant:
    """What a run is called where it acts."""

    place: str
    digest: str
    absent: bool


@attrs.frozen
class Effects:
    rules: Sequence[Rule] = ()

    @property
    def actions(self) -> frozenset[str]:
        return frozenset(rule.action for rule in self.rules)

    def meant(self, action: str, resource: str, params: Mapping[str, Any], effect: str) -> Meant | None:
        """None where no rule is about the action, or a value that the rule names is not there."""
        rule = next((rule for rule in self.rules if rule.action == action), None)
        if rule is None:
            return None
        values = _values(resource, params, effect)
        hashed = rule.digest.startswith(_HASHED)
        place, digest = _filled(rule.place, values), _filled(rule.digest.removeprefix(_HASHED), values)
        if place is None or digest is None:
            return None
        return Meant(place, hashlib.sha256(digest.encode()).hexdigest() if hashed else digest, rule.absent)


def load(path: Path) -> Effects:
    """Raises ``EvidenceInvalid`` that names the file and what is wrong in it."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise EvidenceInvalid(f"{path}: not TOML: {error}") from None
    rows = found.pop("effect", [])
    if found or not isinstance(rows, list) or not rows:
        raise EvidenceInvalid(f"{path}: a mapping has tables [[effect]] with {', '.join(_FIELDS)}, and nothing else")
    return Effects(tuple(_rule(row, f"{path}: [[effect]] {at}") for at, row in enumerate(rows, 1)))


def _rule(row: Any, where: str) -> Rule:
    if not isinstance(row, dict) or (wrong := [name for name in row if type(row[name]) is not _FIELDS.get(name)]):
        raise EvidenceInvalid(f"{where}: {wrong[0] if isinstance(row, dict) else row!r} is no field of it, or of another kind")
    if not row.get("action") or not row.get("place"):
        raise EvidenceInvalid(f"{where}: it needs an action and a place")
    for name in ("place", "digest"):
        text = str(row.get(name, "")).removeprefix(_HASHED)
        if holes := [hole for hole in _HOLE.findall(text) if hole.split(".")[0] not in ("resource", "params", "effect")]:
            there = "resource, resource.kind, resource.name, params.NAME, effect"
            raise EvidenceInvalid(f"{where}: {name} names {holes[0]}; there are {there}")
        if "{" in _HOLE.sub("", text) or "}" in _HOLE.sub("", text):
            raise EvidenceInvalid(f"{where}: {name} has a brace that is no hole")
    return Rule(**row)


def _values(resource: str, params: Mapping[str, Any], effect: str) -> dict[str, str]:
    kind, _, name = resource.partition("/")
    found = {"resource": resource, "resource.kind": kind, "resource.name": name, "effect": effect}
    for param, value in params.items():
        if isinstance(value, dict) and set(value) == {"dec"}:
            value = value["dec"]
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            found[f"params.{param}"] = str(value)
    return found


def _filled(template: str, values: Mapping[str, str]) -> str | None:
    if any(hole not in values for hole in _HOLE.findall(template)):
        return None
    return _HOLE.sub(lambda hole: values[hole[1]], template)
