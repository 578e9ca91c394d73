"""A backup put where a node can serve it: only what verifies, and never silently what is older than what was seen.

    1  every file has the digest of the manifest; the manifest has not expired
    2  the whole ledger verifies by the node's key, in a process that may die, and ends where the manifest says
    3  no watermark that survived and no witness has seen more than it has, or something else: else it is stale
    4  only then anything is put in place: each part beside its place first, then by one renaming each, the ledger last

Told to fork, a stale one is put in place, and the node's next start records why (``forked``).  What is there already stays:
settings, certificates, and the keystore above all, since one that survived has keys that the backup lacks, and lacks keys
that were destroyed to forget.  A ledger that is there is set aside, and only when that is asked for.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hmac import compare_digest
from pathlib import Path

import attrs

from ledger import VerifierKey, hot_copy, published, verify_in_child
from ledger.directory import WriterLock, settle
from ledger.founding import DATA_FILE, LOCK_FILE
from ledger.published import Published
from vienna_runtime import backup, forked, private_file
from vienna_runtime import backup_manifest as manifests
from vienna_runtime import config as configs
from vienna_runtime.backup import Progress
from vienna_runtime.backup_manifest import File, Manifest
from vienna_runtime.config import Config
from vienna_runtime.errors import BackupDamaged, BackupStale, RestoreRefused, WatermarkLost
from vienna_runtime.pki import Places
from vienna_runtime.rollback import GONE, Behind
from vienna_runtime.settings import variable
from vienna_runtime.watermark import Mark, Watermark

_PLACES = {  # the settings that say where something of the node lies
    *(("data", name) for name in ("ledger", "keystore", "tls", "watermark")),
    *(("witness", name) for name in ("policy", "ca")),
    ("keys", "key_file"),
}
_LEDGER = f"{backup.LEDGER}/"
_TRACE = f"{backup.LEDGER}/{LOCK_FILE}"  # whoever has read the backup's ledger left it there
Asking = Callable[[Config, Mapping[str, Published]], Sequence[object]]  # the witnesses: what they object to, in sentences


@attrs.frozen(kw_only=True)
class Wanted:
    """What ``vienna restore`` was asked for."""

    backup: Path
    node: Path  # the directory that is to be a node's
    key: VerifierKey  # the node's: the one root of trust
    watermark: Path | None = None  # one that survived elsewhere
    fork: str | None = None  # the reason
    replace: bool = False  # set a ledger that is there aside
    expired: bool = False  # restore even an expired one


@attrs.frozen(kw_only=True)
class Restored:
    """What was put in place."""

    manifest: Manifest
    stale: tuple[str, ...]  # what it lacks, where it was told to fork
    kept: tuple[str, ...]  # parts that were there and stay
    aside: Path | None  # where the ledger is that was there


def restore(wanted: Wanted, *, ask: Asking, progress: Progress = hot_copy.nothing) -> Restored:
    """Put in place and durable on return; raises ``BackupDamaged``, ``BackupStale``, ``RestoreRefused``, or VerificationError."""
    manifest = manifests.read(wanted.backup)
    _check_expiry(wanted, manifest)
    _check_small(wanted, manifest)
    config = _config(wanted)
    with _alone(config, wanted):
        staged = config.ledger.with_name(f"{config.ledger.name}.restoring")
        try:
            _stage(wanted, manifest, staged, progress)
            _verify(wanted, manifest, staged, progress)
            stale, marks = _stale(wanted, config, staged, ask)
            if stale and wanted.fork is None:
                raise BackupStale(_refusal(wanted, stale))
            if not stale and wanted.fork is not None:
                raise RestoreRefused("there is nothing to fork from: nobody is known to have seen more than this; restore without --fork")
            return _place(wanted, config, manifest, staged, stale, marks)
        finally:
            shutil.rmtree(staged, ignore_errors=True)  # renamed, if all went well


def _check_expiry(wanted: Wanted, manifest: Manifest) -> None:
    if manifest.expires is not None and time.time_ns() // 1000 > manifest.expires and not wanted.expired:
        day = time.strftime("%Y-%m-%d", time.gmtime(manifest.expires // 1_000_000))
        raise RestoreRefused(
            f"{wanted.backup} expired on {day}: it keeps what was to be forgotten since, and is to be destroyed. "
            "If it is all there is, restore it with --even-expired, and have retention run again at once"
        )


def _config(wanted: Wanted) -> Config:
    """The settings that will be in force: those that are there, else the backup's."""
    own = (wanted.node / configs.FILE).exists()
    config = attrs.evolve(configs.load(wanted.node if own else wanted.backup, environ=os.environ), directory=wanted.node)
    if not own:
        _check_places(wanted, config)
    return config


