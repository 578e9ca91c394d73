"""``vienna witness``: an independent process that cosigns what only grows."""

from __future__ import annotations

import logging
import os
import signal
import sys
from functools import partial
from pathlib import Path

import click
import structlog
import trio
from rich.table import Table

from ledger import VerifierKey
from ledger.note import ED25519
from transport.tls import server_context
from vienna_runtime.cli.here import Here, json_option, pass_here
from vienna_runtime.cli.kinds import VERIFIER_KEY
from vienna_runtime.cli.listing import Listing
from vienna_runtime.cli.shown import escape, shown
from vienna_runtime.keystore import is_loopback
from vienna_runtime.witness import founding
from vienna_runtime.witness.records import Records
from vienna_runtime.witness.service import Witness
from vienna_runtime.witness.serving import serve as serve_witness

_DIRECTORY = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group(cls=Listing)
def witness() -> None:
    """Be a witness: cosign logs that only grow, for whoever asks, from a machine that is not the log's.

    \b
    Example:
      vienna witness init ./witness --name witness.example/emil
      vienna witness add-log ./witness vienna.local+8ce88a58+Acp3zachS/nB...
      vienna witness serve ./witness --listen 127.0.0.1:7480
    """


@witness.command()
@click.argument("directory", type=_DIRECTORY)
@click.option("--name", required=True, help="The witness's name, best a URL without its scheme: witness.example/emil.")
@click.option("--unsealed", is_flag=True, help="No passphrase: the key lies in a file of mode 0600, and the witness starts by itself.")
@json_option
@pass_here
def init(here: Here, directory: Path, name: str, unsealed: bool) -> None:
    """Make a witness in DIRECTORY and print its verifier key, for the policies of those who trust it.

    \b
    Example:
      vienna witness init ./witness --name witness.example/emil
    """
    cosigner = founding.found(directory, name, passphrase=None if unsealed else here.ask_passphrase("the witness's key", new=True))
    key = cosigner.verifier.text
    here.answer(
        {"witness": name, "key": key},
        f"a witness in {escape(str(directory))}; its line in a policy:",
        f"witness {escape(name.rpartition('/')[2])} {key} http://HOST:PORT",
        f"next: vienna witness add-log {escape(str(directory))} LOG_KEY",
    )


@witness.command("add-log")
@click.argument("directory", type=_DIRECTORY)
@click.argument("keys", type=VERIFIER_KEY, nargs=-1, required=True)
@json_option
@pass_here
def add_log(here: Here, directory: Path, keys: tuple[VerifierKey, ...]) -> None:
    """Trust a log by its verifier KEY, or by one more key where the log is known; a running witness heeds it at once.

    \b
    Example:
      vienna witness add-log ./witness vienna.local+8ce88a58+Acp3zachS/nB...
    """
    for key in keys:
        if key.type != ED25519:
            raise click.UsageError(f"{key.text} is a cosigner's key; a log signs with one of type 0x01")
    records = _records(directory)
    added = [key.text for key in keys if records.trust(key)]
    here.answer({"added": added}, *(f"trusted: {escape(key.text)}{'' if key.text in added else ' (as before)'}" for key in keys))


@witness.command("list")
@click.argument("directory", type=_DIRECTORY)
@json_option
@pass_here
def list_logs(here: Here, directory: Path) -> None:
    """The logs that are trusted, and how far each was witnessed.

    \b
    Example:
      vienna witness list ./witness
    """
    records = _records(directory)
    found = [(records.read(origin), records.keys(origin)) for origin in records.origins()]
    table = Table("log", "witnessed", "root", "keys", box=None, pad_edge=False)
    for record, keys in found:
        seen = (str(record.seen.size), record.seen.root.hex()) if record.note else ("-", "-")  # nothing was cosigned yet
        table.add_row(shown(record.origin), *seen, ", ".join(key.id.hex() for key in keys))
    logs = [
        {"log": record.origin, "size": record.seen.size, "root": record.seen.root, "keys": [key.text for key in keys]}
        for record, keys in found
    ]
    here.answer({"logs": logs}, table)


@witness.command()
@click.argument("directory", type=_DIRECTORY)
@click.option("--listen", default="127.0.0.1:7480", show_default=True, help="HOST:PORT; port 0 takes a free one.")
@click.option("--tls-cert", type=_FILE, help="A certificate chain in PEM: serve HTTPS.")
@click.option("--tls-key", type=_FILE, help="Its key.")
@json_option
@pass_here
def serve(here: Here, directory: Path, listen: str, tls_cert: Path | None, tls_key: Path | None) -> None:
    """Run the witness of DIRECTORY.  Prints one line when it is ready; SIGTERM or Ctrl-C stops it.

    What it says is signed, so it may be served without TLS; what it is asked then travels in the open.

    \b
    Example:
      vienna witness serve ./witness --listen 0.0.0.0:7480 --tls-cert cert.pem --tls-key key.pem
    """
    host, _, port = listen.rpartition(":")
    if not host or not port.isascii() or not port.isdigit():
        raise click.UsageError("--listen takes HOST:PORT, for example 127.0.0.1:7480")
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together")
    _start_logging()
    cosigner = founding.opened(directory, lambda: here.ask_passphrase("the witness's key"))
    tls = None if tls_cert is None or tls_key is None else server_context(tls_cert, tls_key).context
    if tls is None and not is_loopback(host):
        structlog.get_logger(__name__).warning(
            "served without TLS beyond this machine: whoever is on the way sees which logs grow, and how"
        )
    records = Records(directory, cosigner.verifier)
    records.begin()

    def ready(address: str) -> None:
        scheme = "http" if tls is None else "https"
        key = cosigner.verifier.text
        here.answer(
            {"ready": f"{scheme}://{address}", "key": key, "pid": os.getpid()}, f"witness ready on {scheme}://{address} key {escape(key)}"
        )
        sys.stdout.flush()

    async def whole() -> None:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(partial(serve_witness, Witness(cosigner, records), host.strip("[]"), int(port), ready, tls=tls))
                async for _ in signals:
                    nursery.cancel_scope.cancel()
                    break

    try:
        trio.run(whole)
    finally:
        records.end()


def _records(directory: Path) -> Records:
    """The records to look at; the key stays shut, only its public half would be needed to check what is read."""
    return Records(directory, founding.public(directory))


def _start_logging() -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
