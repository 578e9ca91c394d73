"""Which kinds of scope a detector watches, as ``bundle.toml`` says them: ``scopes = ["agent", "agent_action"]``; none turns it off."""

from __future__ import annotations

from typing import Final

from ..finding import did_you_mean
from ..toml_table import Table

AGENT_ACTION: Final = "agent_action"  # one agent by one action
KINDS: Final = (AGENT_ACTION, "agent", "action", "tenant")  # narrowest first, as ``state.scopes`` gives them


def read(table: Table, default: tuple[str, ...], known: tuple[str, ...] = KINDS) -> tuple[str, ...]:
    if "scopes" not in table.data:
        return default
    said = table.texts("scopes")
    for kind in said:
        if kind not in known:
            table.fault("scopes", f"{kind[:64]!r} is no scope that this looks at", did_you_mean(kind, known))
    return tuple(kind for kind in known if kind in said)