def _check_places(wanted: Wanted, config: Config) -> None:
    """Settings that came with the backup put nothing outside the node's directory: nobody signed them, and files go where they say."""
    house = wanted.node.resolve()
    for section in ("data", "keys", "witness"):
        for name, value in attrs.asdict(getattr(config.settings, section)).items():
            if (section, name) not in _PLACES or not value or variable(section, name) in os.environ:
                continue
            if house not in (wanted.node / value).resolve().parents:
                raise RestoreRefused(
                    f"the backup's {configs.FILE} has {section}.{name} at {value!a}, which is outside {wanted.node}, and nothing signs "
                    f"a backup's settings; look at them, and if they are right copy that file to {wanted.node} yourself and restore again"
                )


@contextmanager
def _alone(config: Config, wanted: Wanted) -> Iterator[None]:
    """No node serves what is there, and none begins to while it is replaced."""
    there = (config.ledger / DATA_FILE).exists()
    if there and not wanted.replace:
        raise RestoreRefused(f"there is a ledger in {config.ledger}; with --replace it is set aside, and kept")
    made = not wanted.node.exists()
    for directory in (wanted.node, config.ledger.parent):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = WriterLock(config.ledger) if there else None
    try:
        yield
    except BaseException:
        if made:
            shutil.rmtree(wanted.node, ignore_errors=True)
        raise
    finally:
        if lock is not None:
            lock.release()


def _check_small(wanted: Wanted, manifest: Manifest) -> None:
    """All files are there and no others, and all but the ledger's are what the manifest says."""
    there = {path.relative_to(wanted.backup).as_posix() for path in wanted.backup.rglob("*") if not path.is_dir()}
    if extra := there - {file.path for file in manifest.files} - {manifests.FILE, _TRACE}:
        raise BackupDamaged(f"{wanted.backup / min(extra)} is no part of the backup")
    for file in manifest.files:
        if file.path not in there:
            raise BackupDamaged(f"{wanted.backup / file.path} is missing")
        if not file.path.startswith(_LEDGER):
            _check_one(wanted, file, wanted.backup / file.path)


def _stage(wanted: Wanted, manifest: Manifest, staged: Path, progress: Progress) -> None:
    """The ledger's files beside their place.  The copies are looked at, not what they were copied from: they will be served."""
    shutil.rmtree(staged, ignore_errors=True)  # of an attempt that was broken off
    staged.mkdir(mode=0o700)
    for number, file in enumerate(manifest.files):
        if file.path.startswith(_LEDGER):
            progress(file.path, number, len(manifest.files))
            target = staged / file.path.removeprefix(_LEDGER)
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copyfile(wanted.backup / file.path, target)
            hot_copy.make_durable(target)
            _check_one(wanted, file, target)


def _check_one(wanted: Wanted, file: File, held: Path) -> None:
    size, sha256 = manifests.digest(held)
    if size != file.size or not compare_digest(sha256, file.sha256):
        raise BackupDamaged(f"{wanted.backup / file.path} is damaged: its digest is another than the manifest's")


def _verify(wanted: Wanted, manifest: Manifest, staged: Path, progress: Progress) -> None:
    report = verify_in_child(staged, wanted.key, progress=lambda log, index: progress(f"verify {log or 'the node'}", index, 0))
    hot_copy.leave_no_trace(staged)
    found = {log.log: (log.size, log.root) for log in report.logs}
    if found != {head.log: (head.size, head.root) for head in manifest.logs}:
        raise BackupDamaged(f"{wanted.backup / manifests.FILE} states other ends of the logs than they have")


