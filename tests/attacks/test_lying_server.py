"""A server that holds the node's own keys and lies to who tails the log: each lie is caught, named with its place, and ends with 3."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from vienna_runtime import credential, known
from vienna_runtime.cli.main import run
from vienna_runtime.secret import Secret

CAST = [
    ("ada", "agent", "ada", ("reader",), "anna"),
    ("ben", "agent", "ben", ("reader",), "anna"),
    ("otto", "auditor", "otto", (), None),
    ("dora", "approver", "dora", (), None),
]


@attrs.frozen
class Liar:
    """A node that lies, and the members who read it, each with a file of what it believed."""

    stage: Any
    file: Path
    directory: Path
    size: int
    case: str  # of ada's
    own: tuple[int, ...]  # its entries

    def lie(self, name: str | None, at: int = 0) -> None:
        self.file.unlink(missing_ok=True)
        if name is not None:
            self.file.write_text(f"{name} {at}")

    def credential(self, name: str) -> Path:
        path, member = self.directory / f"{name}.vienna", self.stage.who(name)
        if not path.exists():
            held = self.stage.operator
            made = attrs.evolve(
                held, address=":".join(map(str, self.stage.address)), tenant=member.tenant, principal=member.name, role=member.kind,
                api_key=Secret(member.token.reveal().encode()), signing_key=None if member.kind == "auditor" else Secret(member.seed),
            )  # fmt: skip
            credential.write(path, made, passphrase=None)
        return path

    def forget(self) -> None:
        """Nobody has seen anything of the log yet."""
        for file in self.directory.glob("*.known"):
            file.unlink()


Read = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def liar(stages: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Liar]:
    directory = tmp_path_factory.mktemp("liar")
    stage = stages(directory / "node").found_node()
    stage.program = (str(Path(__file__).parent / "lying_node.py"),)
    stage.environ = {**os.environ, "LIE_FILE": str(directory / "lie")}

    async def prepare() -> tuple[str, tuple[int, ...]]:
        for tenant in ("belvedere", "schoenbrunn"):
            await stage.found_tenant(tenant, cast=CAST)
        async with stage.cast("ada", "otto") as (ada, otto):
            granted = (await ada.propose("notes.read", run="own"))["warrant"]
            case = (await ada.done("report", **ada.member.receipt(granted, "own")))["case"]
            return case, tuple(entry["seq"] for entry in (await otto.done("case.show", case=case))["entries"])

    stage.serve()
    try:
        case, own = trio.run(prepare)
        assert stage.end() == 0
        stage.serve()  # an end in order puts a snapshot on the log; from here on nothing is written to it
        yield Liar(stage, directory / "lie", directory, _size(stage), case, own)
        assert stage.end() == 0
        assert "Traceback" not in stage.log.read_text()
    finally:
        stage.end(signal.SIGKILL)


def _size(stage: Any) -> int:
    async def ask() -> int:
        async with stage.cast("otto") as (otto,):
            return int((await otto.done("status"))["entries"])

    return trio.run(ask)


@pytest.fixture
def read(liar: Liar, capsys: pytest.CaptureFixture[str]) -> Iterator[Read]:
    """``read("otto", "--from", "3")``: that member's verified tail; its exit code and what it said in the end."""
    liar.forget()
    liar.lie(None)

    def tail(name: str, *more: str) -> tuple[int, str]:
        capsys.readouterr()
        code = run(["--credential", str(liar.credential(name)), "tail", "--verify", *more])
        said = capsys.readouterr()
        return code, (said.err if code else said.out).strip().splitlines()[-1]

    yield tail
    liar.lie(None)


def test_the_same_server_is_believed_while_it_tells_the_truth(liar: Liar, read: Read) -> None:
    code, said = read("otto")
    assert (code, f"verified: entries 0 to {liar.size - 1}" in said) == (0, True)


LIES = [
    ("hide", "{at}: the entry is missing: number {next} came in its place"),
    ("change", "{next}: the header does not follow the entry before it: one of the two is not the original"),
    ("exchange", "{at}: the entry is missing: number {next} came in its place"),
    ("repeat", "{next}: number {at} came here, out of order or a second time"),
    ("invent", "{size}: entries that are not signed: {size} are, {beyond} came"),
    ("hash alone", "{at}: only the hashes of 1 entries came: they were withheld"),
    ("withhold body", "{at}: the body was withheld"),
    ("say removed", "{at}: the body is missing and no entry says that it was removed"),
    ("swap bodies", "{at}: the body is not the one the header commits to"),
    ("change body", "{at}: the body is not the one the header commits to"),
    ("say end early", "{at}: the log ends after {at} entries; one of {size} was signed and seen here before: rolled back or forked"),
    ("say end without the rest", "{at}: the server says that {size} entries are all, {at} came"),
    ("sign with another key", "{last}: the checkpoint: signed by none of the known keys"),
    ("sign another root", "{last}: the signed root over {size} entries is another than theirs: some entry was changed"),
    ("anothers entry", "{at}: the entry belongs to the log 'schoenbrunn'"),
    ("talk nonsense", "the server sent something that is no part of a tail"),
]


@pytest.mark.parametrize(("lie", "words"), LIES, ids=[lie for lie, _ in LIES])
def test_a_lie_about_what_is_on_the_log_is_named_with_its_place(liar: Liar, read: Read, lie: str, words: str) -> None:
    at = 7
    liar.lie(lie, at)
    code, said = read("otto")
    expected = words.format(at=at, next=at + 1, size=liar.size, last=liar.size - 1, beyond=liar.size + 1)
    assert code == 3, said
    assert said.startswith("verification failed: log 'belvedere'")
    assert expected in said, said


