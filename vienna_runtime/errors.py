"""Every exception of this package has one root, and its branch says whose fault it is.

    ViennaError
    ├── ConfigError         the operator's: a setting is unknown or has a bad value; names file, key and what is expected
    ├── UnsafeFileError     the operator's: a file that holds a secret can be read by others, or is not a plain file
    ├── FileTakenError      the operator's: a file that holds a secret would be overwritten
    ├── PassphraseError     the operator's: there is no passphrase, or it cannot be used
    ├── VerificationError   somebody's: what was read is not what was sealed; deliberately does not say in which respect
    │   ├── BackupDamaged   the disk's or somebody's: a backup is not what it says of itself; names the file
    │   └── BackupStale     the backup's: more of the ledger was seen than it has, or another one
    ├── CertificateError    the operator's: a certificate is missing, expired or for another name
    ├── CredentialError     the member's: a credential file that cannot be read as one
    ├── InvitationError     the member's: an invitation that is damaged, of another version or expired
    ├── InsecureKeysError   the operator's: development keys beyond loopback
    ├── FoundingError       the operator's: a node cannot be made here
    ├── ServingError        the operator's: the node cannot be served as asked
    ├── BackupFailed        the operator's, or the disk's: a backup cannot be made; nothing of it is left
    ├── RestoreRefused      the operator's: a backup is not put there, or not any more
    ├── WitnessError        the witness operator's: a witness cannot be made, opened, or cannot tell how far it came
    ├── WatermarkLost       the operator's: what says how far the ledger had come is gone or damaged
    ├── UnknownOwnerError   ours: a key of a log or tenant that was never admitted was asked for
    └── IntruderError       the environment's: one of the four packages comes from somewhere else

Unreadable disks and the like stay ``OSError``: they are nobody's decision.
"""

from __future__ import annotations

from pathlib import Path


class ViennaError(Exception):
    """The root of what this package raises on purpose.  Its text is a sentence for people and holds no secret."""


class ConfigError(ViennaError):
    """A setting that is unknown or has a bad value."""

    def __init__(self, where: str, key: str, problem: str) -> None:
        super().__init__(f"{where}: {key}: {problem}" if key else f"{where}: {problem}")
        self.where = where
        self.key = key


class UnsafeFileError(ViennaError):
    """A file that holds a secret and is open to others, or is no plain file."""


class FileTakenError(ViennaError):
    """A file that holds a secret is there already and is not overwritten."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} exists already and is not overwritten; move it away first, or choose another name")
        self.path = path


class PassphraseError(ViennaError):
    """No passphrase could be had, or one that cannot be used."""


class VerificationError(ViennaError):
    """Something sealed does not open: a wrong passphrase or key and an altered file look alike on purpose."""


class BackupDamaged(VerificationError):
    """A backup is not what its manifest says."""


class BackupStale(VerificationError):
    """Somebody has seen more than is in the backup, or something else."""


class BackupFailed(ViennaError):
    """A backup cannot be made."""


class RestoreRefused(ViennaError):
    """A backup is not put where it was asked to be put."""


class CertificateError(ViennaError):
    """A certificate that is missing, expired or not for the name it is needed for."""


class CredentialError(ViennaError):
    """A file that is not a credential of this version."""


class InvitationError(ViennaError):
    """A text that is not an invitation of this version, or one whose time is over."""


class InsecureKeysError(ViennaError):
    """Development keys where other machines could reach them."""


class UnknownOwnerError(ViennaError):
    """There is no such key for that log or tenant."""

    def __init__(self, purpose: str, owner: str) -> None:
        super().__init__(f"the keystore has no {purpose} key for {owner or 'the node'}: it was never admitted here")
        self.owner = owner


class IntruderError(ViennaError):
    """One of the four packages of the program comes from elsewhere."""


class FoundingError(ViennaError):
    """A node cannot be made here."""


class ServingError(ViennaError):
    """The node cannot be served; the message says what to do."""


class WitnessError(ViennaError):
    """A witness cannot be made or served, or does not know for certain what it has cosigned."""


class WatermarkLost(ViennaError):
    """Nothing says how far the ledger had come."""