def _stale(wanted: Wanted, config: Config, staged: Path, ask: Asking) -> tuple[tuple[str, ...], Mapping[str, Mark]]:
    """What was seen that the staged ledger lacks, and the marks that survived."""
    marks, found = dict[str, Mark](), list[str]()
    with published.opened(staged) as logs:
        for path in (wanted.watermark, config.watermark):
            if path is None or not path.exists():
                if path is not None and path == wanted.watermark:
                    raise RestoreRefused(f"there is no watermark {path}")
                continue
            try:
                seen = Watermark.read(path, wanted.key.name)
            except WatermarkLost as lost:
                if path == wanted.watermark:
                    raise RestoreRefused(str(lost)) from None
                continue  # the one in place is damaged: it says nothing, and will be made anew
            found += [str(behind) for behind in _behind(seen.marks, logs)]
            for name, mark in seen.marks.items():
                if name not in marks or mark.size > marks[name].size:
                    marks[name] = mark
        found += [str(objection) for objection in ask(config, logs)]
    hot_copy.leave_no_trace(staged)
    return tuple(dict.fromkeys(found)), marks


def _behind(marks: Mapping[str, Mark], logs: Mapping[str, Published]) -> Iterator[Behind]:
    for name, mark in marks.items():
        log = logs.get(name)
        if log is None:
            yield Behind(name, mark, GONE)
        elif log.checkpoint.size < mark.size or not compare_digest(log.root_at(mark.size), mark.root):
            yield Behind(name, mark, Mark(log.checkpoint.size, log.checkpoint.root))


def _refusal(wanted: Wanted, stale: Sequence[str]) -> str:
    return (
        f"{wanted.backup} is older than what was seen, or another ledger: {'; '.join(stale)}.\n"
        "Restore a newer backup. To go on with this one, for a reason that is recorded for ever: --fork REASON"
    )


def _place(wanted: Wanted, config: Config, manifest: Manifest, staged: Path, stale: tuple[str, ...], marks: Mapping[str, Mark]) -> Restored:
    """What is missing is put there, and the ledger last: without it nothing is served."""
    kept = tuple(_put_missing(wanted, config, manifest))
    if wanted.fork is not None:
        forked.leave(config, forked.Forked(wanted.fork, "; ".join(stale)))
    aside = None
    if config.ledger.exists():
        aside = config.ledger.with_name(f"{config.ledger.name}.before-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}")
        config.ledger.rename(aside)
    staged.rename(config.ledger)
    settle(config.ledger.absolute().parent)
    _write_watermark(config, manifest, marks)
    return Restored(manifest=manifest, stale=stale, kept=kept, aside=aside)


def _put_missing(wanted: Wanted, config: Config, manifest: Manifest) -> Iterator[str]:
    """Puts the small files where there are none; the names of those that stay."""
    places = {
        configs.FILE: config.directory / configs.FILE,
        backup.KEYSTORE: config.keystore,
        f"{backup.WITNESS}/{backup.POLICY}": config.witness_policy,
        f"{backup.WITNESS}/{backup.AUTHORITIES}": config.witness_ca,
    }
    tls = Places(config.tls)
    places |= {f"{backup.TLS}/{file.name}": file for file in (tls.authority, tls.authority_key, tls.server, tls.server_key)}
    for file in manifest.files:
        target = places.get(file.path)
        if target is None:
            continue
        if target.exists():
            yield file.path
            continue
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        public = target.suffix in (".pem", ".toml")
        private_file.create(target, (wanted.backup / file.path).read_bytes(), mode=0o644 if public else 0o600)


def _write_watermark(config: Config, manifest: Manifest, survived: Mapping[str, Mark]) -> None:
    """What had been seen stays seen: at the node's start it is met, or that it is not is recorded."""
    marks = {head.log: Mark(head.size, head.root) for head in manifest.logs}
    marks.update({name: mark for name, mark in survived.items() if name not in marks or mark.size > marks[name].size})
    config.watermark.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    Watermark(config.watermark, manifest.node, marks).write()
