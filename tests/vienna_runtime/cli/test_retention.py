"""Keeping and forgetting against a real node, as people type it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from ledger import verify_directory
from ledger.note import VerifierKey


class Said(Protocol):
    code: int
    out: str
    err: str
    json: dict[str, Any]


class House(Protocol):
    node: Path
    node_key: str


As = Callable[..., Said]
PATIENCE = 60.0  # s until the node has swept: it does so once a second, on a machine that may be busy


def denied(as_: As, purpose: str) -> str:
    """A case that policy forbids: closed as soon as it was proposed."""
    said = as_("ada", "propose", "git.push", "repo/vienna", "-p", "branch=main", "--purpose", purpose, json=True)
    assert said.code == 1
    return str(json.loads((said.out or said.err).splitlines()[-1])["case"])


def until_removed(as_: As, case: str) -> Said:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        said = as_("rosa", "case", case)
        if "(removed)" in said.out:
            return said
    raise AssertionError(f"{case} was not forgotten: {as_('rosa', 'retention', 'status').out}")


def test_a_case_is_held_released_and_erased_and_everything_else_still_verifies(as_: As, house: House, tmp_path: Path) -> None:
    kept, gone = denied(as_, "to be kept"), denied(as_, "not to be remembered by anybody")
    held = as_("rosa", "retention", "hold", "--case", gone, "--reason", "a court asks", json=True)
    assert held.code == 0
    hold = str(held.json["hold"])
    assert "a court asks" in as_("rosa", "retention", "status").out
    refused = as_("rosa", "retention", "erase", gone, "--reason", "asked for", "--really")
    assert (refused.code, "on_hold" in refused.err) == (1, True)
    assert as_("rosa", "retention", "release", hold, "--reason", "the court is done").code == 0

    dry = as_("rosa", "retention", "erase", gone, "--reason", "asked for")
    assert dry.code == 0
    assert "Nothing was done" in dry.out
    assert "not to be remembered" in as_("rosa", "case", gone).out
    assert as_("rosa", "retention", "erase", gone, "--reason", "asked for", "--really").code == 0
    shown = until_removed(as_, gone)
    assert "not to be remembered" not in shown.out
    assert "intent.proposed" in shown.out
    assert "to be kept" in as_("rosa", "case", kept).out
    letters = as_("rosa", "dead-letters", "list", "--all")
    assert kept in letters.out  # the chain of letters leads on through the one that was removed
    assert "(removed)" in letters.out
    file = str(tmp_path / "kept.evidence")
    assert as_("rosa", "evidence", kept, "-o", file).code == 0
    verified = as_("rosa", "verify", file, "--key", house.node_key)
    assert verified.code == 0, verified.out + verified.err
    tail = as_("rosa", "tail", "--verify")
    assert tail.code == 0, tail.err
    report = verify_directory(house.node / "ledger", VerifierKey.parse(house.node_key))
    assert next(log.removed for log in report.logs if log.log == "belvedere") >= 3


def test_nothing_is_over_its_retention_in_a_young_tenant(as_: As) -> None:
    status = as_("rosa", "retention", "status", json=True)
    assert status.json["days"] == 2557
    assert [month["over"] for month in status.json["months"]] == [False] * len(status.json["months"])
    assert "2557 days" in as_("rosa", "retention", "status").out
    for more in ((), ("--really",)):
        assert "Nothing is over" in as_("rosa", "retention", "run", *more).out


def test_what_cannot_be_is_refused_by_name(as_: As) -> None:
    assert as_("rosa", "retention", "hold", "--reason", "x").code == 2
    assert as_("rosa", "retention", "hold", "--months", "2026-13", "--reason", "x").code == 1
    assert "unknown" in as_("rosa", "retention", "erase", "c0000", "--reason", "x", "--really").err
    assert "not_allowed" in as_("ada", "retention", "run", "--really").err
    hold = as_("rosa", "retention", "hold", "--case", "nope", "--reason", "x")
    assert (hold.code, "there is no case 'nope'" in hold.err) == (1, True)
    dry = as_("rosa", "retention", "erase", "0", "9999", "--reason", "x")
    assert (dry.code, "there is no entry 9999" in dry.err) == (1, True)
    assert as_("rosa", "retention", "erase", "0", "--reason", "x").code == 0
    assert as_("clara", "retention", "status").code == 0
