"""A bundle's life on a real node: pushed from a commit, in force, another one, and back again."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest


class Said(Protocol):
    code: int
    out: str
    err: str
    json: dict[str, Any]


As = Callable[..., Said]
BUNDLE = Path(__file__).parents[3] / "examples" / "bundles" / "payments"
pytestmark = pytest.mark.slow


def git(directory: Path, *arguments: str) -> str:
    who = ("-c", "user.name=Rosa", "-c", "user.email=rosa@belvedere.example", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(directory), *who, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a bundle in a directory of it, committed."""
    shutil.copytree(BUNDLE, tmp_path / "law" / "payments")
    git(tmp_path / "law", "init", "-q")
    git(tmp_path / "law", "add", ".")
    git(tmp_path / "law", "commit", "-q", "-m", "the law")
    return tmp_path / "law"


def test_a_bundle_from_its_push_to_its_rollback(as_: As, repository: Path) -> None:
    bundle = repository / "payments"
    head = git(repository, "rev-parse", "HEAD")
    before = as_("rosa", "policy", "show", json=True).json["bundle"]

    clean = as_("rosa", "policy", "push", str(bundle), json=True).json
    assert (clean["commit"], clean["dirty"]) == (head, False)
    (bundle / "README.md").write_text("not committed\n")
    dirty = as_("rosa", "policy", "push", str(bundle), json=True).json
    assert (dirty["commit"], dirty["dirty"]) == (head, True)

    assert as_("rosa", "policy", "activate", clean["bundle"][:8], "--reason", "spring").code == 0
    assert as_("rosa", "policy", "show", json=True).json["bundle"] == clean["bundle"]
    assert as_("clara", "policy", "show", dirty["bundle"][:10], json=True).json["bundle"] == dirty["bundle"]

    assert as_("rosa", "policy", "rollback", "--reason", "too early").code == 0
    assert as_("rosa", "policy", "show", json=True).json["bundle"] == before
    assert as_("rosa", "policy", "rollback", clean["bundle"], "--reason", "after all").code == 0

    told = as_("clara", "policy", "history", json=True).json["entries"]
    kinds = [(entry["what"], entry["bundle"], entry.get("reason")) for entry in told[:5]]
    assert kinds == [
        ("activated", clean["bundle"], "after all"),
        ("activated", before, "too early"),
        ("activated", clean["bundle"], "spring"),
        ("pushed", dirty["bundle"], None),
        ("pushed", clean["bundle"], None),
    ]
    newest, back, spring = told[:3]
    assert newest["until"] is None
    assert (back["until"], spring["until"]) == (newest["since"], back["since"])
    assert {(entry["by"], entry["person"]) for entry in told} == {("rosa", "Rosa")}
    assert newest["author"] == "Rosa"
    assert [(entry["commit"], entry["dirty"]) for entry in told[3:5]] == [(head, True), (head, False)]

    said = as_("clara", "policy", "history").out
    assert f"{head[:12]} and changes" in said
    assert "in force now" in said

    as_("rosa", "policy", "activate", before)


def test_a_digest_is_at_least_eight_digits_of_a_bundle_that_is_there(as_: As) -> None:
    short = as_("rosa", "policy", "activate", "4f1c")
    assert short.code == 2
    assert "at least the first 8" in short.err
    nothing = as_("rosa", "policy", "show", "00000000")
    assert nothing.code == 1
    assert "no bundle on the ledger begins with 00000000" in nothing.err


def test_what_was_never_in_force_is_no_rollback(as_: As, repository: Path) -> None:
    pushed = as_("rosa", "policy", "push", str(repository / "payments"), json=True).json["bundle"]
    in_force = as_("rosa", "policy", "show", json=True).json["bundle"]
    (repository / "payments" / "NOTES.md").write_text("never in force\n")
    never = as_("rosa", "policy", "push", str(repository / "payments"), json=True).json["bundle"]
    assert never != pushed
    said = as_("rosa", "policy", "rollback", never, "--reason", "x")
    assert said.code == 1
    assert "was never in force" in said.err
    assert as_("rosa", "policy", "rollback", in_force, "--reason", "x").code == 1


def test_a_machine_sees_the_bundle_in_force_and_no_other(as_: As, repository: Path) -> None:
    pushed = as_("rosa", "policy", "push", str(repository / "payments"), json=True).json["bundle"]
    assert as_("ada", "policy", "show").code == 0
    assert as_("ada", "policy", "show", pushed).code == 1
    assert as_("ada", "policy", "history").code == 1
