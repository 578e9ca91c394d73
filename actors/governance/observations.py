"""What the catalogue has a verifier look at: checks after an action, and the probe that settles an unknown outcome.

[actions."git.push".observe]           # one check, or several as [[actions."git.push".checks]], each with a name of its own
kind = "git_ref"                       # one of OBSERVED
ref = "refs/heads/{params.branch}"     # the rest are arguments for the verifier: {resource}, {resource.name}, {params.<name>}
retry_for = "30s"                      # look again until it holds or this is over; without it, look once
stable_for = "5s"                      # it must hold again when this is over
[actions."git.push".probe]             # asked when nobody knows whether it happened; it did where the check holds
kind = "git_ref"
ref = "refs/heads/{params.branch}"
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Literal, TypeAlias, get_args

import attrs

from .canonical import Value
from .finding import did_you_mean
from .ids import HOUR, Micros
from .params import Param
from .toml_table import Table

Observed: TypeAlias = Literal["file_digest", "exit_code", "git_ref", "http", "tcp", "tls", "sql", "json_output"]
OBSERVED: tuple[Observed, ...] = get_args(Observed)

MOST_CHECKS = 16  # of one action: each is a row of the attestation, which travels in one message
LONGEST_WAIT = Micros(1 * HOUR)  # for a check to come true and to stay so: a case waits open for it
_OWN = ("kind", "name", "retry_for", "stable_for")  # what is said about a check; everything else is an argument
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)
_HOLE = re.compile(r"\{([^{}]*)\}")


@attrs.frozen(kw_only=True)
class Observation:
    """One thing that a verifier looks at itself; ``arguments`` are templates until filled."""

    name: str
    kind: Observed
    arguments: Mapping[str, str]
    retry_for: Micros = Micros(0)
    stable_for: Micros = Micros(0)

    @property
    def params_named(self) -> frozenset[str]:
        """The parameters that its arguments are filled from."""
        holes = (hole for template in self.arguments.values() for hole in _HOLE.findall(template))
        return frozenset(hole.removeprefix("params.") for hole in holes if hole.startswith("params."))

    def filled(self, resource: str, params: Mapping[str, Value]) -> dict[str, Value] | None:
        """As the warrant says it, for one case; None where a text it names is absent, so that nothing is looked at by mistake."""
        arguments: dict[str, Value] = {}
        for name, template in self.arguments.items():
            values = {hole: _text(hole, resource, params) for hole in _HOLE.findall(template)}
            if None in values.values():
                return None
            arguments[name] = _HOLE.sub(lambda found: values[found[1]] or "", template)  # noqa: B023  # used before the next round
        waits: dict[str, Value] = {name: value for name, value in (("retry_for", self.retry_for), ("stable_for", self.stable_for)) if value}
        return {"name": self.name, "kind": self.kind, "arguments": arguments, **waits}


def read(table: Table, params: tuple[Param, ...]) -> tuple[Observation, ...]:
    """The checks of one action, from ``observe`` or ``checks``."""
    found = []
    if "observe" in table.data and "checks" in table.data:
        table.fault("checks", "an action has either observe or checks", "write all of them as checks")
    if "observe" in table.data:
        found.append(_observation(table.table("observe"), params))
    if "checks" in table.data:
        found += [_observation(inner, params) for inner in table.tables("checks")]
    if len(found) > MOST_CHECKS:
        table.fault("checks", f"an action has at most {MOST_CHECKS} checks")
    seen: set[str] = set()
    for check in [check for check in found if check is not None]:
        if check.name in seen:
            table.fault("checks", f"two checks are called {check.name!r}", "give each a name of its own")
        seen.add(check.name)
    return tuple(check for check in found if check is not None)


def probe(table: Table, params: tuple[Param, ...]) -> Observation | None:
    """What is asked when nobody knows whether the action happened."""
    return _observation(table.table("probe"), params) if "probe" in table.data else None


def _observation(table: Table, params: tuple[Param, ...]) -> Observation | None:
    kind = table.text("kind")
    if kind not in OBSERVED:
        table.fault("kind", f"{kind!r} is not a kind of observation", did_you_mean(kind, OBSERVED))
        return None
    name = table.text("name", kind)
    if not _NAME.fullmatch(name):
        table.fault("name", f"{name!r} is not the name of a check", "small letters, digits, _ and -, starting with a letter")
    known = {"resource", "resource.name", *(f"params.{param.name}" for param in params if param.kind == "string")}
    return Observation(
        name=name,
        kind=kind,
        arguments={key: _argument(table, key, known) for key in table.data if key not in _OWN},
        retry_for=_wait(table, "retry_for"),
        stable_for=_wait(table, "stable_for"),
    )


def _argument(table: Table, name: str, known: Collection[str]) -> str:
    if name == "dec":
        table.fault(name, "no argument can be called dec: on the ledger a map with that key is a decimal", "give it another name")
    template = table.text(name)
    for hole in _HOLE.findall(template):
        if hole not in known:
            table.fault(name, f"nothing is called {{{hole}}} here", did_you_mean(hole, known))
    return template


def _wait(table: Table, key: str) -> Micros:
    wait = table.duration(key, Micros(0))
    if wait > LONGEST_WAIT:
        table.fault(key, f"{key} is longer than an hour", "the case stays open for so long; look later, by a case of its own")
    return wait


def _text(hole: str, resource: str, params: Mapping[str, Value]) -> str | None:
    if hole == "resource":
        return resource
    if hole == "resource.name":
        return resource.partition("/")[2] or None
    value = params.get(hole.removeprefix("params."))
    return value if type(value) is str else None
