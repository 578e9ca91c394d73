"""What a backup says of itself: where each log ended, and every file with its digest, so that damage has a name.

One JSON object with sorted keys and no spaces but a newline at its end; bytes in hex, times in µs since 1970.  A reader
writes what it read again and compares, so there is one form of it.  It finds damage, not malice: what proves the ledger is
its own signatures, which a restore checks by a key that did not come with the backup.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import attrs

from vienna_runtime import private_file
from vienna_runtime.errors import BackupDamaged

FILE = "manifest.json"
FORMAT = "vienna backup 1"
LARGEST = 64 << 20  # bytes; a hundred thousand logs, or files of the archive, are some 20 MB
CHUNK = 1 << 20  # bytes read at a time


@attrs.frozen
class Head:
    """Where a log ended."""

    log: str
    size: int
    root: bytes
    checkpoint: str


@attrs.frozen
class File:
    """One file, by its path below the backup."""

    path: str
    size: int
    sha256: bytes


@attrs.frozen(kw_only=True)
class Manifest:
    node: str
    version: str  # of the program that made it
    made: int  # µs
    expires: int | None  # µs; when it is to be destroyed, since it keeps what is forgotten later
    keys: bool  # whether the keystore is in it
    logs: tuple[Head, ...]
    files: tuple[File, ...]

    def encode(self) -> bytes:
        """Its only form."""
        value = {
            "format": FORMAT,
            "node": self.node,
            "version": self.version,
            "made": self.made,
            "expires": self.expires,
            "keys": self.keys,
            "logs": [{"log": h.log, "size": h.size, "root": h.root.hex(), "checkpoint": h.checkpoint} for h in self.logs],
            "files": [{"path": f.path, "size": f.size, "sha256": f.sha256.hex()} for f in self.files],
        }
        return (json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True) + "\n").encode()

    @property
    def entries(self) -> int:
        """How many entries all logs have."""
        return sum(head.size for head in self.logs)


def read(backup: Path) -> Manifest:
    """The manifest of that backup; ``BackupDamaged`` where there is none, or not this one form of it."""
    path = backup / FILE
    try:
        data = private_file.read(path, largest=LARGEST)
    except (FileNotFoundError, NotADirectoryError):
        raise BackupDamaged(f"{backup} is not a backup, or not a whole one: there is no {FILE} in it") from None
    try:
        found = _parsed(json.loads(data))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BackupDamaged(f"{path} is damaged") from None
    if found.encode() != data:
        raise BackupDamaged(f"{path} is damaged")
    return found


def digest(path: Path) -> tuple[int, bytes]:
    """Size and SHA-256 of a file."""
    with path.open("rb") as file:
        return os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").digest()


def listed(backup: Path) -> Iterator[File]:
    """Every file below ``backup`` as it is now, in the order of their paths, the manifest left out."""
    for path in sorted(path for path in backup.rglob("*") if not path.is_dir()):
        name = path.relative_to(backup).as_posix()
        if name != FILE:
            size, sha256 = digest(path)
            yield File(name, size, sha256)


def _parsed(value: Any) -> Manifest:
    if value["format"] != FORMAT:
        raise ValueError
    files = tuple(File(f["path"], f["size"], bytes.fromhex(f["sha256"])) for f in value["files"])
    if any(not _is_below(file.path) for file in files):
        raise ValueError
    return Manifest(
        node=value["node"],
        version=value["version"],
        made=value["made"],
        expires=value["expires"],
        keys=value["keys"],
        logs=tuple(Head(h["log"], h["size"], bytes.fromhex(h["root"]), h["checkpoint"]) for h in value["logs"]),
        files=files,
    )


def _is_below(name: str) -> bool:
    """No path of a manifest leads out of the backup, or of where it is restored to."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and bool(path.parts)
