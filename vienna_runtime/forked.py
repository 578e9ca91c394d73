"""What a restore that was told to fork leaves for the node's next start: why, and what had been seen that is gone.

A small file in the node's directory.  The start records it on the node's log as an accepted rollback and removes it: in this
order, so that a crash in between records it twice rather than not at all.
"""

from __future__ import annotations

import json
from pathlib import Path

import attrs

from vienna_runtime import private_file
from vienna_runtime.config import Config
from vienna_runtime.errors import ServingError

FILE = "forked.json"
_LARGEST = 1 << 20  # bytes; a sentence or two


@attrs.frozen
class Forked:
    reason: str
    found: str  # what the restored ledger lacks, in a sentence


def place(config: Config) -> Path:
    """Where it lies."""
    return config.directory / FILE


def leave(config: Config, forked: Forked) -> None:
    """Durably, for the next start."""
    private_file.replace(place(config), json.dumps(attrs.asdict(forked)).encode())


def pending(config: Config) -> Forked | None:
    """What is still to be recorded."""
    path = place(config)
    try:
        fields = json.loads(private_file.read(path, largest=_LARGEST))
        reason, found = fields["reason"], fields["found"]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise ServingError(f"{path}, which says why a restored ledger is to be served, is damaged: restore again") from None
    if not (isinstance(reason, str) and isinstance(found, str)):
        raise ServingError(f"{path}, which says why a restored ledger is to be served, is damaged: restore again")
    return Forked(reason, found)


def settle(config: Config) -> None:
    """It is on the log."""
    place(config).unlink(missing_ok=True)
