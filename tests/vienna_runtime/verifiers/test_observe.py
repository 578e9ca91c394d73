"""Real files, programs and repositories, seen by a verifier; a lie is found, and what was not seen is never agreement."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from vienna_runtime.verifiers import config
from vienna_runtime.verifiers.observe import Absent, Claim, Expectation, Inconclusive, Observation, Sight, observe

Look = Callable[[str], Mapping[str, Sight]]

CLAIM = Claim(result=b"", result_digest=hashlib.sha256(b"new").digest(), evidence={})
IDENTITY = ["-c", "user.name=ada", "-c", "user.email=ada@belvedere.example"]


@pytest.fixture
def checks(tmp_path: Path) -> Look:
    def load(text: str) -> Mapping[str, Sight]:
        path = tmp_path / "verifier.toml"
        root = "" if "remote =" in text else f'root = "{tmp_path}"\n'  # a setting without a use is refused
        path.write_text(f'credential = "emil.vienna"\n[checks.look]\nresource = "r"\n{root}{text}\n')
        path.chmod(0o600)
        return config.load(path).checks

    return load


def case(claim: Claim = CLAIM, check: str = "look", resource: str = "r", **params: object) -> Expectation:
    return Expectation(check=check, resource=resource, params=params, claim=claim, effect_id="e")


def git(repo: Path, *arguments: str) -> str:
    env = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", "-C", str(repo), *IDENTITY, *arguments], check=True, capture_output=True, text=True, env=env)
    return done.stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    repo = tmp_path / "work"
    repo.mkdir()
    git(repo, "init", "--quiet", "--initial-branch=main")
    git(repo, "commit", "--quiet", "--allow-empty", "--message=first")
    return repo


FILE = 'kind = "file_digest"\nparams = { path = "path" }\npath = "{path}"\n'


async def test_a_file_that_is_as_the_receipt_says_agrees(checks: Look, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("new")
    seen = await observe(case(path="note"), checks(FILE))
    assert isinstance(seen, Observation)
    assert seen.agrees
    assert seen.observed == CLAIM.result_digest


@pytest.mark.parametrize("content", ["old", None])
async def test_a_receipt_that_lies_about_a_file_is_found(checks: Look, tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "note").write_text(content)
    seen = await observe(case(path="note"), checks(FILE))
    assert isinstance(seen, Observation)
    assert not seen.agrees
    assert "observed" in seen.why


async def test_a_deleted_file_is_seen_to_be_absent(checks: Look, tmp_path: Path) -> None:
    looking = checks(FILE + "expected = { absent = true }")
    gone = await observe(case(path="note"), looking)
    (tmp_path / "note").write_text("still here")
    here = await observe(case(path="note"), looking)
    assert isinstance(gone, Observation)
    assert gone.agrees
    assert gone.observed == Absent()
    assert isinstance(here, Observation)
    assert not here.agrees


async def test_the_digest_of_a_parameter_takes_nobodys_word(checks: Look, tmp_path: Path) -> None:
    looking = checks(FILE.replace('"path" }', '"path", content = "text" }') + 'expected = { digest_of = "content" }')
    (tmp_path / "note").write_text("new")
    asked = await observe(case(path="note", content="new"), looking)
    other = await observe(case(path="note", content="something else"), looking)
    assert isinstance(asked, Observation)
    assert asked.agrees
    assert isinstance(other, Observation)
    assert not other.agrees


@pytest.mark.parametrize("path", ["../note", "/etc/passwd", "link", "missing/note", "fifo", "a\0b", 5, None])
async def test_what_cannot_be_seen_is_inconclusive(checks: Look, tmp_path: Path, path: object) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "fifo")
    assert isinstance(await observe(case(path=path), checks(FILE)), Inconclusive)


async def test_an_unknown_check_another_resource_and_a_missing_parameter_are_inconclusive(checks: Look, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("new")
    looking = checks(FILE)
    for expectation in (case(check="other", path="note"), case(resource="other", path="note"), case()):
        assert isinstance(await observe(expectation, looking), Inconclusive)


@pytest.mark.parametrize("claimed", [b"short", b""])
async def test_a_claim_that_is_no_digest_is_inconclusive(checks: Look, tmp_path: Path, claimed: bytes) -> None:
    (tmp_path / "note").write_text("new")
    claim = Claim(result=b"", result_digest=claimed, evidence={})
    assert isinstance(await observe(case(claim, path="note"), checks(FILE)), Inconclusive)


def program(argv: str, more: str = "") -> str:
    return f'kind = "exit_code"\nread_only = true\nargv = {argv}\n{more}'


async def test_an_exit_code_is_compared_with_zero_unless_told_otherwise(checks: Look) -> None:
    for argv, agrees in (('["true"]', True), ('["false"]', False)):
        seen = await observe(case(), checks(program(argv)))
        assert isinstance(seen, Observation)
        assert seen.agrees is agrees


async def test_output_is_compared_with_what_was_asked_for(checks: Look, repo: Path) -> None:
    text = 'cwd = "work"\nparams = { message = "text" }\nobserve = "output"\nexpected = { param = "message" }'
    looking = checks(program('["git", "log", "-1", "--format=%s"]', text))
    honest = await observe(case(message="first"), looking)
    lying = await observe(case(message="second"), looking)
    assert isinstance(honest, Observation)
    assert honest.agrees
    assert isinstance(lying, Observation)
    assert not lying.agrees


@pytest.mark.parametrize(
    "text",
    [
        program('["sleep", "60"]', 'timeout = "50ms"\ngrace = "10ms"'),
        program('["false"]', 'observe = "output_digest"\nexpected = { receipt = "result_digest" }'),
        program('["echo", "new"]', 'observe = "output"\nexpected = { receipt = "no_such_key" }'),
        program('["echo", "too long"]', 'observe = "output"\nexpected = { literal = "too" }\nmax_output = "3B"'),
        program('["true"]', 'expected = { literal = "0" }'),
    ],
)
async def test_a_command_that_tells_nothing_is_inconclusive(checks: Look, text: str) -> None:
    assert isinstance(await observe(case(), checks(text)), Inconclusive)


async def test_a_command_that_writes_a_file_is_stopped(checks: Look, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("content")
    assert not isinstance(await observe(case(), checks(program('["cp", "note", "copy"]'))), Observation)
    assert not (tmp_path / "copy").exists() or (tmp_path / "copy").stat().st_size == 0


REF = 'kind = "git_ref"\nparams = { ref = "text", commit = "text" }\nrepo = "work"\nref = "{ref}"\nexpected = { param = "commit" }\n'
MAIN = "refs/heads/main"


@pytest.mark.parametrize("place", ["work", "bare", "remote"])
async def test_a_ref_names_the_commit_that_it_names(checks: Look, repo: Path, tmp_path: Path, place: str) -> None:
    commit, text = git(repo, "rev-parse", "HEAD"), REF
    if place == "bare":
        git(repo, "clone", "--quiet", "--bare", ".", str(tmp_path / "bare"))
        text = REF.replace('repo = "work"', 'repo = "bare"')
    if place == "remote":
        text = REF.replace('repo = "work"', f'remote = "file://{repo}"')
    looking = checks(text)
    honest = await observe(case(ref=MAIN, commit=commit), looking)
    lying = await observe(case(ref=MAIN, commit="0" * 40), looking)
    absent = await observe(case(ref="refs/heads/next", commit=commit), looking)
    assert isinstance(honest, Observation), honest
    assert honest.agrees
    assert isinstance(lying, Observation)
    assert not lying.agrees
    assert isinstance(absent, Observation)
    assert not absent.agrees
    assert absent.observed == Absent()


async def test_a_ref_below_the_name_is_not_the_name(checks: Look, repo: Path) -> None:
    git(repo, "branch", "topic/deep")
    commit = git(repo, "rev-parse", "HEAD")
    seen = await observe(case(ref="refs/heads/topic", commit=commit), checks(REF))
    assert isinstance(seen, Observation)
    assert seen.observed == Absent()


@pytest.mark.parametrize(
    "ref", ["main", "HEAD", "refs/heads/*", "refs/heads/../main", "--all", "refs/heads/a b", "refs/heads/x.lock", "refs//x", ""]
)
async def test_a_name_that_is_no_full_ref_is_inconclusive(checks: Look, repo: Path, ref: str) -> None:
    assert isinstance(await observe(case(ref=ref, commit=git(repo, "rev-parse", "HEAD")), checks(REF)), Inconclusive)


async def test_a_ref_to_an_object_that_is_not_there_is_not_believed(checks: Look, repo: Path) -> None:
    (repo / ".git" / MAIN).write_text("1" * 40 + "\n")
    assert isinstance(await observe(case(ref=MAIN, commit="1" * 40), checks(REF)), Inconclusive)


def borrow(repo: Path, other: Path) -> None:
    """Let ``repo`` have every object of ``other``: git's own way of sharing, and no lie by itself."""
    (repo / ".git" / "objects" / "info" / "alternates").write_text(f"{other}/.git/objects\n")


