"""A backup of a running node: its logs at one moment, and what serving them again needs.

    ledger/          LMDB's own hot copy, and the archive's files that it names       (``ledger.hot_copy``)
    keystore         as it is, sealed; copied after the logs, and again with them if bodies were forgotten in between: so no body
                     of it is without its key, unless that was destroyed before
    vienna.toml      the settings;  tls/  the certificates and their keys;  witness/  the policy and the authorities
    manifest.json    written last: heads as in the copy itself, and every file's digest

What was acknowledged before the backup began is in it.  It is made in DIR.partial and has its name only when it is whole and
on the disk.  The watermark is left out: it is to outlive what is restored.  So is a raw key file, and whose credentials lie
about: whoever has the backup and one of those would have everything.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import attrs

from ledger import NODE, LedgerError, UnsuitableDirectory, VerificationError, hot_copy, published
from ledger.directory import settle
from ledger.errors import CopyOvertaken
from vienna_runtime import backup_manifest as manifests
from vienna_runtime import config as configs
from vienna_runtime import private_file
from vienna_runtime.backup_manifest import Head, Manifest
from vienna_runtime.errors import BackupFailed
from vienna_runtime.pki import Places
from vienna_runtime.version import VERSION

LEDGER, KEYSTORE, TLS, WITNESS = "ledger", "keystore", "tls", "witness"
POLICY, AUTHORITIES = "policy", "ca.pem"  # below witness/
ATTEMPTS = 5  # a month that is archived replaces files, one that is forgotten its keys: rare, and soon over
DAY = 86_400_000_000  # µs

Progress = Callable[[str, int, int], None]  # what, done, of how much (0 where that is not known)


@attrs.frozen(kw_only=True)
class Wanted:
    """What ``vienna backup`` was asked for."""

    node: Path  # the node's directory
    target: Path
    keys: bool = True
    days: int | None = None  # until it expires

    @property
    def partial(self) -> Path:
        """Where it is made."""
        return self.target.with_name(f"{self.target.name}.partial")


@attrs.frozen
class Made:
    """A whole backup."""

    manifest: Manifest
    warnings: tuple[str, ...]


def make(wanted: Wanted, *, progress: Progress = hot_copy.nothing) -> Made:
    """The backup, durable on return; raises ``BackupFailed``, or VerificationError for damaged pages, and leaves nothing then."""
    config = _checked(wanted)
    try:
        wanted.partial.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise BackupFailed(f"{wanted.partial} is there: another backup is being made, or one was broken off; then remove it") from None
    try:
        return _make(wanted, config, progress)
    except OSError as error:
        raise BackupFailed(f"{error.filename or wanted.partial}: {(error.strerror or str(error)).lower()}") from error
    except VerificationError:
        raise
    except LedgerError as error:
        raise BackupFailed(str(error)) from error
    finally:
        shutil.rmtree(wanted.partial, ignore_errors=True)  # renamed, if all went well


def _checked(wanted: Wanted) -> configs.Config:
    if not (wanted.node / configs.FILE).exists():
        raise BackupFailed(f"there is no node in {wanted.node}; name its directory with --node")
    if wanted.target.exists() and (not wanted.target.is_dir() or any(wanted.target.iterdir())):
        raise BackupFailed(f"{wanted.target} is there and not empty: a backup has a directory of its own")
    return configs.load(wanted.node, environ=os.environ)


def _make(wanted: Wanted, config: configs.Config, progress: Progress) -> Made:
    partial = wanted.partial
    _logs_and_keys(wanted, config, progress)
    heads = _heads(partial / LEDGER)
    warnings = _rest(wanted, config)
    progress("digests", 0, 0)
    made = time.time_ns() // 1000
    manifest = Manifest(
        node=next(head.checkpoint.partition("\n")[0] for head in heads if head.log == NODE),
        version=VERSION,
        made=made,
        expires=None if wanted.days is None else made + wanted.days * DAY,
        keys=wanted.keys,
        logs=heads,
        files=tuple(manifests.listed(partial)),
    )
    private_file.create(partial / manifests.FILE, manifest.encode())
    partial.rename(wanted.target)  # over an empty directory, or where there is none
    settle(wanted.target.absolute().parent)
    return Made(manifest, warnings)


def _logs_and_keys(wanted: Wanted, config: configs.Config, progress: Progress) -> None:
    """The ledger, and then the keystore, which has the keys made meanwhile; none was destroyed meanwhile that the copy needs."""
    target = wanted.partial / LEDGER
    for _ in range(ATTEMPTS):
        shutil.rmtree(target, ignore_errors=True)
        try:
            hot_copy.copy(config.ledger, target, progress=progress)
        except CopyOvertaken:
            continue
        if not wanted.keys:
            return
        keys = private_file.read(config.keystore)
        copied = hot_copy.forgetting_of(target)
        hot_copy.leave_no_trace(target)
        if copied == [state for state in hot_copy.forgetting_of(config.ledger) if state[0] < len(copied)]:
            private_file.create(wanted.partial / KEYSTORE, keys)
            return
    raise BackupFailed(f"bodies were being forgotten or archived during each of {ATTEMPTS} attempts; try again when that is over")


def _heads(ledger: Path) -> tuple[Head, ...]:
    """Where the logs end, as the copy itself says."""
    try:
        with published.opened(ledger) as logs:
            return tuple(Head(name, log.checkpoint.size, log.checkpoint.root, log.note.decode()) for name, log in sorted(logs.items()))
    except UnsuitableDirectory as error:
        raise BackupFailed(f"the copy cannot be read: {error}") from error
    finally:
        hot_copy.leave_no_trace(ledger)


def _rest(wanted: Wanted, config: configs.Config) -> tuple[str, ...]:
    """Settings, certificates, witnesses; what to know about what is in it and what is not."""
    partial, places = wanted.partial, Places(config.tls)
    _take(wanted.node / configs.FILE, partial / configs.FILE)
    for file in (places.authority, places.server, *((places.authority_key, places.server_key) if wanted.keys else ())):
        _take(file, partial / TLS / file.name)
    for source, name in ((config.witness_policy, POLICY), (config.witness_ca, AUTHORITIES)):
        if source is not None:
            _take(source, partial / WITNESS / name)
    warnings = []
    if wanted.keys:
        warnings.append("the keystore is in it, sealed: keep its passphrase or key file elsewhere, whoever has both reads every body")
    else:
        warnings.append("the keystore is not in it: without that no body of it can be read and no node can serve it")
    if config.key_file.exists():
        warnings.append(f"{config.key_file.name}, which opens the keystore, is not in it: keep a copy of it elsewhere")
    if wanted.days is None:
        warnings.append("it keeps what is forgotten later, and does not say until when: destroy it in time, or make it with --expires")
    return tuple(warnings)


def _take(source: Path, target: Path) -> None:
    """A small file, if there is one, durably."""
    if source.exists():
        if not target.parent.exists():
            target.parent.mkdir(mode=0o700)
            settle(target.parent.parent)
        private_file.create(target, source.read_bytes())
