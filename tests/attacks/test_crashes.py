"""Bugs in a served node: one tenant's poison, one tenant's burst and one tenant's end are no other tenant's news."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from transport.answers import Indeterminate, Refused, Reply

BUGGY = str(Path(__file__).parent / "buggy_node.py")
CAST = (("ada", "agent", "Ada", ("reader", "writer"), "anna"), ("ben", "agent", "Ben", ("reader", "writer"), "anna"))
ROOM = 16  # messages of a mailbox


@pytest.fixture
def buggy(fresh: Any) -> Iterator[Any]:
    fresh.program = (BUGGY,)
    fresh.environ = {**os.environ, "VIENNA_LIMITS_MAILBOX": str(ROOM)}
    fresh.serve()
    yield fresh
    fresh.end(signal.SIGKILL)


async def heard(line: Any, **wish: Any) -> Any:
    """The answer of a tenant that may be on its way back."""
    with trio.fail_after(60):
        while isinstance(answer := await line.ask("propose", **wish), Refused) and answer.code == "busy":  # noqa: ASYNC110  # it tells nobody
            await trio.sleep(0.05)
    return answer


def test_poison_a_burst_and_a_frozen_tenant_are_nobody_elses_news(buggy: Any) -> None:
    async def told() -> None:
        for tenant in ("belvedere", "schoenbrunn"):
            await buggy.found_tenant(tenant, cast=CAST)
        async with buggy.cast("ada", "ben", "anna") as (ada, ben, anna), buggy.cast("ada", tenant="schoenbrunn") as (other,):
            bad = {**buggy.wish("notes.read"), "purpose": "bug"}
            answers = [await heard(ada, **{**bad, "key": f"k{number}"}) for number in range(4)]
            assert isinstance(answers[0], Indeterminate)
            assert [answer.code for answer in answers[1:] if isinstance(answer, Refused)] == ["quarantined"] * 3
            assert isinstance(await heard(ben, **buggy.wish("notes.read")), Reply)  # of the same tenant
            (letter,) = (await anna.done("dead_letter.list", limit=10))["letters"]
            assert letter["kind"] == "poison"
            shown = await anna.done("dead_letter.show", letter=letter["letter"])
            assert (shown["by"], shown["command"], shown["fall"]) == ("ada", "Propose", "ZeroDivisionError")
            assert "1234" not in repr(shown)

            codes: list[str] = []

            async def burst(**changed: Any) -> None:
                answer = await ben.ask("propose", **{**buggy.wish("notes.read"), **changed})
                codes.append("done" if isinstance(answer, Reply) else answer.code)  # type: ignore[union-attr]

            async with trio.open_nursery() as nursery:
                nursery.start_soon(partial(burst, purpose="slow"))
                for _ in range(10 * ROOM):
                    nursery.start_soon(burst)
            assert len(codes) == 10 * ROOM + 1  # nothing waits for ever
            assert set(codes) == {"done", "busy"}  # and a full mailbox is an answer

            for number in range(3):  # three more bugs within a minute: too many
                for _ in range(2):
                    await heard(ben, **{**bad, "resource": f"notes/{number}", "key": f"b{number}"})
            assert isinstance(frozen := await heard(ben, **buggy.wish("notes.read")), Refused)
            assert frozen.code == "frozen"
            await other.propose("notes.read")
        async with buggy.as_operator() as operator:
            lines = {line["tenant"]: line for line in (await operator.done("tenant.list"))["tenants"]}
            assert "fell too often" in lines["belvedere"]["frozen"]
            assert not lines["schoenbrunn"]["frozen"]

    trio.run(told)
    assert buggy.process.poll() is None
    assert buggy.end() == 0  # a frozen tenant is no reason for the process to end badly
    fallen = [line for line in buggy.log.read_text().splitlines() if "an actor fell" in line]
    assert len(fallen) == 6
    assert all("belvedere" in line for line in fallen)
    assert buggy.verify()


def test_the_node_ends_with_1_when_scribe_supervisor_or_gateway_keep_falling_and_goes_on_when_the_reconciler_does(fresh: Any) -> None:
    def start(part: str) -> subprocess.Popen[str]:
        """A node of which that part keeps falling."""
        home = fresh.home if part == "_scribe" else fresh.home.with_name(part)
        if part != "_scribe":
            type(fresh)(home).found_node()
        command = [sys.executable, BUGGY, str(home), "--listen", "127.0.0.1:0", "--json"]
        environ = {**os.environ, "FALLS": part}
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environ)

    nodes = {part: start(part) for part in ("_reconciler", "_scribe", "_supervisor", "_gateway")}
    with nodes.pop("_reconciler") as other:
        assert other.stderr is not None
        fallen = 0
        while fallen < 7:  # more than five within a minute, and it goes on
            line = other.stderr.readline()
            assert line, "the node ended"
            fallen += "an actor fell" in line
            assert "gateway" not in line  # what comes after it in the tree is not started again with it
        other.terminate()
        other.communicate(timeout=60)
        assert other.returncode == 0
    for part, process in nodes.items():
        said = process.communicate(timeout=60)[1]
        assert process.returncode == 1, (part, said[-3000:])
        assert "more than 5 restarts within 60 s" in said
