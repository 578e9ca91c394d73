"""Whatever comes over the line: one clear answer or a closed door, and the node goes on serving everybody else."""

from __future__ import annotations

import os
import random
import secrets
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import msgpack
import pytest
import trio

from transport.answers import Refused, Reply
from transport.errors import CannotConnect, ConnectionLost, Unauthenticated, VerificationError
from transport.tls import client_context

SEED = 20261122


@contextmanager
def others_are_served(stage: Any) -> Iterator[None]:
    """Somebody else works on the same node the whole time, and every one of its cases is answered and on the ledger."""
    over, made = threading.Event(), list[str]()

    async def work() -> None:
        async with stage.cast("ada", tenant="schoenbrunn") as (ada,):
            while not over.is_set() or not made:
                made.append((await ada.propose())["case"])
            for case in made[-20:]:
                assert (await ada.story(case))[0] == "intent.proposed"

    failed: list[BaseException] = []

    def run() -> None:
        try:
            trio.run(work)
        except BaseException as error:  # noqa: BLE001  # raised again in the test's own thread
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(60)
    assert not failed, failed
    assert made


def test_random_bytes_at_every_stage_end_that_connection_alone(stage: Any) -> None:
    chosen = random.Random(SEED)
    bearer = stage.who("otto").token.reveal()
    with others_are_served(stage):
        for number in range(12):
            noise = chosen.randbytes(chosen.choice([1, 16, 300, 70_000]))
            source = f"127.0.2.{number + 1}"
            with stage.plain(source) as plain:  # instead of TLS
                plain.sendall(noise[:20_000])
                plain.shutdown(1)
                while plain.recv(65536):
                    pass
            with stage.raw(source) as raw:  # instead of a request
                _all(raw, noise)
            with stage.raw(source) as raw:  # instead of a frame
                assert b" 101 " in raw.upgrade(bearer)
                _all(raw, noise)
            with stage.raw(source) as raw:  # instead of a greeting
                assert b" 101 " in raw.upgrade(bearer)
                raw.send(noise[:2000])
                assert [message["t"] for message in raw.hear()] in ([], ["bye"])
            with stage.raw(source).open(bearer) as raw:  # instead of a call
                raw.send(noise)
                (said,) = raw.hear()
                assert (said["t"], said["code"]) == ("bye", "protocol")
                assert raw.hear() == []


def _all(raw: Any, noise: bytes) -> None:
    try:
        raw.socket.sendall(noise)
        raw.socket.shutdown(1)
        while raw.socket.recv(65536):
            pass
    except (ConnectionError, ssl.SSLError):
        pass  # a door shut in the face is an answer; a timeout is none


