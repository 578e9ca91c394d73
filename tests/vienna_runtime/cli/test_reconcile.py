"""An agent that goes around its executor is found: real files, a real repository, a node and an executor in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import attrs
import pytest

GIT = {
    "GIT_AUTHOR_NAME": "x", "GIT_AUTHOR_EMAIL": "x@example.invalid", "GIT_COMMITTER_NAME": "x", "GIT_COMMITTER_EMAIL": "x@example.invalid",
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "PATH": "/usr/local/bin:/usr/bin:/bin",
}  # fmt: skip

MAPPING = """
[[effect]]
action = "file.write"
place = "{params.path}"
digest = "sha256:{params.content}"
[[effect]]
action = "git.push"
place = "refs/heads/{params.branch}"
digest = "{params.commit}"
"""


class Said(Protocol):
    code: int
    out: str
    err: str
    json: dict[str, object]


class House(Protocol):
    directory: Path

    def credential(self, name: str) -> Path: ...


As = Callable[..., Said]


@attrs.frozen
class Desk:
    """A working tree and the remote that it is pushed to."""

    tree: Path
    remote: Path
    mapping: Path

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.tree, env=GIT, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        self.git("commit", "--quiet", "--allow-empty", f"--message={message}")
        return self.git("rev-parse", "HEAD")


@pytest.fixture(scope="module")
def desk(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """With the executor that alone should write there."""
    top = tmp_path_factory.mktemp("desk")
    made = Desk(top / "trees" / "main", top / "origin.git", top / "mapping.toml")
    (made.tree / "notes").mkdir(parents=True)
    made.mapping.write_text(MAPPING)
    made.git("init", "--quiet", "--initial-branch=main")
    made.git("init", "--quiet", "--bare", str(made.remote))
    made.git("remote", "add", "origin", str(made.remote))
    config = top / "workshop.toml"
    env = ", ".join(f'{name} = "{value}"' for name, value in GIT.items() if name != "PATH")
    config.write_text(f"""
credential = "{house.credential("workshop")}"
[actions."file.write"]
kind = "file"
op = "write"
params = {{ path = "path", content = "text" }}
resource = "repo/vienna"
root = "{made.tree}"
path = "{{path}}"
content = "{{content}}"
[actions."git.push"]
kind = "process"
params = {{ remote = ["origin"], branch = ["main"], commit = "text" }}
resource = "repo/vienna"
root = "{made.tree.parent}"
cwd = "{{branch}}"
argv = ["git", "-c", "core.hooksPath=/dev/null", "push", "--quiet", "{{remote}}", "{{commit}}:refs/heads/{{branch}}"]
env = {{ {env} }}
""")
    config.chmod(0o600)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("VIENNA_")}
    command = [sys.executable, "-m", "vienna_runtime.cli.main", "executor", "run", "--config", str(config)]
    with (top / "log").open("wb") as log, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environ) as executor:
        try:
            assert executor.stdout is not None
            assert b"ready" in executor.stdout.readline()
            yield made
        finally:
            executor.terminate()
            executor.wait(60)


def reported(as_: As, case: object) -> None:
    """Waits until the executor's receipt of this case is on the ledger."""
    for _ in range(200):
        entries = as_("rosa", "case", str(case), json=True).json["entries"]
        assert isinstance(entries, list)
        if any(entry["tag"].startswith("run.reported") for entry in entries):
            return
        time.sleep(0.05)
    raise AssertionError(f"{case} was not reported")


def write(as_: As, path: str, content: str) -> None:
    """As an agent should: through its executor."""
    said = as_(
        "ada",
        "propose",
        "file.write",
        "repo/vienna",
        "-p",
        f"path={path}",
        "-p",
        f"content={content}",
        "--purpose",
        "note it",
        "--no-wait",
        json=True,
    )
    reported(as_, said.json["case"])


def push(as_: As, commit: str) -> None:
    given = ("-p", "remote=origin", "-p", "branch=main", "-p", f"commit={commit}")
    case = as_("ada", "propose", "git.push", "repo/vienna", *given, "--purpose", "publish", "--no-wait", json=True).json["case"]
    for approver in ("clara", "dora"):
        assert as_(approver, "approve", str(case), "--yes", "--reason", "seen").code == 0
    reported(as_, case)


def about(said: Said) -> set[tuple[str, str]]:
    found = said.json["findings"]
    assert isinstance(found, list)
    return {(row["kind"], row["about"].split()[0]) for row in found}


