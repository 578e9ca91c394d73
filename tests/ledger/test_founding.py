"""A first opening that was cut off is simply begun again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ledger import Ledger
from ledger.founding import DATA_FILE, DRAFT, LOCK_FILE


@pytest.mark.parametrize("left", [b"", b"half a page", bytes(8192)])
def test_what_a_first_opening_left_behind_is_in_nobodys_way(opened: Callable[..., Ledger], tmp_path: Path, left: bytes) -> None:
    draft = tmp_path / "ledger" / DRAFT
    draft.mkdir(parents=True)
    (draft / DATA_FILE).write_bytes(left)
    (draft / LOCK_FILE).write_bytes(left)
    ledger = opened()
    ledger.create("belvedere", time=1, actor="operator")
    assert not draft.exists()
    ledger.verify()


def test_a_data_file_that_is_there_is_never_made_anew(opened: Callable[..., Ledger], tmp_path: Path) -> None:
    ledger = opened()
    ledger.create("belvedere", time=1, actor="operator")
    ledger.close()
    before = (tmp_path / "ledger" / DATA_FILE).stat()
    again = opened()
    assert "belvedere" in again.logs()
    assert (tmp_path / "ledger" / DATA_FILE).stat().st_ino == before.st_ino
