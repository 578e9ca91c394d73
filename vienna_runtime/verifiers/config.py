"""The verifier's configuration file: which checks it makes, and how it looks.

credential = "emil.vienna"
concurrency = 4

[checks."note_written"]
kind = "file_digest"
params = { path = "path", content = "text" }
resource = "note/{path}"
root = "/srv/notes"
path = "{path}"
expected = { digest_of = "content" }

[checks."committed"]
kind = "exit_code"
read_only = true
params = { repo = "path", message = "text" }
resource = "repo/{repo}"
root = "/srv/repos"
cwd = "{repo}"
argv = ["git", "log", "-1", "--format=%s"]
observe = "output"                    # or exit_code, output_digest
expected = { param = "message" }

[checks."pushed"]
kind = "git_ref"
params = { repo = "path", commit = "text" }
resource = "repo/{repo}"
root = "/srv/remotes"                 # or remote = "https://git.example/{repo}.git"
repo = "{repo}.git"
ref = "refs/heads/main"
expected = { param = "commit" }
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs

from vienna_runtime.executors import settings
from vienna_runtime.executors.settings import Table
from vienna_runtime.executors.subject import subject
from vienna_runtime.verifiers.kinds import READERS
from vienna_runtime.verifiers.observe import Sight


@attrs.frozen(kw_only=True)
class VerifierConfig:
    credential: Path
    concurrency: int
    checks: Mapping[str, Sight]


def load(path: Path) -> VerifierConfig:
    """Raises ``ConfigurationInvalid`` that names the file, the key and what is expected."""
    table = settings.load(path)
    config = VerifierConfig(
        credential=path.parent / table.text("credential"),
        concurrency=table.integer("concurrency", 4, least=1, most=1000),
        checks={name: _check(check) for name, check in table.tables("checks").items()},
    )
    table.finish()
    if not config.checks:
        raise table.invalid("checks", "lists none; a verifier without checks sees nothing")
    return config


def _check(table: Table) -> Sight:
    kind, what = table.choice("kind", READERS), subject(table)
    sight = READERS[kind](table, what)
    table.finish()
    return sight
