"""What the demo is about: a git repository made from the program's own source, a bare remote, a till, and who may touch them."""

from __future__ import annotations

import shutil
from pathlib import Path

import attrs
import trio

import actors
import ledger
import transport
import vienna_runtime
from vienna_runtime.demo.errors import DemoError

BUNDLES = Path(__file__).parent / "bundles"
_PACKAGES = (actors, ledger, transport, vienna_runtime)
_NOTES = "notes/today.md"

# Only what git needs to speak as somebody; nothing of this machine's configuration.
_GIT = {
    "GIT_AUTHOR_NAME": "The workshop",
    "GIT_AUTHOR_EMAIL": "workshop@example.invalid",
    "GIT_COMMITTER_NAME": "The workshop",
    "GIT_COMMITTER_EMAIL": "workshop@example.invalid",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}


@attrs.frozen
class Scenery:
    directory: Path

    @property
    def trees(self) -> Path:
        return self.directory / "trees"

    @property
    def tree(self) -> Path:
        """The working tree of the branch main."""
        return self.trees / "main"

    @property
    def remotes(self) -> Path:
        return self.directory / "remotes"

    @property
    def till(self) -> Path:
        return self.directory / "till"

    async def build(self) -> int:
        """The repository with its first commit, pushed; how many files it has."""
        if shutil.which("git") is None:
            raise DemoError("git is not installed, and this demo works on a real git repository")
        self.tree.mkdir(parents=True)
        self.remotes.mkdir()
        (self.till / "order").mkdir(parents=True)
        count = await trio.to_thread.run_sync(self._copy)
        await self.git("init", "--quiet", "--initial-branch=main")
        await self.git("init", "--quiet", "--bare", str(self.remotes / "origin.git"))
        await self.git("-C", str(self.remotes / "origin.git"), "config", "receive.denyNonFastForwards", "true")
        await self.git("remote", "add", "origin", str(self.remotes / "origin.git"))
        await self.git("add", "--all")
        await self.git("commit", "--quiet", "--message=The program as it is")
        await self.git("push", "--quiet", "origin", "main")
        return count

    async def git(self, *arguments: str) -> str:
        """What git says in the tree; raises ``DemoError``."""
        environment = {**_GIT, "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.directory)}
        ended = await trio.run_process(
            ["git", *arguments], cwd=self.tree, env=environment, capture_stdout=True, capture_stderr=True, check=False
        )
        if ended.returncode:
            raise DemoError(f"git {arguments[0]}: {ended.stderr.decode(errors='replace').strip()}")
        return ended.stdout.decode().strip()

    async def remote(self, branch: str) -> str:
        """The commit of a branch of the remote, or nothing."""
        listed = await self.git("ls-remote", "origin", f"refs/heads/{branch}")
        return listed.partition("\t")[0]

    def _copy(self) -> int:
        """The four packages as they are installed; nothing else of the machine."""
        for package in _PACKAGES:
            source = Path(package.__path__[0])
            shutil.copytree(source, self.tree / source.name, ignore=shutil.ignore_patterns("__pycache__", "bundles"))
        (self.tree / "README.md").write_text("# A copy of Vienna runtime, to be worked on under warrants\n")
        (self.tree / ".env").write_text("TOKEN=nobody-reads-this\n")
        notes = self.tree / _NOTES
        notes.parent.mkdir()
        notes.write_text("Nothing yet.\n")
        return sum(path.is_file() for path in self.tree.rglob("*"))

    def workshop(self, credential: Path) -> str:
        """The configuration of the executor that holds the working tree and the way to the remote."""
        env = ", ".join(f'{name} = "{value}"' for name, value in (_GIT | {"HOME": str(self.directory)}).items())
        return f"""\
credential = "{credential}"
concurrency = 4

[actions."file.read"]
kind = "file"
op = "read"
params = {{ path = "path" }}
resource = "repo/vienna"
root = "{self.trees}"
path = "main/{{path}}"

[actions."file.write"]
kind = "file"
op = "write"
params = {{ path = "path", content = "text" }}
resource = "repo/vienna"
root = "{self.trees}"
path = "main/{{path}}"
content = "{{content}}"

[actions."git.commit"]
kind = "process"
params = {{ branch = ["main"], message = "text" }}
resource = "repo/vienna"
root = "{self.trees}"
cwd = "{{branch}}"
argv = ["git", "-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--all", "--message={{message}}"]
env = {{ {env} }}

[actions."git.push"]
kind = "process"
params = {{ remote = ["origin"], branch = ["main"], commit = "text" }}
resource = "repo/vienna"
root = "{self.trees}"
cwd = "{{branch}}"
argv = ["git", "-c", "core.hooksPath=/dev/null", "push", "--quiet", "{{remote}}", "{{commit}}:refs/heads/{{branch}}"]
env = {{ {env} }}
"""

    def emil(self, credential: Path) -> str:
        """The configuration of the verifier: it looks at the same things, and can change none of them."""
        return f"""\
credential = "{credential}"

[checks."file.write"]
kind = "file_digest"
params = {{ path = "path", content = "text" }}
resource = "repo/vienna"
root = "{self.trees}"
path = "main/{{path}}"
expected = {{ digest_of = "content" }}

[checks."git.commit"]
kind = "exit_code"
read_only = true
params = {{ branch = ["main"], message = "text" }}
resource = "repo/vienna"
root = "{self.trees}"
cwd = "{{branch}}"
argv = ["git", "log", "-1", "--format=%s"]
env = {{ GIT_CONFIG_NOSYSTEM = "1", GIT_CONFIG_GLOBAL = "/dev/null" }}
observe = "output"
expected = {{ param = "message" }}

[checks."git.push"]
kind = "git_ref"
params = {{ remote = ["origin"], branch = ["main"], commit = "text" }}
resource = "repo/vienna"
root = "{self.remotes}"
repo = "{{remote}}.git"
ref = "refs/heads/{{branch}}"
expected = {{ param = "commit" }}
"""

    def cashier(self, credential: Path) -> str:
        """The configuration of the till: a refund is a slip of paper in a drawer."""
        return f"""\
credential = "{credential}"

[actions."payments.refund"]
kind = "file"
op = "write"
params = {{ amount = "decimal", currency = ["EUR"] }}
resource = "{{resource}}"
root = "{self.till}"
path = "{{resource}}"
content = "{{amount}} {{currency}}\\n"
"""


def write(path: Path, text: str) -> Path:
    """A configuration that nobody else can change."""
    path.write_text(text)
    path.chmod(0o600)
    return path


def bundle(name: str) -> dict[str, bytes]:
    """The files of one of the example bundles."""
    top = BUNDLES / name
    return {path.relative_to(top).as_posix(): path.read_bytes() for path in sorted(top.rglob("*")) if path.is_file()}