def test_a_change_of_the_last_entry_is_found_by_the_signed_root(liar: Liar, read: Read) -> None:
    liar.lie("change", liar.size - 1)
    code, said = read("otto")
    assert (code, f"the signed root over {liar.size} entries is another than theirs: some entry was changed" in said) == (3, True)


FROM = [
    ("lie in frontier", "6: the frontier the server states at 7 is not the beginning of the {size} entries it signs"),
    ("lie in beginning", "6: the frontier the server states at 7 is not the beginning of the {size} entries it signs"),
    ("begin elsewhere", "7: asked from 7 on, the server begins at 0"),
]


@pytest.mark.parametrize(("lie", "words"), FROM, ids=[lie for lie, _ in FROM])
def test_a_lie_about_where_it_begins_is_named_before_any_entry_is_shown(liar: Liar, read: Read, lie: str, words: str) -> None:
    liar.lie(lie)
    code, said = read("otto", "--from", "7")
    assert (code, words.format(size=liar.size) in said) == (3, True), said


@pytest.mark.parametrize("start", [0, 7, 100], ids=["from the first entry", "from before the fork", "from beyond the fork"])
def test_who_was_shown_one_history_is_not_shown_another(liar: Liar, read: Read, start: int) -> None:
    assert read("otto")[0] == 0
    liar.lie("fork", 9)
    code, said = read("otto", "--from", str(min(start, liar.size)))
    assert code == 3, said
    assert f"do not continue the {liar.size} that were signed and seen here before: the log forked" in said, said


def test_two_readers_of_two_histories_each_believe_and_each_finds_the_other_out(liar: Liar, read: Read) -> None:
    assert read("otto")[0] == 0
    liar.lie("fork", 9)
    assert read("dora")[0] == 0  # all of it is signed: alone nobody can tell
    (ottos, doras) = (known.read(liar.credential(name).with_suffix(".known")) for name in ("otto", "dora"))
    assert ottos is not None
    assert doras is not None
    assert ottos.belief is not None
    assert doras.belief is not None
    assert ottos.belief.size == doras.belief.size
    assert ottos.belief.root != doras.belief.root  # two signed heads of one size: whoever compares has proof of it
    for name, lie in (("otto", "fork"), ("dora", None)):
        liar.lie(lie, 9)
        code, said = read(name)
        assert (code, "the log forked" in said) == (3, True), said


@pytest.mark.parametrize("lie", ["lie in proof", "leave out proof"])
def test_a_proof_that_proves_nothing_is_no_proof(liar: Liar, read: Read, lie: str) -> None:
    liar.lie("roll back", 11)  # what he would have believed, had he left at entry 11
    assert read("otto")[0] == 0
    liar.lie(lie)
    code, said = read("otto")
    assert (code, f"the {liar.size} entries that are signed do not continue the 11 that were signed and seen here before" in said) == (
        3,
        True,
    )
    liar.lie(None)
    assert read("otto", "--from", "15")[0] == 0  # the truth continues it, wherever it is read from


@pytest.mark.parametrize("start", [0, 5, 11], ids=["from the first entry", "from before", "from the end"])
def test_a_log_that_is_shorter_than_it_was_is_not_believed_however_well_it_is_signed(liar: Liar, read: Read, start: int) -> None:
    assert read("otto")[0] == 0
    liar.lie("roll back", 11)
    code, said = read("otto", "--from", str(start))
    assert code == 3, said
    assert f"11: the log ends after 11 entries; one of {liar.size} was signed and seen here before: rolled back or forked" in said


def test_a_lie_leaves_what_was_believed_as_it_was(liar: Liar, read: Read) -> None:
    assert read("otto")[0] == 0
    path = liar.credential("otto").with_suffix(".known")
    before = path.read_bytes()
    for lie in ("fork", "roll back", "hide", "sign another root"):
        liar.lie(lie, 9)
        assert read("otto")[0] == 3
        assert path.read_bytes() == before


def test_an_entry_of_ones_own_case_that_comes_as_a_hash_is_missed(liar: Liar, read: Read) -> None:
    assert read("ada")[0] == 0
    liar.lie("hash alone", liar.own[2])
    code, said = read("ada")
    assert code == 3, said
    assert f"log 'belvedere', index {liar.own[3]}: step 4 of the case {liar.case!r} came after step 2: an entry of it was withheld" in said


def test_a_filtered_tail_is_held_to_the_steps_of_its_case(liar: Liar, read: Read) -> None:
    assert read("otto", "--case", liar.case)[0] == 0
    liar.lie("hash alone", liar.own[0])
    code, said = read("otto", "--case", liar.case)
    assert (code, "step 2 of the case" in said) == (3, True), said


def test_a_server_that_comes_back_with_another_history_is_found_out_in_the_middle_of_a_tail(liar: Liar, read: Read) -> None:
    program = [sys.executable, "-m", "vienna_runtime.cli.main", "--credential", str(liar.credential("dora")), "--json"]
    with subprocess.Popen([*program, "tail", "--verify", "-f"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as tail:
        assert tail.stdout is not None
        assert tail.stderr is not None
        for _ in range(liar.size):
            assert tail.stdout.readline()
        port = liar.stage.address[1]
        liar.stage.end(signal.SIGKILL)
        liar.lie("fork", 9)
        liar.stage.serve(port)
        said = tail.stderr.read()
        assert tail.wait(60) == 3, said
        assert "after the connection was renewed the server shows another history than before: the log forked" in said
