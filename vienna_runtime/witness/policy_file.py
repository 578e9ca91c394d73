"""A witness policy from a file; what is wrong with it is told with the file's name and the line."""

from __future__ import annotations

from pathlib import Path

from ledger.errors import BadPolicy
from ledger.witness_policy import LARGEST_POLICY, Policy
from vienna_runtime.errors import ConfigError


def read(path: Path) -> Policy:
    """The policy in that file; raises ConfigError."""
    try:
        with path.open("rb") as file:
            return Policy.parse(file.read(LARGEST_POLICY + 1))
    except FileNotFoundError:
        raise ConfigError(str(path), "", "there is no such file; a witness policy is expected there") from None
    except BadPolicy as bad:
        raise ConfigError(str(path), f"line {bad.line}" if bad.line else "", bad.what) from None