CALL = {"t": "status", "id": 1}
FRAMES: dict[str, Callable[[Any], None]] = {
    "text": lambda raw: raw.send(b"hello", opcode=1),
    "text of a call": lambda raw: raw.send(msgpack.packb(CALL), opcode=1),
    "unmasked": lambda raw: raw.send(msgpack.packb(CALL), masked=False),
    "oversized": lambda raw: raw.send(msgpack.packb({**CALL, "x": bytes((1 << 20) + 1)})),
    "oversized by its claim": lambda raw: raw.send(bytes((1 << 20) + 70_000), claim=1 << 40),
    "truncated message": lambda raw: raw.send(msgpack.packb(CALL)[:-1]),
    "half a second message": lambda raw: raw.send(msgpack.packb(CALL) + b"\x82\xa1t"),
    "empty": lambda raw: raw.send(b""),
    "a list": lambda raw: raw.send(msgpack.packb([CALL])),
    "no tag": lambda raw: raw.say({"id": 1}),
    "a tag that is a number": lambda raw: raw.say({"t": 1, "id": 1}),
    "no id": lambda raw: raw.say({"t": "status"}),
    "an id that is a text": lambda raw: raw.say({"t": "status", "id": "1"}),
    "an id that is true": lambda raw: raw.say({"t": "status", "id": True}),
    "an id below zero": lambda raw: raw.say({"t": "status", "id": -1}),
    "an id twice": lambda raw: raw.say(CALL, CALL),
    "a duplicate key": lambda raw: raw.send(b"\x83\xa1t\xa6status\xa2id\x01\xa2id\x02"),
    "an extension type": lambda raw: raw.say({**CALL, "x": msgpack.ExtType(1, b"x")}),
    "a timestamp": lambda raw: raw.send(b"\x83\xa1t\xa6status\xa2id\x01\xa1x\xd6\xff\x00\x00\x00\x00"),
    "a float": lambda raw: raw.say({**CALL, "x": 1.5}),
    "a key that is a number": lambda raw: raw.send(b"\x83\xa1t\xa6status\xa2id\x01\x01\x01"),
    "bad UTF-8": lambda raw: raw.send(b"\x82\xa1t\xa2\xff\xfe\xa2id\x01"),
    "too deep": lambda raw: raw.send(b"\x83\xa1t\xa6status\xa2id\x01\xa1x" + b"\x91" * 100 + b"\x00"),
    "deeper than any stack": lambda raw: raw.send(b"\x83\xa1t\xa6status\xa2id\x01\xa1x" + b"\x91" * 500_000 + b"\x00"),
    "a list said to be endless": lambda raw: raw.send(b"\x83\xa1t\xa6status\xa2id\x01\xa1x\xdd\xff\xff\xff\xff"),
    "a second hello": lambda raw: raw.say({"t": "hello", "versions": [1], "agent": "mallory"}),
    "a proof nobody asked for": lambda raw: raw.say({"t": "prove", "signature": bytes(64)}),
    "the server's words": lambda raw: raw.say({"t": "reply", "id": 1, "value": {}}),
    "credit for nothing": lambda raw: raw.say({"t": "credit", "sub": 99, "more": 1}),
    "cease of nothing": lambda raw: raw.say({"t": "cease", "sub": 99}),
    "credit without end": lambda raw: raw.say({**CALL, "t": "tail", "credit": 2**40, "start": 0}),
    "ten thousand calls in a frame": lambda raw: raw.say(*({"t": "status", "id": number} for number in range(1, 10_001))),
    "more calls than may be in flight": lambda raw: raw.say(*({"t": "status", "id": number} for number in range(1, 4000))),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_that_cannot_be_trusted_ends_its_connection_with_a_word(stage: Any, name: str) -> None:
    with stage.raw("127.0.3.1").open(stage.who("otto").token.reveal()) as raw:
        FRAMES[name](raw)
        last: dict[str, Any] = {}
        while heard := raw.hear():
            last = heard[-1]
        if name in ("oversized", "oversized by its claim"):
            assert raw.closed == 1009  # "message too big": the WebSocket itself says it
        elif name in ("unmasked", "text of a call"):
            assert not last  # what is no WebSocket any more is told nothing in its words
        else:
            assert last.get("t") == "bye", last
            assert last["code"] == "protocol"
            assert last["why"]
    with stage.raw("127.0.3.1").open(stage.who("otto").token.reveal()) as raw:
        raw.say(CALL)
        assert raw.until("reply")["value"]["tenant"] == "belvedere"


@pytest.mark.parametrize(
    ("tag", "fields"),
    [
        ("no.such/call", {}),
        ("PROPOSE", {}),
        ("propose ", {}),
        ("__class__", {}),
        ("status", {"more": 1}),
        ("status", {"credit": 1}),
        ("dead_letter.list", {"limit": 10**9}),
        ("dead_letter.list", {"before": -1}),
        ("case.show", {}),
        ("case.show", {"case": 1}),
        ("case.show", {"case": ""}),
        ("case.show", {"case": "x" * 65}),
        ("case.show", {"case": "a\x00b"}),
        ("tail", {"start": -1, "credit": 1}),
        ("tail", {"start": 2**63 - 1, "credit": 1}),
        ("tail", {"start": 0}),
    ],
)
def test_a_call_that_is_none_is_refused_and_the_connection_goes_on(stage: Any, tag: str, fields: dict[str, Any]) -> None:
    with stage.raw("127.0.3.2").open(stage.who("otto").token.reveal()) as raw:
        raw.say({"t": tag, "id": 1, **fields})
        refused = raw.until("refused")
        assert refused["id"] == 1
        assert refused["code"] in ("malformed", "unknown")
        assert refused["why"]
        raw.say({"t": "status", "id": 2})
        assert raw.until("reply")["id"] == 2


def test_a_last_word_in_the_same_frame_as_a_refused_call_harms_nobody(stage: Any) -> None:
    with stage.raw("127.0.3.3").open(stage.who("otto").token.reveal()) as raw:
        raw.say({"t": "no.such", "id": 1}, {"t": "status", "id": 2}, {"t": "bye", "code": "done", "why": ""})
        while raw.hear():
            pass


REQUESTS = [
    ("/other", "", b"404"),
    ("/%2e%2e", "", b"404"),
    ("/vienna", "X: " + "y" * 9000 + "\r\n", b"431"),
    ("/vienna", "bad header\r\n", b"400"),
]


@pytest.mark.parametrize(("path", "more", "status"), REQUESTS)
def test_a_request_for_something_else_is_told_so(stage: Any, path: str, more: str, status: bytes) -> None:
    with stage.raw("127.0.3.4") as raw:
        assert raw.upgrade("x", path, more).split(b" ")[1] == status


# --- TLS


async def test_a_client_that_trusts_another_authority_or_dialled_another_name_does_not_connect(stage: Any, fresh: Any) -> None:
    token = stage.who("otto").token.reveal()
    with pytest.raises(CannotConnect, match=r"certificate|CERTIFICATE"):
        async with stage.dial(token, tls=client_context(pem=fresh.operator.ca)):
            pass
    with pytest.raises(CannotConnect, match=r"as mallory\.example: .*CERTIFICATE"):
        async with stage.dial(token, server_hostname="mallory.example"):
            pass


async def test_a_proof_is_not_made_out_to_another_origin(stage: Any) -> None:
    ada = stage.who("ada")
    with pytest.raises(VerificationError):
        async with stage.dial(ada.token.reveal(), ada.raw_sign, origin="mallory.example"):
            pass


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2])
def test_tls_1_2_is_refused_by_name(stage: Any, version: ssl.TLSVersion) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=stage.operator.ca)
    context.maximum_version = version
    with pytest.raises(ssl.SSLError, match=r"PROTOCOL_VERSION|protocol version"), stage.raw("127.0.3.5", context):
        pass


