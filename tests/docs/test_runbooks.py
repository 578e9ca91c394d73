from __future__ import annotations

import re
from pathlib import Path

import pytest

from actors.governance import reconciling
from actors.governance.alert_kinds import EVERY_KIND, Kind

DOCS = Path(__file__).resolve().parents[2] / "docs"
OPERATIONS = (DOCS / "operations.md").read_text()


def section(address: str) -> str:
    """The text below the heading that has this address."""
    for heading, text in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", OPERATIONS, re.MULTILINE | re.DOTALL):
        if re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") == address:
            return str(text)
    raise AssertionError(f"docs/operations.md has no section {address}")


@pytest.mark.parametrize("kind", EVERY_KIND.values(), ids=EVERY_KIND)
def test_every_kind_of_alert_has_its_runbook_which_says_what_it_means_and_what_to_do(kind: Kind) -> None:
    text = section(kind.runbook)
    assert "**Do**" in text or "vienna " in text, "it says nothing to do"
    assert len(text.split()) > 40


def test_every_kind_of_finding_stands_beside_what_is_compared_and_those_that_the_law_resolves_are_named() -> None:
    text = (DOCS / "reconciliation.md").read_text()
    (compared,) = re.findall(r"^## What is compared\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
    rows = [line for line in compared.splitlines() if line.startswith("|")]
    assert sorted(name for line in rows for name in re.findall(r"`([a-z]+_[a-z_]+)`", line)) == sorted(reconciling.KINDS)
    (said,) = re.findall(r"The law resolves (.+?) itself", text)
    automatic = {name for name, kind in reconciling.KINDS.items() if kind.resolution == reconciling.AUTOMATIC}
    assert set(re.findall(r"`(.+?)`", said)) == automatic
