"""A log's tiles at an HTTPS prefix, anybody's, as a source that ``ledger.tile_export.export`` writes to a directory.

The checkpoint is opened by the log's key.  What is fetched is not believed further than ``export`` looks: its right edge
leads to the checkpoint's root, it is the continuation of what the directory has, and entries hash to their tiles.  Whether
every tile does is what ``vienna verify`` says of the directory.
"""

from __future__ import annotations

import gzip
import io
import socket
import ssl
import zlib
from http.client import HTTPException, HTTPSConnection
from typing import NoReturn
from urllib.parse import urlsplit

from ledger import Checkpoint, VerificationError, VerifierKey, open_checkpoint
from ledger.note import LARGEST_NOTE
from ledger.tile_paths import WIDTH, Tile
from ledger.tile_reader import TileReader
from transport.errors import CannotConnect
from vienna_runtime.client.dial import unanswered
from vienna_runtime.errors import ConfigError
from vienna_runtime.secret import Secret

PATIENCE = 30.0  # seconds for one answer
_LARGEST = {"checkpoint": LARGEST_NOTE, "tile": WIDTH * (2 + 0xFFFF)}  # bytes; a bundle of the largest entries there can be


class Remote:
    """See the module."""

    witnessed: bytes | None = None  # what is served is what was published: with cosignatures, or not

    def __init__(self, url: str, key: VerifierKey, *, tls: ssl.SSLContext, bearer: Secret | None) -> None:
        """Fetch and open the checkpoint; ConfigError for a URL that is none, CannotConnect for a server that does not give it."""
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or parts.username is not None:
            raise ConfigError("mirror", url, "a log's prefix is expected, like https://vienna.example.org:7443/belvedere")
        self._prefix, self._bearer = parts.path.rstrip("/"), bearer
        self._address = parts.netloc if parts.port else f"{parts.netloc}:443"
        self._server = HTTPSConnection(parts.hostname, parts.port or 443, timeout=PATIENCE, context=tls)
        try:
            note = self._fetch("checkpoint")
            if note is None:
                raise CannotConnect(f"{url} has no checkpoint: there is no such log, or it is not for you")
            self.note: bytes = note
            self.checkpoint: Checkpoint = open_checkpoint(note, key)
        except BaseException:
            self.close()
            raise
        self._tree = TileReader(self._fetch, self.checkpoint.size, self.checkpoint.root)

    def close(self) -> None:
        """Hang up."""
        self._server.close()

    def content(self, tile: Tile) -> bytes:
        """As it is served; a partial tile that is gone, from the full one."""
        return self._tree.content(tile)

    def heads(self, _bundle: Tile) -> bytes | None:
        """Not served: what the node committed to lies beside its exported tiles only."""
        return None

    def root_at(self, size: int) -> bytes:
        """The root at an earlier size, proved to be one of this tree's."""
        root = self._tree.root_at(size)
        self._tree.prove_consistency(size, root)
        return root

    def _fetch(self, name: str) -> bytes | None:
        headers = {"Accept-Encoding": "gzip, identity"}
        if self._bearer is not None:
            headers["Authorization"] = f"Bearer {self._bearer.reveal().decode()}"
        largest = _LARGEST[name.partition("/")[0]]
        try:
            self._server.request("GET", f"{self._prefix}/{name}", headers=headers)
            with self._server.getresponse() as answer:
                data = answer.read(largest + 1)
                if answer.status == 404:
                    return None
                if answer.status != 200:
                    self._fail(name, f"the server answered {answer.status}")
                if answer.headers.get("Content-Encoding") == "gzip":
                    data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(largest + 1)
        except (ConnectionRefusedError, socket.gaierror) as error:
            raise CannotConnect(unanswered(error, self._address)) from error
        except (OSError, HTTPException, EOFError, zlib.error) as error:
            self._fail(name, str(error) or type(error).__name__)
        if len(data) > largest:
            raise VerificationError(f"{name}: more than {largest} bytes came")
        return data

    def _fail(self, name: str, why: str) -> NoReturn:
        raise CannotConnect(f"{self._server.host}:{self._server.port}{self._prefix}/{name}: {why}")