# --- members


async def test_a_key_that_is_not_the_members_own_proves_nothing(stage: Any) -> None:
    ada, mallory = stage.who("ada"), stage.who("mallory")
    for sign in (mallory.raw_sign, lambda _: bytes(64), lambda message: ada.raw_sign(message + b"\0")):
        with pytest.raises(Unauthenticated):
            async with stage.dial(ada.token.reveal(), sign):
                pass


async def test_a_proof_for_one_connection_opens_no_other(stage: Any) -> None:
    """The challenge is fresh for each connection; what was signed for an earlier one is worth nothing."""
    ada, heard = stage.who("ada"), list[bytes]()

    def listen(message: bytes) -> bytes:
        heard.append(ada.raw_sign(message))
        return heard[-1]

    async with stage.dial(ada.token.reveal(), listen):
        pass
    with pytest.raises(Unauthenticated):
        async with stage.dial(ada.token.reveal(), lambda _: heard[0]):
            pass


async def test_a_signing_member_is_nobody_before_it_has_proved_its_key(stage: Any) -> None:
    def early() -> list[str]:
        with stage.raw("127.0.3.6") as raw:
            assert b" 101 " in raw.upgrade(stage.who("ada").token.reveal())
            raw.say({"t": "hello", "versions": [1], "agent": "x"})
            raw.until("challenge")
            raw.say({"t": "status", "id": 1})
            return [message["t"] for message in raw.hear()]

    assert await trio.to_thread.run_sync(early) == ["bye"]


async def _to_the_end(subscription: Any, hidden: str) -> None:
    async for event in subscription:
        assert hidden.encode() not in (event.value.get("entry") or b""), "a revoked member reads on"


