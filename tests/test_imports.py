"""What a command waits for before it does anything: a person types dozens of them, and a script hundreds."""

from __future__ import annotations

import subprocess
import sys

import pytest

import ledger

FOR_A_NODE = ("lmdb", "cryptography.x509", "cedarpy", "jsonschema", "ledger.store", "ledger.audit", "actors.governance.evolve")


@pytest.mark.parametrize(
    ("imported", "unwanted"),
    [
        ("vienna_runtime.client, vienna_runtime.cli.approvals, vienna_runtime.cli.case, vienna_runtime.cli.propose", FOR_A_NODE),
        ("vienna_runtime.cli.policy_check, vienna_runtime.cli.policy_new", ("trio_websocket", "lmdb", "ledger.store")),
        ("vienna_runtime.cli.main", (*FOR_A_NODE, "trio", "rich.console")),
    ],
)
def test_a_command_imports_nothing_that_it_has_no_use_for(imported: str, unwanted: tuple[str, ...]) -> None:
    program = f"import sys, {imported}\nprint(*[name for name in {unwanted!r} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert ran.stdout.split() == []


def test_every_name_of_the_ledger_is_there_when_it_is_asked_for() -> None:
    for name in ledger.__all__:
        assert getattr(ledger, name) is not None
    with pytest.raises(AttributeError, match=r"'ledger' has no attribute 'Nothing'"):
        _ = ledger.Nothing  # type: ignore[attr-defined]
