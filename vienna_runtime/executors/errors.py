"""Whose fault it is when a means cannot work.

ViennaError                  of the whole package
└── MeansError
    ├── ConfigurationInvalid the operator's: a configuration file that does not load
    ├── ValueRefused         the asker's: a parameter that the template, the path rules or the limits do not take
    └── NotStarted           the machine's: the program or the root is not there; nothing was done

Outside this package only ``ConfigurationInvalid`` is seen: a means turns the other two into an outcome, because an
executor owes a receipt for what it refused, too.
"""

from __future__ import annotations

from vienna_runtime.errors import ViennaError


class MeansError(ViennaError):
    """Root of everything raised on purpose by executors and verifiers."""


class ConfigurationInvalid(MeansError):
    """Names the file, the key, and what is expected there."""


class ValueRefused(MeansError):
    """Nothing was done: a value asked for does not fit the means."""


class NotStarted(MeansError):
    """Nothing was done: the means itself is not there or cannot begin."""
