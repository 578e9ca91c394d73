"""A mirror of what somebody serves has the same bytes, goes on where it was, and takes no second history."""

from __future__ import annotations

import datetime
import http.server
import shutil
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ledger import Checkpoint, NoteSigner, VerificationError, leaf_hash, open_checkpoint
from ledger.note import compose
from ledger.tile_audit import audit_tiles
from ledger.tile_export import export
from ledger.tile_paths import ENTRIES, WIDTH, Tile, tiles_of
from ledger.tile_reader import fold
from ledger.tiles import bundle
from ledger.tree import root_over
from transport.errors import CannotConnect
from transport.tls import server_context
from vienna_runtime import pki
from vienna_runtime.errors import ConfigError
from vienna_runtime.secret import Secret
from vienna_runtime.tile_mirror import Remote

SIGNER = NoteSigner("elsewhere.example/log", sha256(b"elsewhere").digest())


class Log:
    """Entries of any kind, as a source."""

    witnessed = None

    def __init__(self, entries: list[bytes]) -> None:
        self._entries, self._levels = entries, [[leaf_hash(entry) for entry in entries]]
        while len(self._levels[-1]) >= WIDTH:
            last = self._levels[-1]
            self._levels.append([fold(last[at : at + WIDTH]) for at in range(0, len(last) - WIDTH + 1, WIDTH)])
        self.checkpoint = Checkpoint(SIGNER.verifier.name, len(entries), root_over(entries))
        self.note = compose(self.checkpoint.text(), [SIGNER.sign(self.checkpoint.text().encode())])

    def content(self, tile: Tile) -> bytes:
        at, until = tile.start, tile.start + tile.width
        return bundle(self._entries[at:until]) if tile.level == ENTRIES else b"".join(self._levels[tile.level][at:until])

    def heads(self, bundle: Tile) -> bytes | None:
        return None

    def root_at(self, size: int) -> bytes:
        return root_over(self._entries[:size])


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A static file server, which keeps what it was shown."""

    protocol_version = "HTTP/1.1"
    shown: list[str | None] = []  # noqa: RUF012  # of all instances: there is one a connection

    def do_GET(self) -> None:
        self.shown.append(self.headers.get("Authorization"))
        super().do_GET()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> pki.Places:
    places, now = pki.Places(tmp_path_factory.mktemp("tls")), datetime.datetime.now(datetime.UTC)
    authority = pki.make_dev_authority(places, "elsewhere.example", ["localhost"], now)
    pki.make_server_certificate(places, authority, ["localhost"], now)
    return places


Dial = Callable[..., Remote]


@pytest.fixture
def served(tmp_path: Path, places: pki.Places) -> Iterator[tuple[Path, Dial]]:
    """A directory that is served, and what dials it."""
    root = tmp_path / "served"
    root.mkdir()
    Quiet.shown.clear()
    context = server_context(places.server, places.server_key).context
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root))) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        remotes = list[Remote]()

        def dial(path: str = "", bearer: Secret | None = None, key: Any = SIGNER.verifier) -> Remote:
            trusted = ssl.create_default_context(cafile=str(places.authority))
            remotes.append(Remote(f"https://localhost:{server.server_port}{path}", key, tls=trusted, bearer=bearer))
            return remotes[-1]

        try:
            yield root, dial
        finally:
            for remote in remotes:
                remote.close()
            server.shutdown()
            thread.join()


def entries(count: int, word: bytes = b"entry") -> list[bytes]:
    return [word + b" %d" % number for number in range(count)]


def test_a_mirror_has_the_same_files_and_verifies(served: tuple[Path, Dial], tmp_path: Path) -> None:
    root, dial = served
    export(Log(entries(700)), root)
    done = export(dial(), tmp_path / "mirror")
    assert (done.size, done.before) == (700, 0)
    for path in (root, tmp_path / "mirror"):
        assert audit_tiles(path, open_checkpoint((path / "checkpoint").read_bytes(), SIGNER.verifier)).files == len(list(tiles_of(700)))
    assert (tmp_path / "mirror/tile/1/000.p/2").read_bytes() == (root / "tile/1/000.p/2").read_bytes()


def test_a_mirror_grows_and_fetches_only_what_is_new(served: tuple[Path, Dial], tmp_path: Path) -> None:
    root, dial = served
    export(Log(entries(300)), root / "log")
    export(dial("/log"), tmp_path / "mirror")
    export(Log(entries(700)), root / "log")
    done = export(dial("/log"), tmp_path / "mirror")
    assert (done.before, done.size, done.written) == (300, 700, 5)
    assert export(dial("/log"), tmp_path / "mirror").written == 0


def test_a_log_with_another_past_is_refused_and_the_mirror_stays_the_evidence(served: tuple[Path, Dial], tmp_path: Path) -> None:
    root, dial = served
    export(Log(entries(300)), root)
    export(dial(), tmp_path / "mirror")
    kept = (tmp_path / "mirror/checkpoint").read_bytes()
    shutil.rmtree(root / "tile")
    (root / "checkpoint").unlink()
    export(Log(entries(700, b"other")), root)
    with pytest.raises(VerificationError, match="a fork"):
        export(dial(), tmp_path / "mirror")
    shutil.rmtree(root / "tile")
    (root / "checkpoint").unlink()
    export(Log(entries(200)), root)
    with pytest.raises(VerificationError, match="is ahead"):
        export(dial(), tmp_path / "mirror")
    assert (tmp_path / "mirror/checkpoint").read_bytes() == kept


@pytest.mark.parametrize("name", ["tile/0/000", "tile/0/002.p/188", "tile/1/000.p/2", "tile/entries/001"])
def test_what_is_changed_on_the_way_is_not_taken(served: tuple[Path, Dial], tmp_path: Path, name: str) -> None:
    root, dial = served
    export(Log(entries(700)), root)
    whole = (root / name).read_bytes()
    (root / name).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(VerificationError):
        export(dial(), tmp_path / "mirror")
    assert not (tmp_path / "mirror/checkpoint").exists()


def test_a_checkpoint_of_another_key_or_none_is_not_taken(served: tuple[Path, Dial]) -> None:
    root, dial = served
    with pytest.raises(CannotConnect, match="no checkpoint"):
        dial()
    export(Log(entries(3)), root)
    with pytest.raises(VerificationError, match="none of the known keys"):
        dial(key=NoteSigner("elsewhere.example/log", b"m" * 32).verifier)


def test_a_tile_that_is_not_served_is_named(served: tuple[Path, Dial], tmp_path: Path) -> None:
    root, dial = served
    export(Log(entries(700)), root)
    (root / "tile/entries/001").unlink()
    with pytest.raises(VerificationError, match="tile/entries/001 is missing"):
        export(dial(), tmp_path / "mirror")


def test_a_key_is_shown_only_where_one_is_given(served: tuple[Path, Dial]) -> None:
    root, dial = served
    export(Log(entries(3)), root)
    dial()
    dial(bearer=Secret(b"vk_belvedere_rosa"))
    assert Quiet.shown == [None, "Bearer vk_belvedere_rosa"]


def test_a_port_at_which_nobody_listens_is_told_as_everywhere(places: pki.Places) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{taken.getsockname()[1]}/belvedere"
        with pytest.raises(CannotConnect, match=r"^nothing answers at 127\.0\.0\.1:\d+: connection refused; is the node running"):
            Remote(url, SIGNER.verifier, tls=ssl.create_default_context(), bearer=None)


def test_a_server_of_another_authority_is_not_asked(served: tuple[Path, Dial], places: pki.Places) -> None:
    root, dial = served
    export(Log(entries(3)), root)
    address = dial()._server
    with pytest.raises(CannotConnect, match="certificate"):
        Remote(f"https://localhost:{address.port}", SIGNER.verifier, tls=ssl.create_default_context(), bearer=Secret(b"vk"))
    assert len(Quiet.shown) == 1


@pytest.mark.parametrize(
    "url", ["http://localhost/log", "localhost/log", "https://", "https://rosa:key@localhost/", "https://localhost/?a=1"]
)
def test_what_is_no_prefix_of_a_log_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="a log's prefix is expected"):
        Remote(url, SIGNER.verifier, tls=ssl.create_default_context(), bearer=None)
