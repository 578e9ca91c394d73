"""A bundle as a directory: its files, what reading it says, and the git commit it comes from."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import attrs
import click

from actors.governance import bundle as bundles
from actors.governance.bundle import Bundle, Findings, Source
from actors.governance.bundle_tests import TestResult, run_tests
from actors.governance.source import MOST_BYTES
from vienna_runtime.cli.exits import BadEnd
from vienna_runtime.cli.phrases import counted

DIRECTORY = click.Path(path_type=Path, exists=True, file_okay=False)
_PATIENCE = 10  # s for a git that has to read two trees


def source_of(directory: Path) -> Source:
    """The files of that directory but hidden ones; what does not belong there is found by the check, not left out here."""
    found: dict[str, bytes] = {}
    read = 0
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory)
        if not path.is_dir() and not any(part.startswith(".") for part in name.parts):
            found[name.as_posix()] = path.read_bytes()
            read += len(found[name.as_posix()])
        if read > 4 * MOST_BYTES:
            raise BadEnd(f"{directory} holds more than any bundle may: is it the right directory?")
    return Source(found)


def checked(source: Source) -> tuple[Bundle | Findings, list[TestResult]]:
    """The bundle with its tests' results, or what is wrong with it."""
    loaded = bundles.load(source)
    return (loaded, []) if isinstance(loaded, Findings) else (loaded, run_tests(loaded, source))


def placed(directory: Path, findings: Findings) -> list[str]:
    """``directory/file:line:column: what is wrong``, still to be shown."""
    return [f"{directory / finding.file}:{str(finding).removeprefix(finding.file + ':')}" for finding in findings]


def loaded(directory: Path, source: Source) -> Bundle:
    """The bundle in that directory; ends the command with every finding where there is none."""
    found = bundles.load(source)
    if isinstance(found, Findings):
        raise BadEnd(f"{directory}: {counted(len(found), 'finding')}; the bundle does not load", *placed(directory, found))
    return found


@attrs.frozen
class Commit:
    """``dirty``: what lies in the directory is not exactly what the commit holds."""

    name: str
    dirty: bool


def commit_of(directory: Path, source: Source) -> Commit | None:
    """The commit checked out around the directory; None where there is no repository, no commit or no git.

    The files are compared with the commit's by their blob ids: no index is believed, and no hook or monitor is started.
    """
    name = _git(directory, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    tree = _git(directory, "ls-tree", "-r", "-z", "HEAD")
    if name is None or tree is None:
        return None
    commit = name.decode("ascii", "replace").strip()
    recorded: dict[str, str] = {}
    for row in tree.split(b"\0"):
        about, _, path = row.partition(b"\t")
        text = path.decode(errors="surrogateescape")
        if text and not any(part.startswith(".") for part in text.split("/")):
            recorded[text] = about.decode("ascii", "replace").rpartition(" ")[2]
    return Commit(commit, recorded != {path: _blob(data, len(commit)) for path, data in source.files.items()})


def _blob(data: bytes, digits: int) -> str:
    framed = b"blob %d\0" % len(data) + data
    return (hashlib.sha256(framed) if digits == 64 else hashlib.sha1(framed, usedforsecurity=False)).hexdigest()


def _git(directory: Path, *arguments: str) -> bytes | None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603  # a list of words; of them only the directory is not written here
            ["git", "-C", str(directory), "-c", "core.fsmonitor=false", *arguments],  # noqa: S607  # the git that whoever types this uses
            capture_output=True, check=False, timeout=_PATIENCE, env=environ, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
