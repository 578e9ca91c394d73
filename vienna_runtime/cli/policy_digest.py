"""Bundles as people name them: the first digits of a digest, as long as they fit one bundle only."""

from __future__ import annotations

import re
from typing import Any

import click

from actors.governance import bundle as bundles
from actors.governance.bundle import Bundle, Source
from vienna_runtime.cli.exits import BadEnd
from vienna_runtime.client import Vienna
from vienna_runtime.errors import VerificationError

SHORTEST = 8  # digits: with fewer, two bundles of one tenant could meet by chance
_PREFIX = re.compile(rf"[0-9a-f]{{{SHORTEST},64}}", re.ASCII)
_ENTRIES = 100  # of the history that are looked at: a bundle that is put in force a hundred times is still one


class _Named(click.ParamType[str]):
    """Eight or more hexadecimal digits."""

    name = "digest"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value).lower()
        if not _PREFIX.fullmatch(text):
            self.fail(f"{value!r} is not a digest: 64 hexadecimal digits, or at least the first {SHORTEST} of them", param, ctx)
        return text


NAMED = _Named()


def is_named(text: str) -> bool:
    """Whether this is how a bundle on the ledger is named."""
    return _PREFIX.fullmatch(text.lower()) is not None


async def resolved(vienna: Vienna, named: str) -> bytes:
    """The digest that begins so; ends the command where none does, or more than one."""
    if len(named) == 64:
        return bytes.fromhex(named)
    found: dict[bytes, str] = {}
    before: int | None = None
    while True:
        page = await vienna.admin.bundles(prefix=named, limit=_ENTRIES, before=before)
        for entry in page["entries"]:
            if entry["bundle"].hex().startswith(named):
                found.setdefault(entry["bundle"], entry.get("name", ""))
        before = page["next"]
        if before is None or len(found) > 1:
            break
    if not found:
        raise BadEnd(f"no bundle on the ledger begins with {named}; see them with: vienna policy history")
    if len(found) > 1:
        raise BadEnd(f"more than one bundle begins with {named}; name more digits", *(f"{one.hex()} {name}" for one, name in found.items()))
    return next(iter(found))


async def fetched(vienna: Vienna, digest: bytes | None) -> tuple[bytes, Source] | None:
    """The files of that bundle (None: of the one in force), which are exactly those the digest names."""
    value = await vienna.admin.bundle(digest)
    if value["bundle"] is None:
        return None
    source = Source(value["files"])
    seen = bundles.digest(source)
    if seen != (value["bundle"] if digest is None else digest):
        raise VerificationError(f"the node calls this bundle {(digest or value['bundle']).hex()}, its files are {seen.hex()}")
    return seen, source


def read(source: Source) -> Bundle:
    """The bundle that was on the ledger; raises VerificationError for files that could never have been in force."""
    found = bundles.recall(source)
    if not isinstance(found, Bundle):
        raise VerificationError(f"the files the node shows are no bundle that could be in force: {found.items[0]}")
    return found
