"""What verifiers are to look at, in words.  What this program does not know of is shown as it stands, so that nothing is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vienna_runtime.cli.shown import value_text

_CHECK = {"name", "kind", "arguments"}


def observed(verify: Mapping[str, Any]) -> str:
    """``file_digest: path="a.txt"; by 1 of 1``."""
    checks = verify.get("checks")
    if set(verify) != {"checks", "needed", "of"} or not isinstance(checks, Sequence) or not all(map(_known, checks)):
        return value_text(verify)
    return f"{'; '.join(map(_check, checks))}; by {value_text(verify['needed'])} of {value_text(verify['of'])}"


def _known(check: object) -> bool:
    return isinstance(check, Mapping) and set(check) == _CHECK and isinstance(check["arguments"], Mapping)


def _check(check: Mapping[str, Any]) -> str:
    name = check["name"] if check["name"] == check["kind"] else f"{check['name']} ({check['kind']})"
    return f"{name}: {', '.join(f'{key}={value_text(value)}' for key, value in check['arguments'].items()) or 'of nothing more'}"