async def test_a_revoked_member_is_out_at_once_on_every_line_it_has(stage: Any) -> None:
    auditor = await stage.newcomer("auditor")
    executor = await stage.newcomer("executor")
    async with stage.cast("anna", "ada") as (anna, ada), stage.line(auditor) as line, stage.line(executor) as till:
        await line.done("status")
        async with line.link.subscribe("tail", {"start": 0}, credit=4096) as tail, till.link.subscribe("inbox", {}) as inbox:
            for member in (auditor, executor):
                await anna.done("member.revoke", member=member.name, reason="left", key=member.name)
            after = (await ada.propose())["case"]
            for subscription in (tail, inbox):
                with trio.fail_after(60), pytest.raises(ConnectionLost, match="membership has ended"):
                    await _to_the_end(subscription, after)
            for out in (line, till):
                with pytest.raises(ConnectionLost):
                    await out.ask("status")

    def knock(member: Any, source: str) -> bytes:
        with stage.raw(source) as raw:
            head: bytes = raw.upgrade(member.token.reveal())
            return head

    for number, member in enumerate((auditor, executor)):
        assert (await trio.to_thread.run_sync(knock, member, f"127.0.4.{number + 1}")).startswith(b"HTTP/1.1 401 ")


async def test_an_invitation_is_good_once_and_not_after_its_end(stage: Any) -> None:
    async with stage.cast("anna") as (anna,):
        member = stage.Member.make("belvedere", f"m-{secrets.token_hex(4)}", "auditor")
        await stage.invite(anna, member)
        rival = attrs.evolve(stage.Member.make("belvedere", member.name, "auditor"), invitation=member.invitation)
        answers: list[Any] = []

        async def enrol(who: Any) -> None:
            try:
                answers.append(await stage.enrol(who))
            except Unauthenticated:
                answers.append(None)

        async with trio.open_nursery() as nursery:
            for who in (member, rival) * 2:
                nursery.start_soon(enrol, who)
        assert sum(isinstance(answer, Reply) for answer in answers) == 1
        assert {answer.code for answer in answers if isinstance(answer, Refused)} <= {"invitation_over", "key_unsound"}
        late = stage.Member.make("belvedere", f"m-{secrets.token_hex(4)}", "auditor")
        await stage.invite(anna, late, expires_at=(end := stage.now() + 5_000_000))  # µs: it has to reach the node before
        await trio.sleep(max(0, end - stage.now()) / 1_000_000 + 0.1)
        with pytest.raises(Unauthenticated):
            async with stage.dial(late.invitation.reveal()):
                pytest.fail("let in after its end")
        for expires_at in (0, stage.now() - 1, stage.now() + 15 * 24 * 3_600_000_000, 2**63 - 1):
            fields = {
                "member": "zita", "kind": "auditor", "person": "zita", "roles": [], "invitation": "0" * 16, "token_hash": bytes(32),
                "expires_at": expires_at, "key": secrets.token_hex(4),
            }  # fmt: skip
            assert await anna.refused("member.invite", **fields) == "malformed"


def test_many_wrong_keys_slow_down_whoever_tries_them_and_nobody_else(stage: Any) -> None:
    wrong = f"vk_belvedere_{'0' * 16}_{'0' * 64}"
    with others_are_served(stage):
        seen = [b""]
        while b" 429 " not in seen[-1] and len(seen) < 100:  # with each 6 s one failure is forgotten
            with stage.raw("127.0.5.1") as raw:
                seen.append(raw.upgrade(wrong))
        assert [head.split(b" ")[1] for head in seen[1:-1]] == [b"401"] * (len(seen) - 2)
        assert 11 <= len(seen) - 2 < 98
        assert b"retry-after" in seen[-1].lower()
        with stage.raw("127.0.5.1") as raw:  # who shares that address and has a key is not shut out with it
            assert b" 101 " in raw.upgrade(stage.who("otto").token.reveal())
        seen = []
        while seen[-1:] != [b"429"] and len(seen) < 400:
            with stage.raw("127.0.5.2") as raw:
                seen.append(raw.upgrade(f"vk_belvedere_{len(seen):016x}_{'0' * 64}").split(b" ")[1])
        assert seen[:-1] == [b"401"] * (len(seen) - 1)
        assert len(seen) > 100
        assert seen[-1] == b"429"


