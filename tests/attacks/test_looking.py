"""Executors and verifiers in processes of their own at a served node: killed in the middle, lying, and looking for what nobody reported."""

from __future__ import annotations

import hashlib
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from vienna_runtime import credential
from vienna_runtime.secret import Secret

CATALOGUE = b"""
[bundle]
name = "yard"
[actions."files.seal"]
executor = "till"
params = { path = "string" }
observe = { name = "sealed", kind = "exit_code", path = "{params.path}" }
[actions."files.slow"]
executor = "till"
params = { path = "string" }
probe = { name = "there", kind = "exit_code", path = "{params.path}" }
[actions."files.keep"]
executor = "till"
params = { path = "string", text = "string" }
"""
POLICY = b"""
@id("seal") @tier("T0") @verify("2 of 3")
permit (principal, action == Action::"files.seal", resource);
@id("slow") @tier("T0")
permit (principal, action == Action::"files.slow", resource);
@id("keep") @tier("T0")
permit (principal, action == Action::"files.keep", resource);
"""
PATIENT = {"bundle.toml": CATALOGUE, "yard.cedar": POLICY}
HASTY = {**PATIENT, "bundle.toml": b'[reports]\ndeadline = "1500ms"\n' + CATALOGUE}  # a run that is not reported by then is unknown
VERIFIERS = ("emil", "emma", "elsa")
CAST = (("till", "executor", "till", (), None), *((name, "verifier", name, (), None) for name in VERIFIERS))

SEE = '[ -s "$1" ]'
HELD = ("go", "gone", "never")  # what scripts wait for, and every test ends with, so that none of them outlives it
WAIT = "until [ -e {0} ]; do sleep 0.05; done"  # for another process's file
EXECUTOR = """
credential = "till.vienna"
[actions."files.seal"]
kind = "process"
params = {{ path = "path" }}
resource = "book/{{path}}"
root = "{place}"
argv = ["/bin/sh", "-c", "echo sealed > $0", "{{path}}"]
[actions."files.slow"]
kind = "process"
params = {{ path = "path" }}
resource = "book/{{path}}"
root = "{place}"
argv = ["/bin/sh", "{place}/slow.sh", "{{path}}"]
grace = "100ms"
[actions."files.keep"]
kind = "file"
op = "write"
params = {{ path = "path", text = "text" }}
resource = "book/{{path}}"
root = "{place}"
path = "{{path}}"
content = "{{text}}"
"""
VERIFIER = """
credential = "{name}.vienna"
[checks.{check}]
kind = "exit_code"
read_only = true
params = {{ "verify.path" = "path" }}
resource = "book/{{verify.path}}"
root = "{root}"
argv = ["/bin/sh", "{script}", "{{verify.path}}"]
"""