def test_an_agent_that_goes_around_its_executor_is_found_and_one_that_does_not_is_not(as_: As, desk: Desk) -> None:
    files = ("reconcile", "directory", str(desk.tree), "--mapping", str(desk.mapping), "--only", "notes/*")
    refs = ("reconcile", "git", str(desk.remote), "--mapping", str(desk.mapping), "--only", "refs/heads/*")
    write(as_, "notes/a.md", "first")
    write(as_, "notes/a.md", "second")
    push(as_, desk.commit("one"))
    for look in (files, refs):
        said = as_("rosa", *look, json=True)
        assert (said.code, said.json["records"], said.json["matched"], said.json["found"]) == (0, 1, 1, 0), said

    (desk.tree / "notes" / "a.md").write_text("what ada wrote herself")
    (desk.tree / "notes" / "b.md").write_text("new")
    desk.commit("two")
    desk.git("push", "--quiet", "origin", "HEAD:refs/heads/main", "HEAD:refs/heads/side")
    said = as_("rosa", *files, json=True)
    rogue = "effect_without_warrant"
    assert (said.code, about(said), said.json["recorded"]) == (6, {(rogue, "notes/a.md"), (rogue, "notes/b.md")}, 2)
    said = as_("rosa", *refs, json=True)
    assert (said.code, about(said), said.json["recorded"]) == (6, {(rogue, "refs/heads/main"), (rogue, "refs/heads/side")}, 2)

    listed = as_("rosa", "reconcile", "list", json=True).json["findings"]
    assert isinstance(listed, list)
    assert {row["severity"] for row in listed} == {"critical"}
    assert as_("rosa", *files, json=True).json["recorded"] == 0  # found again, and open already
    shown = as_("clara", "reconcile", "show", listed[0]["finding"])
    assert "a redeemed warrant" in shown.out or "what it left" in shown.out
    assert as_("rosa", "reconcile", "resolve", listed[0]["finding"], "--reason", "taken back").code == 0
    assert len(as_("rosa", "reconcile", "list", json=True).json["findings"]) == 3  # type: ignore[arg-type]  # a list, see above


def test_what_an_executor_did_and_somebody_undid_is_found(as_: As, desk: Desk) -> None:
    write(as_, "notes/gone.md", "short-lived")
    (desk.tree / "notes" / "gone.md").unlink()
    said = as_(
        "rosa", "reconcile", "directory", str(desk.tree), "--mapping", str(desk.mapping), "--only", "notes/g*", "--dry-run", json=True
    )
    assert (said.code, about(said), said.json["recorded"]) == (6, {("warrant_without_effect", "notes/gone.md")}, 0)


def test_a_providers_records_are_matched_by_effect_and_by_place(as_: As, desk: Desk, house: House, tmp_path: Path) -> None:
    write(as_, "notes/c.md", "third")
    records = tmp_path / "records.jsonl"
    records.write_text('{"place": "notes/c.md", "actor": "disk"}\n{"effect": "beef", "actor": "somebody"}\n')
    offline = ("--ledger", str(house.directory / "node"), "--tenant", "belvedere", "--mapping", str(desk.mapping), "--only", "notes/c.md")
    said = as_("rosa", "reconcile", "import", str(records), *offline, "--findings", str(tmp_path / "found.jsonl"), json=True)
    assert (said.code, said.json["matched"], about(said)) == (6, 1, {("effect_without_warrant", "effect")}), said
    assert "beef" in (tmp_path / "found.jsonl").read_text()


def test_evidence_is_for_those_who_see_the_whole_log(as_: As, desk: Desk) -> None:
    said = as_("emil", "reconcile", "git", str(desk.remote), "--mapping", str(desk.mapping))
    assert said.code == 1
    assert "only a part of the log" in said.err


def test_a_comparison_on_demand_says_that_everything_agrees(as_: As) -> None:
    said = as_("rosa", "reconcile", "run", json=True)
    assert (said.code, said.json["state"], said.json["reservations"]) == (0, True, 0)


def test_evidence_that_cannot_be_read_is_named_by_its_line(as_: As, tmp_path: Path) -> None:
    records = tmp_path / "r.jsonl"
    records.write_text('{"place": "x"}\n{"efect": "x"}\n')
    said = as_("rosa", "reconcile", "import", str(records))
    assert (said.code, "r.jsonl:2" in said.err) == (2, True)


def test_dead_letters_are_found_by_what_they_are_and_tried_again_in_bulk_once(as_: As) -> None:
    for number in range(3):
        asked = as_("ada", "propose", "git.log", "repo/vienna", "-p", "count:=0", "--purpose", f"look {number}", json=True)
        assert asked.json["outcome"] == "denied"
    named = ("--kind", "denied", "--agent", "ada", "--action", "git.log")
    found = as_("rosa", "dead-letters", "list", *named, "--limit", "2", json=True).json
    assert (len(found["letters"]), found["next"] is not None) == (2, True)  # type: ignore[arg-type]  # a list
    assert as_("rosa", "dead-letters", "list", *named, "--older", "1h", json=True).json["letters"] == []
    assert as_("rosa", "dead-letters", "list", "--kind", "denied", "--agent", "ben", json=True).json["letters"] == []
    assert as_("rosa", "dead-letters", "list", "--kind", "refused").code == 2

    again = as_("rosa", "dead-letters", "retry", *named, "--most", "2", "--pace", "50", json=True).json
    assert (len(again["done"]), again["refused"]) == (2, [])  # type: ignore[arg-type]  # likewise
    left = as_("rosa", "dead-letters", "list", *named, json=True).json["letters"]
    assert len(left) == 3  # type: ignore[arg-type]  # one that was left, and two that were denied again
    closed = as_("rosa", "dead-letters", "resolve", *named, "--reason", "no such count", "--pace", "50", json=True).json
    assert len(closed["done"]) == 3  # type: ignore[arg-type]  # likewise
    assert as_("rosa", "dead-letters", "list", *named, json=True).json["letters"] == []
    assert as_("rosa", "status", json=True).json["letters"]["kinds"].get("denied") is None  # type: ignore[index]  # a map
    assert as_("rosa", "dead-letters", "retry").code == 2
