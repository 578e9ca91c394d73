"""A bundle as a directory: its files."""

from __future__ import annotations

from pathlib import Path

import click

from actors.governance.bundle import Source

DIRECTORY = click.Path(path_type=Path, exists=True, file_okay=False)


def source_of(directory: Path) -> Source:
    """The files of that directory but hidden ones; what does not belong there is found by the check, not left out here."""
    found: dict[str, bytes] = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory)
        if not path.is_dir() and not any(part.startswith(".") for part in name.parts):
            found[name.as_posix()] = path.read_bytes()
    return Source(found)
