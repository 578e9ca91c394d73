"""What a verdict and a warrant say about looking, and who has to have looked for it to count: the map ``verify``.

    checks        what is looked at after a report that agrees: each a map of name, kind, arguments (and retry_for, stable_for in µs)
    probe         what is looked at when nobody knows the outcome
    needed, of    how many persons must have seen the same, and how many may look

It is empty where nobody ever looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import attrs

from .canonical import Value
from .catalogue import Action
from .obligations import Demand, demand

OBSERVED = "observed"  # the basis where one look is enough


def wanted(action: Action, verification: str, resource: str, params: Mapping[str, Value]) -> dict[str, Value] | None:
    """The map for one case; None where something that has to be looked at cannot be named for it."""
    needs = demand(verification)
    checks = [check.filled(resource, params) for check in action.checks] if needs.needed else []
    probe = None if action.probe is None else action.probe.filled(resource, params)
    if None in checks or (needs.needed and not checks) or (action.probe is not None and probe is None):
        return None
    found: dict[str, Value] = {}
    if checks:
        found["checks"] = cast("list[Value]", checks)
    if probe is not None:
        found["probe"] = cast(Value, probe)
    if found:
        found.update(needed=max(1, needs.needed), of=max(1, needs.of))
    return found


def params_named(action: Action, verify: Mapping[str, object]) -> frozenset[str]:
    """The parameters that lead to what is looked at: a warrant says where that is, so at no use of it may they be others."""
    if not verify:
        return frozenset()
    looked = (*action.checks, *(() if action.probe is None else (action.probe,)))
    return frozenset(name for one in looked for name in one.params_named)


def checks(verify: Mapping[str, object]) -> tuple[Mapping[str, Any], ...]:
    """What has to be looked at after the report; none where the receipt is enough."""
    return tuple(cast("list[dict[str, Any]]", verify.get("checks", [])))


def probe(verify: Mapping[str, object]) -> Mapping[str, Any] | None:
    return cast("dict[str, Any] | None", verify.get("probe"))


def names(verify: Mapping[str, object]) -> frozenset[str]:
    """Of the checks: an attestation says something about each of them, and about nothing else."""
    return frozenset(str(check["name"]) for check in checks(verify))


def demanded(verify: Mapping[str, object]) -> Demand:
    return Demand(cast(int, verify.get("needed", 1)), cast(int, verify.get("of", 1)))


@attrs.frozen
class Count:
    """How many persons have said what, of those who count."""

    yes: int
    no: int
    blind: int  # looked and could not see

    def open(self, needs: Demand, others: int) -> bool:
        """Whether as many as are needed can still say yes; ``others`` is how many persons could say something yet."""
        return self.yes + min(others, needs.of - self.yes - self.no - self.blind) >= needs.needed


def basis(needs: Demand, count: int) -> str:
    return OBSERVED if needs.of == 1 else f"attested {count}/{needs.of}"
