from __future__ import annotations

from pathlib import Path

import pytest

from ledger.keys import Keys
from ledger.note import compose, open_note
from vienna_runtime.errors import UnknownOwnerError
from vienna_runtime.keystore import Keystore
from vienna_runtime.ledger_keys import LedgerKeys
from vienna_runtime.sealing import RawKey
from vienna_runtime.secret import Secret


@pytest.fixture
def store(tmp_path: Path) -> Keystore:
    store = Keystore.create(tmp_path / "keystore", RawKey(Secret(b"k" * 32)), node="vienna.local")
    store.admit_tenant("belvedere")
    return store


def test_a_note_signed_for_a_log_opens_with_that_logs_verifier_alone(store: Keystore) -> None:
    keys: Keys = LedgerKeys(store)
    text = "vienna.local/belvedere\n1\nAAAA\n"
    note = compose(text, keys.sign("belvedere", text.encode()))
    assert open_note(note, [keys.verifier("belvedere")]).text == text
    with pytest.raises(Exception, match="none of the known keys"):
        open_note(note, [keys.verifier("")])


def test_verifiers_are_named_by_the_logs_origin(store: Keystore) -> None:
    keys = LedgerKeys(store)
    assert keys.verifier("").name == "vienna.local"
    assert keys.verifier("belvedere").name == "vienna.local/belvedere"
    assert keys.verifier("belvedere") is keys.verifier("belvedere")


def test_data_keys_are_the_keystores_and_a_destroyed_one_is_gone_at_once(store: Keystore) -> None:
    keys = LedgerKeys(store)
    key = keys.data_key("belvedere", "2026-11")
    assert keys.data_key("belvedere", "2026-11").secret == key.secret
    again = keys.data_key_by_id("belvedere", key.id)
    assert again is not None
    assert again.secret == key.secret
    store.destroy_data_key("belvedere", key.id)
    assert keys.data_key_by_id("belvedere", key.id) is None
    assert keys.data_key("belvedere", "2026-11").secret != key.secret


def test_a_log_never_admitted_has_no_keys(store: Keystore) -> None:
    keys = LedgerKeys(store)
    for ask in (lambda: keys.sign("mallory", b""), lambda: keys.verifier("mallory"), lambda: keys.data_key("mallory", "2026-11")):
        with pytest.raises(UnknownOwnerError):
            ask()
    assert keys.data_key_by_id("mallory", b"12345678") is None
