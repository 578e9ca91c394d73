"""``vienna serve``: runs a node until it is told to stop."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import random
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import click
import structlog
import trio

from ledger import DirectoryBusy, Ledger
from transport.tls import ServerTls, server_context
from vienna_runtime import config as configs
from vienna_runtime import guardian, log_lines, node, passphrase, pki, rollback, rotating, witness_start
from vienna_runtime.errors import ServingError
from vienna_runtime.keystore import Keystore
from vienna_runtime.keystore_opener import opener_for
from vienna_runtime.ledger_keys import LedgerKeys
from vienna_runtime.notify import Notifier
from vienna_runtime.secret import Secret
from vienna_runtime.watermark import Watermark

_LONGEST_REASON = 1000  # characters; a sentence or a ticket's number, kept for ever


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--listen", default=None, help="HOST:PORT instead of the configured one; port 0 takes a free one.")
@click.option("--accept-rollback", metavar="REASON", help="Serve a ledger that lies behind what was released; recorded with the reason.")
@click.option("--supervised", is_flag=True, help="Start it from a small process that starts it again when it is dead or hangs.")
@click.option(
    "--hung-after",
    type=click.FloatRange(min=0.5),
    default=15.0,
    show_default=True,
    help="Seconds without any answer after which a supervised node is killed.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the ready line as JSON.")
def serve(directory: Path, listen: str | None, accept_rollback: str | None, supervised: bool, hung_after: float, as_json: bool) -> None:
    """Run the node in DIRECTORY.  Prints one line when it is ready; SIGTERM or Ctrl-C stops it in order, with a last commit.

    \b
    Example:
      vienna serve ./node --listen 127.0.0.1:0
      vienna serve ./node --supervised
    Exit codes: 0 stopped as asked, 1 it could not go on (the log says why; supervised: it fell too often, or had to be killed to
    stop), 2 it could not start.
    """
    if not (directory / configs.FILE).exists():
        raise ServingError(f"there is no node in {directory}; make one with: vienna init {directory}")
    if accept_rollback is not None and not (
        accept_rollback.strip() and accept_rollback.isprintable() and len(accept_rollback) <= _LONGEST_REASON
    ):
        raise click.UsageError(f"--accept-rollback takes a reason of 1 to {_LONGEST_REASON} characters on one line")
    config = configs.load(directory, environ=os.environ, given=_given(listen))
    _start_logging(config)
    notifier = Notifier.from_environment(os.environ)
    if supervised:
        sys.exit(_guard(config, listen, accept_rollback, hung_after, notifier, as_json))
    if (parent := os.environ.pop(guardian.PARENT, None)) is not None:
        guardian.end_with(int(parent))
    try:
        keystore, ledger, tls = _open(config)
    except DirectoryBusy as error:
        raise ServingError(str(error)) from None
    try:
        asked = witness_start.asked(config)
        heard = [] if asked is None else trio.run(witness_start.ask, ledger, asked, LedgerKeys(keystore).verifier).findings
        watermark = rollback.begin(config, keystore.node, ledger, accept=accept_rollback, heard=heard)
        rotating.settle(ledger, keystore)  # whatever a crash left half-way, before anybody asks for a signature
        trio.run(_serve, config, keystore, ledger, tls, watermark, notifier, as_json)
    finally:
        ledger.close()


def _open(config: configs.Config) -> tuple[Keystore, Ledger, ServerTls]:
    """Keys, then the ledger (whose lock keeps a second server out), then the certificate."""

    def ask() -> Secret:
        return passphrase.read("the keystore", environ=os.environ, prompt=passphrase.terminal_prompt(sys.stdin.isatty()))

    keystore = Keystore.open(config.keystore, opener_for(config.keystore, key_file=config.key_file, ask=ask))
    keystore.refuse_beyond_loopback(config.settings.listen.host)
    ledger = Ledger.open(config.ledger, node=keystore.node, keys=LedgerKeys(keystore), map_size=config.settings.data.map_size)
    places = pki.Places(config.tls)
    before = dt.timedelta(microseconds=config.settings.schedule.certificate)
    pki.ready_server_certificate(places, config.settings.listen.names, dt.datetime.now(dt.UTC), renew_before=before)
    return keystore, ledger, server_context(places.server, places.server_key)


def _guard(
    config: configs.Config, listen: str | None, accept_rollback: str | None, hung_after: float, notifier: Notifier, as_json: bool
) -> int:
    """Be the parent: hold no key and no ledger, and see to it that there is a node."""
    if "VIENNA_PASSPHRASE_FD" in os.environ:
        raise ServingError("a supervised node may be started again, and a descriptor is read once: use VIENNA_PASSPHRASE_FILE")
    given = () if listen is None else ("--listen", listen)
    accepted = () if accept_rollback is None else ("--accept-rollback", accept_rollback)

    def told(ready: guardian.Ready) -> None:
        _say_ready({**ready.line, "supervised_by": os.getpid()}, as_json)

    made = guardian.Guardian(
        command=[sys.executable, "-P", "-m", "vienna_runtime.cli.main", "serve", str(config.directory), "--json"],
        first=[*given, *accepted],
        certificate=pki.Places(config.tls).server,
        server_name=config.settings.listen.names[0],
        hung_after=hung_after,
        told=told,
        notifier=notifier,
        jitter=random.random,
    )
    return trio.run(made.run)


def _say_ready(line: Mapping[str, object], as_json: bool) -> None:
    click.echo(json.dumps(line) if as_json else f"vienna ready on {line['ready']} node {line['node']} key {line['node_key']}")


async def _serve(
    config: configs.Config,
    keystore: Keystore,
    ledger: Ledger,
    tls: ServerTls,
    watermark: Watermark,
    notifier: Notifier,
    as_json: bool,
) -> None:
    told = False

    def ready(address: str, running: node.Node) -> None:
        nonlocal told
        if not told:  # the gateway may fall and open again; the process has become ready once
            told = True
            key = LedgerKeys(keystore).verifier("").text
            _say_ready({"ready": address, "node": keystore.node, "node_key": key, "pid": os.getpid()}, as_json)
            notifier.ready(running.summary())
            nursery.start_soon(notifier.keep_alive, running.summary)

    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:

            async def until_told() -> None:
                async for number in signals:
                    structlog.get_logger(__name__).info("stopping", signal=signal.Signals(number).name)
                    notifier.stopping()
                    nursery.cancel_scope.cancel()
                    return

            nursery.start_soon(until_told)
            await node.run(config, keystore, ledger, tls, watermark, ready)


def _given(listen: str | None) -> Mapping[tuple[str, str], str]:
    if listen is None:
        return {}
    host, _, port = listen.rpartition(":")
    if not host:
        raise click.UsageError("--listen takes HOST:PORT, for example 127.0.0.1:0")
    return {("listen", "host"): host.strip("[]"), ("listen", "port"): port}


def _start_logging(config: configs.Config) -> None:
    """Lines on stderr, for people or machines; the ready line alone goes to stdout."""
    level = getattr(logging, config.settings.log.level.upper())
    log_lines.start(level, as_json=config.settings.log.format == "json")
    logging.basicConfig(level=level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")


if __name__ == "__main__":
    serve()
