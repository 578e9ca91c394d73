"""The entries of a tenant's log for a replay: from a running node, or from a directory that has the node's keys."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from actors.governance.ids import Instant
from ledger import BodyRemoved, Header
from ledger.header import parse
from ledger.looking import look_into
from ledger.reading import Reader
from vienna_runtime import config
from vienna_runtime.client import Vienna
from vienna_runtime.errors import ConfigError, VerificationError
from vienna_runtime.keystore import Keystore
from vienna_runtime.keystore_opener import opener_for
from vienna_runtime.ledger_keys import LedgerKeys
from vienna_runtime.replay.world import Entry
from vienna_runtime.secret import Secret

STRETCH = 1024  # entries read at once


async def from_node(vienna: Vienna, size: int) -> AsyncIterator[Entry]:
    """The first ``size`` entries, as the node gives them to whoever may read all of the log."""
    async with vienna.tail(follow=False) as items:
        async for item in items:
            if item["kind"] == "leaves":
                raise VerificationError("the node does not show you the whole log: a replay is for admins, approvers and auditors")
            if item["kind"] == "entry":
                header = parse(item["entry"])
                yield _entry(header, None if item.get("removed") else item["body"])
                if header.sequence + 1 >= size:
                    return


@contextmanager
def opened(directory: Path, ask: Callable[[], Secret]) -> Iterator[Reader]:
    """The ledger of a node's directory or of a backup, for reading alone; also while it is served.  Raises ``ConfigError`` for another."""
    settings = config.load(directory, environ=os.environ)
    if not settings.keystore.exists():
        raise ConfigError(str(directory), "", f"there is no {settings.keystore.name}: name a node's directory, or a backup of one")
    keystore = Keystore.open(settings.keystore, opener_for(settings.keystore, key_file=settings.key_file, ask=ask))
    with look_into(settings.ledger, node=keystore.node, keys=LedgerKeys(keystore)) as ledger:
        yield ledger


def from_ledger(ledger: Reader, tenant: str) -> Iterator[Entry]:
    size = ledger.head(tenant).size
    for begin in range(0, size, STRETCH):
        for record in ledger.read(tenant, begin, min(begin + STRETCH, size)):
            try:
                body = ledger.open_body(tenant, record)
            except BodyRemoved:
                yield _entry(parse(record.entry), None)
            else:
                yield _entry(parse(record.entry), body)


def _entry(header: Header, body: bytes | None) -> Entry:
    return Entry(header.sequence, Instant(header.time), header.tag, header.case, body)
