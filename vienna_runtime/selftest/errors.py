"""What a self-test raises: the promise was broken, or it cannot be tried here.

ViennaError
├── CannotTry    the machine's: a tool, a right or a file system is missing; says which
└── Broken       the ledger's: what was promised does not hold; says what was found
"""

from __future__ import annotations

from vienna_runtime.errors import ViennaError


class CannotTry(ViennaError):
    """The self-test cannot run here."""


class Broken(ViennaError):
    """What was promised does not hold."""
