"""What is left of a self-test's node, opened as its next start would, and verified as anybody would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from actors.governance import events as e
from actors.governance.codec import decode
from ledger import Ledger
from ledger.header import parse
from vienna_runtime import config as configs
from vienna_runtime.errors import ViennaError
from vienna_runtime.keystore import Keystore
from vienna_runtime.keystore_opener import opener_for
from vienna_runtime.ledger_keys import LedgerKeys
from vienna_runtime.secret import Secret
from vienna_runtime.selftest.workplace import Workplace

_STRETCH = 1024  # entries read at once


def verified(work: Workplace) -> int:
    """Verifies all of it; how many entries it has."""
    with opened(work) as ledger:
        ledger.verify()
        return sum(head.size for head in ledger.logs().values())


@contextmanager
def opened(work: Workplace) -> Iterator[Ledger]:
    config = configs.load(work.node, environ={})
    keystore = Keystore.open(config.keystore, opener_for(config.keystore, key_file=config.key_file, ask=_nobody_is_asked))
    ledger = Ledger.open(config.ledger, node=keystore.node, keys=LedgerKeys(keystore), map_size=config.settings.data.map_size)
    try:
        yield ledger
    finally:
        ledger.close()


def events(ledger: Ledger, log: str) -> Iterator[e.Event]:
    """Every event of a tenant's log, in order."""
    size = ledger.head(log).size
    for first in range(0, size, _STRETCH):
        for record in ledger.read(log, first, min(first + _STRETCH, size)):
            yield decode(parse(record.entry).tag, ledger.open_body(log, record))


def _nobody_is_asked() -> Secret:
    raise ViennaError("a self-test's keystore has no passphrase")
