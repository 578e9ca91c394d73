"""What the refs of a repository point to, as records: the ref is the place, the object's name the digest."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from vienna_runtime.reconcile.errors import EvidenceInvalid
from vienna_runtime.reconcile.record import Record

_SECONDS = 60  # listing a hundred thousand refs takes one


def records(repository: Path) -> Iterator[Record]:
    """Branches and tags; raises ``EvidenceInvalid`` where git cannot read the repository."""
    # Neither the environment nor the repository's own configuration may name programs to run.
    # Nothing is fetched, and what is no repository is not looked for above: that would be somebody else's.
    environ = {
        "PATH": os.environ.get("PATH", ""), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_OPTIONAL_LOCKS": "0",
        "GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1", "GIT_CEILING_DIRECTORIES": str(repository.resolve().parent),
    }  # fmt: skip
    command = ["git", "-c", f"safe.directory={repository.resolve()}", "-C", str(repository), "for-each-ref"]
    try:
        done = subprocess.run(  # noqa: S603  # no shell; what is listed is named by whoever runs the command
            [*command, "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"],
            capture_output=True, env=environ, timeout=_SECONDS, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise EvidenceInvalid("git is not installed here") from None
    except subprocess.TimeoutExpired:
        raise EvidenceInvalid(f"{repository}: git did not list its refs within {_SECONDS} s") from None
    if done.returncode:
        raise EvidenceInvalid(f"{repository}: {done.stderr.decode(errors='replace').strip()[:300] or 'git cannot read it'}")
    for line in done.stdout.split(b"\n")[:-1]:  # by git's own line ends: a ref may hold what Unicode calls one
        name, _, ref = line.decode("utf-8", "backslashreplace").partition(" ")
        yield Record(place=ref, digest=name)
