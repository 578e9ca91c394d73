"""Lost connections, answers that do not come and refusals: what is asked again, what is not, and what is raised."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trio

from transport.connection import Connection
from transport.errors import ConnectionClosed
from transport.gate import Admission, Rejection
from transport.link import ClientConnection
from transport.memory import serve_in_memory
from vienna_runtime.client import NotAdmitted, OutcomeUnknown, Patience, Refused, Stream, Unreachable
from vienna_runtime.client.line import Dialled, Line, line_over

Message = dict[str, Any]
PATIENCE = Patience(seconds=5.0, answer=2.0)
HANG_UP = "hang up"  # what a script says instead of an answer


@attrs.define
class Script:
    """A server that does what it is told to, call by call, and remembers what it was asked."""

    answers: list[Message | str]
    asked: list[Message] = attrs.Factory(list)
    sessions: int = 0

    async def admit(self, bearer: str | None, remote: str) -> Admission | Rejection:
        return Admission(principal="ada", public_key=None, identity="ada")

    async def handle(self, connection: Connection) -> None:
        self.sessions += 1
        while True:
            for message in await connection.receive():
                if message["t"] in ("credit", "cease"):
                    continue
                self.asked.append(message)
                answer = self.answers.pop(0) if self.answers else "silence"
                if answer == HANG_UP:
                    await connection.aclose()
                    raise ConnectionClosed("done", "as scripted")
                if isinstance(answer, dict):
                    sub = answer.get("events")
                    connection.post({"id": message["id"], **{name: value for name, value in answer.items() if name != "events"}})
                    for at, value in sub or ():
                        connection.post({"t": "event", "sub": message["id"], "at": at, "value": value})
                    if answer.get("t") == "reply" and sub is not None and not self.answers:
                        connection.post({"t": "ceased", "sub": message["id"], "why": ""})
                    elif sub is not None:
                        await connection.aclose()
                        raise ConnectionClosed("done", "as scripted")


def reply(**value: Any) -> Message:
    return {"t": "reply", "value": value}


def refused(code: str, **more: Any) -> Message:
    return {"t": "refused", "code": code, "why": f"because {code}", **more}


UNSURE: Message = {"t": "indeterminate", "why": "the disk said nothing"}


@asynccontextmanager
async def served(script: Script, *, failing: Callable[[int], Exception | None] = lambda _: None) -> AsyncIterator[Dialled]:
    """How to dial the scripted server; ``failing`` may let the n-th dialling fail."""
    dialled = 0
    async with serve_in_memory(gate=script, handle=script.handle, origin="vienna.example") as server:

        @asynccontextmanager
        async def dial() -> AsyncIterator[ClientConnection]:
            nonlocal dialled
            dialled += 1
            if (error := failing(dialled)) is not None:
                raise error
            async with server.connect(bearer=None, sign=None, origin="vienna.example") as link:
                yield link

        yield dial


@asynccontextmanager
async def line(script: Script, *, failing: Callable[[int], Exception | None] = lambda _: None) -> AsyncIterator[Line]:
    """A line to the scripted server."""
    async with served(script, failing=failing) as dial, line_over(dial, PATIENCE) as made:
        yield made


async def test_an_answer_is_the_replys_value(autojump_clock: trio.abc.Clock) -> None:
    async with line(Script([reply(case="c1")])) as made:
        assert await made.call("propose", {"action": "a"}, key="k") == {"case": "c1"}


async def test_a_refusal_is_raised_as_it_came(autojump_clock: trio.abc.Clock) -> None:
    script = Script([refused("bundle_invalid", retry_after=7, detail={"findings": ["a:1:1: wrong"]})])
    async with line(script) as made:
        with pytest.raises(Refused) as raised:
            await made.call("bundle.push", {})
    no = raised.value
    assert (no.code, no.why, no.retry_after, no.detail) == ("bundle_invalid", "because bundle_invalid", 7, {"findings": ["a:1:1: wrong"]})
    assert len(script.asked) == 1


@pytest.mark.parametrize("lost", [HANG_UP, UNSURE, "silence"])
async def test_what_is_not_known_is_asked_again_with_the_same_fields(lost: Message | str, autojump_clock: trio.abc.Clock) -> None:
    script = Script([lost, lost, reply(case="c1")])
    async with line(script) as made:
        assert await made.call("propose", {"action": "a", "key": "k"}, key="k") == {"case": "c1"}
    assert [(m["t"], m["action"], m["key"]) for m in script.asked] == [("propose", "a", "k")] * 3


async def test_a_lost_connection_is_dialled_again(autojump_clock: trio.abc.Clock) -> None:
    script = Script([HANG_UP, reply(case="c1")])
    async with line(script) as made:
        await made.call("propose", {}, key="k")
        assert made.renewals == 1
    assert script.sessions == 2


async def test_patience_ends_and_the_key_is_named(autojump_clock: trio.abc.Clock) -> None:
    script = Script([HANG_UP] * 100)
    async with line(script) as made:
        started = trio.current_time()
        with pytest.raises(OutcomeUnknown, match="k-17") as raised:
            await made.call("propose", {}, key="k-17")
    assert raised.value.key == "k-17"
    assert trio.current_time() - started <= PATIENCE.seconds
    assert 3 < len(script.asked) < 20


async def test_what_cannot_be_repeated_is_not(autojump_clock: trio.abc.Clock) -> None:
    script = Script([HANG_UP, reply(phase="sealed")])
    async with line(script) as made:
        with pytest.raises(OutcomeUnknown):
            await made.call("tenant.seal", {})
    assert [message["t"] for message in script.asked] == ["tenant.seal"]


async def test_a_busy_node_did_nothing_and_is_asked_again(autojump_clock: trio.abc.Clock) -> None:
    script = Script([refused("busy", retry_after=50), refused("busy", retry_after=50), reply(phase="sealed")])
    async with line(script) as made:
        assert await made.call("tenant.seal", {}) == {"phase": "sealed"}


async def test_a_first_dialling_that_fails_is_not_repeated(autojump_clock: trio.abc.Clock) -> None:
    async with served(Script([]), failing=lambda _: Unreachable("nobody there")) as dial:
        started = trio.current_time()
        with pytest.raises(Unreachable, match="nobody"):
            async with line_over(dial, PATIENCE):
                pytest.fail("there is no line")
        assert trio.current_time() == started


async def test_a_node_that_is_away_for_a_moment_is_waited_for(autojump_clock: trio.abc.Clock) -> None:
    script = Script([HANG_UP, reply(case="c1")])
    async with line(script, failing=lambda n: Unreachable("restarting") if 1 < n < 5 else None) as made:
        assert await made.call("propose", {}, key="k") == {"case": "c1"}


async def test_a_member_that_lost_its_rights_meanwhile_learns_that_the_outcome_is_unknown(autojump_clock: trio.abc.Clock) -> None:
    script = Script([HANG_UP])
    async with line(script, failing=lambda n: NotAdmitted("revoked") if n > 1 else None) as made:
        started = trio.current_time()
        with pytest.raises(OutcomeUnknown, match="revoked"):
            await made.call("propose", {}, key="k")
    assert trio.current_time() - started < 1.0  # a lost right does not come back by waiting


async def test_the_blocks_own_exception_comes_out_as_it_is(autojump_clock: trio.abc.Clock) -> None:
    async with served(Script([])) as dial:
        with pytest.raises(ZeroDivisionError):
            async with line_over(dial, PATIENCE):
                raise ZeroDivisionError


async def test_a_stream_goes_on_after_a_lost_connection_where_it_was(autojump_clock: trio.abc.Clock) -> None:
    script = Script([{**reply(), "events": [(1, {"n": 1}), (2, {"n": 2})]}, {**reply(), "events": [(3, {"n": 3})]}])
    async with line(script) as made, Stream(made, "tail", lambda at: {"start": -1 if at is None else at}) as stream:
        seen = [value["n"] async for value in stream]
        assert stream.resumptions == 1
    assert seen == [1, 2, 3]
    assert [message["start"] for message in script.asked] == [-1, 2]


async def test_a_stream_whose_connection_breaks_while_it_is_asked_for_asks_again_and_gives_up_in_time(
    autojump_clock: trio.abc.Clock,
) -> None:
    script = Script([HANG_UP, HANG_UP, {**reply(), "events": [(1, {"n": 1})]}])
    async with line(script) as made, Stream(made, "tail", lambda _: {}) as stream:
        assert [value["n"] async for value in stream] == [1]
    assert script.sessions == 3
    async with line(Script([HANG_UP] * 100_000)) as made:
        with pytest.raises(Unreachable, match="could not be taken up again"):
            await Stream(made, "tail", lambda _: {}).__aenter__()


async def test_a_stream_that_is_refused_says_why(autojump_clock: trio.abc.Clock) -> None:
    async with line(Script([refused("not_allowed")])) as made:
        with pytest.raises(Refused, match="not_allowed"):
            await Stream(made, "tail", lambda _: {}).__aenter__()