@pytest.mark.parametrize("trick", ["gitfile", "commondir", "refs", "ref", "link", "parent"])
async def test_mallory_cannot_show_another_repository(checks: Look, repo: Path, tmp_path: Path, trick: str) -> None:
    shown = tmp_path / "shown"
    git(tmp_path, "clone", "--quiet", str(repo), str(shown))
    git(shown, "commit", "--quiet", "--allow-empty", "--message=what mallory would like to be seen")
    wanted = git(shown, "rev-parse", "HEAD")
    match trick:
        case "gitfile":
            shutil.rmtree(repo / ".git")
            (repo / ".git").write_text(f"gitdir: {shown}/.git\n")
        case "commondir":
            (repo / ".git" / "commondir").write_text(f"{shown}/.git\n")
        case "refs":
            shutil.rmtree(repo / ".git" / "refs")
            (repo / ".git" / "refs").symlink_to(shown / ".git" / "refs")
            borrow(repo, shown)
        case "ref":
            (repo / ".git" / MAIN).unlink()
            (repo / ".git" / MAIN).symlink_to(shown / ".git" / MAIN)
            borrow(repo, shown)
        case "link":
            shutil.rmtree(repo)
            os.symlink(shown, repo)
        case _:
            shutil.rmtree(repo / ".git")
            shutil.copytree(shown / ".git", tmp_path / ".git")
    seen = await observe(case(ref=MAIN, commit=wanted), checks(REF))
    assert isinstance(seen, Inconclusive) or not seen.agrees


async def test_looking_runs_no_hook_and_no_program_that_the_repository_names(checks: Look, repo: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch {ran}\n")
    script.chmod(0o755)
    for hook in ("post-checkout", "reference-transaction", "pre-auto-gc"):
        shutil.copy(script, repo / ".git" / "hooks" / hook)
    for setting in ("core.fsmonitor", "core.pager", "core.sshCommand", "alias.for-each-ref", "uploadpack.packObjectsHook"):
        git(repo, "config", setting, str(script))
    seen = await observe(case(ref=MAIN, commit=git(repo, "rev-parse", "HEAD")), checks(REF))
    assert isinstance(seen, Observation)
    assert seen.agrees
    assert not ran.exists()