@attrs.define
class Yard:
    """One tenant's executor and verifiers, as processes that end with the test."""

    stage: Any
    tenant: str
    place: Path
    _running: ExitStack

    def credential(self, name: str) -> None:
        member, operator = self.stage.who(name, self.tenant), self.stage.operator
        host, port = self.stage.address
        own = attrs.evolve(
            operator, address=f"{host}:{port}", tenant=self.tenant, principal=name, role=member.kind,
            api_key=Secret(member.token.reveal().encode()), signing_key=Secret(member.seed),
        )  # fmt: skip
        credential.write(self.place / f"{name}.vienna", own, passphrase=None, force=True)

    def _run(self, kind: str, name: str, config: str) -> subprocess.Popen[str]:
        self.credential(name)
        path = self.place / f"{name}.toml"
        path.write_text(config)
        log = self._running.enter_context((self.place / f"{name}.log").open("a"))
        command = [sys.executable, "-m", "vienna_runtime.cli.main", kind, "run", "--config", str(path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)
        self._running.callback(_end, process)
        return process

    def executor(self, slow: str = "") -> subprocess.Popen[str]:
        (self.place / "slow.sh").write_text(slow)
        return self._run("executor", "till", EXECUTOR.format(place=self.place))

    def verifier(self, name: str, look: str = SEE, *, at: Path | None = None, check: str = "sealed") -> subprocess.Popen[str]:
        """One that looks by this script, at another place than the executor's if it is a liar."""
        script = self.place / f"{name}.sh"
        script.write_text(look)
        return self._run("verifier", name, VERIFIER.format(name=name, check=check, root=at or self.place, script=script))

    def file(self, name: str) -> Path:
        return self.place / name

    async def until(self, name: str) -> None:
        with trio.fail_after(60):
            while not self.file(name).exists():  # noqa: ASYNC110  # another process makes it, and tells nobody
                await trio.sleep(0.02)

    async def agent(self) -> Any:
        """One whose breaker nobody else has tripped."""
        return await self.stage.newcomer("agent", tenant=self.tenant)

    def line(self, member: Any) -> Any:
        return self.stage.line(member)


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait(60)
    assert process.stdout is not None
    process.stdout.close()


def ready(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        assert process.stdout is not None
        assert "ready" in process.stdout.readline()


def wanted(action: str, path: str = "") -> dict[str, Any]:
    path = path or secrets.token_hex(4)
    return {"action": action, "resource": f"book/{path}", "params": {"path": path}}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, stages: Any) -> Iterator[Any]:
    made = stages(tmp_path_factory.mktemp("yard") / "node").found_node().serve()
    try:
        for tenant, bundle in (("belvedere", PATIENT), ("schoenbrunn", HASTY)):
            trio.run(made.found_tenant, tenant, bundle, CAST)
        yield made
        assert made.end() == 0
        assert set(made.verify()) >= {"belvedere", "schoenbrunn"}
    finally:
        made.end(signal.SIGKILL)


@pytest.fixture
def yards(served: Any, tmp_path: Path) -> Iterator[Callable[[str], Yard]]:
    with ExitStack() as running:
        yield lambda tenant: Yard(served, tenant, tmp_path, running)
        for name in HELD:
            (tmp_path / name).touch()


async def seen(line: Any, case: str) -> tuple[dict[str, Any], list[str]]:
    """The verdict, and who attested."""
    verdict = await line.until(case, "run.verified")
    entries = (await line.done("case.show", case=case))["entries"]
    return verdict["body"], [entry["body"]["verifier"] for entry in entries if entry["tag"].startswith("run.attested/")]


async def test_two_of_three_that_agree_verify_and_the_third_is_not_waited_for(yards: Callable[[str], Yard]) -> None:
    yard = yards("belvedere")
    ready(yard.executor(), yard.verifier("emil"), yard.verifier("elsa"), yard.verifier("emma", f"{WAIT.format('never')}"))
    async with yard.line(await yard.agent()) as ada:
        asked = await ada.propose(**wanted("files.seal"))
        verdict, who = await seen(ada, asked["case"])
        assert (verdict["verdict"], verdict["basis"]) == ("verified", "attested 2/3")
        assert sorted(who) == ["elsa", "emil"]
        assert (await ada.done("case.show", case=asked["case"]))["outcome"] == "verified"


async def test_a_verifier_killed_while_it_looks_is_made_up_for_by_the_others(yards: Callable[[str], Yard]) -> None:
    yard = yards("belvedere")
    waits = f"{WAIT.format('go')}; {SEE}"
    emma = yard.verifier("emma", f": > began; {WAIT.format('go')}; {SEE}")
    ready(yard.executor(), yard.verifier("emil", waits), yard.verifier("elsa", waits), emma)
    async with yard.line(await yard.agent()) as ada:
        asked = await ada.propose(**wanted("files.seal"))
        await yard.until("began")
        emma.kill()
        assert emma.wait() == -signal.SIGKILL
        yard.file("go").touch()
        verdict, who = await seen(ada, asked["case"])
        assert (verdict["verdict"], verdict["basis"]) == ("verified", "attested 2/3")
        assert sorted(who) == ["elsa", "emil"]


async def test_one_that_looks_at_another_target_makes_it_a_mismatch_whoever_agreed_before(yards: Callable[[str], Yard]) -> None:
    yard = yards("belvedere")
    (elsewhere := yard.place / "elsewhere").mkdir()
    go = yard.file("go")
    ready(
        yard.executor(),
        yard.verifier("emil"),
        yard.verifier("emma", f"{WAIT.format(go)}; {SEE}", at=elsewhere),
        yard.verifier("elsa", WAIT.format("never")),
    )
    member = await yard.agent()
    async with yard.line(member) as ada:
        asked = await ada.propose(**wanted("files.seal"))
        attested = await ada.until(asked["case"], "run.attested")
        assert (attested["body"]["verifier"], attested["body"]["verdict"]) == ("emil", "verified")
        go.touch()
        verdict, who = await seen(ada, asked["case"])
        assert (verdict["verdict"], who) == ("mismatched", ["emil", "emma"])
        assert verdict["checks"] == [["sealed", "0", "1", False]]
        assert (await ada.done("case.show", case=asked["case"]))["outcome"] == "mismatched"
        assert await ada.refused("propose", **yard.stage.wish(**wanted("files.seal"))) == "breaker_open"
    async with yard.stage.cast("anna", tenant=yard.tenant) as (anna,):
        letter = (await anna.done("dead_letter.list"))["letters"][0]
        assert (letter["case"], letter["kind"], letter["resolved"]) == (asked["case"], "mismatched", False)
        await anna.done("breaker.reset", scope=f"agent:{member.name}", reason="emma looked at another directory")


async def killed(yard: Yard, till: subprocess.Popen[str], ada: Any) -> tuple[dict[str, Any], str]:
    """A wish and its case, whose executor was killed once it had begun, and whose outcome nobody knows."""
    ready(till)
    wish = wanted("files.slow")
    case = (await ada.propose(**wish))["case"]
    await yard.until("began")
    till.kill()
    till.wait()
    await ada.until(case, "run.unknown")
    return wish, case


async def test_of_an_executor_killed_after_it_acted_a_probe_finds_what_it_did(yards: Callable[[str], Yard]) -> None:
    yard = yards("schoenbrunn")
    till = yard.executor(f'echo done > "$1"; : > began; {WAIT.format("gone")}')
    async with yard.line(await yard.agent()) as ada, yard.stage.cast("anna", tenant=yard.tenant) as (anna,):
        wish, case = await killed(yard, till, ada)
        yard.file("gone").touch()
        (blocked,) = (await anna.done("effect.list"))["effects"]
        assert (blocked["case"], blocked["resource"], blocked["probe"]) == (case, wish["resource"], True)
        assert await ada.refused("propose", **yard.stage.wish(**wish)) == "effect_blocked"
        letter = (await anna.done("dead_letter.list"))["letters"][0]
        assert (letter["case"], letter["kind"], letter["resolved"]) == (case, "unknown", False)

        ready(yard.verifier("emil", check="there"))
        settled = (await ada.until(case, "effect.settled"))["body"]
        assert (settled["happened"], settled["basis"], settled["by"]) == (True, "observed", "emil")
        assert (await ada.done("case.show", case=case))["outcome"] == "verified"
        assert (await anna.done("effect.list"))["effects"] == []
        after = next(one for one in (await anna.done("dead_letter.list"))["letters"] if one["letter"] == letter["letter"])
        assert after["resolved"]


async def test_an_executor_killed_before_it_acted_says_so_late_and_only_then_may_it_be_asked_for_again(
    yards: Callable[[str], Yard],
) -> None:
    yard = yards("schoenbrunn")
    till = yard.executor(f': > began; {WAIT.format("gone")}; echo late > "$1"')
    async with yard.line(await yard.agent()) as ada, yard.stage.cast("anna", tenant=yard.tenant) as (anna,):
        wish, case = await killed(yard, till, ada)

        till = yard.executor('echo done > "$1"')  # its journal says what it had begun, and what that left running is ended
        ready(till)
        late = (await ada.until(case, "run.reported_late"))["body"]
        assert late["outcome"] == "unknown"
        (blocked,) = (await anna.done("effect.list"))["effects"]
        assert (blocked["case"], blocked["late"]) == (case, "unknown")  # recorded, and nothing settled by it
        assert await ada.refused("propose", **yard.stage.wish(**wish)) == "effect_blocked"

        ready(yard.verifier("emil", check="there"))  # nobody acts any more: that it did not happen can be said at once
        settled = (await ada.until(case, "effect.settled"))["body"]
        assert (settled["happened"], settled["basis"]) == (False, "observed")
        again = (await ada.propose(**wish))["case"]
        await ada.until(again, "run.opened")
        await yard.until(wish["params"]["path"])


async def test_what_was_proposed_on_another_state_than_the_executor_reads_is_decided_again(
    yards: Callable[[str], Yard],
) -> None:
    yard = yards("belvedere")
    ready(yard.executor())
    note, seen_by_ada = yard.file("note"), hashlib.sha256(b"as ada saw it").digest()
    note.write_bytes(b"as ada saw it")

    def wish(text: str) -> dict[str, Any]:
        return {"action": "files.keep", "resource": "book/note", "params": {"path": "note", "text": text}, "state_digest": seen_by_ada}

    async with yard.line(await yard.agent()) as ada:
        first = await ada.propose(**wish("one"))
        await ada.until(first["case"], "run.reported")
        assert note.read_bytes() == b"one"
        second = await ada.propose(**wish("two"))  # of a note that is not as she saw it any more
        await ada.until(second["case"], "run.reported")
        tags = [entry["tag"].partition("/")[0] for entry in (await ada.done("case.show", case=second["case"]))["entries"]]
    assert tags[:6] == ["intent.proposed", "case.decided", "warrant.issued", "warrant.stale", "case.decided", "warrant.issued"]
    assert note.read_bytes() == b"two"