async def test_a_policy_with_a_mistake_says_in_which_file_and_line(stage: Any) -> None:
    async with stage.cast("anna") as (anna,):
        for text, place in (
            (b'@id("a") @tier("T0")\npermit (principal, action,\n  resource', "x.cedar:3"),
            (b'@id("a") @tier("T0")\npermit (principal, action == Action::"no.such", resource);', "x.cedar:"),
            (b"\xff\xfe", "x.cedar"),
        ):
            answer = await anna.ask("bundle.push", files={**stage.BUNDLE, "x.cedar": text})
            assert answer.code == "bundle_invalid"
            assert any(place in finding for finding in answer.detail["findings"]), answer
        answer = await anna.ask("bundle.push", files={**stage.BUNDLE, "bundle.toml": b"[bundle]\nname = "})
        assert "bundle.toml:2" in " ".join(answer.detail["findings"])
        for files in ({"../x": b""}, {"x.cedar": "text"}, {"x.cedar": 1}, {"x.cedar": bytes(600 * 1024)}, {}):
            answer = await anna.ask("bundle.push", files=files)
            assert answer.code in ("bundle_invalid", "malformed"), files


# --- the process and its disk


def test_a_second_server_on_the_same_directory_names_the_first_and_goes(stage: Any) -> None:
    with others_are_served(stage):
        command = [sys.executable, "-m", "vienna_runtime.cli.main", "serve", str(stage.home), "--listen", "127.0.0.1:0"]
        second = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert second.returncode != 0
    assert str(stage.process.pid) in second.stderr
    assert "Traceback" not in second.stderr
    assert "ready" not in second.stdout


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few MiB, away again afterwards."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here, which takes root: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_makes_the_node_read_only_and_loses_nothing(small_disk: Path, fresh: Any) -> None:
    ballast = small_disk / "ballast"
    os.rename(fresh.home / "ledger", fresh.home / "ledger.moved")
    subprocess.run(["cp", "-r", str(fresh.home / "ledger.moved"), str(small_disk / "ledger")], check=True)
    with (fresh.home / "vienna.toml").open("r+") as file:
        text = file.read()
        file.seek(0)
        file.write(text.replace('ledger = "ledger"', f'ledger = "{small_disk / "ledger"}"').replace("# ledger", "ledger"))
        file.truncate()
    fresh.serve()
    assert (small_disk / "ledger" / "data.mdb").exists()
    acknowledged: list[str] = []

    async def fill() -> None:
        cast = [("till", "executor", "till", (), None), ("ada", "agent", "ada", ("reader",), "anna")]
        await fresh.found_tenant("belvedere", cast=cast)
        async with fresh.cast("ada", "anna") as (ada, anna):
            for number in range(4):
                acknowledged.append((await ada.propose(params={"text": f"{number}" + "x" * 1000}))["case"])
            left = os.statvfs(small_disk)
            ballast.write_bytes(bytes(max(0, left.f_bavail * left.f_frsize - 300_000)))
            last: dict[str, Any] = {}
            answer: Any = Reply({})
            while isinstance(answer, Reply):
                last = fresh.wish(params={"text": "y" * 20_000})
                answer = await ada.ask("propose", **last)
                if isinstance(answer, Reply):
                    acknowledged.append(str(answer.value["case"]))
            assert type(answer).__name__ == "Indeterminate" or answer.code == "read_only", answer
            with trio.fail_after(60):  # reads are served, but for the moments in which the ledger is opened again
                codes = set()
                while "read_only" not in codes:
                    answer = await ada.ask("propose", **last)
                    codes.add(getattr(answer, "code", type(answer).__name__))
                while not isinstance(await anna.ask("status"), Reply):
                    pass
                while not isinstance(await ada.ask("case.show", case=acknowledged[0]), Reply):
                    pass
            assert "Reply" not in codes
            ballast.unlink()
            with trio.fail_after(60):
                while True:
                    answer = await ada.ask("propose", **last)
                    if isinstance(answer, Reply):
                        break
            acknowledged.append(str(answer.value["case"]))
            for case in acknowledged:
                assert (await ada.story(case))[0] == "intent.proposed"

    trio.run(fill)
    assert fresh.process.poll() is None
    assert fresh.end(signal.SIGTERM) == 0
    from ledger import verify_in_child

    assert verify_in_child(small_disk / "ledger", fresh.node_key).logs
