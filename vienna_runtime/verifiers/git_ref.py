"""Which object a git ref names, in a repository on this disk or on a remote, or that there is no such ref.

A repository is input, and git trusts its own directory: so no discovery (``--git-dir``, from a descriptor that was
walked to), no link and no ``commondir`` that leads into another repository, no configuration but the repository's,
no hooks, no prompts, no lazy fetches, and no protocol but the one the configuration names.  A ref is only believed
when its object is there.  ``.git`` files (worktrees, submodules) point elsewhere and are refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import attrs

from vienna_runtime.executors import argv, params, walk
from vienna_runtime.executors.errors import NotStarted, ValueRefused
from vienna_runtime.executors.params import OneOf
from vienna_runtime.executors.process import environment
from vienna_runtime.executors.settings import Table
from vienna_runtime.executors.spawn import Command, Exited, Limits, Ran, run
from vienna_runtime.executors.subject import Subject
from vienna_runtime.executors.template import Template
from vienna_runtime.verifiers import expect
from vienna_runtime.verifiers.observe import Absent, Expectation, Source, Value

# git-check-ref-format(1), narrowed to what needs no thought: no "..", no "@{", no component that begins with a dot or ends in .lock
_REF = re.compile(rb"refs(/(?!\.)(?![^/]*\.lock(/|$))[A-Za-z0-9._+@=-]+)+", re.ASCII)
_LINE = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64})[ \t]([^\n]+)")
_SCHEME = re.compile(rb"(https|ssh|file)://", re.ASCII)

_QUIET = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "LC_ALL": "C",
}
_INERT = ["core.hooksPath=/dev/null", "core.fsmonitor=false", "credential.helper=", "http.followRedirects=false", "protocol.allow=never"]

# a look at one ref is a matter of milliseconds; what needs more is not looking at one ref
_LIMITS = Limits(cpu_seconds=20, address_space=4 << 30, open_files=256, processes=16, file_size=0)
_KEEP = 64 * 1024  # bytes of output: one line is expected, and refs below the name asked for may come with it


@attrs.frozen(kw_only=True)
class Local:
    root: str
    repo: Template


@attrs.frozen(kw_only=True)
class Remote:
    url: Template
    protocol: str


@attrs.frozen(kw_only=True)
class GitRef:
    subject: Subject
    source: Source
    git: str
    where: Local | Remote
    ref: Template
    env: Mapping[str, str] = attrs.field(repr=False)
    timeout: float

    def expected(self, expectation: Expectation) -> Value:
        return expect.text(expect.resolve(self.source, expectation))

    async def look(self, expectation: Expectation) -> Value:
        values = expectation.values(self.subject)
        ref = self.ref.render(values)
        if not _REF.fullmatch(ref) or b".." in ref or b"@{" in ref or ref.endswith(b"."):
            raise ValueRefused("the ref is not the full name of one, such as refs/heads/main")
        match self.where:
            case Local(root=top, repo=repo):
                return await self._local(top, repo.render(values), ref, expectation.effect_id)
            case Remote(url=url, protocol=protocol):
                return await self._remote(url.render(values), protocol, ref, expectation.effect_id)

    async def _local(self, top: str, repo: bytes, ref: bytes, effect_id: str) -> Value:
        parts = [] if repo == b"." else walk.components(repo, "the repository's path")
        with walk.root(top) as fd, walk.directory(fd, parts) as directory, _git_directory(directory) as git:
            for path in (b"HEAD", b"objects", b"packed-refs", b"config", ref):
                walk.unlinked(git, path.split(b"/"))
            env = {"GIT_COMMON_DIR": ".", "GIT_OBJECT_DIRECTORY": "./objects"}
            listed = await self._git(["--git-dir=.", "for-each-ref", "--format=%(objectname) %(refname)", ref], git, env, effect_id)
            found = _named(listed, ref)
            if found is None:
                return Absent()
            there = await self._git(["--git-dir=.", "cat-file", "-e", found], git, env, effect_id)
            if there.ending != Exited(0):
                raise NotStarted(f"the ref names {found}, and the repository does not have that object")
            return found

    async def _remote(self, url: bytes, protocol: str, ref: bytes, effect_id: str) -> Value:
        with walk.root("/") as cwd:
            allowed = ["-c", f"protocol.{protocol}.allow=always"]
            return _named(await self._git([*allowed, "ls-remote", "--refs", "--", url, ref], cwd, {}, effect_id), ref) or Absent()

    async def _git(self, arguments: list[str | bytes], cwd: int, env: Mapping[str, str], effect_id: str) -> Ran:
        inert = [part for setting in _INERT for part in ("-c", setting)]
        return await run(
            Command(
                argv=[os.fsencode(argument) for argument in (self.git, *inert, *arguments)],
                env={**self.env, **_QUIET, **env},
                effect_id=effect_id,
                cwd=cwd,
                stdin=b"",
                limits=_LIMITS,
                timeout=self.timeout,
                grace=1.0,
                keep=_KEEP,
            )
        )


def git_ref(table: Table, subject: Subject) -> GitRef:
    return GitRef(
        subject=subject,
        source=expect.source(table, subject.declared, None),
        git=argv.program(table, "kind", "git"),
        where=_where(table, subject),
        ref=params.template(table, "ref", table.text("ref"), subject.declared),
        env=environment(table),
        timeout=table.duration("timeout", "30s"),
    )


def _where(table: Table, subject: Subject) -> Local | Remote:
    written = table.text("remote", "")
    if not written:
        return Local(root=table.directory("root"), repo=params.template(table, "repo", table.text("repo"), subject.declared))
    url = params.template(table, "remote", written, subject.declared)
    scheme = _SCHEME.match(url.prefix)
    if scheme is None:
        raise table.invalid("remote", f"is {written!r}, expected a URL that begins with https://, ssh:// or file://")
    loose = [name for name in url.names if subject.declared.get(name) != "path" and not isinstance(subject.declared.get(name), OneOf)]
    if loose:
        raise table.invalid("remote", f'uses {{{loose[0]}}}, whose value could lead to another host; declare it as "path" or as a list')
    if url.names and url.prefix.count(b"/") < 3:
        raise table.invalid("remote", "takes its host from a parameter; name the host itself")
    return Remote(url=url, protocol=scheme[1].decode())


@contextmanager
def _git_directory(directory: int) -> Iterator[int]:
    """``.git`` below the directory, or the directory itself when it is a bare repository."""
    names = os.listdir(directory)
    if ".git" not in names and not {"HEAD", "objects", "refs"} <= set(names):
        raise NotStarted("there is no git repository at that path")
    with walk.directory(directory, [b".git"] if ".git" in names else []) as git:
        yield git


def _named(ran: Ran, ref: bytes) -> str | None:
    """The object that exactly this ref names; ``None`` when git looked and did not list it."""
    if ran.ending != Exited(0) or ran.leftover or ran.stdout.size > len(ran.stdout.head):
        raise NotStarted(f"git could not look: {ran.stderr.head[:300].decode(errors='replace').strip() or ran.ending}")
    for line in ran.stdout.head.splitlines():
        match = _LINE.fullmatch(line)
        if match is not None and match[2] == ref:
            return match[1].decode()
    return None
