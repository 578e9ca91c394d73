"""What a document tells people to type is typed here, in its order, against a real node in a directory of its own.

    ```bash                                        is run
    <!-- not run: REASON -->                       before a block: it is not, and stands in NOT_RUN below
    <!-- run in the background until: TEXT -->     before a block: started, and awaited until it says TEXT
    <!-- file: NAME -->                            before any block: written to that file

One shell a document, ended by the first command that fails.  The ports in the text are exchanged for free ones.

The README's tour is typed to the program that everybody has, at its price.  In the other documents `vienna` is a copy that has
been imported before and whose argon2 is quick, see ``quick.py``: each command would take a quarter of a second to begin, and
those of an admin or approver another second to open a credential that lives for a minute.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from tests.docs.quick import SHIM

PROJECT = Path(__file__).resolve().parents[2]
README = PROJECT / "README.md"
PORTS = ("7443", "7480")
SHELLS = ("bash", "console", "sh", "shell")
PATIENCE = 300.0  # s for a whole document on a busy machine; the longest takes about a minute on a quiet one

NOT_RUN = {
    ("README.md", "the first starts nodes of its own and has a test of its own, the second would run this test again"),
    ("README.md", "it would fetch packages; the tour below runs in an environment that was made by make"),
}

_BLOCK = re.compile(r"(?:^<!-- (?P<directive>[^\n]*?) -->\n)?^```(?P<language>\w+)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)


@attrs.frozen(kw_only=True)
class Block:
    document: str
    line: int
    language: str
    directive: str
    body: str


def blocks(path: Path) -> list[Block]:
    text = path.read_text()
    return [
        Block(
            document=path.relative_to(PROJECT).as_posix(),
            line=text.count("\n", 0, found.start("language")) + 1,
            language=found["language"],
            directive=found["directive"] or "",
            body=found["body"],
        )
        for found in _BLOCK.finditer(text)
    ]


def commands(path: Path) -> int:
    """About how many there are: how long the document takes."""
    return sum(block.body.count("vienna ") for block in blocks(path) if block.language in SHELLS)


DOCUMENTS = sorted([README, *(PROJECT / "docs").glob("*.md")], key=commands, reverse=True)


def script(found: list[Block]) -> str:
    """The whole document as one shell script, which says where it is."""
    lines = ["set -eu", "started=()", 'trap \'for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done; wait\' EXIT']
    for number, block in enumerate(found):
        where = f"{block.document}:{block.line}"
        if block.directive.startswith("file: "):
            name = shlex.quote(block.directive.removeprefix("file: "))
            lines += [f'mkdir -p "$(dirname {name})"', f"cat > {name} <<'END OF FILE'", block.body.rstrip("\n"), "END OF FILE"]
        elif block.language in SHELLS and not block.directive.startswith("not run: "):
            lines.append(f"echo {shlex.quote(f'== {where}')} >&2")
            if block.directive.startswith("run in the background until: "):
                lines += _background(number, block, block.directive.removeprefix("run in the background until: "))
            else:
                lines.append(block.body)
    return "\n".join(lines) + "\n"


def _background(number: int, block: Block, until: str) -> list[str]:
    log = f"background-{number}.log"
    return [
        f"{block.body.strip()} > {log} 2>&1 & started+=($!)",
        f"until grep -q {shlex.quote(until)} {log}; do kill -0 ${{started[-1]}} || {{ cat {log} >&2; exit 1; }}; sleep 0.1; done",
    ]


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory with a `vienna` that begins at once."""
    place = tmp_path_factory.mktemp("quick")
    environment = {"PATH": os.environ["PATH"], "HOME": str(place), "LC_ALL": "C.UTF-8"}
    command = [sys.executable, str(Path(__file__).with_name("quick.py")), str(place / "s")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd=place) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"ready\n"
        shim = place / "vienna"
        shim.write_text(SHIM.format(python=sys.executable, path=str(place / "s")))
        shim.chmod(0o700)
        yield place
        process.stdin.close()


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_of_a_document_does_what_it_says(document: Path, tmp_path: Path, quick: Path, free_port: Callable[[], int]) -> None:
    found = blocks(document)
    if not any(block.language in SHELLS and not block.directive.startswith("not run: ") for block in found):
        return  # it tells nobody to type anything, which the test below has looked at
    (tmp_path / "examples").symlink_to(PROJECT / "examples")
    programs = [str(Path(sys.executable).parent), os.environ["PATH"]]
    if document != README:
        programs.insert(0, str(quick))
    text = script(found)
    for port in PORTS:
        text = text.replace(port, str(free_port()))
    environment = {"PATH": ":".join(programs), "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    bash = shutil.which("bash")
    assert bash is not None
    shell = subprocess.Popen(
        [bash, "-c", text],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = shell.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(shell.pid, signal.SIGKILL)  # the node and whoever else it started with it
        said, _ = shell.communicate()
    assert shell.returncode == 0, f"the last line with == says where:\n{said}"


def test_what_is_not_run_says_why_and_stands_in_the_list() -> None:
    reasons = {
        (block.document, block.directive.removeprefix("not run: "))
        for document in DOCUMENTS
        for block in blocks(document)
        if block.directive.startswith("not run: ")
    }
    assert reasons == NOT_RUN


def test_no_directive_is_misspelt() -> None:
    known = re.compile(r"(not run: .+|run in the background until: .+|file: [\w./-]+|generated: .+|end)")
    for document in DOCUMENTS:
        text = document.read_text()
        for comment in re.findall(r"<!-- (.*?) -->", text):
            assert known.fullmatch(comment), f"{document.name}: {comment}"
        directives = len(re.findall(r"<!-- (?:not run|run in|file)", text))
        assert sum(bool(block.directive) for block in blocks(document)) == directives, f"{document.name}: a directive without its block"


def test_no_block_is_overlooked() -> None:
    for document in DOCUMENTS:
        opened = re.findall(r"^```\w+$", document.read_text(), re.MULTILINE)
        assert len(blocks(document)) == len(opened), document.name
