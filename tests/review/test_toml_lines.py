"""A bundle's manifest cannot hold its tenant up for minutes."""

from __future__ import annotations

import pytest

from actors.governance.bundle import Findings, Source, load


@pytest.mark.parametrize("line", [b"a." * 200_000 + b"b = 1", b"[" + b"a." * 200_000 + b"b]"])
def test_a_key_of_countless_dots_is_a_finding_and_not_a_wait(line: bytes) -> None:
    found = load(Source({"bundle.toml": b"[bundle]\nname = 'x'\n" + line}))
    assert isinstance(found, Findings)
    assert (found.items[0].line, found.items[0].message) == (3, "more than 4096 characters in one line")
