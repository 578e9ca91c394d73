"""Whose fault it is when a means cannot work.

ViennaError                  of the whole package
└── MeansError
    ├── ConfigurationInvalid the operator's: a configuration file that does not load
    ├── ValueRefused         the asker's: a parameter that the template, the path rules or the limits do not take
    ├── NotStarted           the machine's: the program or the root is not there; nothing was done
    ├── JournalTaken         the operator's: another executor runs with this journal
    ├── JournalDamaged       the disk's: what this executor has begun cannot be read
    └── NotServing           the node's, or the credential's: this process cannot do its work with that member

``ValueRefused`` and ``NotStarted`` are not seen outside this package: a means turns them into an outcome, because an
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


class JournalTaken(MeansError):
    """Two processes with one journal would both act."""


class JournalDamaged(MeansError):
    """Nothing is begun where nobody knows what was begun before."""


class NotServing(MeansError):
    """The member, its kind or the tenant's key is not what this process needs."""
