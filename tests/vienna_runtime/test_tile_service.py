"""Tiles over HTTPS: what a static mirror would answer, to whoever may read all of the log and to nobody else."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from actors.gate import Identity
from ledger import NODE, Batch, Checkpoint, DataKey, Draft, Ledger, NoteSignature, NoteSigner, VerifierKey, open_checkpoint, origin_of
from ledger.note import unverified_note
from ledger.tile_paths import Tile, tiles_of
from ledger.tile_reader import TileReader
from ledger.tiles import entries_in
from transport.gate import Admission, Rejection
from transport.http import Request, Response
from vienna_runtime.settings import Tiles
from vienna_runtime.tile_service import MOST_OF_ADDRESS, TileService

NODE_NAME = "hofburg.example"
HOLDERS = {
    "vk_belvedere_rosa": Identity("belvedere", "rosa", "admin"),
    "vk_belvedere_clara": Identity("belvedere", "clara", "approver"),
    "vk_belvedere_ada": Identity("belvedere", "ada", "agent"),
    "vk_belvedere_invited": Identity("belvedere", "otto", "admin", "inv"),
    "vk_schoenbrunn_dora": Identity("schoenbrunn", "dora", "admin"),
    "vk_node_operator": Identity("", "operator", "operator"),
}
SERVED = Tiles(tenants=("belvedere",), public=("schoenbrunn",), node="operators")


class Keys:
    """Every key derived from its name."""

    def sign(self, log: str, message: bytes) -> list[NoteSignature]:
        return [signer(log).sign(message)]

    def verifier(self, log: str) -> VerifierKey:
        return signer(log).verifier

    def verifiers(self, log: str) -> tuple[VerifierKey, ...]:
        return (signer(log).verifier,)

    def data_key(self, log: str, month: str) -> DataKey:
        return DataKey(sha256(f"{log} {month}".encode()).digest()[:8], sha256(month.encode()).digest())

    def data_key_by_id(self, log: str, key_id: bytes) -> DataKey | None:
        return None


def signer(log: str) -> NoteSigner:
    return NoteSigner(origin_of(NODE_NAME, log), sha256(f"checkpoint key {log}".encode()).digest())


class Doorkeeper:
    """Knows the holders; everybody else is nobody, and mallory has to wait."""

    async def admit(self, bearer: str | None, remote: str) -> Admission | Rejection:
        if remote == "mallory":
            return Rejection(status=429, retry_after=2500)
        if bearer not in HOLDERS:
            return Rejection(status=401)
        return Admission(principal=HOLDERS[bearer].name, public_key=None, identity=HOLDERS[bearer])


async def inline(work: Callable[[], Response]) -> Response:
    return work()


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    ledger = Ledger.open(tmp_path_factory.mktemp("served") / "ledger", node=NODE_NAME, keys=Keys())
    for tenant in ("belvedere", "schoenbrunn", "hetzendorf"):
        ledger.create(tenant, time=1, actor="operator")
    ledger.append_many([Batch("belvedere", 0, tuple(Draft("word.said/1", 10 + number, "ada", b"") for number in range(600)))])
    return ledger


@attrs.frozen
class Client:
    """Asks a service."""

    service: TileService
    bearer: str | None = None

    async def get(self, target: str, *more: tuple[bytes, bytes], method: str = "GET", remote: str = "192.0.2.1") -> Response:
        own = () if self.bearer is None else ((b"authorization", f"Bearer {self.bearer}".encode()),)
        return await self.service.answer(remote, Request(method=method, target=target, headers=(*own, *more)))


def client(ledger: Ledger, bearer: str | None = None, settings: Tiles = SERVED, **how: object) -> Client:
    return Client(TileService(ledger, Doorkeeper(), settings, run=inline, **how), bearer)  # type: ignore[arg-type]


async def test_a_mirror_gets_every_file_that_an_export_would_have(ledger: Ledger) -> None:
    rosa = client(ledger, "vk_belvedere_rosa")
    answer = await rosa.get("/belvedere/checkpoint")
    assert dict(answer.headers)["Content-Type"] == "text/plain; charset=utf-8"
    checkpoint = open_checkpoint(answer.body, signer("belvedere").verifier)
    files = {tile.path: (await rosa.get(f"/belvedere/{tile.path}")).body for tile in tiles_of(checkpoint.size)}
    reader = TileReader(files.get, checkpoint.size, checkpoint.root)
    reader.check_root()
    assert reader.entry(599) == ledger.read("belvedere", 599, 600)[0].entry


async def test_tiles_are_kept_for_ever_and_a_checkpoint_for_seconds(ledger: Ledger) -> None:
    rosa, anyone = client(ledger, "vk_belvedere_rosa"), client(ledger)
    said = {
        path: dict((await who.get(path)).headers) for who, path in ((rosa, "/belvedere/tile/0/000"), (anyone, "/schoenbrunn/checkpoint"))
    }
    assert said["/belvedere/tile/0/000"]["Cache-Control"] == "private, max-age=31536000, immutable"
    assert said["/belvedere/tile/0/000"]["Content-Type"] == "application/octet-stream"
    assert said["/belvedere/tile/0/000"]["Vary"] == "Authorization, Accept-Encoding"
    assert said["/schoenbrunn/checkpoint"]["Cache-Control"] == "public, max-age=2"


async def test_a_partial_tile_of_any_earlier_size_is_there_and_none_beyond(ledger: Ledger) -> None:
    rosa = client(ledger, "vk_belvedere_rosa")
    for path, status in (
        ("0/000.p/7", 200),
        ("entries/001.p/3", 200),
        ("0/002.p/88", 200),
        ("0/002.p/89", 404),
        ("0/002", 404),
        ("2/000.p/1", 404),
    ):
        assert (await rosa.get(f"/belvedere/tile/{path}")).status == status, path


@pytest.mark.parametrize(
    "path", ["tile/0/00", "tile/0/000.p/256", "tile/0/000?x=1", "tile/0/%30%300", "../checkpoint", "", "tile", "tile/64/000"]
)
async def test_no_other_path_is_anything(ledger: Ledger, path: str) -> None:
    assert (await client(ledger, "vk_belvedere_rosa").get(f"/belvedere/{path}")).status == 404


async def test_bundles_are_compressed_for_those_who_take_it(ledger: Ledger) -> None:
    rosa, plain = client(ledger, "vk_belvedere_rosa"), ledger.tile("belvedere", Tile(-1, 0))
    for accepted, zipped in (("gzip", True), ("br, gzip;q=0.5", True), ("identity", False), ("gzip;q=0", False), ("gzip;q=0.0, br", False)):
        answer = await rosa.get("/belvedere/tile/entries/000", (b"accept-encoding", accepted.encode()))
        assert (dict(answer.headers).get("Content-Encoding") == "gzip") is zipped, accepted
        assert (gzip.decompress(answer.body) if zipped else answer.body) == plain
    assert len(entries_in(plain, 256)) == 256
    hashes = await rosa.get("/belvedere/tile/0/000", (b"accept-encoding", b"gzip"))
    assert "Content-Encoding" not in dict(hashes.headers)


@pytest.mark.parametrize(
    ("bearer", "allowed"),
    [
        ("vk_belvedere_rosa", {"/belvedere/checkpoint"}),
        ("vk_belvedere_clara", {"/belvedere/checkpoint"}),
        ("vk_belvedere_ada", set()),  # an agent sees the cases it takes part in, no more
        ("vk_belvedere_invited", set()),
        ("vk_schoenbrunn_dora", set()),
        ("vk_node_operator", {"/checkpoint", "/belvedere/checkpoint"}),
    ],
)
async def test_a_log_is_for_those_who_may_read_all_of_it(ledger: Ledger, bearer: str, allowed: set[str]) -> None:
    who = client(ledger, bearer)
    for path in ("/checkpoint", "/belvedere/checkpoint", "/hetzendorf/checkpoint", "/nowhere/checkpoint", "/belvedere/else"):
        answer = await who.get(path)
        assert (answer.status == 200) is (path in allowed), path
        assert answer.status in (200, 404)
    assert (await who.get("/schoenbrunn/checkpoint")).status == 200  # for anyone


async def test_who_holds_no_key_learns_nothing_of_what_there_is(ledger: Ledger) -> None:
    for bearer in (None, "vk_nobody", "x" * 600):
        answers = [
            await client(ledger, bearer).get(path)
            for path in ("/belvedere/checkpoint", "/hetzendorf/checkpoint", "/nowhere/tile/0/000", "/")
        ]
        assert {(answer.status, answer.body, answer.headers) for answer in answers} == {(401, b"Unauthenticated.\n", answers[0].headers)}
        assert ("WWW-Authenticate", "Bearer") in answers[0].headers


async def test_who_fails_too_often_is_told_when_to_come_again(ledger: Ledger) -> None:
    answer = await client(ledger, "vk_belvedere_rosa").get("/belvedere/checkpoint", remote="mallory")
    assert answer.status == 429
    assert ("Retry-After", "3") in answer.headers


async def test_nothing_is_served_by_the_settings_a_node_has_at_first(ledger: Ledger) -> None:
    assert not Tiles().any
    for bearer in (None, *HOLDERS):
        for path in ("/checkpoint", "/belvedere/checkpoint", "/schoenbrunn/tile/0/000"):
            assert (await client(ledger, bearer, Tiles()).get(path)).status in (401, 404)


async def test_only_reading_is_possible(ledger: Ledger) -> None:
    rosa = client(ledger, "vk_belvedere_rosa")
    answer = await rosa.get("/belvedere/checkpoint", method="POST")
    assert (answer.status, dict(answer.headers)["Allow"]) == (405, "GET, HEAD")
    assert (await rosa.get("/belvedere/checkpoint", method="HEAD")).status == 200


async def test_the_nodes_log_is_for_anyone_where_it_is_public(ledger: Ledger) -> None:
    answer = await client(ledger, settings=Tiles(node="public")).get("/checkpoint")
    assert open_checkpoint(answer.body, signer(NODE).verifier).origin == NODE_NAME


async def test_a_cosigned_checkpoint_is_shown_where_witnesses_are_asked(ledger: Ledger) -> None:
    own = ledger.head("schoenbrunn").checkpoint
    cosigned = own + NoteSigner("emil.example", b"w" * 32).sign(own.partition(b"\n\n")[0] + b"\n").line().encode()
    ledger.put_witnessed("schoenbrunn", cosigned)
    for asked, expected in ((False, own), (True, cosigned)):
        assert (await client(ledger, cosigned=asked).get("/schoenbrunn/checkpoint")).body == expected
    # Where none has been cosigned yet, the log's own is better than nothing.
    answer = await client(ledger, "vk_belvedere_rosa", cosigned=True).get("/belvedere/checkpoint")
    assert Checkpoint.parse(unverified_note(answer.body).text).size == 600


async def test_a_ledger_that_is_closed_is_not_available_now(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "ledger", node=NODE_NAME, keys=Keys())
    ledger.create("belvedere", time=1, actor="operator")
    ledger.close()
    assert (await client(ledger, settings=Tiles(node="public")).get("/tile/0/000.p/1")).status == 503


class Line(trio.abc.Stream):
    """One end of a connection in memory, from an address."""

    remote = "192.0.2.7"

    def __init__(self, inside: trio.abc.Stream) -> None:
        self._inside = inside

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._inside.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._inside.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._inside.receive_some(max_bytes)

    async def aclose(self) -> None:
        await self._inside.aclose()


async def test_mirrors_of_one_address_have_so_many_connections_and_give_them_back(ledger: Ledger) -> None:
    hook: Any = client(ledger, settings=Tiles(node="public")).service.hook
    asked = b"GET /checkpoint HTTP/1.1\r\nHost: h\r\n\r\n"

    async def answered(stream: trio.abc.Stream) -> bytes:
        await stream.send_all(asked)
        return bytes(await stream.receive_some(12))

    async with trio.open_nursery() as nursery:
        lines = []
        for _ in range(MOST_OF_ADDRESS + 1):
            ours, theirs = trio.testing.memory_stream_pair()
            nursery.start_soon(hook, Line(theirs), None)
            lines.append(ours)
        with trio.fail_after(60):
            said = [await answered(line) for line in lines]
            assert sorted(said) == [b"HTTP/1.1 200"] * MOST_OF_ADDRESS + [b"HTTP/1.1 503"]  # they come in any order
            await lines[said.index(b"HTTP/1.1 200")].aclose()
            await trio.testing.wait_all_tasks_blocked()
            ours, theirs = trio.testing.memory_stream_pair()
            nursery.start_soon(hook, Line(theirs), None)
            assert await answered(ours) == b"HTTP/1.1 200"
        nursery.cancel_scope.cancel()
